"""Dates as EDTF (Extended Date/Time Format, Library of Congress, levels 0 to 2).

The ``edtf`` library knows the whole grammar, but takes milliseconds for a date and lets a 29 February of any year and
an interval that runs backwards pass. So the plain forms, which are nearly all dates that occur, are read here, and
everything else is asked of the library and then checked for order.

What crosswalks ask of a date stands below: what W3CDTF can say of it (:func:`points`), its :func:`bounds`, and the
plain :func:`literal` that Dublin Core wants (crosswalk, section 3.2). All answers are cached: collections repeat dates.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

LONGEST = 100
"""Characters: a longer text is no date, and the general grammar takes exponential time on adversarial input."""

Qualifier = Literal["approximate", "questionable"]
_QUALIFIERS: dict[str, Qualifier | None] = {"": None, "~": "approximate", "?": "questionable"}
_OPEN = frozenset({"", ".."})
_CLOCK = r"T\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)"
_W3CDTF = re.compile(rf"(\d{{4}}(?:-(?:0[1-9]|1[0-2])(?:-\d\d(?:{_CLOCK})?)?)?)([~?]?)")
_LOCAL_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T.*")
_UNSPECIFIED = re.compile(r"(\d(?:\d\d[\dX]|\dXX|XXX))(?:-(0[1-9]|1[0-2]|XX)(?:-(?:\d\d|XX))?)?")
_DAY = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?([~?%]?)")
# Other forms that catalogues need often: decades and centuries, open ends, one or all of some years.
_FREQUENT = re.compile(
    r"\d\d(?:\dX|XX)[~?%]?|\d{4}[~?%]?/\.\.|\.\./\d{4}[~?%]?|\[\.\.\d{4}\]|\[\d{4}\.\.\]|"
    r"\[\d{4}(?:,\d{4})+\]|\{\d{4}(?:,\d{4})+\}"
)


@lru_cache(maxsize=65536)
def is_valid(text: str) -> bool:
    """Tell whether ``text`` is EDTF and names a time that exists: not 31 June, no interval that runs backwards."""
    if not text or len(text) > LONGEST or not text.isascii():
        return False
    start, slash, end = text.partition("/")
    first, last = _DAY.fullmatch(start), _DAY.fullmatch(end)
    if first and not slash:
        return _exists(first)
    if first and last:
        return _exists(first) and _exists(last) and _not_after(start, end)
    if _FREQUENT.fullmatch(text):
        return True
    if (parsed := _parsed(text)) is None:
        return False
    for day in re.finditer(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)", text):
        if not _day_exists(*map(int, day.groups())):
            return False
    if slash:
        try:
            return bool(parsed.lower_strict() <= parsed.upper_strict())
        except (TypeError, ValueError, AttributeError, OverflowError):
            return True  # an open or unknown end has no order
    return True


def _exists(match: re.Match[str]) -> bool:
    year, month, day = match.group(1, 2, 3)
    if month is None:
        return True
    if day is None:
        return 1 <= int(month) <= 12 or 21 <= int(month) <= 41  # seasons, level 1 and 2
    return _day_exists(int(year), int(month), int(day))


def _day_exists(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= (calendar.monthrange(year, month)[1] if year else 31)


def _not_after(start: str, end: str) -> bool:
    """Compare two plain dates at the precision that both have."""
    start, end = start.rstrip("~?%"), end.rstrip("~?%")
    shared = min(len(start), len(end))
    return start[:shared] <= end[:shared]


class Point(NamedTuple):
    """A date as W3CDTF, and how sure it is."""

    value: str
    qualifier: Qualifier | None = None


@lru_cache(maxsize=65536)
def points(text: str) -> tuple[Point, ...]:
    """Return the one date, or the start and the end, that EDTF names; nothing where W3CDTF cannot say it."""
    found = [_W3CDTF.fullmatch(end) for end in text.split("/", 1)]
    if not all(found):
        return ()
    return tuple(Point(match[1], _QUALIFIERS[match[2]]) for match in found if match)


Bounds = tuple[str | None, str | None]


@lru_cache(maxsize=65536)
def bounds(text: str) -> Bounds:
    """Return the earliest and the latest date that EDTF names, each as precise as it is known; None: open or unknown.

    ``196X`` lies between 1960 and 1969, ``1967-XX`` between 1967 and 1967, ``1967-21`` (spring) between 1967-03-01
    and 1967-05-31, ``[1667,1669]`` between 1667 and 1669.
    """
    start, slash, end = text.partition("/")
    if slash:
        return bounds(start)[0], bounds(end)[1]
    if text in _OPEN:
        return None, None
    return _read(text) or _asked(text)


@lru_cache(maxsize=65536)
def literal(text: str, written: str | None = None) -> str:
    """Return a date as Dublin Core wants it: W3CDTF or an interval of it, else as it was written, else its bounds."""
    ends = text.split("/", 1)
    read = [_read(end) for end in ends]
    if written and not all(read):
        return written
    if not all(known or end in _OPEN or all(bounds(end)) for known, end in zip(read, ends, strict=True)):
        return text
    first, last = bounds(text)
    return first if first and first == last else f"{first or '..'}/{last or '..'}"


def _read(text: str) -> Bounds | None:
    """Return the bounds of one date of a plain form; None for other forms."""
    plain = text.rstrip("~?%")
    if match := _W3CDTF.fullmatch(plain):
        return match[1], match[1]
    if match := _LOCAL_TIME.fullmatch(plain):
        return match[1], match[1]
    if match := _UNSPECIFIED.fullmatch(plain):
        year, month = match.groups()
        if "X" in year:
            return year.replace("X", "0"), year.replace("X", "9")
        known = year if month in (None, "XX") else f"{year}-{month}"
        return known, known
    return None


def _parsed(text: str) -> Any:
    """Return what the library makes of EDTF; None where it is none. The library loads slowly, and few dates need it."""
    import edtf

    try:
        return edtf.parse_edtf(text)
    except (edtf.EDTFParseException, ValueError, OverflowError, RecursionError, TypeError, AttributeError):
        return None


def _asked(text: str) -> Bounds:
    """Return the bounds that the library finds, whole years as years."""
    if (parsed := _parsed(text)) is None:
        return None, None
    try:
        first, last = _iso_day(parsed.lower_strict()), _iso_day(parsed.upper_strict())
    except (ValueError, OverflowError, RecursionError, TypeError, AttributeError):
        return None, None
    if first and last and first.endswith("-01-01") and last.endswith("-12-31"):
        return first[:4], last[:4]
    return first, last


def _iso_day(day: Sequence[int]) -> str | None:
    year, month, date = day[:3]
    return f"{year:04}-{month:02}-{date:02}" if 0 <= year <= 9999 else None
