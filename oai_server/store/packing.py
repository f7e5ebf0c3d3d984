"""Packing: bodies and canonical records as the tables hold them, ready as they are or compressed by Zstandard.

What is compressed says so itself: a frame begins with bytes that neither XML nor JSON begins with, and names the
dictionary that it needs (RFC 8878, sections 3.1.1 and 5). So both kinds stand side by side, and the setting counts for
what is written from then on. A dictionary is made once for each format, of the first large batch, and knows what all
its records have in common; it is stored with them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import zstandard
from sqlalchemy import Connection, insert, select

from oai_server.store.engine import StoreError
from oai_server.store.tables import dictionary

CANONICAL = ""
"""The kind of canonical records, where other kinds are the prefixes of formats."""
LEVEL = 3
SAMPLES = 500
"""Records of one batch that are enough to make a dictionary of; until then each is compressed by itself."""
DICTIONARY_BYTES = 64 * 1024


FRAME: bytes = zstandard.FRAME_HEADER
"""How compressed bytes begin: neither ``<`` nor ``{`` begins a frame."""


def is_packed(stored: bytes) -> bool:
    """Tell whether bytes are compressed."""
    return stored.startswith(FRAME)


def unpacked_size(stored: bytes) -> int:
    """Return how many bytes they are when they are unpacked.

    Raises:
        StoreError: they are damaged.
    """
    try:
        return zstandard.get_frame_parameters(stored).content_size if is_packed(stored) else len(stored)
    except zstandard.ZstdError as error:
        raise _damaged(error) from error


def _damaged(why: object) -> StoreError:
    return StoreError(f"a compressed record in the database cannot be read ({why}): restore a backup")


class Packing:
    """Compresses what a transaction writes, by the dictionaries of the database that it writes to."""

    def __init__(self) -> None:
        self._known: dict[str, zstandard.ZstdCompressionDict] = {}

    def forget(self) -> None:
        """Forget the dictionaries: another database, or a transaction that was rolled back, may not have them."""
        self._known = {}

    def pack(self, connection: Connection, kind: str, rows: Sequence[MutableMapping[str, Any]], column: str) -> None:
        """Compress a column of rows of one kind in place, where that makes it shorter."""
        chosen = [row for row in rows if row.get(column) is not None and not is_packed(row[column])]
        if not chosen:
            return
        known = self._dictionary(connection, kind, chosen, column)
        compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=known)
        for row in chosen:
            packed = compressor.compress(row[column])
            if len(packed) < len(row[column]):
                row[column] = packed

    def _dictionary(
        self, connection: Connection, kind: str, rows: Sequence[Mapping[str, Any]], column: str
    ) -> zstandard.ZstdCompressionDict | None:
        """Return the dictionary of a kind, made of these rows where there is none yet and they are enough."""
        if kind in self._known:
            return self._known[kind]
        content = connection.scalar(select(dictionary.c.content).where(dictionary.c.kind == kind))
        if content is None and len(rows) >= SAMPLES:
            # Its number is drawn, not counted: whoever keeps one in memory never takes it for another database's.
            number = random.SystemRandom().randrange(1 << 15, 1 << 31)  # the numbers that RFC 8878 leaves to all
            samples: list[Any] = [row[column] for row in rows]
            try:
                content = zstandard.train_dictionary(DICTIONARY_BYTES, samples, dict_id=number).as_bytes()
            except zstandard.ZstdError:  # too little in them, or too much alike
                return None
            connection.execute(insert(dictionary).values(id=number, kind=kind, content=content))
        if content is not None:
            self._known[kind] = zstandard.ZstdCompressionDict(content)
        return self._known.get(kind)


class _Decompressors(threading.local):
    """The decompressors of a thread, by the number of their dictionary: none may serve two threads."""

    def __init__(self) -> None:
        self.by_number: dict[int, zstandard.ZstdDecompressor] = {}


class Unpacking:
    """Gives back what was compressed. It keeps the dictionaries that it has seen; threads may share it."""

    def __init__(self) -> None:
        self._known: dict[int, zstandard.ZstdCompressionDict] = {}
        self._own = _Decompressors()

    def unpack(self, stored: bytes, read: Callable[[int], bytes | None]) -> bytes:
        """Return bytes as they were before; ``read`` gets a dictionary by its number.

        Raises:
            StoreError: they are damaged, or their dictionary is not there.
        """
        if not is_packed(stored):
            return stored
        own = self._own.by_number
        try:
            number = zstandard.get_frame_parameters(stored).dict_id
            if number not in own:
                own[number] = zstandard.ZstdDecompressor(dict_data=self._dictionary(number, read))
            return own[number].decompress(stored)
        except zstandard.ZstdError as error:
            raise _damaged(error) from error

    def by(self, connection: Connection) -> Callable[[bytes], bytes]:
        """Return what unpacks by the dictionaries that a connection shows."""

        def read(number: int) -> bytes | None:
            found: bytes | None = connection.scalar(select(dictionary.c.content).where(dictionary.c.id == number))
            return found

        return lambda stored: self.unpack(stored, read)

    def _dictionary(self, number: int, read: Callable[[int], bytes | None]) -> zstandard.ZstdCompressionDict | None:
        if number and number not in self._known:
            content = read(number)
            if content is None:
                raise _damaged(f"its dictionary {number} is not there")
            self._known[number] = zstandard.ZstdCompressionDict(content)
        return self._known.get(number)
