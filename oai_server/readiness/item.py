"""An item as a portal meets it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from lxml import etree

from metadata_formats.record import Record
from oai_server.readiness.finding import Finding, Rule

_DC = "http://purl.org/dc/elements/1.1/"
# A rendition may come from a plug-in: it is read without entities and without network.
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)


class Item:
    """An item: its OAI identifier, its record, and its renditions by metadataPrefix.

    A rendition is None where the item has no record in that format.
    """

    def __init__(self, identifier: str, record: Record, renditions: Mapping[str, bytes | None]) -> None:
        self.identifier = identifier
        self.record = record
        self._renditions = renditions
        self._roots: dict[str, etree._Element | None] = {}

    def root(self, prefix: str) -> etree._Element | None:
        """Return the root of a rendition; None where there is none, or none that is XML."""
        if prefix not in self._roots:
            self._roots[prefix] = parsed(self._renditions.get(prefix))
        return self._roots[prefix]

    @cached_property
    def dublin_core(self) -> dict[str, list[str]]:
        """The values of each of the fifteen elements in oai_dc, by its name."""
        return dublin_core(self.root("oai_dc"))

    def breaks(self, rule: Rule, path: str, value: str | None = "") -> Finding:
        """Return the finding that this item breaks a rule."""
        return Finding(rule, self.identifier, path, value or "")


def parsed(document: bytes | None) -> etree._Element | None:
    """Return the root of a document; None where there is none, or where it is not XML."""
    try:
        return etree.fromstring(document, _PARSER) if document else None
    except etree.XMLSyntaxError:
        return None


def dublin_core(root: etree._Element | None) -> dict[str, list[str]]:
    """Return the values of each element of Dublin Core in a document in oai_dc, by its name."""
    found: dict[str, list[str]] = {}
    for element in root.iterchildren(f"{{{_DC}}}*") if root is not None else ():
        if text := (element.text or "").strip():
            found.setdefault(etree.QName(element).localname, []).append(text)
    return found


def elements(path: etree.XPath, root: etree._Element) -> list[etree._Element]:
    """Return the elements that a path selects."""
    found = path(root)
    return [each for each in found if isinstance(each, etree._Element)] if isinstance(found, list) else []
