"""Each rule of each profile: it fires on a record that breaks just it, and not on its good twin."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint

import places
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from items import FORMATS, GOOD, INC, LONG, PAGE, item, item_of
from msgspec import to_builtins
from strategies import records, words

from metadata_formats import edm, record, registry
from oai_server.readiness import profile as profiles
from oai_server.readiness.finding import Severity
from oai_server.readiness.item import Item
from oai_server.readiness.profile import Profile, ProfileError

ALL = {one.name: one for one in profiles.load()}
UND = "http://rightsstatements.org/vocab/UND/1.0/"
LANDING, OBJECT = GOOD["media"]
AUTHOR, TRANSLATOR, PUBLISHER = GOOD["agents"]
CC_BY = GOOD["rights"]["uri"]
PROVIDER = GOOD["provider"]


def without(name: str, *keys: str) -> dict[str, object]:
    """Return a field of the good record without these keys of it."""
    return {name: {key: value for key, value in GOOD[name].items() if key not in keys}}


def titled(value: str, **more: object) -> dict[str, object]:
    return {"titles": [{"value": value}], **more}


# rule: what is different from the good record, where the rule is broken, by which value
EUROPEANA = {
    "EU-3": ({"subjects": [], "genres": []}, "subjects", ""),
    "EU-4": ({"resource_type": "software, multimedia"}, "resource_type", "software, multimedia"),
    "EU-5": ({"languages": []}, "languages", ""),
    "EU-6": (without("provider", "data_provider"), "provider.data_provider", ""),
    "EU-7": ({"media": [{"role": "thumbnail", "url": PAGE}]}, "media", f'[{{"role":"thumbnail","url":"{PAGE}"}}]'),
    "EU-8": ({"rights": {"uri": UND}}, "rights.uri", UND),
    "EU-12": ({"provider": PROVIDER | {"intermediate": "Land library"}}, "provider.intermediate", "Land library"),
    "EU-14": ({"rights": {"uri": INC, "metadata_licence": CC_BY}}, "rights.metadata_licence", CC_BY),
    "EU-CT": ({"media": [LANDING]}, "edm:WebResource", "1: there is a page and no file"),
    "EU-MT": (
        {"record": {}, "agents": [PUBLISHER]},
        "edm:ProvidedCHO",
        "0: language 0 (0 of 7 elements), enabling elements C (4 in 4 groups), contextual classes C (2)",
    ),
    "P2": (
        {"abstracts": [LONG]} | titled(LONG[:60], abstracts=[LONG[:60].upper()]),
        "dc:description",
        LONG[:60].upper(),
    ),
    "P3": (titled(LONG[:60], abstracts=[f"{LONG[:60]}!"]), "dc:description", f"{LONG[:60]}!"),
    "P5": (titled("[Letter] (1907) & {x}"), "dc:title", "[Letter] (1907) & {x}"),
    "P6": (titled("Ah"), "dc:title", "Ah"),
    "P7": ({"abstracts": []}, "dc:description", ""),
    "P9": ({"abstracts": [LONG, {"value": "Pismo", "lang": "sl"}]}, "dc:description", "Pismo"),
    "P12": (titled("A letter " * 8), "dc:title", ("A letter " * 8).strip()),
}
BASE = {
    "BA-1": ({"agents": [PUBLISHER]}, "dc:creator", ""),
    "BA-2": ({"dates": [{"type": "issued", "edtf": "1907/1908"}]}, "dc:date", "1907/1908"),
    "BA-3": ({"languages": [{"code": "xyz"}]}, "dc:language", "xyz"),
    "BA-4": ({"media": [], "identifiers": []}, "dc:identifier", "1-a"),
    "BA-5": (titled("RÃ©ponse au maire"), "dc:title", "RÃ©ponse au maire"),
    "BA-6": ({"rights": {"statement": "Ask us"}}, "dc:rights", "Ask us"),
}
OPENAIRE = {
    "OA-2": ({"agents": [TRANSLATOR, PUBLISHER]}, "datacite:creator", ""),
    "OA-3": ({"agents": [AUTHOR, PUBLISHER]}, "datacite:contributor", ""),
    "OA-4": ({"funding": []}, "oaire:fundingReference", ""),
    "OA-6": ({"relations": GOOD["relations"][:1]}, "datacite:relatedIdentifier", ""),
    "OA-7": ({"rights": {"uri": CC_BY, "access": "embargoed"}}, "datacite:date", "1907-05-01"),
    "OA-8": ({"languages": []}, "dc:language", ""),
    "OA-9": ({"agents": [AUTHOR, TRANSLATOR]}, "dc:publisher", ""),
    "OA-10": ({"dates": []}, "datacite:date", ""),
    "OA-11": ({"resource_type": None}, "oaire:resourceType", ""),
    "OA-12": ({"abstracts": []}, "dc:description", ""),
    "OA-13": ({"media": [LANDING, {"role": "object", "url": PAGE + ".pdf"}]}, "dc:format", ""),
    "OA-14": ({"identifiers": [], "media": [OBJECT]}, "datacite:identifier", ""),
    "OA-15": ({"rights": {"uri": CC_BY}}, "datacite:rights", ""),
    "OA-16": ({"relations": GOOD["relations"][1:]}, "dc:source", ""),
    "OA-17": ({"subjects": GOOD["subjects"][:1]}, "datacite:subject", ""),
    "OA-18": ({"rights": {"access": "open"}}, "oaire:licenseCondition", ""),
    "OA-19": ({"subjects": GOOD["subjects"][1:]}, "dc:coverage", ""),
    "OA-23": ({"media": [LANDING], "physical": {"media_types": ["text/plain"]}}, "oaire:file", ""),
    "OA-24": ({"genres": [{"label": "journal articles"}]}, "oaire:citationTitle", ""),
}
DPLA = {
    "DP-1": (without("provider", "data_provider"), "provider.data_provider", ""),
    "DP-2": ({"media": [LANDING | {"url": "http://192.0.2.1/1"}, OBJECT]}, "media", "http://192.0.2.1/1"),
    "DP-4": ({"rights": None}, "dc:rights", ""),
    "DP-6a": ({"rights": {"uri": INC, "statement": UND}}, "dc:rights", f"{INC} {UND}"),
    "DP-6b": ({"rights": {"uri": "https://x.org/free"}}, "dc:rights", "https://x.org/free"),
    "DP-6c": ({"rights": {"uri": INC.replace("http:", "https:")}}, "dc:rights", INC.replace("http:", "https:")),
    "DP-7": ({"subjects": GOOD["subjects"][1:]}, "subjects", ""),
    "DP-8a": (
        {"media": [LANDING, OBJECT, *({"role": "thumbnail", "url": f"{PAGE}.{end}"} for end in ("jpg", "png"))]},
        "media",
        f"{PAGE}.png",
    ),
    "DP-8b": ({"media": [LANDING, OBJECT, {"role": "iiif_manifest", "url": "urn:x:1"}]}, "media", "urn:x:1"),
    "DP-9a": (
        {"physical": {"extent": ["600 dpi"], "digital_origin": "reformatted digital"}},
        "physical.extent",
        "600 dpi",
    ),
    "DP-9b": ({"rights": {"uri": INC, "metadata_licence": CC_BY}}, "rights.metadata_licence", CC_BY),
    "DP-9c": ({"holding": {"repository": "Castle"}}, "mods:location/mods:physicalLocation", "Castle"),
}
TABLES = {"europeana": EUROPEANA, "base": BASE, "openaire": OPENAIRE, "dpla": DPLA}
# What no record can break, for our formats keep it: broken by other documents.
BY_OTHERS: Mapping[str, Mapping[str, tuple[str, str, str]]] = {
    "europeana": {
        "EU-1": ("edm", "edm:ProvidedCHO>", "edm:Other>"),
        "EU-2": ("edm", "<dc:(title|description)( .*)?>.*</dc:.*>", ""),
        "EU-9": ("edm", "<edm:type>", '<edm:type rdf:resource="http://x.org/">'),
        "EU-10": ("edm", "(<edm:WebResource .*>)", r"\1<dcterms:hasPart>x</dcterms:hasPart>"),
        "EU-11": ("edm", "(</edm:ProvidedCHO>)", r"<edm:ugc>no</edm:ugc>\1"),
    },
    "openaire": {
        "OA-1": ("oai_openaire", r"datacite:title\b", "datacite:name"),
        "OA-5": ("oai_openaire", r"datacite:alternateIdentifier\b", "datacite:other"),
    },
    "dpla": {
        "DP-3": ("oai_dc", "<dc:title.*>.*</dc:title>", ""),
        "DP-5": ("oai_dc", "<dc:identifier>.*</dc:identifier>", ""),
    },
}
TOGETHER = {"europeana": {"P1"}}


def names(profile: Profile, of: Item) -> set[str]:
    return {found.rule.name for found in profile.check(of).findings}


@pytest.mark.parametrize("profile", ALL.values(), ids=ALL)
def test_the_good_record_breaks_nothing(profile: Profile):
    assert profile.check(item()).findings == []


@pytest.mark.parametrize(
    ("name", "rule"), [(name, rule) for name, table in TABLES.items() for rule in table], ids=lambda value: value
)
def test_a_rule_fires_on_what_breaks_just_it(name: str, rule: str):
    fields, path, value = TABLES[name][rule]
    found = ALL[name].check(item(**fields)).findings
    assert [(each.rule.name, each.path, each.value) for each in found] == [(rule, path, value)]
    assert found[0].record == "oai:archive.example.org:1-a"


@pytest.mark.parametrize(
    ("name", "rule"), [(name, rule) for name, table in BY_OTHERS.items() for rule in table], ids=lambda value: value
)
def test_a_rule_fires_on_a_document_of_another_format(name: str, rule: str):
    prefix, pattern, instead = BY_OTHERS[name][rule]
    made = record.from_builtins(GOOD)
    document = registry.rendition(FORMATS[prefix], made, registry.Context()).decode()
    changed = re.sub(pattern, instead, document)
    assert changed != document
    assert rule in names(ALL[name], item_of(made, **{prefix: changed.encode()}))


@pytest.mark.parametrize("name", ALL)
def test_every_rule_is_seen_to_fire(name: str):
    seen = [*TABLES[name], *BY_OTHERS.get(name, ()), *TOGETHER.get(name, ())]
    assert sorted(seen) == sorted(rule.name for rule in ALL[name].rules)
    assert not set(seen) & set(ALL[name].unchecked)
    for rule in ALL[name].rules:
        assert rule.demand
        assert rule.mend


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("europeana", {"provider": PROVIDER | {"intermediate": "Another"}}),
        ("europeana", titled("[Letter] (1907) & x")),
        ("europeana", titled("Aha")),
        ("europeana", titled("A" * 70)),
        ("europeana", titled(LONG[:51], abstracts=[LONG[:50] + " is asked for"])),
        ("europeana", {"abstracts": [LONG, {"value": "Short", "lang": "en"}]}),
        ("base", {"languages": [{"code": "ger"}, {"code": "zxx"}]}),
        ("base", {"dates": [{"type": "issued", "edtf": "1907"}]}),
        ("base", titled("PRÉSENTÉ» à l’Âge d’or, SÃO JOÃO, €5 â £3")),
        ("base", {"media": []}),
        ("openaire", {"rights": {"uri": CC_BY, "access": "embargoed", "embargo_until": "2030-01-01"}}),
        ("openaire", {"media": [LANDING, OBJECT | {"role": "download"}]}),
        ("dpla", {"rights": {"uri": "http://creativecommons.org/licenses/by/3.0/us/", "statement": "Ask us"}}),
        ("dpla", {"rights": {"uri": UND}}),
        ("dpla", {"physical": {"extent": ["600 dpi"], "digital_origin": "born digital"}}),
        ("dpla", {"holding": {"repository": "Town archive", "place": "Ljubljana"}}),
        ("dpla", {"holding": {"repository": "Castle", "original": True}}),
    ],
)  # fmt: skip
def test_what_looks_like_a_breach_and_is_none(name: str, fields: dict[str, object]):
    found = ALL[name].check(item(**fields)).findings
    assert [each for each in found if each.rule.name != "EU-CT"] == []


def test_every_reason_of_a_refusal_is_told():
    bare = item_of(record.from_builtins({"id": "1", "titles": [{"value": "Letter"}]}))
    said = [(each.rule.name, each.path) for each in ALL["europeana"].check(bare).findings]
    assert said == [
        ("EU-3", "subjects"), ("EU-4", "resource_type"), ("EU-6", "provider.data_provider"),
        ("EU-6", "provider.provider"), ("EU-7", "media"), ("EU-8", "rights.uri"), ("P7", "dc:description"),
    ]  # fmt: skip
    assert ALL["europeana"].check(bare).grades == {"content tier": "none", "metadata tier": "none"}


def test_a_record_that_is_missing_for_no_reason_is_told():
    made = record.from_builtins(GOOD)
    (found,) = ALL["europeana"].check(item_of(made, edm=None)).findings
    assert (found.rule.name, found.path) == ("EU-1", "edm")
    assert names(ALL["europeana"], item_of(made, edm=b"<not xml")) == {"EU-1"}
    assert names(ALL["base"], item_of(made, oai_dc=b"<not xml")) == {"BA-1", "BA-4", "BA-6"}


# The memorandum, by the figures of the crosswalk (section 4).


def test_the_memorandum_gets_the_tiers_of_the_crosswalk():
    memorandum = item_of(record.from_yaml((places.expected() / "165251.yaml").read_bytes()))
    checked = ALL["europeana"].check(memorandum)
    assert checked.grades == {"content tier": "1", "metadata tier": "C"}
    assert [each.rule.name for each in checked.findings if each.rule.severity is Severity.ERROR] == []
    (warning,) = [each for each in checked.findings if each.rule.severity is Severity.WARNING]
    assert (warning.rule.name, len(warning.value)) == ("P12", 84)


# Whatever the record.

HARD = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=80, **HARD)
@given(made=records)
def test_no_profile_raises_and_each_says_the_same_twice(made: record.Record):
    for profile in ALL.values():
        first, second = item_of(made), item_of(record.from_json(made.to_json()))
        assert profile.check(first) == profile.check(second)
        assert list(profile.shared(first)) == list(profile.shared(second))


@st.composite
def nearly_ready(draw) -> record.Record:
    """Records of which most parts are good, so that both answers come up."""
    whole, good = to_builtins(draw(records)), dict(GOOD)
    for name in draw(st.sets(st.sampled_from(sorted(GOOD.keys() - {"id", "titles"})), max_size=3)):
        good[name] = whole.get(name)
    return record.from_builtins(whole | {key: value for key, value in good.items() if value is not None})


@settings(max_examples=150, **HARD)
@given(made=nearly_ready())
def test_a_record_is_available_exactly_when_no_error_stands(made: record.Record):
    for name, prefix in (("europeana", "edm"), ("openaire", "oai_openaire")):
        findings = ALL[name].check(item_of(made)).findings
        errors = [each for each in findings if each.rule.severity is Severity.ERROR]
        assert (registry.rendition(FORMATS[prefix], made, registry.Context()) is not None) == (not errors), errors
    refused = {rule.name for rule in edm.refusals(made)}
    found = ALL["europeana"].check(item_of(made)).findings
    assert refused == {each.rule.name for each in found if each.rule.severity is Severity.ERROR}


@settings(max_examples=60, **HARD)
@given(title=words, text=words)
def test_titles_and_descriptions_may_be_anything(title: str, text: str):
    names(ALL["europeana"], item(**titled(title, abstracts=[text])))


# Profiles of others.


@dataclasses.dataclass
class Points:
    points: list[EntryPoint]

    def __call__(self, group: str) -> list[EntryPoint]:
        assert group == "oai_server.profiles"
        return [EntryPoint(name, value, group) for name, value in self.points]


@pytest.mark.parametrize(
    ("points", "wanted", "said"),
    [
        (
            [("base", "oai_server.readiness.base:Base")],
            ["bass"],
            "no profile 'bass' is installed; did you mean 'base'?",
        ),
        ([("a", "m:A"), ("a", "n:A")], [], "two profiles claim the name a: m:A and n:A"),
        ([("a", "oai_server.readiness.base:Base")], [], "is not a profile with the name a"),
        ([("a", "oai_server.readiness:nothing")], [], "the profile a (oai_server.readiness:nothing) cannot be loaded"),
    ],
)
def test_a_profile_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, points, wanted, said: str):
    monkeypatch.setattr(profiles, "entry_points", Points(points))
    with pytest.raises(ProfileError, match=re.escape(said)):
        profiles.load(wanted)
