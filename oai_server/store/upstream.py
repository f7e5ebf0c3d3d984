"""How far the harvests of other repositories have come: what lets them go on after a kill, and from where next time."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import ColumnElement, Engine, delete, insert, select

from oai_server.store.engine import WRITES
from oai_server.store.tables import upstream


@dataclass(frozen=True)
class Upstream:
    """One list of another repository that a source is a copy of. All times are the other server's, as UTC datestamps.

    ``complete`` is the first responseDate of the last run that came to the end of the list, ``swept`` that of the last
    run that compared all of it with what is stored. ``by_day`` tells that the server's datestamps are trusted to the
    day alone. Of a run under way: ``started`` is its first responseDate, ``token`` how it goes on. Where nothing is
    ``complete``, a run takes everything.
    """

    source: str
    url: str
    prefix: str
    setspec: str = ""
    complete: str | None = None
    swept: str | None = None
    by_day: bool = False
    started: str | None = None
    token: str | None = None


def lists(engine: Engine, source: str | None = None) -> list[Upstream]:
    """Return the lists that a source, or any, is harvested from."""
    query = select(upstream).order_by(*upstream.primary_key.columns)
    with engine.connect() as connection:
        rows = connection.execute(query if source is None else query.where(upstream.c.source == source)).mappings()
        return [Upstream(**row) for row in rows]


def save(engine: Engine, state: Upstream) -> None:
    """Write how far a harvest has come."""
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        connection.execute(delete(upstream).where(*_key(state)))
        connection.execute(insert(upstream).values(asdict(state)))


def forget(engine: Engine, state: Upstream) -> None:
    """Remove what is known of a list."""
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        connection.execute(delete(upstream).where(*_key(state)))


def _key(state: Upstream) -> list[ColumnElement[bool]]:
    return [upstream.c[name] == getattr(state, name) for name in ("source", "url", "prefix", "setspec")]
