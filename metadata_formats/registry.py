"""Which metadata formats exist.

Built-in formats and installed plug-ins enter by one door: the entry-point group ``metadata_formats.formats``, where the
name is the metadataPrefix and the value a subclass of :class:`Format`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar

import msgspec
from lxml import etree

from metadata_formats.reading import ReadDate, Reading, edtf_only
from metadata_formats.record import Record
from metadata_formats.xml import Document

GROUP = "metadata_formats.formats"
PREFIX = re.compile(r"[A-Za-z0-9\-_.!~*'()]+")
XSI = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA_LOCATION = f"{{{XSI}}}schemaLocation"


class FormatError(Exception):
    """A format that cannot be used, or a rendition that must not be stored; the text says which and why."""


@dataclass(frozen=True)
class Context:
    """What a format may know beside the record: nothing that changes by itself.

    ``identifier`` is the OAI identifier, ``options`` the format's own settings.
    """

    identifier: str = ""
    repository_name: str = ""
    base_url: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def paths(text: str) -> frozenset[str]:
    """Read a list of paths (see :attr:`Format.not_carried`), divided by white space."""
    return frozenset(text.split())


class Format:
    """One metadata format: subclass it, fill in the constants and write :meth:`render`.

    A rendition is a pure function of record and context: no clock, no network, no database, the same bytes for the
    same record. Bump ``version`` whenever the output of some record changes.
    """

    prefix: ClassVar[str]
    namespace: ClassVar[str]
    schema: ClassVar[str]
    version: ClassVar[str] = "1"
    not_carried: ClassVar[frozenset[str]] = frozenset()
    """Paths of the record that this format has no place for, as ``full_text`` or ``genres.note`` (of every genre)."""

    options: ClassVar[Mapping[str, Any] | None] = None
    """The options that it reads, by name, with their types (``bool``, ``list[str]``); None: they are not checked."""

    element: ClassVar[str] = ""
    """The local name of the element that describes one item, of a format that can be read too; else empty."""

    def available(self, record: Record) -> bool:  # noqa: ARG002
        """Tell whether this record can be given in this format at all."""
        return True

    def render(self, record: Record, context: Context) -> etree._Element | Document:
        """Return the record as the root element of its metadata, or as a document made by ``metadata_formats.xml``."""
        raise NotImplementedError

    def read(self, root: etree._Element, read_date: ReadDate = edtf_only) -> Reading:
        """Return what an :attr:`element` of this format says as plain data of a record, and what has no place in it.

        Only formats with an ``element`` are read. Nothing is guessed that the element does not say.

        Raises:
            NotReadable: it is no description of an item.
        """
        raise NotImplementedError


def rendition(format_: Format, record: Record, context: Context) -> bytes | None:
    """Return the payload as UTF-8 bytes that stand by themselves, or None where the record has nothing to give.

    A record that its source has withdrawn has nothing to give.

    The root declares its namespaces and pairs its own with its schema (``xsi:schemaLocation``), as OAI-PMH 2.0
    section 2.5 wants; text is raw UTF-8, indented by two spaces, without an XML declaration.

    Raises:
        FormatError: the format failed, or made something that is not its own format.
    """
    try:
        if record.deleted or not format_.available(record):
            return None
        root = format_.render(record, context)
        payload = root.to_bytes() if isinstance(root, Document) else b""
    except Exception as error:  # a plug-in may raise anything; one record must not stop an import
        raise FormatError(f"{format_.prefix}: {type(error).__name__}: {error}") from error
    if isinstance(root, Document):
        if root.namespace != format_.namespace:
            raise FormatError(
                f"{format_.prefix}: the root is in the namespace {root.namespace}, not in {format_.namespace}"
            )
        return payload
    if etree.QName(root).namespace != format_.namespace:
        raise FormatError(f"{format_.prefix}: the root {root.tag} is not in the namespace {format_.namespace}")
    if root.get(SCHEMA_LOCATION) is None:
        root.set(SCHEMA_LOCATION, f"{format_.namespace} {format_.schema}")
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False)


def check_options(format_: Format, given: Mapping[str, Any]) -> None:
    """Refuse options that a format does not read, and values that it cannot.

    Raises:
        FormatError: the text names the option, and the nearest one where there is no such.
    """
    if format_.options is None:
        return
    for name, value in given.items():
        if name not in format_.options:
            near = difflib.get_close_matches(name, [*format_.options, "enabled"], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise FormatError(f"[formats.{format_.prefix}]: there is no option {name!r}{hint}")
        try:
            msgspec.convert(value, format_.options[name])
        except msgspec.ValidationError as error:
            raise FormatError(f"[formats.{format_.prefix}] {name}: {error}") from error


def load(prefixes: Iterable[str] | None = None) -> dict[str, Format]:
    """Return the formats by prefix, in the order asked for (all installed, by name, when none are named).

    ``oai_dc`` is compulsory (OAI-PMH 2.0 section 3.4) and is added first where it is missing.

    Raises:
        FormatError: a prefix that no installed format has, two formats with one prefix, or a class that is no format.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if point.name in found and found[point.name].value != point.value:
            raise FormatError(f"two formats claim the prefix {point.name}: {found[point.name].value} and {point.value}")
        found[point.name] = point
    wanted = list(dict.fromkeys(prefixes)) if prefixes is not None else sorted(found)
    if "oai_dc" not in wanted:
        wanted.insert(0, "oai_dc")
    formats = {}
    for prefix in wanted:
        if prefix not in found:
            raise FormatError(f"no format {prefix!r} is installed; there are: {', '.join(sorted(found))}")
        formats[prefix] = _instance(found[prefix])
    return formats


@lru_cache(maxsize=1)
def readable() -> dict[tuple[str, str], Format]:
    """Return the installed formats that can be read, by namespace and local name of the element that is one record."""
    return {(made.namespace, made.element): made for made in load().values() if made.element}


def _instance(point: EntryPoint) -> Format:
    try:
        made = point.load()()
    except Exception as error:
        raise FormatError(f"the format {point.name} ({point.value}) cannot be loaded: {error}") from error
    if not isinstance(made, Format) or made.prefix != point.name or not PREFIX.fullmatch(made.prefix):
        raise FormatError(f"{point.value} is not a format with the prefix {point.name}")
    return made
