"""What reading a format gives: the other way of :meth:`metadata_formats.registry.Format.render`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from metadata_formats import edtf_dates

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
