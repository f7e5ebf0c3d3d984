"""Elements of MODS as they are read: what is asked of one is taken out of it, so that what nobody asked for is left."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from metadata_formats.reading import Left
from metadata_formats.xml import collapse

_ATTRIBUTES = {
    "{http://www.w3.org/XML/1998/namespace}lang": "xml:lang",
    "{http://www.w3.org/1999/xlink}href": "xlink:href",
}
# Attributes that link elements of one document, or say what goes without saying.
_SILENT = frozenset(("ID", "IDREF", "version", "altRepGroup", "nameTitleGroup", "shareable", "eventTypeURI", "typeURI"))
# Attributes that say no more than the order of elements, or than another attribute, where nobody asked for them.
_REPEATING = frozenset(("usage", "authorityURI"))


class Element:
    """An element: its text with single spaces, attributes and children by name, each until it is asked for.

    ``path`` are the names from below ``mods`` down to it, ``number`` its place among its siblings (from 1; 0 is the
    root), ``own_id`` its attribute ID.
    """

    __slots__ = ("asked", "attributes", "children", "name", "number", "own_id", "path", "words")

    def __init__(self, element: etree._Element, namespace: str, path: str = "", number: int = 0) -> None:
        tag = str(element.tag)
        self.name = tag.removeprefix(f"{{{namespace}}}")
        self.path = f"{path}/{self.name}" if path else self.name if number else ""
        self.number = number
        self.own_id = collapse(element.get("ID"))
        self.attributes: dict[str, str] = {}
        for key, value in element.attrib.items():
            name = _ATTRIBUTES.get(str(key), str(key))
            if name not in _SILENT and not name.startswith("{"):
                self.attributes[name] = " ".join(str(value).split())
        self.children: dict[str, list[Element]] = {}
        self.asked: list[Element] = []
        text = element.text or ""
        for place, child in enumerate(element, 1):
            if isinstance(child.tag, str):
                made = Element(child, namespace, self.path, place)
                self.children.setdefault(made.name, []).append(made)
            if child.tail:
                text += child.tail
        self.words = " ".join(text.split())

    def all(self, *names: str) -> list[Element]:
        """Take the children of some names out, in their order."""
        found = [child for name in names for child in self.children.pop(name, ())]
        self.asked += found
        if len(names) > 1:
            found.sort(key=lambda child: child.number)
        return found

    def one(self, name: str) -> Element | None:
        """Take the first child of a name out; further ones are left."""
        found = self.children.get(name)
        return self.take(found[0]) if found else None

    def take(self, child: Element) -> Element:
        """Take a child out."""
        self.children[child.name].remove(child)
        self.asked.append(child)
        return child

    def having(self, *names: str) -> list[Element]:
        """Return the children of some names without taking them out."""
        return [child for name in names for child in self.children.get(name, ())]

    def said(self) -> str:
        """Take its own text."""
        text, self.words = self.words, ""
        return text

    def text(self, name: str) -> str:
        """Take the text of the first child of a name that has any."""
        while (child := self.one(name)) is not None:
            if child.words:
                return child.said()
        return ""

    def texts(self, name: str) -> list[str]:
        """Take the texts of all children of a name."""
        return [text for child in self.all(name) if (text := child.said())]

    def attribute(self, name: str) -> str:
        """Take an attribute; nothing where it is not there."""
        return self.attributes.pop(name, "")

    def clear(self) -> None:
        """Take all that is in it."""
        self.words, self.attributes, self.children, self.asked = "", {}, {}, []

    def whole(self) -> str:
        """Return all the text that is left in it."""
        inner = sorted((child for found in self.children.values() for child in found), key=lambda child: child.number)
        return collapse(" ".join((self.words, *(child.whole() for child in inner))))

    def left(self) -> Iterator[Left]:
        """Yield what nobody asked for."""
        for name, value in self.attributes.items():
            if value and value != "no" and name not in _REPEATING:
                yield Left("attribute not carried", f"{self.path}@{name}", value)
        if self.words:
            yield Left("text not carried", self.path, self.words)
        for found in self.children.values():
            for child in found:
                if text := child.whole() or child.attributes.get("xlink:href"):
                    yield Left("element not carried", child.path, text)
        for child in self.asked:
            yield from child.left()
