"""How many files may be open: as many as the kernel grants."""

from __future__ import annotations

import resource

import pytest

from chatapp import descriptors


class Kernel:
    """A kernel's limit of open files: ``most`` is what it grants, whatever the hard limit says."""

    def __init__(self, soft: int, hard: int, most: int) -> None:
        self.limits, self.most = (soft, hard), most

    def getrlimit(self, _which: int) -> tuple[int, int]:
        return self.limits

    def setrlimit(self, _which: int, limits: tuple[int, int]) -> None:
        if limits[0] > self.most:
            raise ValueError
        self.limits = limits


@pytest.mark.parametrize(
    ("kernel", "granted"),
    [
        pytest.param(Kernel(1024, 524_288, 524_288), descriptors.MOST, id="Linux"),
        pytest.param(Kernel(1024, 4096, 4096), 4096, id="a low hard limit"),
        pytest.param(
            Kernel(256, resource.RLIM_INFINITY, 61_440), descriptors.MODEST, id="macOS: no hard one"
        ),
        pytest.param(Kernel(256, resource.RLIM_INFINITY, 256), 256, id="nothing more"),
    ],
)
def test_the_limit_is_raised_as_far_as_the_kernel_goes(
    monkeypatch: pytest.MonkeyPatch, kernel: Kernel, granted: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", kernel.getrlimit)
    monkeypatch.setattr(resource, "setrlimit", kernel.setrlimit)
    connections = descriptors.raise_limit()
    assert kernel.limits[0] == granted
    assert 0 < descriptors.streams() < connections < granted
