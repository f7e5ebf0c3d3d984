"""Europeana's problem patterns: titles and descriptions that make a record hard to find or to tell from others.

They are the tests of the Metis Sandbox. They are about dc:title, dc:description and dc:identifier of the EDM; of a
record that has no EDM yet, about what would stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from metadata_formats.oai_dc import all_identifiers, full_title, is_descriptive
from metadata_formats.record import Record, Text
from metadata_formats.xml import collapse
from oai_server.readiness.edm_rules import NAMESPACES
from oai_server.readiness.finding import Finding, Rule, Severity
from oai_server.readiness.item import Item

_TITLE = "Give the item a title of its own (titles)"
P1 = Rule(
    "P1", Severity.WARNING, "a title that no other record has", f"{_TITLE}; a part can say its number in part_number"
)
P2 = Rule(
    "P2", Severity.WARNING, "a description that is not the title", "Describe the item in abstracts, or leave it out"
)
P3 = Rule("P3", Severity.WARNING, "a description that says more than the title", "Describe the item in abstracts")
P5 = Rule(
    "P5",
    Severity.WARNING,
    "a title of words: at most 5 signs and no identifier in it",
    f"{_TITLE}, and keep numbers in identifiers or holding.shelfmark",
)
P6 = Rule("P6", Severity.WARNING, "a title of more than 2 characters", _TITLE)
P7 = Rule("P7", Severity.WARNING, "a description", "Describe the item in abstracts, or in notes without a type")
P9 = Rule("P9", Severity.WARNING, "a description of more than 50 characters in each language", "Say more in abstracts")
P12 = Rule(
    "P12",
    Severity.WARNING,
    "a title of at most 70 characters",
    "Shorten it: the rest belongs into subtitle, part_name or abstracts, if it was not given so by its maker",
)
PATTERNS = (P1, P2, P3, P5, P6, P7, P9, P12)

_LONGEST_COMPARED = 10_000  # characters: who writes more has written no second title
_SIGN = re.compile(r"[^\w ]|_")
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class Words(NamedTuple):
    """What the patterns are about; descriptions with their languages."""

    titles: list[str]
    descriptions: list[tuple[str, str]]  # language tag or "", text
    identifiers: list[str]


def words(item: Item) -> Words:
    """Return the titles, descriptions and identifiers of an item as Europeana gets them, or would."""
    root = item.root("edm")
    return _of_record(item.record) if root is None else _of_edm(root)


def _of_edm(root: etree._Element) -> Words:
    cho = root.find("edm:ProvidedCHO", NAMESPACES)

    def all_(tag: str) -> list[tuple[str, str]]:
        elements = cho.iterfind(f"dc:{tag}", NAMESPACES) if cho is not None else ()
        return [(each.get(_XML_LANG, ""), text) for each in elements if (text := (each.text or "").strip())]

    return Words([text for _, text in all_("title")], all_("description"), [text for _, text in all_("identifier")])


def _of_record(record: Record) -> Words:
    titles = (collapse(full_title(title)) for title in record.titles if title.type == "main")
    told = [words if isinstance(words, Text) else Text(value=words) for words in record.abstracts]
    told += [Text(value=note.value, lang=note.lang) for note in record.notes if is_descriptive(note)]
    descriptions = [(text.lang or "", collapse(text.value)) for text in told if collapse(text.value)]
    return Words(list(filter(None, titles)), descriptions, all_identifiers(record, objects=False))


def problems(item: Item) -> Iterator[Finding]:
    """Yield the problem patterns of one record; P1 is one of all of them together."""
    titles, descriptions, identifiers = words(item)
    texts = list(dict.fromkeys(text for _, text in descriptions))
    for title in dict.fromkeys(titles):
        for text in texts:
            if title.lower() == text.lower():
                yield item.breaks(P2, "dc:description", text)
            elif _is_nearly(title, text):
                yield item.breaks(P3, "dc:description", text)
        if len(_SIGN.findall(title)) > 5 or any(identifier in title for identifier in identifiers):
            yield item.breaks(P5, "dc:title", title)
        if len(title) <= 2:
            yield item.breaks(P6, "dc:title", title)
        if len(title) > 70:
            yield item.breaks(P12, "dc:title", title)
    if not texts:
        yield item.breaks(P7, "dc:description")
    for lang in dict.fromkeys(lang for lang, _ in descriptions):
        said = [text for tag, text in descriptions if tag == lang]
        if all(len(text) < 51 for text in said):
            yield item.breaks(P9, "dc:description", said[0])


def _is_nearly(title: str, text: str) -> bool:
    """Tell whether a description nearly repeats a title: nine tenths of the shorter one, and not much longer."""
    shorter, longer = sorted((title, text), key=len)
    if len(longer) - len(shorter) > 5 + len(shorter) / 10 or len(longer) > _LONGEST_COMPARED:
        return False
    return _common_subsequence(shorter, longer) >= 0.9 * len(shorter)


def _common_subsequence(one: str, other: str) -> int:
    """Return the length of the longest common subsequence, a row of the usual table at a time as bits of a number."""
    places: dict[str, int] = {}
    for place, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << place
    all_ = row = (1 << len(one)) - 1
    for character in other:
        matches = row & places.get(character, 0)
        row = ((row + matches) | (row - matches)) & all_
    return len(one) - row.bit_count()
