"""Ten thousand clients connect at once while others post: `python -m tests.faults.herd DIR N`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from threading import Thread
from typing import Any

from benchmarks import load
from benchmarks.ours import ours


def main(folder: Path, streams: int) -> int:
    """Print what the generator saw; return 1 if a client was refused or dropped."""
    folder.mkdir(exist_ok=True)
    posts: dict[str, Any] = {}
    run = folder / "run"
    run.mkdir()
    with ours(run) as server:
        posting = Thread(
            target=lambda: posts.update(
                load.run("requests", server, path=server.post, connections=2, seconds=15)
            )
        )
        posting.start()
        herd = load.run("opens", server, streams=streams, in_flight=512, seconds=60)
        posting.join()
    print("herd", json.dumps(herd), "\nposts", json.dumps(posts))
    return int(herd["opened"] != streams or herd["failed"] > 0 or herd["dropped"] > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
