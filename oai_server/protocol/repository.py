"""What the protocol needs to know of a repository: the one door between it and the store.

All times are whole seconds since 1970-01-01T00:00:00Z. The rule behind ``horizon`` is that of datestamps that nobody
can miss: a record's datestamp is the moment it became visible, taken under the lock of one row, the clock. A reader
that has seen the horizon H can be sure that every change it did not see will be stamped H or later, so every answer
carries the responseDate H - 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Row = tuple[int, int, bytes, *tuple[Any, ...]]
"""One OAI record, an item in one format, as the bytes that harvesters get: item, datestamp, header, body, about, size.

Where headers alone are asked for, nothing else need be in it.
``item`` orders records of one datestamp. ``header`` is the whole ``<header>`` (:func:`records.header` makes it),
``body`` the payload, None when deleted, ``about`` the ``<about>`` elements, None where there are none, or no body, and
``size`` the bytes of both. It is a plain tuple, as databases give it: to make anything else of each row would cost a
page of 250 records a twentieth of its time.
"""


@dataclass(frozen=True)
class Horizon:
    """The clock row: its horizon, the lower bound of all datestamps, and the incarnation of the repository.

    A restored backup is a new incarnation: tokens of another one are refused.
    """

    horizon: int
    earliest: int
    incarnation: int


@dataclass(frozen=True)
class MetadataFormat:
    """A format as ListMetadataFormats shows it."""

    prefix: str
    schema: str
    namespace: str


@dataclass(frozen=True)
class Set:
    """A set as ListSets shows it."""

    spec: str
    name: str
    description: str | None = None


@dataclass(frozen=True)
class Identity:
    """What Identify says of the repository, from the settings."""

    repository_name: str
    base_url: str
    admin_emails: Sequence[str]
    domain: str
    deleted_record: str = "persistent"


class StaleNode(Exception):
    """This node has not yet seen what a token promises (a replica that lags): answer 503, try again."""


class Repository(Protocol):
    """The store as the protocol sees it. Lists are ordered by (datestamp, item).

    ``formats`` and ``has_sets`` are asked with most requests: they should cost next to nothing.
    """

    def clock(self, *, tick: bool) -> Horizon:
        """Read the clock row, first advancing it to now when ``tick``. Always called before any other read."""

    def formats(self) -> Sequence[MetadataFormat]:
        """Return the formats of the repository."""

    def formats_of(self, identifier: str) -> Sequence[str] | None:
        """Return the prefixes that an item has records in, deleted ones included; None for an unknown item."""

    def sets(self) -> Sequence[Set]:
        """Return all sets, ancestors included, by setSpec."""

    def has_sets(self) -> bool:
        """Tell whether there is any set."""

    def identifiers(self, most: int) -> Sequence[str]:
        """Return the identifiers of some items that are not deleted, of so many at ``most``; there may be none."""

    def record(self, prefix: str, identifier: str) -> Row | None:
        """Return the record of an item in a format; None where there never was one."""

    def item(self, prefix: str, item: int) -> Row | None:
        """Return the record of an item, found by its number, with its body; asked where a list has no more records."""

    def page(
        self,
        prefix: str,
        setspec: str | None,
        start: int,
        upper: int,
        after: int | None,
        limit: int,
        page_bytes: int,
        *,
        bodies: bool,
    ) -> tuple[list[Row], bool]:
        """Return the next records of a list and whether more follow.

        The list is that of a prefix, or of a prefix and a set with all its descendants. Records come in the order
        (datestamp, item), beginning at datestamp ``start`` (where ``after`` is an item: behind that item of datestamp
        ``start``), up to and including datestamp ``upper``; at most ``limit`` of them, cut where the bodies pass
        ``page_bytes``, but at least one where there is one. Without ``bodies`` rows need have no more than a header.
        """

    def size(self, prefix: str, setspec: str | None, start: int | None, upper: int | None) -> int:
        """Return how many records the list holds in the window (None: open); never too small, may be too large.

        Asked once a list, with its first page, where that is not the whole list.
        """
