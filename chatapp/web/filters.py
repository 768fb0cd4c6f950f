"""How templates write times and browsers, and whom they call online.

UTC and English; JavaScript puts the reader's own.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from chatapp.api.delivery import current_delivery

if TYPE_CHECKING:
    from flask import Flask

#: Within so long a day of the week says which day it was.
WEEK = timedelta(days=6)
#: What to call a browser by its User-Agent; the first that matches, as each imitates others.
_BROWSERS = ("Firefox", "Edg", "OPR", "SamsungBrowser", "Chrome", "Safari", "curl")
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "a Mac",
    "Linux": "Linux",
}
_NAMES = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet"}


def rfc3339(moment: datetime | None) -> str:
    """Write a moment as the wire does, to the millisecond; nothing for none."""
    if moment is None:
        return ""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock(moment: datetime | None) -> str:
    """Write the time of day: ``17:05``."""
    return f"{moment:%H:%M}" if moment else ""


def long_day(day: date) -> str:
    """Write a day in full: ``3 November 2026``."""
    return f"{day.day} {day:%B %Y}"


def divider_day(day: date) -> str:
    """Write a day between messages: ``Tuesday 3 November``, in another year ``3 November 2025``.

    As the browser will, so that nothing moves when it puts the reader's own.
    """
    return f"{day:%A} {day.day} {day:%B}" if day.year == datetime.now(UTC).year else long_day(day)


def short_time(moment: datetime | None) -> str:
    """Write a moment in a few letters: the time of day, within a week the day, else the date.

    As the browser will, so that nothing moves when it puts the reader's own time.
    """
    if moment is None:
        return ""
    present = datetime.now(UTC)
    if present.date() == moment.date():
        return clock(moment)
    return f"{moment:%a}" if present - moment < WEEK else f"{moment.day} {moment:%b}"


def full_moment(moment: datetime | None) -> str:
    """Write a moment in full: ``3 November 2026, 17:05 UTC``."""
    return f"{long_day(moment)}, {clock(moment)} UTC" if moment else "never"


def browser(user_agent: str) -> str:
    """Name the browser and system that a User-Agent speaks of, roughly."""
    name = next((name for name in _BROWSERS if f"{name}/" in user_agent), "")
    system = next((said for key, said in _SYSTEMS.items() if key in user_agent), "")
    named = _NAMES.get(name, name) or "A browser"
    return f"{named} on {system}" if system else named


def is_online(user_id: str) -> bool:
    """Whether somebody has a stream open, or had one a moment ago."""
    return current_delivery().presence.is_online(user_id)


def init_app(app: Flask) -> None:
    """Give the filters to the app's templates."""
    for function in (rfc3339, clock, long_day, divider_day, short_time, browser):
        app.add_template_filter(function)
    app.add_template_filter(full_moment, "moment")
    app.add_template_test(is_online, "online")
