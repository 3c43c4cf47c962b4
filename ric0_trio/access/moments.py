"""Moments in UTC, and how they are written."""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

Moment = Annotated[datetime, Meta(tz=True)]
"""A moment that says its offset: two without cannot be compared to others."""


def now() -> datetime:
    """The present."""
    return datetime.now(UTC)


def to_text(moment: datetime | None) -> str | None:
    """Write a moment as it is kept: RFC 3339 of one length, so that texts sort as moments do."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def to_words(moment: datetime) -> str:
    """Write a moment for people, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def end_in_words(end: datetime | None) -> str:
    """Say when something ends, if it does."""
    return "for good" if end is None else f"until {to_words(end)}"
