"""What every reader of files is: bytes in, one finding after another out, each with the place where it stood.

Readers enter by the entry-point group ``oai_server.readers`` (the name is what ``--reader`` takes). A reader streams:
it holds one record at a time, never the file. It never raises for bad input: what it cannot take it yields as
:class:`Rejected` and goes on with the next record, as far as the format allows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, NamedTuple

from metadata_formats import record as model
from metadata_formats.record import Record


class ReaderError(Exception):
    """A reader or profile that cannot be used; the text says what is wrong and what to do."""


@dataclass(frozen=True)
class Remark:
    """Something worth a curator's look in a record that was taken all the same.

    ``kind`` is counted in the import report (``date not read``); ``value`` is the offending value, ``path`` its
    place in the record or the column it came from.
    """

    kind: str
    path: str
    value: str


class Unaltered(NamedTuple):
    """A payload as another repository gives it: the prefix that the format has here, and the bytes."""

    prefix: str
    body: bytes


@dataclass(frozen=True)
class Found:
    """A record, and where it stood in its file: ``line 12``, ``row 3``, or nothing for a file of one record.

    ``source_key`` is what its source knows it by, where that is not the record's own ``id``: a harvested record is
    known by the OAI identifier of its header. ``unaltered`` is its payload in a format as its source gives it, to be
    served as it is. ``scope``: see :func:`in_scope`.
    """

    record: Record
    where: str = ""
    remarks: tuple[Remark, ...] = ()
    source_key: str | None = None
    scope: str | None = None
    unaltered: Unaltered | None = None

    @property
    def key(self) -> str:
        """What tells this record from all others of its source, for ever."""
        return self.record.id if self.source_key is None else self.source_key

    @property
    def sets(self) -> Sequence[str]:
        """What its source calls the sets that it is in."""
        return self.record.sets


@dataclass(frozen=True)
class Rejected:
    """Something that could not be taken.

    ``key`` is the record's own identifier where that could still be read. ``ends`` tells that the file could not be
    read any further (a truncated gzip, a broken workbook): nobody knows what came behind. ``scope``: see
    :func:`in_scope`.
    """

    message: str
    where: str = ""
    key: str | None = None
    ends: bool = False
    scope: str | None = None


Finding = Found | Rejected


class Unread(NamedTuple):
    """The JSON of a canonical record as it stands in a file, and what is seen of it at a glance: its key and its sets.

    To read it is most of the work with a record that has not changed, and needs nothing but these bytes.
    """

    data: bytes
    where: str
    key: str
    sets: Sequence[str]

    def read(self) -> Finding:
        """Return the record, or why it cannot be taken."""
        try:
            return Found(model.from_json(self.data), self.where)
        except model.RecordError as error:
            return Rejected(str(error), self.where, self.key)


def in_scope(key: str, scopes: Collection[str]) -> bool:
    """Tell whether a key is one of the scopes, or one of them and a slash begin it.

    A file may be the whole of a part of its source and of nothing else, as a finding aid is of its components. The
    reader then says so in every finding, by the key that those of the part begin with; ``""`` is no part at all, None
    (the default) the whole source.
    """
    return key in scopes or any(key[:at] in scopes for at, sign in enumerate(key) if sign == "/")


@dataclass
class Reader:
    """One reader: subclass it, fill in the constants and write :meth:`read`.

    ``profile`` is the checked content of the profile file (TOML), without its ``reader`` key.
    """

    profile: Mapping[str, Any] = field(default_factory=dict)
    profile_name: str = ""
    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Check the profile; a reader with one of its own overrides this.

        Raises:
            ReaderError: the profile cannot be used.
        """

    @classmethod
    def recognises(cls, filename: str, head: bytes) -> bool:  # noqa: ARG003 - for subclasses
        """Tell by the file's name (without ``.gz`` or ``.zst``) and its first decompressed bytes whether it is ours."""
        return False

    def read(self, stream: BinaryIO, filename: str) -> Iterator[Finding]:
        """Yield what the stream (decompressed) holds, in its order."""
        raise NotImplementedError

    def skim(self, stream: BinaryIO, filename: str) -> Iterator[Finding | Unread]:
        """Yield the same, but what another process can read as well unread."""
        return self.read(stream, filename)
