"""UTC datestamps (OAI-PMH 2.0 section 3.3): text out, and both granularities of text in. Seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

DAY = 86_400
LAST = 253_402_300_799
"""9999-12-31T23:59:59Z, the last second that can be written."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATESTAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})Z)?")


class Span(NamedTuple):
    """The seconds that a datestamp covers, both ends included: one second, or all of a day."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many seconds: equal for datestamps of one granularity."""
        return self.last - self.first + 1


def parse(text: str) -> Span:
    """Read ``YYYY-MM-DD`` or ``YYYY-MM-DDThh:mm:ssZ``.

    Raises:
        ValueError: it is of another form, or no date of the calendar; the text goes on after the argument's name.
    """
    found = _DATESTAMP.fullmatch(text)
    if found is None:
        raise ValueError("is neither YYYY-MM-DD nor YYYY-MM-DDThh:mm:ssZ")
    year, month, day, hour, minute, second = (int(part) for part in found.groups("0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise ValueError("is not a date of the calendar") from None
    first = (moment - _EPOCH) // timedelta(seconds=1)
    return Span(first, first if found[4] else first + DAY - 1)


@lru_cache(maxsize=4096)  # many records of a page share their second
def to_text(seconds: int) -> str:
    """Write ``YYYY-MM-DDThh:mm:ssZ``."""
    day, second = divmod(seconds, DAY)
    return f"{_day(day)}{_MINUTES[second // 60]}{_SECONDS[second % 60]}"


@lru_cache(maxsize=4096)
def _day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


# A list of records that each have a second of their own costs seven times less than by isoformat.
_MINUTES = [f"T{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]
_SECONDS = [f"{second:02}Z" for second in range(60)]
