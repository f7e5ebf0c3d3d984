"""What reading a format gives: the other way of :meth:`metadata_formats.registry.Format.render`."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import langcodes

from metadata_formats import edtf_dates
from metadata_formats.record import check_uri
from metadata_formats.vocabularies import language, says_more
from metadata_formats.xml import LANGUAGE
from metadata_formats.xml import uri as xml_uri

LONGEST = 200
"""Characters of a value that is not carried over, as it is named."""

ReadDate = Callable[[str], str | None]
"""Reads a date as people write it: EDTF, or None where it does not understand one."""


class Left(NamedTuple):
    """Something that was not carried over: its kind, the place it stood in (tag, element path), its value."""

    kind: str
    path: str
    value: str


class Reading(NamedTuple):
    """A record as plain data for :func:`metadata_formats.record.from_builtins`, and what it leaves out.

    ``values`` has an ``id`` where the metadata names one of its own: a stable identifier, never a title or a position.
    """

    values: dict[str, Any]
    left: list[Left]


class NotReadable(ValueError):
    """Metadata that is no description of an item; the text says what it is."""


def edtf_only(text: str) -> str | None:
    """Understand no date but EDTF: for callers that have no reader of dates as people write them."""
    return text if edtf_dates.is_valid(text) else None


@lru_cache(maxsize=8192)
def absolute_uri(text: str) -> str | None:
    """Return text as an absolute URI, percent-encoded where that is needed, or None where it is none."""
    if ":" not in text or re.search(r"\s", text):
        return None
    found = xml_uri(text)
    try:
        check_uri("", found)
    except ValueError:
        return None
    return found


_ABOUT = r"(approximately |ca\.? |c\. )?"
_LIFE = re.compile(rf"{_ABOUT}(\d{{2,4}})?(\?)?(?: ?[-–] ?{_ABOUT}(\d{{2,4}})?(\?)?)?")
_BEFORE_CHRIST = re.compile(
    rf"{_ABOUT}(\d{{1,4}})(?: ?B\. ?C\.?(?: ?E\.?)?)?(?: ?[-–] ?{_ABOUT}(\d{{1,4}}))? ?B\. ?C\.?(?: ?E\.?)?"
)
_ACROSS = re.compile(rf"{_ABOUT}(\d{{1,4}}) ?B\. ?C\.?(?: ?E\.?)? ?[-–] ?{_ABOUT}(\d{{1,4}}) ?A\. ?D\.?")


@lru_cache(maxsize=8192)
def life_dates(text: str) -> str | None:
    """Read the dates of a life: ``1900-1980``, ``b. 1955``, ``-1980``, ``ca. 1900-1980?``, ``106-43 B.C.``."""
    if edtf_dates.is_valid(text) and not text.startswith("-"):
        return text
    if known := re.fullmatch(r"(b|d)\. (\d{4})", text):
        found = f"{known[2]}/.." if known[1] == "b" else f"../{known[2]}"
    elif match := _BEFORE_CHRIST.fullmatch(text):
        years = [(match[2], match[1]), (match[4], match[3])]
        found = "/".join(_before_christ(year) + _mark(about, None) for year, about in years if year)
    elif match := _ACROSS.fullmatch(text):
        found = f"{_before_christ(match[2])}{_mark(match[1], None)}/{match[4]:0>4}{_mark(match[3], None)}"
    elif (match := _LIFE.fullmatch(text)) is None or not (match[2] or match[5]):
        return None
    elif "-" not in text and "–" not in text:
        found = f"{match[2]:0>4}" + _mark(match[1], match[3]) if match[2] and len(match[2]) > 2 else ""
    else:
        start = f"{match[2]:0>4}{_mark(match[1], match[3])}" if match[2] else ".."
        end = f"{match[5]:0>4}{_mark(match[4], match[6])}" if match[5] else ".."
        found = f"{start}/{end}"
    return found if edtf_dates.is_valid(found) else None


def _before_christ(year: str) -> str:
    """Return a year before Christ: EDTF, as astronomers do, has a year 0."""
    return f"-{int(year) - 1:04}" if int(year) > 1 else "0000"


def _mark(about: str | None, doubt: str | None) -> str:
    return "%" if about and doubt else "~" if about else "?" if doubt else ""


_COPYRIGHT = re.compile(r"\s*[,\[(]*\s*(?:©|℗|\b[cp]|copyright )\s?(?=\d{4})", re.IGNORECASE)


def catalogue_date(text: str, read_date: ReadDate) -> str | None:
    """Read a date of a catalogue: EDTF, brackets and dashes of AACR 2 (``[196-?]``, ``1991-``), then as prose."""
    if edtf_dates.is_valid(text):
        return text
    bare = re.sub(r"[\[\]]", "", _COPYRIGHT.sub("", text)).strip(" .,")
    if match := re.fullmatch(r"(\d\d)--(\?)?|(\d{3})-(\?)?", bare):
        return f"{match[1]}XX{match[2] or ''}" if match[1] else f"{match[3]}X{match[4] or ''}"
    if match := re.fullmatch(r"(\d{4})-", bare):
        return f"{match[1]}/.."
    found = bare if edtf_dates.is_valid(bare) else read_date(bare)
    return found if found and edtf_dates.is_valid(found) else None


LONGEST_LANGUAGE = 60
"""Characters of a language, as code or in words."""
_SCHEMES = ("http://", "https://", "urn:", "info:", "ark:", "doi:", "hdl:")


@lru_cache(maxsize=8192)
def address(text: str) -> str | None:
    """Return text as an absolute URI that a record takes, or None where it is none (``Note: words`` is none)."""
    if not text.lower().startswith(_SCHEMES) or re.search(r"\s", text):
        return None
    for each in (text, xml_uri(text)):
        with suppress(ValueError):
            check_uri("uri", each)
            return each
    return None


@lru_cache(maxsize=8192)
def language_code(text: str) -> dict[str, str] | None:
    """Return ``code`` (ISO 639) and, where that says more, ``tag`` (BCP 47) of a language; None where it is none.

    It may be a code (``en``, ``ger``), a tag (``pt-BR``, ``en_US``) or a name (``English``, ``français``).
    """
    tag = text.replace("_", "-")
    if len(text) > LONGEST_LANGUAGE or not LANGUAGE.fullmatch(tag) or len(tag.partition("-")[0]) > 3:
        return _language_name(text)
    code = language(tag.lower() if len(tag) == 3 else tag).code
    if not re.fullmatch("[a-z]{3}", code):
        return None
    return {"code": code, "tag": tag} if "-" in tag and says_more(tag, code) else {"code": code}


def _language_name(text: str) -> dict[str, str] | None:
    """Read the name of a language in English or in itself; what is merely like one is none."""
    if len(text) > LONGEST_LANGUAGE:
        return None
    try:
        found = langcodes.find(text)
    except LookupError:
        return None
    if text.casefold() not in (found.display_name("en").casefold(), found.autonym().casefold()):
        return None
    code = language(found.to_tag()).code
    return {"code": code} if re.fullmatch("[a-z]{3}", code) else None
