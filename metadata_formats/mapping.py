"""Formats that are a table of which field becomes which element: a TOML file, and no program.

Each ``[[map]]`` selects values of the record (``from``) and makes an element (``to``) of each: of its ``text``, its
``lang`` and its ``attributes``, or of the elements of a map inside it. All of these are expressions in JMESPath, as the
rules of sets are (:mod:`metadata_formats.expression`), over the record as :func:`canonical_xml.values` gives it; what
a chain of filters would do, the functions below do.

Names are checked when the file is read, and text is escaped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import langcodes
import msgspec
from jmespath.functions import signature
from lxml import etree
from msgspec import Meta

from metadata_formats import description, edtf_dates, expression, vocabularies
from metadata_formats.canonical_xml import values
from metadata_formats.expression import ExpressionError, RecordFunctions
from metadata_formats.record import Record
from metadata_formats.registry import ADDRESS, FILES, XSI, Context, Format, FormatError, Unfit
from metadata_formats.xml import Document, attribute, branch, leaf, uri
from metadata_formats.xml import language as xml_lang

RELEASE = "1"
"""Changes whenever what a map makes of some record does."""

_OF_XML = ("http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/")
Expression = Callable[[Any], Any]
_MAYBE: Any = {"types": ["string", "null"]}
_STRING: Any = {"types": ["string"]}


class MapFunctions(RecordFunctions):
    """What a map can do to a value beside JMESPath's own functions; of null, all make null."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._tables = tables

    @signature(_MAYBE)
    def _func_upper(self, text: str | None) -> str | None:
        return text and text.upper()

    @signature(_MAYBE)
    def _func_lower(self, text: str | None) -> str | None:
        return text and text.lower()

    @signature(_MAYBE)
    def _func_strip(self, text: str | None) -> str | None:
        return text and text.strip()

    @signature(_MAYBE, _STRING)
    def _func_prefix(self, text: str | None, before: str) -> str | None:
        return text and before + text

    @signature(_MAYBE, _STRING)
    def _func_suffix(self, text: str | None, after: str) -> str | None:
        return text and text + after

    @signature(_STRING, {"types": ["array", "null"]})
    def _func_join(self, glue: str, parts: list[Any] | None) -> str | None:
        return glue.join(str(part) for part in parts if part is not None) if parts else None

    @signature({"types": ["array", "null"]})
    def _func_urls_first(self, found: list[Any] | None) -> list[Any] | None:
        return found and sorted(found, key=lambda each: not str(each).startswith(("http://", "https://")))

    @signature(_MAYBE)
    def _func_uri(self, text: str | None) -> str | None:
        return uri(text)

    @signature(_STRING, {"types": ["string", "number", "boolean", "null"]})
    def _func_lookup(self, table: str, key: object) -> str | None:
        return self._tables.get(table, {}).get(str(key))

    @signature(_MAYBE)
    def _func_lang2(self, code: str | None) -> str | None:
        if not code:
            return None
        try:
            return langcodes.Language.get(code).language or code
        except ValueError:
            return code

    @signature(_MAYBE)
    def _func_lang3(self, code: str | None) -> str | None:
        return code and vocabularies.language(code).code

    @signature(_MAYBE)
    def _func_dc_date(self, date: str | None) -> str | None:
        return edtf_dates.literal(date) if date and edtf_dates.is_valid(date) else date

    @signature(_MAYBE)
    def _func_begin(self, date: str | None) -> str | None:
        return edtf_dates.bounds(date)[0] if date and edtf_dates.is_valid(date) else None

    @signature(_MAYBE)
    def _func_end(self, date: str | None) -> str | None:
        return edtf_dates.bounds(date)[1] if date and edtf_dates.is_valid(date) else None


class Entry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """One ``[[map]]``: what is selected, and which element it becomes.

    ``to`` is a name, or several with slashes between them for elements around it. ``text`` is the value itself unless
    it says otherwise; an empty one says that there is none.
    """

    to: str
    from_: str = "@"
    text: str | None = None
    lang: str | None = None
    attributes: dict[str, str] = {}
    map: list[Entry] = []


class Described(description.Described, kw_only=True, forbid_unknown_fields=True):
    """What ``NAME.toml`` says of a format that is a map. A record is given where ``where`` finds something in it."""

    root: str
    namespaces: dict[str, str] = msgspec.field(default_factory=dict)
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    where: str = "@"
    tables: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    map: Annotated[list[Entry], Meta(min_length=1)]


class _Rule(NamedTuple):
    """An entry, ready to be used."""

    select: Expression
    around: list[str]
    tag: str
    text: Expression | None
    lang: Expression | None
    attributes: list[tuple[str, Expression]]
    rules: list[_Rule]


class Map(Format):
    """A format that a map makes; :func:`load` makes a class of each."""

    _root: ClassVar[str]
    _declared: ClassVar[str]
    _where: ClassVar[Expression]
    _attributes: ClassVar[list[tuple[str, Expression]]]
    _rules: ClassVar[list[_Rule]]

    def available(self, record: Record) -> bool:
        """Tell whether ``where`` finds something."""
        return type(self)._where(values(record)) not in (None, False, "", [], {})

    def render(self, record: Record, context: Context) -> Document | None:  # noqa: ARG002 - a map knows the record alone
        """Return what the map makes of the record; None where it makes nothing.

        Raises:
            Unfit: an expression gives what is no text.
        """
        value = values(record)
        children = [each for rule in self._rules for each in _elements(rule, value, record.description_lang)]
        markup = branch(self._root, children, _attributes(self._attributes, value) + self._declared)
        return Document(self.namespace, markup) if markup else None


def _elements(rule: _Rule, value: Any, default: str | None) -> Iterator[str]:
    found = rule.select(value)
    for each in found if isinstance(found, list) else (found,):
        if each is None or each is False or each == "":
            continue
        attributes = _attributes(rule.attributes, each)
        if rule.rules:
            children = [child for inner in rule.rules for child in _elements(inner, each, default)]
            made = branch(rule.tag, children, attributes)
        elif rule.text is None:
            made = f"<{rule.tag}{attributes}/>" if attributes else ""
        else:
            spoken = xml_lang(_text(rule.lang(each), rule.tag), default) if rule.lang else ""
            made = leaf(rule.tag, _text(rule.text(each), rule.tag), spoken + attributes)
        for tag in rule.around:
            made = branch(tag, [made])
        yield made


def _attributes(attributes: Iterable[tuple[str, Expression]], value: Any) -> str:
    return "".join([attribute(name, _text(said(value), name)) for name, said in attributes])


def _text(value: Any, name: str) -> str:
    if value is None or value is False:
        return ""
    if isinstance(value, bool):
        return "true"
    if isinstance(value, (list, dict)):
        kind, hint = ("a list", "join it, as join('; ', @)") if isinstance(value, list) else ("an object", "name a key")
        raise Unfit(f"{name}: what it is made of is {kind}, not a text: {hint}")
    return str(value)


def load(path: Path) -> type[Map]:
    """Return the format of a map.

    Raises:
        FormatError: it cannot be used; the text names the file and the entry.
    """
    said = description.read(path, Described)
    try:
        made = _Maker(said)
        attributes = made.attributes(said.attributes, "attributes")
        fields: dict[str, Any] = {
            **{name: getattr(said, name) for name in ("prefix", "namespace", "schema")},
            "version": hashlib.blake2b(description.content(path) + RELEASE.encode(), digest_size=6).hexdigest(),
            "options": {},
            "__module__": FILES,
            "_root": made.element(said.root, "root"),
            "_where": staticmethod(made.expression(said.where, "where")),
            "_attributes": attributes,
            "_rules": [made.rule(entry, f"map {number}") for number, entry in enumerate(said.map, 1)],
        }
        if made.namespace(said.root) != said.namespace:
            raise _Wrong(f"root: {said.root} is in the namespace {made.namespace(said.root)}, not in {said.namespace}")
    except _Wrong as error:
        raise FormatError(f"{path}: {error}") from error
    declared = {**made.declared, "xsi": XSI}
    location = attribute("xsi:schemaLocation", f"{said.namespace} {said.schema}")
    fields["_declared"] = (
        "".join(attribute(f"xmlns:{name}" if name else "xmlns", to) for name, to in declared.items()) + location
    )
    return type("MapOfFile", (Map,), fields)


class _Wrong(Exception):
    """Something in a map that cannot be; the text says where and what."""


class _Maker:
    """Makes rules of entries, and refuses what cannot be one."""

    def __init__(self, said: Described) -> None:
        self._tables = said.tables
        self._functions = MapFunctions(said.tables)
        self.declared = dict(said.namespaces)
        for prefix, namespace in said.namespaces.items():
            if prefix in ("xml", "xmlns", "xsi") or (prefix and not _is_name(prefix)):
                raise _Wrong(f"namespaces: {prefix!r} cannot be declared")
            if not ADDRESS.fullmatch(namespace) or namespace.startswith(_OF_XML):
                raise _Wrong(f"namespaces.{prefix}: {namespace!r} is no namespace")
        self._known = {"": said.namespace, **self.declared, "xml": _OF_XML[0], "xsi": XSI}

    def namespace(self, name: str) -> str:
        """Return the namespace of a name."""
        prefix, colon, _ = name.partition(":")
        return self._known[prefix if colon else ""]

    def element(self, name: str, place: str) -> str:
        """Return the name of an element; one without a prefix is in the format's own namespace unless it says else."""
        if ":" not in name:
            self.declared[""] = self._known[""]
        return self.name(name, place)

    def name(self, name: str, place: str) -> str:
        """Return a name whose prefix is declared."""
        prefix, colon, local = name.rpartition(":")
        if colon and prefix not in self._known:
            raise _Wrong(f"{place}: the prefix {prefix!r} is not declared in [namespaces]")
        if not _is_name(local):
            raise _Wrong(f"{place}: {name!r} cannot be the name of an element or attribute")
        return name

    def expression(self, text: str, place: str) -> Expression:
        """Return an expression that names what there is."""
        try:
            made = expression.compiled(text, self._functions)
        except ExpressionError as error:
            raise _Wrong(f"{place}: {error}") from error
        for table in expression.calls(text, "lookup"):
            if table not in self._tables:
                raise _Wrong(f"{place}: there is no table {table!r}: write it as [tables.{table}]")
        return made

    def attributes(self, said: Mapping[str, str], place: str) -> list[tuple[str, Expression]]:
        """Return attributes that are none of a namespace's declaration."""
        if "xmlns" in said:
            raise _Wrong(f"{place}.xmlns: namespaces are declared in [namespaces]")
        made = [
            (self.name(name, f"{place}.{name}"), self.expression(text, f"{place}.{name}"))
            for name, text in said.items()
        ]
        names = [(self.namespace(name) if ":" in name else "", name.rpartition(":")[2]) for name in said]
        for name in {name for name in names if names.count(name) > 1}:
            raise _Wrong(f"{place}: two of them are {name[1]} in the namespace {name[0]}")
        return made

    def rule(self, entry: Entry, place: str) -> _Rule:
        """Return an entry as a rule."""
        place = f"{place} ({entry.to})"
        if entry.map and (entry.text or entry.lang):
            raise _Wrong(f"{place}: it has text or lang and a map inside: take one of them")
        if entry.lang and "xml:lang" in entry.attributes:
            raise _Wrong(f"{place}: it has lang and the attribute xml:lang: take one of them")
        *around, tag = [self.element(name, f"{place}: to") for name in entry.to.split("/")]
        text = "@" if entry.text is None else entry.text
        return _Rule(
            select=self.expression(entry.from_, f"{place}: from"),
            around=around[::-1],
            tag=tag,
            text=self.expression(text, f"{place}: text") if text else None,
            lang=self.expression(entry.lang, f"{place}: lang") if entry.lang else None,
            attributes=self.attributes(entry.attributes, f"{place}: attributes"),
            rules=[self.rule(inner, f"{place}: map {number}") for number, inner in enumerate(entry.map, 1)],
        )


def _is_name(text: str) -> bool:
    try:
        etree.QName("urn:x", text)
    except ValueError:
        return False
    return ":" not in text
