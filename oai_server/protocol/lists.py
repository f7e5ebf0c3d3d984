"""ListRecords and ListIdentifiers: a list is cut into pages, and a token says where it goes on (section 3.5).

What holds for every list: its upper end is fixed on its first page, so it ends; no page is empty; the page that
completes a list of several ends with ``<resumptionToken/>``, bare, because one widespread client goes on for ever where
it has attributes; and a token may be sent again, with the same answer as long as nothing has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from oai_server.protocol import arguments, datestamps, records, tokens
from oai_server.protocol.arguments import Request
from oai_server.protocol.errors import Fault, Refused
from oai_server.protocol.repository import Horizon, Repository, Row, StaleNode
from oai_server.protocol.tokens import Place, Signer

_FEW = 3
"""From this page size on, a list is cut so that its last page has more than one record."""
_HOUR = 3_600


@dataclass(frozen=True)
class Limits:
    """How much a page holds, in records and in bytes of payload, and for how many seconds a token is good."""

    page_size: int = 250
    identifiers_page_size: int = 500
    page_bytes: int = 8 * 1024 * 1024
    token_seconds: int = 7 * datestamps.DAY


class Page(NamedTuple):
    """A page, in pieces to join, its resumptionToken last; ``within`` says that it lies in the window of its list."""

    pieces: list[bytes]
    within: bool


class Lists:
    """The lists of a repository, page by page."""

    def __init__(self, repository: Repository, signer: Signer, limits: Limits) -> None:
        self._repository = repository
        self._signer = signer
        self._limits = limits

    def begun(self, request: Request, clock: Horizon) -> Place:
        """Return the place where the list of a request begins.

        Raises:
            Refused: noRecordsMatch, where the dates alone leave nothing.
        """
        start = clock.earliest if request.start is None else max(request.start, clock.earliest)
        upper = clock.horizon if request.until is None else min(request.until, clock.horizon)
        if start > upper:
            raise Refused(_nothing())
        return Place(
            incarnation=clock.incarnation,
            bodies=request.verb == "ListRecords",
            prefix=request.given["metadataPrefix"],
            setspec=request.given.get("set"),
            start=start,
            after=None,
            upper=upper,
            horizon=clock.horizon,
            cursor=0,
            size=0,
            expires=clock.horizon + self._limits.token_seconds,
        )

    def resumed(self, request: Request, clock: Horizon) -> Place:
        """Return the place that the token of a request stands for.

        Raises:
            Refused: badResumptionToken; the text says why.
            StaleNode: this node has not yet seen what the first page of the list has seen.
        """
        place = self._signer.place(request.given[arguments.TOKEN])
        if clock.horizon < place.horizon:
            raise StaleNode(f"the clock stands {place.horizon - clock.horizon} s behind the token's")
        refusals = {
            "the repository was restored from a backup since": place.incarnation != clock.incarnation,
            "it has expired": place.expires < clock.horizon,
            f"it is for {place.verb}": place.verb != request.verb,
            "its format is no longer offered": place.prefix not in {f.prefix for f in self._repository.formats()},
        }
        for why, holds in refusals.items():
            if holds:
                raise tokens.refused(why)
        return place

    def page(self, place: Place, clock: Horizon) -> Page:
        """Return the page that begins at a place.

        Raises:
            Refused: noRecordsMatch at the beginning of a list.
        """
        rows, more = self._rows(place)
        within = bool(rows)
        if not within:
            rows = [self._what_is_there_now(place)]
        pieces = records.records(rows) if place.bodies else [records.headers(rows)]
        if more:
            pieces.append(self._token(self._next(place, rows, clock), place.cursor))
        elif place.after is not None:
            pieces.append(b"<resumptionToken/>\n")
        return Page(pieces, within)

    def _rows(self, place: Place) -> tuple[Sequence[Row], bool]:
        """Return the rows of a page and whether more follow.

        Reads one row more than the page holds: where that is the last one, the page gives up another to it.
        """
        limits = self._limits
        size = limits.page_size if place.bodies else limits.identifiers_page_size
        rows, more = self._repository.page(
            place.prefix, place.setspec, place.start, place.upper, place.after, size + 1, limits.page_bytes,
            bodies=place.bodies,
        )  # fmt: skip
        if len(rows) <= size:
            return rows, more
        return rows[: size if more or size < _FEW else size - 1], True

    def _what_is_there_now(self, place: Place) -> Row:
        """Return a record for the last page of a list whose rest has changed, and so moved behind its upper end.

        It is the first that now stands at the token's datestamp or behind it. No record that this harvest has missed
        is earlier (one may stand in the same second, before the token's item, if the list reached into that second),
        so a harvester that goes on from the highest datestamp it saw misses nothing. Where all has left the list, it
        is the record at which the token points.
        """
        if place.after is None:
            raise Refused(_nothing())
        # Read first: what is not yet in the list when that is read will be stamped no earlier than this.
        pointed_at = self._repository.item(place.prefix, place.after)
        rows, _ = self._repository.page(
            place.prefix, place.setspec, place.start, datestamps.LAST, None, 1, self._limits.page_bytes,
            bodies=place.bodies,
        )  # fmt: skip
        row = rows[0] if rows else pointed_at
        if row is None:  # items are never removed: this one is as new as the token's horizon, and not here yet
            raise StaleNode("the record at which the token points is not here yet")
        return row

    def _next(self, place: Place, rows: Sequence[Row], clock: Horizon) -> Place:
        """Return the place behind these rows.

        The size is asked for once a list, and stays, unless more come than it said: clients stop there. The new token
        expires with the one before for an hour (or half the life of a token), so that an answer given again is the
        same to the byte; after that it lives anew, so that no list is too long to be harvested.
        """
        cursor = place.cursor + len(rows)
        item, datestamp, *_ = rows[-1]
        life = self._limits.token_seconds
        renewed = place.expires - clock.horizon < life - min(_HOUR, life // 2)
        return replace(
            place,
            start=datestamp,
            after=item,
            cursor=cursor,
            size=max(place.size if place.after is not None else self._size(place, clock), cursor + 1),
            expires=clock.horizon + life if renewed else place.expires,
        )

    def _size(self, place: Place, clock: Horizon) -> int:
        """Return how many records the list holds that begins here; an end that cuts nothing off is left open."""
        return self._repository.size(
            place.prefix,
            place.setspec,
            place.start if place.start > clock.earliest else None,
            place.upper if place.upper < clock.horizon else None,
        )

    def _token(self, place: Place, cursor: int) -> bytes:
        """Return the resumptionToken of a page that began at ``cursor``: the rest of the list is at ``place``."""
        attributes = (
            f'expirationDate="{datestamps.to_text(place.expires)}" completeListSize="{place.size}" cursor="{cursor}"'
        )
        return f"<resumptionToken {attributes}>{self._signer.token(place)}</resumptionToken>\n".encode()


def _nothing() -> Fault:
    return Fault("noRecordsMatch", "no record matches from, until, set and metadataPrefix together")
