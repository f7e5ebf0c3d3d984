"""What a portal demands, and what is found to break it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """What a broken rule costs: an error the record, a warning some of its worth, an info a chance."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


def counted(count: int, noun: str) -> str:
    """Return ``1 record``, ``2 records``, ``0 records``."""
    return f"{count} {noun}{'s' if count != 1 else ''}"


class Rule(NamedTuple):
    """A rule of a portal: its name, what is wanted, and what to change so that it holds."""

    name: str
    severity: Severity
    demand: str
    mend: str


class Finding(NamedTuple):
    """A rule that a record breaks: where it does, in the record or in what the portal gets, and by which value.

    ``record`` is the OAI identifier; ``value`` is empty where something is missing.
    """

    rule: Rule
    record: str
    path: str
    value: str = ""
