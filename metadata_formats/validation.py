"""Validation by the XML schemas of the formats, from a folder and never from the network.

In the folder each schema lies under its public address, as ``www.loc.gov/standards/mods/v3/mods-3-8.xsd``. XSD 1.0
knows one schema for a namespace, and portals define Dublin Core differently: so each document is validated by the
schemas that it names itself (``xsi:schemaLocation``) and what these import, and by no others.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from metadata_formats.registry import SCHEMA_LOCATION

XS = "http://www.w3.org/2001/XMLSchema"
MOST_ERRORS = 20
"""Errors that are told of one document."""
_DRIVER = "driver:schemas"
_ELSEWHERE = {"xml.xsd": "www.w3.org/2001/xml.xsd", "xlink.xsd": "www.loc.gov/standards/xlink/xlink.xsd"}
"""Schemas that others import from places where nobody keeps them (MODS: beside itself), by the names of their files."""


_QDC = "http://dublincore.org/schemas/xmls/qdc/2008/02/11/"
_KNOWN = {
    "http://purl.org/dc/elements/1.1/": f"{_QDC}dc.xsd",
    "http://purl.org/dc/terms/": f"{_QDC}dcterms.xsd",
    "http://www.loc.gov/mods/v3": "http://www.loc.gov/standards/mods/v3/mods-3-8.xsd",
}
"""Schemas of what occurs inside other elements, where the schema of these leaves open which it is."""


class SchemaMissing(Exception):
    """A schema that is not in the folder (its address is ``absent``), or cannot be used; the text says why."""

    def __init__(self, text: str, absent: str = "") -> None:
        super().__init__(text)
        self.absent = absent


class Schemas:
    """A folder of schemas."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._compiled = lru_cache(maxsize=16)(self._compile)

    def place(self, address: str) -> Path:
        """Return where the schema of an address lies, or should."""
        return self._folder / address.split("://", 1)[-1].lstrip("/")

    def errors(self, document: bytes) -> list[str]:
        """Return what is wrong with a payload by the schemas that it names, each with its line; nothing if it is valid.

        Raises:
            SchemaMissing: the schema of its root is not here, or cannot be used.
        """
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
        pairs = _named(root)
        own = pairs.get(str(etree.QName(root).namespace))
        if own is None:
            return [f"line 1: the root names no schema for its namespace {etree.QName(root).namespace}"]
        if not self.place(own).is_file():
            raise SchemaMissing(f"{own} is not there: put it at {self.place(own)}", own)
        return self._errors(root, pairs)

    def errors_throughout(self, document: bytes) -> list[str]:
        """Return what is wrong with a document by all schemas that it names, wherever it does, as an answer of OAI-PMH.

        Raises:
            SchemaMissing: one of these schemas is not here, or cannot be used.
        """
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))
        pairs: dict[str, str] = {}
        for element in root.iter("{*}*"):
            if element.get(SCHEMA_LOCATION):
                pairs = {**_named(element), **pairs}
        for address in pairs.values():
            if not self.place(address).is_file():
                raise SchemaMissing(f"{address} is not there: put it at {self.place(address)}", address)
        return self._errors(root, pairs)

    def _errors(self, root: etree._Element, pairs: dict[str, str]) -> list[str]:
        # What comes first counts: the second schema of a namespace is not read.
        pairs |= {namespace: _KNOWN[namespace] for namespace in _namespaces(root) if namespace in _KNOWN.keys() - pairs}
        schema = self._compiled(tuple(pair for pair in pairs.items() if self.place(pair[1]).is_file()))
        if schema.validate(root):
            return []
        return [f"line {error.line}: {error.message}" for error in list(schema.error_log)][:MOST_ERRORS]  # type: ignore[call-overload] # lxml-stubs

    def _compile(self, pairs: tuple[tuple[str, str], ...]) -> etree.XMLSchema:
        """Return one schema that imports those of these namespaces and addresses."""
        driver = etree.Element(f"{{{XS}}}schema", targetNamespace=_DRIVER)
        for namespace, address in pairs:
            etree.SubElement(driver, f"{{{XS}}}import", namespace=namespace, schemaLocation=address)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        parser.resolvers.add(_Local(self))
        try:
            return etree.XMLSchema(etree.fromstring(etree.tostring(driver), parser, base_url=_DRIVER))
        except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as error:
            addresses = ", ".join(address for _, address in pairs)
            raise SchemaMissing(f"{addresses} cannot be used: {' '.join(str(error).split())[:300]}") from error


def _named(element: etree._Element) -> dict[str, str]:
    """Return the schemas that an element names, by namespace."""
    named = (element.get(SCHEMA_LOCATION) or "").split()
    return dict(zip(named[::2], named[1::2], strict=False))


def _namespaces(root: etree._Element) -> list[str]:
    """Return the namespaces of all elements, sorted."""
    return sorted({str(etree.QName(element).namespace) for element in root.iter("{*}*")})


class _Local(etree.Resolver):
    """Finds in the folder what a schema asks the network for."""

    def __init__(self, schemas: Schemas) -> None:
        super().__init__()
        self._schemas = schemas

    def resolve(self, address: str, public_id: str, context: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        """Return the schema of an address."""
        path = self._schemas.place(address)
        if not path.is_file():
            path = self._schemas.place(_ELSEWHERE.get(path.name, address))
        if not path.is_file():
            raise SchemaMissing(f"{address} is not there: put it at {self._schemas.place(address)}", address)
        # What it includes by relative addresses is found by its own public one.
        return self.resolve_string(path.read_bytes(), context, base_url=address)
