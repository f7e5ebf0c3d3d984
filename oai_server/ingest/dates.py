"""Dates as catalogues write them, read as EDTF: ``c.1850–60`` is ``1850~/1860~``.

What is not understood entirely is not read at all: no date is better than an invented one. The general converter of the
``edtf`` library is not used, as it takes ``c.1850–60`` for 2060 and ``1831–2`` for the year 2. An unread date stays
in the record as text.

A date may be followed by the dates of other events (``1975, printed 1978``): the first is the date of the item, the
rest is left to the text. A hyphen between four and two digits is ISO 8601 where the two can be a month (``1967-06``),
and a dash is a range (``1901–02``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from metadata_formats import edtf_dates

Order = Literal["day first", "month first"]


@dataclass(frozen=True)
class Reading:
    """A date as read: ``edtf`` is None where it was not understood.

    ``event`` is the word that the date itself is of (``published`` in ``published 1801``), ``placeholder`` tells that
    the text says there is no date.
    """

    edtf: str | None = None
    event: str = ""
    placeholder: bool = False


@lru_cache(maxsize=65536)
def read(text: str, order: Order | None = None) -> Reading:
    """Read a date. ``order`` settles ``03/04/1967``, which is not read without it."""
    if len(text) > edtf_dates.LONGEST * 3:
        return Reading()
    plain = _plain(text)
    if _PLACEHOLDER.fullmatch(plain):
        return Reading(placeholder=True)
    doubt, event, rest = _event(plain)
    for candidate in (rest, _FOLLOWED.sub("", rest)):
        for form in _FORMS:
            found = form(candidate, order)
            if found and doubt:
                found = found if _QUALIFIED.search(found) else _qualified(found, "?")
            if found and edtf_dates.is_valid(found):
                return Reading(found, event)
    return Reading()


def edtf(text: str) -> str | None:
    """Return a date as EDTF, or None where it is not understood: what formats take for reading dates."""
    return read(text).edtf


def _plain(text: str) -> str:
    """Return the text in lower case with one kind of dash for ranges (``–``) and one space between words."""
    text = re.sub(r"[‒—―−]", "–", " ".join(text.split()).lower()).rstrip(".; ")
    return re.sub(r" ?– ?", "–", text).replace("\\", "")


_PLACEHOLDER = re.compile(
    r"\[?(?:no date|date (?:not known|unknown)|(?:date )?unknown|undated|n\. ?d\.?|nd|s\. ?d\.?|sine dato|not dated|"
    r"-+|–+|\?+|n/a|none|null|)\]?"
)
_EVENTS = (
    "exhibited|published|printed|reprinted|engraved|cast|made|created|drawn|painted|built|issued|written|composed|"
    "photographed|taken|designed|signed|inscribed|dated"
)
_EVENT = re.compile(rf"(\??) ?((?:first )?(?:{_EVENTS}))(?: in| on)? (?=[\d?a-z])(?!by )")
# The dates of other events: a word of one's own begins them, so ", 8 June" or ", 1965" never match.
_OTHER = (
    "exhibited|published|printed|probably printed|reprinted|engraved|cast|later|posthumous|reproduced|"
    "replica|edition|editioned|enlarged|reconstructed|reconstruction|remade|partly|reworked|reassembled|"
    "assembled|refabricated|re–fabricated|re-fabricated|restored|repaired|annotated|this version|"
    "with additions|issued|signed|inscribed|dated|revised"
)
_FOLLOWED = re.compile(rf"(?:[,;] ?| ?\()\??(?:{_OTHER})\b.*$")
_QUALIFIED = re.compile(r"[~?%]")

_ABOUT = r"(?:circa|ca?\.?|ci\.|approx(?:imately|\.)?|about|around)"
_MAYBE = r"(?:\?|probably|possibly|perhaps)"
_MARKS = rf"(?P<marks>(?:(?:{_ABOUT}|{_MAYBE}) ?)*)"
_TAIL = r"(?P<tail> ?\(?\?\)?)?"
_YEAR = re.compile(rf"{_MARKS}(?P<year>[12]\d{{3}}){_TAIL}")
_SHORT = re.compile(rf"{_MARKS}(?P<year>\d{{1,2}}|[12]\d{{3}}){_TAIL}")
_DECADE = re.compile(
    rf"{_MARKS}(?:the )?(?:(?:early|mid|late)(?: to (?:mid|late))?[-– ]?)?(?P<year>[12]\d\d)0'?s{_TAIL}"
)
_CENTURY = re.compile(
    rf"{_MARKS}(?:the )?(?:(?:early|mid|late)[-– ]?)?(?P<nth>\d\d?)(?:st|nd|rd|th) ?(?:century|cent\.?|c\.?){_TAIL}"
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"), 1)
    for name in names.split()
}  # fmt: skip
_SEASONS = {"spring": 21, "summer": 22, "autumn": 23, "fall": 23, "winter": 24}
_MONTH = rf"(?P<month>{'|'.join(sorted(_MONTHS, key=len, reverse=True))})\.?"
_NTH = r"(?:st|nd|rd|th)?"
_WORDED = [
    re.compile(rf"{_MARKS}(?:(?P<day>\d\d?){_NTH} )?(?:of )?{_MONTH},? (?P<year>[12]\d{{3}}){_TAIL}"),
    re.compile(rf"{_MARKS}{_MONTH} (?P<day>\d\d?){_NTH},? (?P<year>[12]\d{{3}}){_TAIL}"),
    re.compile(rf"{_MARKS}(?P<year>[12]\d{{3}}),? {_MONTH}(?: (?P<day>\d\d?){_NTH})?{_TAIL}"),
]
_SEASON = re.compile(rf"{_MARKS}(?P<season>{'|'.join(_SEASONS)}),? (?:of )?(?P<year>[12]\d{{3}}){_TAIL}")
_ISO = re.compile(
    r"[12]\d{3}-(?:0[1-9]|1[0-2])(?:-\d\d)?(?:/[12]\d{3}-(?:0[1-9]|1[0-2])(?:-\d\d)?)?|[12]\d{3}/[12]\d{3}"
)
_MONTH_YEAR = re.compile(r"(0?[1-9]|1[0-2])/([12]\d{3})")
_NUMBERS = re.compile(r"(\d\d?)([./-])(\d\d?)\2([12]\d{3})")


def _event(text: str) -> tuple[bool, str, str]:
    """Take a leading word of an event off: whether it is doubted, the word, the rest."""
    match = _EVENT.match(text)
    if match is None:
        return False, "", text
    return bool(match[1]), match[2], text[match.end() :]


def _mark(match: re.Match[str]) -> str:
    """Return the EDTF qualification of what was matched: ``~`` approximate, ``?`` uncertain, ``%`` both."""
    marks = match["marks"]
    uncertain = bool(match["tail"] or re.search(_MAYBE, marks))
    approximate = bool(re.search(rf"\b{_ABOUT}", marks))
    return "%" if uncertain and approximate else "?" if uncertain else "~" if approximate else ""


def _qualified(edtf: str, mark: str) -> str | None:
    """Put a mark on each end of an EDTF date; None for forms that take none."""
    if not mark:
        return edtf
    if edtf[0] in "[{" or ".." in edtf:
        return None
    return "/".join(end if end[-1] in "~?%" else end + mark for end in edtf.split("/"))


def _iso(text: str, _order: Order | None) -> str | None:
    return text if _ISO.fullmatch(text) else None


def _single(text: str, order: Order | None) -> str | None:
    """A year, decade, century, season, month or day."""
    if match := _YEAR.fullmatch(text):
        return match["year"] + _mark(match)
    if match := _DECADE.fullmatch(text):
        return f"{match['year']}X{_mark(match)}"
    if (match := _CENTURY.fullmatch(text)) and 10 <= int(match["nth"]) <= 21:
        return f"{int(match['nth']) - 1:02}XX{_mark(match)}"
    if match := _SEASON.fullmatch(text):
        return f"{match['year']}-{_SEASONS[match['season']]}{_mark(match)}"
    for worded in _WORDED:
        if match := worded.fullmatch(text):
            day = f"-{int(match['day']):02}" if match["day"] else ""
            return f"{match['year']}-{_MONTHS[match['month']]:02}{day}{_mark(match)}"
    if match := _MONTH_YEAR.fullmatch(text):
        return f"{match[2]}-{int(match[1]):02}"
    return _numeric(text, order)


def _numeric(text: str, order: Order | None) -> str | None:
    """``08.06.1967`` has the day first; with slashes or hyphens the order must be told, or shown by a day over 12."""
    match = _NUMBERS.fullmatch(text)
    if match is None:
        return None
    first, second = int(match[1]), int(match[3])
    if order is None and match[2] == ".":
        order = "day first"
    if order is None:
        if first != second and first <= 12 and second <= 12:
            return None
        order = "day first" if first > 12 else "month first"
    day, month = (first, second) if order == "day first" else (second, first)
    return f"{match[4]}-{month:02}-{day:02}"


def _range(text: str, order: Order | None) -> str | None:
    """Two dates with a dash, ``to`` or ``and`` between; a shortened year is completed from the first."""
    match = _BETWEEN.fullmatch(text) or _DASHED.fullmatch(text)
    if match is None:
        return None
    start, end = _single(match["start"], order), match["end"]
    if start is None:
        return None
    closed = _completed(start, end) or _single(end, order)
    if closed is None or closed.rstrip("~?%") == start.rstrip("~?%"):
        return None
    mark = start[-1] if start[-1] in "~?%" else ""
    closed = closed if _QUALIFIED.search(closed) else closed + mark
    low, high = (each.rstrip("~?%") for each in (start, closed))
    return f"{start}/{closed}" if low.replace("X", "0") <= high.replace("X", "9") else None


_BETWEEN = re.compile(r"(?:between|from) (?P<start>.+?) (?:and|to|until) (?P<end>.+)")
_DASHED = re.compile(r"(?P<start>.+?)(?:–|-(?=[^-]*$)| to )(?P<end>[^–]+)")


def _completed(start: str, end: str) -> str | None:
    """Return the year ``end`` with what it leaves out taken from the year ``start``."""
    year = start.rstrip("~?%")
    match = _SHORT.fullmatch(end)
    if match is None or not re.fullmatch(r"\d{4}", year):
        return None
    return year[: 4 - len(match["year"])] + match["year"] + _mark(match)


def _either(text: str, order: Order | None) -> str | None:
    """``1845 or 1846``, ``1845 (or 1846)``: one of them."""
    return _choice(text, r" ?\(or (?=[^()]*\)$)|(?<!\d) or | or ", "[", "]", order)


def _both(text: str, order: Order | None) -> str | None:
    """``1960, 1965``, ``1960 and 1963``: all of them."""
    return _choice(text, r", ?(?=[?c\d])| and ", "{", "}", order)


def _choice(text: str, between: str, opens: str, closes: str, order: Order | None) -> str | None:
    parts = re.split(between, text)
    if len(parts) < 2:
        return None
    dates: list[str] = []
    for part in parts:
        part = part.removesuffix(")") if "(" not in part else part
        short = _completed(dates[0], part) if dates else None
        date = short or _single(part, order)
        if date is None and opens == "{" and (span := _range(part, order)) and not _QUALIFIED.search(span):
            date = span.replace("/", "..")
        if date is None or "X" in date or (dates and date.rstrip("~?%") <= dates[-1].rstrip("~?%")):
            return None
        dates.append(date)
    if dates[0][-1] in "~?%":
        dates = [date if date[-1] in "~?%" else date + dates[0][-1] for date in dates]
    return f"{opens}{','.join(dates)}{closes}"


def _open(text: str, order: Order | None) -> str | None:
    """``before 1900``, ``after c.1830``, ``1900 or later``."""
    for pattern, plain, marked in _OPEN:
        if match := pattern.fullmatch(text):
            date = _single((match["marked"] or "") + match["date"], order) if "marked" in pattern.groupindex else None
            date = date or _single(match["date"], order)
            if date is None or "X" in date:
                return None
            return (marked if _QUALIFIED.search(date) else plain).format(date)
    return None


_OPEN = [
    (re.compile(r"(?P<marked>\??) ?(?:before|until|not after|no later than) (?P<date>.+)"), "[..{}]", "../{}"),
    (re.compile(r"(?P<marked>\??) ?(?:after|since|not before) (?P<date>.+)"), "[{}..]", "{}/.."),
    (re.compile(r"(?P<date>.+?),? or (?:earlier|before)"), "[..{}]", "../{}"),
    (re.compile(r"(?P<date>.+?),? or (?:later|after)"), "[{}..]", "{}/.."),
]

_FORMS: list[Callable[[str, Order | None], str | None]] = [_iso, _single, _open, _range, _either, _both]
