"""Europeana: the rules of EDM, the tiers of the publishing framework, and the problem patterns of the Sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import msgspec
from lxml import etree

from metadata_formats import edm
from metadata_formats.record import Provider, Record
from metadata_formats.xml import collapse
from oai_server.readiness import tiers
from oai_server.readiness.edm_rules import breaches
from oai_server.readiness.finding import Finding, Rule, Severity
from oai_server.readiness.item import Item
from oai_server.readiness.problem_patterns import P1, PATTERNS, problems, words
from oai_server.readiness.profile import Checked, Profile, Shared

_ERROR, _WARNING, _INFO = Severity


def _of_format(name: str, mend: str) -> Rule:
    """Return a rule that decides whether there is EDM at all: what it demands stands in the format."""
    return Rule(name, _ERROR, " and ".join(rule.demand for rule in edm.RULES if rule.name == name), mend)


_FORMAT = "It is the format that failed here, not the record: run 'oai-server render', or mend the plug-in"
CONTENT_TIER = Rule(
    "EU-CT",
    _INFO,
    "content tier 4",
    "Link the file itself (media with role object) with its mime, width and height, under an open licence (rights.uri)",
)
METADATA_TIER = Rule(
    "EU-MT",
    _INFO,
    "metadata tier C",
    "Say the language of texts (record.description_lang, lang); give dates, places, agents and genres, and to these "
    "uri, lat and long, edtf, dates or a description",
)
_RULES = (
    Rule("EU-1", _ERROR, "one ProvidedCHO and an Aggregation that points to it", _FORMAT),
    Rule("EU-2", _ERROR, "a title or a description", "Give the item a main title (titles)"),
    _of_format(
        "EU-3", "Give subjects, genres or classification; the profile can set a genre for all (defaults.genres)"
    ),
    _of_format("EU-4", "Set resource_type, which software has none for; of mixed material, give the mime of its files"),
    _of_format("EU-5", "Give languages with role text; zxx says that there are no words"),
    _of_format(
        "EU-6", "Set data_provider and provider once for all records of a source, in its profile (defaults.provider)"
    ),
    _of_format(
        "EU-7",
        "Give media with role landing, object or view and an http address; a profile can make it of a column or the id",
    ),
    _of_format(
        "EU-8",
        "Choose one of Europeana's rights URIs (rights.uri), for a whole source in its profile (defaults.rights); "
        "nobody can derive it from prose",
    ),
    Rule("EU-9", _ERROR, "an element with a link or with text, and nothing empty", _FORMAT),
    Rule("EU-10", _ERROR, "dcterms:hasPart of a WebResource as a link", _FORMAT),
    Rule("EU-11", _ERROR, "edm:ugc only as true, at most one currentLocation and isRepresentationOf", _FORMAT),
    Rule(
        "EU-12",
        _WARNING,
        "an intermediate provider other than provider and data provider",
        "Leave out provider.intermediate; the EDM leaves it out already",
    ),
    _of_format("EU-14", "Europeana takes metadata under CC0 alone: rights.metadata_licence, or leave it out"),
)
_BY_NAME = {rule.name: rule for rule in _RULES}


class Europeana(Profile):
    """Europeana."""

    name = "europeana"
    harvests = "edm"
    rules = (*_RULES, CONTENT_TIER, METADATA_TIER, *PATTERNS)
    unchecked: ClassVar[Mapping[str, str]] = {
        "EU-13": "links resolve, isShownAt to a page and isShownBy to a file: needs the network; the tiers take the "
        "record's word for pages and files"
    }

    def check(self, item: Item) -> Checked:
        """Return the rules that an item breaks, and its tiers; it has none while Europeana would not take it."""
        root = item.root("edm")
        found = [*_broken(item, root), *problems(item)]
        if root is None:
            return Checked(found, {"content tier": "none", "metadata tier": "none"})
        content, metadata = tiers.content(root), tiers.metadata(root)
        if content.tier < 4:
            found.append(item.breaks(CONTENT_TIER, "edm:WebResource", f"{content.tier}: {content.because}"))
        if metadata.tier != "C":
            found.append(item.breaks(METADATA_TIER, "edm:ProvidedCHO", _in_words(metadata)))
        return Checked(found, {"content tier": str(content.tier), "metadata tier": metadata.tier})

    def shared(self, item: Item) -> Iterator[Shared]:
        """Yield the titles: no two records should have one."""
        for title in {title.casefold(): title for title in words(item).titles}.values():
            yield Shared(P1, "dc:title", title)


def _broken(item: Item, root: etree._Element | None) -> Iterator[Finding]:
    """Yield the rules that the record breaks, by which it has no EDM, or else those that its EDM breaks."""
    refusals = edm.refusals(item.record)
    for refusal in refusals:
        yield item.breaks(_BY_NAME[refusal.name], refusal.where, _said(item.record, refusal.where))
    if root is None and not refusals:
        yield item.breaks(_BY_NAME["EU-1"], "edm", "no record in edm, though nothing forbids it")
    known = {refusal.name for refusal in refusals}
    provider = item.record.provider or Provider()
    intermediate = collapse(provider.intermediate)
    if intermediate and intermediate in (collapse(provider.data_provider), collapse(provider.provider)):
        known.add("EU-12")
        yield item.breaks(_BY_NAME["EU-12"], "provider.intermediate", intermediate)
    for breach in breaches(root) if root is not None else ():
        if breach.rule not in known:
            yield item.breaks(_BY_NAME[breach.rule], breach.path, breach.value)


def _said(record: Record, path: str) -> str:
    """Return what stands at a path of the record, as JSON where it is more than a text; empty where nothing does."""
    value: object = record
    for key in path.split("."):
        value = getattr(value, key, None)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode() if value else ""


def _in_words(metadata: tiers.Metadata) -> str:
    return (
        f"{metadata.tier}: language {metadata.language} ({metadata.tagged} of {metadata.properties} elements), "
        f"enabling elements {metadata.enabling_tier} ({metadata.enabling} in {metadata.groups} groups), "
        f"contextual classes {metadata.class_tier} ({len(metadata.classes)})"
    )
