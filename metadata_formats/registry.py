"""Which metadata formats exist.

Built-in formats and installed plug-ins enter by one door: the entry-point group ``metadata_formats.formats``, where the
name is the metadataPrefix and the value a subclass of :class:`Format`. What an installation keeps as files in a folder
(:mod:`metadata_formats.plugins`) becomes such a class too, and stands beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any, ClassVar, NamedTuple

import msgspec
from lxml import etree

from metadata_formats.reading import ReadDate, Reading, edtf_only
from metadata_formats.record import Record
from metadata_formats.spelling import nearest
from metadata_formats.xml import Document

GROUP = "metadata_formats.formats"
PREFIX = re.compile(r"[A-Za-z0-9\-_.!~*'()]+")
ADDRESS = re.compile(r"[^\s<>\"{}|\\^`]+")
VERSION = re.compile(r"[^\s:]+")
FILES = "format_files"
"""The module that formats from files say they are of: they are no part of this library, whoever made their classes."""
LONGEST_REASON = 500
"""Characters that a report says of why a format failed with a record."""
DEEPEST = 250
"""Levels of elements: XML parsers refuse more than 256, and a page of records has some of its own."""
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

    def render(self, record: Record, context: Context) -> etree._Element | Document | None:
        """Return the record as the root element of its metadata, or as a document made by ``metadata_formats.xml``.

        None: the record cannot be given in this format, as where it is not :meth:`available`.
        """
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
    if record.deleted:
        return None
    try:
        if _is_built_in(format_):
            if not format_.available(record):
                return None
            root = format_.render(record, context)
        else:
            root = _foreign(format_, record, context)
        if root is None:
            return None
        if isinstance(root, Document):
            if root.namespace != format_.namespace:
                raise Unfit(f"the root is in the namespace {root.namespace}, not in {format_.namespace}")
            return root.to_bytes()
        return _serialised(root, format_)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plug-in may raise anything, and SystemExit; one record must not stop an import
        said = f"{error}" if isinstance(error, Unfit) else f"{type(error).__name__}: {error}"
        raise FormatError(f"{format_.prefix}: {' '.join(said.split())[:LONGEST_REASON]}") from error


class Unfit(Exception):
    """What must not be stored, or could not be made; the text says why by itself."""


def _is_built_in(format_: Format) -> bool:
    """Tell whether a format is of this library: tests prove of these what is checked of others, record by record."""
    return type(format_).__module__.startswith(f"{__package__}.")


def _foreign(format_: Format, record: Record, context: Context) -> etree._Element | None:
    """Return what a plug-in makes of a copy of the record, as an element that can be part of a page."""
    own = msgspec.json.decode(record.to_json(), type=Record)  # other formats and the store get it as it was
    if not format_.available(own):
        return None
    root = format_.render(own, context)
    if isinstance(root, Document):
        return parsed(root.to_bytes())
    if root is not None and (not isinstance(root, etree._Element) or not isinstance(root.tag, str)):
        raise Unfit(f"it made {type(root).__name__}, not an element")
    return root


def parsed(markup: bytes) -> etree._Element:
    """Return the element that a payload is.

    Raises:
        Exception: it is not well formed, or has something beside its root: a page has no place for that.
    """
    if not re.match(rb"<[^?!]", markup):
        raise Unfit("it does not begin with its root element")
    root = etree.fromstring(markup, etree.XMLParser(resolve_entities=False, no_network=True))
    if root.getnext() is not None:
        raise Unfit("there is something after its root element")
    return root


def _serialised(root: etree._Element, format_: Format) -> bytes:
    if etree.QName(root).namespace != format_.namespace:
        raise Unfit(f"the root {root.tag} is not in the namespace {format_.namespace}")
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEEPEST:
            raise Unfit(f"elements nest deeper than {DEEPEST} levels")
    for entity in root.iter(etree.Entity):
        raise Unfit(f"the entity {entity.text} is not defined in a page")
    if root.get(SCHEMA_LOCATION) is None:
        root.set(SCHEMA_LOCATION, f"{format_.namespace} {format_.schema}")
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=False, with_tail=False)


def check_options(format_: Format, given: Mapping[str, Any]) -> None:
    """Refuse options that a format does not read, and values that it cannot.

    Raises:
        FormatError: the text names the option, and the nearest one where there is no such.
    """
    if format_.options is None:
        return
    for name, value in given.items():
        if name not in format_.options:
            hint = nearest(name, [*format_.options, "enabled", "plugin"])
            raise FormatError(f"[formats.{format_.prefix}]: there is no option {name!r}{hint}")
        try:
            msgspec.convert(value, format_.options[name])
        except msgspec.ValidationError as error:
            raise FormatError(f"[formats.{format_.prefix}] {name}: {error}") from error


class Plugin(NamedTuple):
    """A format that may be used: its prefix, the name that tells it from others of that prefix, and its class."""

    prefix: str
    name: str
    load: Callable[[], Any]


def load(
    prefixes: Iterable[str] | None = None, plugins: Iterable[Plugin] = (), chosen: Mapping[str, str] | None = None
) -> dict[str, Format]:
    """Return the formats by prefix, in the order asked for (all installed, by name, when none are named).

    ``plugins`` stand beside those that are installed. Where several claim one prefix, ``chosen`` names the one to use
    (``{"oai_dc": "oai_dc.py"}``). ``oai_dc`` is compulsory (OAI-PMH 2.0 section 3.4) and is added first where it is
    missing.

    Raises:
        FormatError: a prefix that no installed format has, two formats with one prefix, or a class that is no format.
    """
    found: dict[str, dict[str, Plugin]] = {}
    installed = (Plugin(point.name, point.value, point.load) for point in entry_points(group=GROUP))
    for plugin in (*installed, *plugins):
        found.setdefault(plugin.prefix, {})[plugin.name] = plugin
    winners = {prefix: _winner(prefix, claims, (chosen or {}).get(prefix)) for prefix, claims in found.items()}
    wanted = list(dict.fromkeys(prefixes)) if prefixes is not None else sorted(found)
    if "oai_dc" not in wanted:
        wanted.insert(0, "oai_dc")
    formats = {}
    for prefix in wanted:
        if prefix not in winners:
            named = f"[formats.{prefix}] plugin = {chosen[prefix]!r}: " if chosen and prefix in chosen else "formats: "
            raise FormatError(f"{named}no format {prefix!r} is installed; there are: {', '.join(sorted(found))}")
        formats[prefix] = _instance(winners[prefix])
    return formats


def _winner(prefix: str, claims: Mapping[str, Plugin], chosen: str | None) -> Plugin:
    if chosen is not None and chosen not in claims:
        raise FormatError(f"[formats.{prefix}] plugin: there is no {chosen!r}; there is {' and '.join(claims)}")
    if chosen is None and len(claims) > 1:
        raise FormatError(
            f"{len(claims)} formats claim the prefix {prefix}: {' and '.join(claims)}; say in config.toml which one it "
            f'is: [formats.{prefix}] plugin = "{[*claims][-1]}"'
        )
    return claims[chosen or next(iter(claims))]


@lru_cache(maxsize=1)
def readable() -> dict[tuple[str, str], Format]:
    """Return the installed formats that can be read, by namespace and local name of the element that is one record."""
    return {(made.namespace, made.element): made for made in load().values() if made.element}


def _instance(plugin: Plugin) -> Format:
    try:
        made = plugin.load()()
    except FormatError:
        raise
    except Exception as error:
        raise FormatError(f"the format {plugin.prefix} ({plugin.name}) cannot be loaded: {error}") from error
    if not isinstance(made, Format) or made.prefix != plugin.prefix or not PREFIX.fullmatch(made.prefix):
        raise FormatError(f"{plugin.name} is not a format with the prefix {plugin.prefix}")
    for name, pattern in (("namespace", ADDRESS), ("schema", ADDRESS), ("version", VERSION)):
        value = getattr(made, name, None)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise FormatError(f"{plugin.name}: {name}: {value!r} cannot be the {name} of a format")
    return made
