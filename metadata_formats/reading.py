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
