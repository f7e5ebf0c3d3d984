"""The EDM column of the crosswalk (section 3.4), rule by rule; and what Europeana refuses is never rendered.

Its rules are tried over the XML (``oai_server.readiness.edm_rules``), apart from those in the format itself, which are
over the record.
"""

import os
import re
from pathlib import Path

import places
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec import structs, to_builtins
from strategies import hostile_text, records, uris, words
from validation import assert_valid

from metadata_formats import edm, record, registry
from metadata_formats.edm import Edm
from oai_server.ingest import readers
from oai_server.ingest.files import sources
from oai_server.readiness import edm_rules

FULL = (Path(__file__).parent / "full.yaml").read_bytes()
NS = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dct": "http://purl.org/dc/terms/",
    "edm": "http://www.europeana.eu/schemas/edm/",
    "ore": "http://www.openarchives.org/ore/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rda": "http://rdvocab.info/ElementsGr2/",
    "wgs": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "ebucore": "http://www.ebu.ch/metadata/ontologies/ebucore/ebucore#",
    "svcs": "http://rdfs.org/sioc/services#",
}
ABOUT, RESOURCE = f"{{{NS['rdf']}}}about", f"{{{NS['rdf']}}}resource"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
PAGE = "https://x.org/1"
INC = "http://rightsstatements.org/vocab/InC/1.0/"

LEAST = {
    "id": "1",
    "titles": [{"value": "T"}],
    "resource_type": "text",
    "genres": [{"label": "letters"}],
    "languages": [{"code": "eng"}],
    "rights": {"uri": INC},
    "media": [{"role": "landing", "url": PAGE}],
    "provider": {"data_provider": "Archive", "provider": "Aggregator"},
}
"""The smallest record that Europeana takes."""


def rendered(item, **options):
    return registry.rendition(Edm(), item, registry.Context(options=options))


def graph(options=None, **fields):
    document = rendered(record.from_builtins(LEAST | fields), **(options or {}))
    assert_valid(document)
    root = etree.fromstring(document)
    assert not breaches(root)
    return root


def values(root, path):
    """Return literals, and links as <URI>."""
    found = root.iterfind(path, NS)
    return [f"<{each.get(RESOURCE)}>" if each.get(RESOURCE) is not None else each.text for each in found]


def cho(path, options=None, **fields):
    return values(graph(options, **fields), f"edm:ProvidedCHO/{path}")


# Europeana's own rules over the XML, and ours.

NOTHING_EMPTY = "not(//*[not(*) and not(@rdf:resource) and not(normalize-space())])"


def breaches(root):
    """Return the names of the rules that a document breaks."""
    found = [breach.rule for breach in edm_rules.breaches(root)]
    if not root.xpath(f"boolean({NOTHING_EMPTY})", namespaces=NS):
        found.append("nothing empty")
    abouts = root.xpath("//@rdf:about", namespaces=NS)
    if len(abouts) != len(set(abouts)):
        found.append("described twice")
    own = root.xpath("string(edm:ProvidedCHO/@rdf:about)", namespaces=NS).removesuffix("cho")
    links = root.xpath("//@rdf:resource", namespaces=NS)
    if any(re.fullmatch(r"[a-z]+(-\d+)?", uri.removeprefix(own)) and uri not in abouts for uri in links):
        found.append("a link to nothing")
    return found


@pytest.mark.parametrize(
    ("rule", "path", "attribute", "value"),
    [
        ("nothing empty", "edm:ProvidedCHO/dc:identifier", None, ""),
        ("described twice", "edm:WebResource", ABOUT, PAGE + "#cho"),
        ("a link to nothing", "edm:ProvidedCHO/dc:type", RESOURCE, PAGE + "#agent-1"),
        ("EU-9", "edm:ProvidedCHO/dc:title", XML_LANG, ""),
    ],
)
def test_the_rules_over_the_xml_find_what_breaks_them(rule, path, attribute, value):
    root = graph()
    found = root.find(path, NS)
    found.text = found.text if attribute == XML_LANG else None
    if attribute:
        found.set(attribute, value)
    assert breaches(root) == [rule]


def test_the_rights_are_those_of_europeanas_own_patterns():
    schema = etree.parse(places.schemas() / "www.europeana.eu/schemas/edm/EDM-EXTERNAL-MAIN.xsd")
    patterns = [re.compile(pattern) for pattern in schema.xpath("//*[local-name()='pattern']/@value")]
    assert len(patterns) == 8
    parts = (
        ("by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "by-nd-nc", "nc", "sampling"),
        ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0"),
        ("", *sorted({f"{port}/" for pattern in patterns for port in re.findall(r"\b[a-z]+\b", pattern.pattern)})),
    )
    candidates = {
        *(f"http://creativecommons.org/licenses/{a}/{b}/{c}" for a in parts[0] for b in parts[1] for c in parts[2]),
        *(f"http://creativecommons.org/publicdomain/{tool}/1.0/" for tool in ("zero", "mark", "certification")),
        *(
            f"http://rightsstatements.org/vocab/{code}/1.0/"
            for code in ("InC", "InC-OW-EU", "InC-EDU", "InC-NC", "InC-RUU", "NoC-CR", "NoC-NC", "NoC-US", "CNE", "UND")
        ),
    }
    for uri in candidates | edm.RIGHTS_URIS:
        assert (uri in edm.RIGHTS_URIS) == any(pattern.search(uri) for pattern in patterns), uri
    assert len(candidates & edm.RIGHTS_URIS) > 500


# Whatever the record, what is rendered is taken.

RIGHTS = (INC, INC.replace("http:", "https:"), "https://www.creativecommons.org/licenses/by/3.0/igo/deed.de")
TYPES = sorted(edm._TYPES)


@st.composite
def taken(draw):
    """Records of every field and with hostile text that have all that Europeana demands."""
    item = to_builtins(draw(records))
    for rights in [item.setdefault("rights", {})]:
        rights["uri"] = draw(st.sampled_from(RIGHTS))
        rights.pop("metadata_licence", None)
    item["resource_type"] = draw(st.sampled_from(TYPES))
    item.setdefault("languages", []).append({"code": draw(st.sampled_from(("eng", "zxx", "grc")))})
    item.setdefault("provider", {}).update(data_provider=draw(words), provider=draw(words))
    page = {"role": draw(st.sampled_from(("landing", "object", "view"))), "url": draw(pages)}
    item["media"] = draw(st.permutations([*item.get("media", []), page]))
    item.setdefault("genres", []).append({"label": draw(words)})
    return record.from_builtins(item)


pages = uris.filter(lambda uri: uri.startswith("http"))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=taken())
def test_whatever_is_rendered_is_taken(item):
    assert not edm.refusals(item)
    document = rendered(item)
    assert_valid(document)
    assert breaches(etree.fromstring(document)) == []
    assert rendered(record.from_json(item.to_json())) == document


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records)
def test_any_record_is_taken_or_refused_for_a_reason(item):
    document = rendered(item)
    assert (document is None) == bool(edm.refusals(item))
    if document is not None:
        assert_valid(document)
        assert breaches(etree.fromstring(document)) == []


def without(**fields):
    return lambda item: structs.replace(item, **fields)


def with_rights(**fields):
    return lambda item: structs.replace(item, rights=structs.replace(item.rights, **fields))


def with_provider(**fields):
    return lambda item: structs.replace(item, provider=structs.replace(item.provider, **fields))


blank = st.sampled_from((None, "", " ", "\u3000\n"))
no_rights = uris.filter(lambda uri: not re.search("InC/1.0|licenses/by/4.0", uri))
MISSING = {
    "EU-3": st.just(without(subjects=[], genres=[], classification=[])),
    "EU-4": st.sampled_from((None, "software, multimedia")).map(lambda each: without(resource_type=each)),
    "EU-5": st.sampled_from(([], [record.Language(code="eng", role="original")])).map(
        lambda each: without(resource_type="text", languages=each)
    ),
    "EU-6": st.one_of(
        st.just(without(provider=None)),
        blank.map(lambda each: with_provider(data_provider=each)),
        blank.map(lambda each: with_provider(provider=each)),
    ),
    "EU-7": st.sampled_from(
        (
            [],
            [record.Media(role="landing", url="urn:isbn:1")],
            [record.Media(role="thumbnail", url=PAGE)],
            [record.Media(role="object", url=PAGE, rights_uri=INC.replace("InC", "UND"))],
        )
    ).map(lambda each: without(media=each)),
    "EU-8": st.one_of(st.just(without(rights=None)), no_rights.map(lambda uri: with_rights(uri=uri))),
    "EU-14": no_rights.map(lambda uri: with_rights(metadata_licence=uri)),
}


@pytest.mark.parametrize("rule", MISSING)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_record_without_a_mandatory_thing_is_never_rendered(rule, data):
    item = data.draw(taken())
    lacking = data.draw(MISSING[rule])(item)
    assert rule in {refused.name for refused in edm.refusals(lacking)}
    assert not Edm().available(lacking)
    assert rendered(lacking) is None


def test_every_rule_is_proved_to_refuse():
    assert {rule.name for rule in edm.RULES} == set(MISSING)


def test_a_refusal_says_which_rule_and_what_is_wanted():
    item = record.from_builtins({"id": "1", "titles": [{"value": "T"}]})
    assert [rule.name for rule in edm.refusals(item)] == ["EU-3", "EU-4", "EU-6", "EU-6", "EU-7", "EU-8"]
    assert "the language of a text" in [
        rule.demand for rule in edm.refusals(structs.replace(item, resource_type="text"))
    ]
    assert edm.refusals(record.from_builtins(LEAST)) == []


# Real records.


def canonical(document):
    return etree.tostring(etree.fromstring(document), method="c14n")


def test_the_reference_record_gives_the_expected_document():
    memorandum = record.from_yaml((places.expected() / "165251.yaml").read_bytes())
    assert canonical(rendered(memorandum)) == canonical((places.expected() / "edm.xml").read_bytes())


def test_the_full_record_is_taken():
    document = rendered(record.from_yaml(FULL))
    assert_valid(document)
    assert breaches(etree.fromstring(document)) == []


def read(path, profile):
    (source,) = sources([path])
    return [found.record for found in readers.Job(profile=places.EXAMPLES / profile).read(source)]


def test_the_page_of_the_memorandum_is_taken():
    (item,) = read(places.data() / "memorandum" / "165251.txt", "memorandum.toml")
    document = rendered(item)
    assert_valid(document)
    assert breaches(etree.fromstring(document)) == []


def test_works_of_a_museum_are_taken_once_their_rights_are_named():
    whole = os.environ.get("OAI_LONG")
    works = places.data() / "tate" / "tate-artworks.csv.gz" if whole else places.EXAMPLES / "tate-sample.csv"
    items = read(works, "tate.toml")
    assert len(items) > 200
    for item in items:
        assert "EU-8" in {rule.name for rule in edm.refusals(item)}
        page = next(known.value for known in item.identifiers if known.type == "uri")
        named = structs.replace(
            item,
            rights=structs.replace(item.rights, uri=INC),
            media=[record.Media(role="landing", url=page)],
            resource_type=item.resource_type if item.resource_type in TYPES else "still image",
            genres=item.genres or [record.Concept(label="works of art")],
        )
        document = rendered(named)
        assert_valid(document)
        assert breaches(etree.fromstring(document)) == []


# The crosswalk, decision by decision.


@pytest.mark.parametrize(
    ("written", "taken_as"),
    [
        (INC, INC),
        ("https://rightsstatements.org/vocab/InC/1.0", INC),
        ("http://rightsstatements.org/page/InC/1.0/?language=de", INC),
        ("https://creativecommons.org/licenses/by/4.0/deed.en", "http://creativecommons.org/licenses/by/4.0/"),
        ("https://www.creativecommons.org/licenses/by/4.0/legalcode", "http://creativecommons.org/licenses/by/4.0/"),
        ("http://creativecommons.org/licenses/by/4.0/de/", None),
        ("http://creativecommons.org/licenses/by/2.1/", None),
        ("http://rightsstatements.org/vocab/UND/1.0/", None),
        ("https://example.org/?http://rightsstatements.org/vocab/InC/1.0/", None),
    ],
)
def test_a_rights_uri_has_one_spelling(written, taken_as):
    assert edm.rights_uri(written) == taken_as


@pytest.mark.parametrize(
    ("resource_type", "mimes", "type_"),
    [
        ("text", [], "TEXT"),
        ("notated music", [], "TEXT"),
        ("cartographic", [], "IMAGE"),
        ("sound recording-musical", [], "SOUND"),
        ("moving image", ["image/png"], "VIDEO"),
        ("three dimensional object", ["image/png"], "IMAGE"),
        ("three dimensional object", ["image/png", "model/gltf-binary"], "3D"),
        ("mixed material", ["application/zip", "audio/mpeg", "image/png"], "SOUND"),
        ("mixed material", ["application/pdf"], "TEXT"),
        ("mixed material", ["application/zip"], None),
        ("mixed material", [], None),
        ("software, multimedia", ["image/png"], None),
        (None, ["image/png"], None),
    ],
)
def test_the_type_is_that_of_the_item_or_of_its_files(resource_type, mimes, type_):
    media = [{"role": "object", "url": f"{PAGE}/{number}", "mime": mime} for number, mime in enumerate(mimes)]
    item = record.from_builtins(LEAST | {"media": media})
    item.resource_type = resource_type
    assert edm.edm_type(item) == type_


def test_one_title_for_each_language_and_alternatives():
    titles = [
        {"value": "T", "lang": "en"},
        {"value": "U", "lang": "en"},
        {"value": "Tt", "lang": "de"},
        {"value": "V", "type": "uniform"},
    ]
    root = graph(titles=titles)
    assert values(root, "*/dc:title") == ["T", "Tt"]
    assert values(root, "*/dct:alternative") == ["U", "V"]


def test_texts_are_in_the_language_of_the_description_else_of_cataloguing():
    def lang(**info):
        return graph(record=info).find("*/dc:title", NS).get(XML_LANG)

    assert lang(language="ger") == "de"
    assert lang(language="ger", description_lang="fr") == "fr"
    assert lang(language="not a code") is None
    assert lang() is None


AGENTS = [
    {"name": "Author", "roles": ["aut"]},
    {"name": "Press", "roles": ["pbl"]},
    {"name": "Minister", "roles": ["rcp"]},
    {"name": "Signer", "roles": ["sgn", "rcp"]},
    {"name": "House", "roles": ["pbl"], "uri": "https://x.org/house"},
    {"name": "Nobody"},
]


def test_agents_are_described_and_linked_by_role_and_a_mere_publisher_is_a_name():
    root = graph(agents=AGENTS)
    assert values(root, "*/dc:creator") == [f"<{PAGE}#agent-1>"]
    assert values(root, "*/dc:contributor") == [f"<{PAGE}#agent-3>", f"<{PAGE}#agent-4>"]
    assert values(root, "*/dc:publisher") == ["Press", "<https://x.org/house>"]
    assert values(root, "*/edm:hasMet") == [f"<{PAGE}#agent-2>", f"<{PAGE}#agent-3>"]
    assert values(root, "edm:Agent/skos:prefLabel") == ["Author", "Minister", "Signer", "House", "Nobody"]


def test_the_options_of_roles_are_those_of_oai_dc():
    agents = [{"name": "Editor", "roles": ["edt"]}, {"name": "Author", "roles": ["aut"]}]
    assert cho("dc:creator", {"creator_roles": ["edt"]}, agents=agents) == [f"<{PAGE}#agent-1>"]
    assert cho("dc:creator", {"promote_editors": True}, agents=agents[:1]) == [f"<{PAGE}#agent-1>"]
    assert cho("dc:creator", agents=agents[:1]) == []


@pytest.mark.parametrize(
    ("type_", "dates", "path", "shown"),
    [
        ("person", "1900/1980", "rda:dateOfBirth", ["1900"]),
        ("person", "1900/1980~", "rda:dateOfDeath", ["1980~"]),
        ("person", "1900/..", "rda:dateOfDeath", []),
        ("person", "1967-24/1968", "rda:dateOfBirth", ["1967-12-01"]),
        ("person", "1900", "dc:date", ["1900"]),
        ("person", "1900", "rda:dateOfBirth", []),
        ("organization", "1900/1980", "edm:begin", ["1900"]),
        ("event", "1900/1980", "edm:end", ["1980"]),
    ],
)
def test_when_an_agent_lived(type_, dates, path, shown):
    root = graph(agents=[{"name": "N", "type": type_, "dates": dates, "roles": ["aut"]}])
    assert values(root, f"edm:Agent/{path}") == shown


def test_other_identifiers_of_an_agent_are_uris_where_their_vocabulary_is_known():
    identifiers = [
        {"value": "0000 0001 2345 6789", "type": "isni"},
        {"value": "https://orcid.org/0000-0001", "type": "orcid"},
        {"value": "A-7", "type": "local"},
        {"value": "1", "type": "viaf", "invalid": True},
    ]
    root = graph(agents=[{"name": "N", "roles": ["aut"], "identifiers": identifiers, "description": "Minister"}])
    sameas = ["<https://isni.org/isni/0000000123456789>", "<https://orcid.org/0000-0001>"]
    assert values(root, "edm:Agent/owl:sameAs") == sameas
    assert values(root, "edm:Agent/dc:identifier") == ["A-7"]
    assert values(root, "edm:Agent/rda:professionOrOccupation") == ["Minister"]


def test_subjects_are_concepts_agents_places_and_periods():
    root = graph(
        subjects=[
            {"label": "Peace"},
            {"label": "War", "uri": "http://id.loc.gov/authorities/subjects/sh1", "scheme": "lcsh"},
            {"parts": [{"type": "place", "label": "Asia"}, {"type": "topic", "label": "War"}]},
            {"type": "person", "label": "Doe, Jane", "edtf": "1900/1980"},
            {"type": "place", "label": "Sofia"},
            {"type": "place", "label": "Varna", "lat": 43.2, "long": 27.9},
            {"type": "place", "label": "Korea", "uri": "https://sws.geonames.org/1/"},
            {"type": "period", "label": "Cold War", "edtf": "1947~/1991"},
            {"type": "period", "label": "Long ago"},
            {"type": "period", "label": "the sixties", "edtf": "196X"},
        ],
        classification=[{"value": "327"}],
    )
    assert values(root, "*/dc:subject") == [
        "Peace", "<http://id.loc.gov/authorities/subjects/sh1>", "Asia--War", f"<{PAGE}#subject-1>", "327",
    ]  # fmt: skip
    assert values(root, "*/dct:spatial") == ["Sofia", f"<{PAGE}#place-1>", "<https://sws.geonames.org/1/>"]
    assert values(root, "*/dct:temporal") == [f"<{PAGE}#period-1>", "Long ago", f"<{PAGE}#period-2>"]
    assert values(root, "edm:Agent/rda:dateOfBirth") == ["1900"]
    assert values(root, "edm:Place/wgs:lat") == ["43.2"]
    assert values(root, "edm:Place/skos:prefLabel") == ["Varna", "Korea"]
    assert values(root, "edm:TimeSpan/edm:begin") == ["1947~", "1960"]
    assert values(root, "edm:TimeSpan/edm:end") == ["1991", "1969"]
    assert values(root, "skos:Concept/skos:inScheme") == ["<http://id.loc.gov/authorities/subjects>"]


def test_a_thing_is_described_once_with_a_label_in_each_language():
    uri = "http://vocab.getty.edu/aat/1"
    genres = [
        {"label": "letters", "lang": "en", "uri": uri, "note": "n"},
        {"label": "Briefe", "lang": "de", "uri": uri},
        {"label": "mail", "lang": "en", "uri": uri},
    ]
    root = graph(genres=genres, physical={"form": [genres[0]]})
    assert values(root, "*/dc:type") == values(root, "*/dct:medium") == [f"<{uri}>"]
    assert values(root, "skos:Concept/skos:prefLabel") == ["letters", "Briefe"]
    assert values(root, "skos:Concept/skos:altLabel") == ["mail"]
    assert values(root, "skos:Concept/skos:note") == ["n"]


def test_a_uri_that_is_a_page_already_is_no_thing_too():
    root = graph(
        genres=[{"label": "letters", "uri": PAGE}],
        agents=[
            {"name": "Author", "uri": PAGE, "roles": ["aut"]},
            {"name": "Second", "uri": PAGE + "#agent-1"},
            {"name": " ", "uri": PAGE, "roles": ["aut"]},
        ],
        subjects=[{"type": "place", "label": "Sofia", "uri": PAGE}, {"label": "Peace", "uri": PAGE}],
    )
    assert values(root, "*/dc:type") == ["letters"]
    assert values(root, "*/dc:creator") + values(root, "*/dc:contributor") == [f"<{PAGE}#agent-1>", f"<{PAGE}#agent-2>"]
    assert values(root, "*/dct:spatial") + values(root, "*/dc:subject") == ["Sofia", "Peace"]


def test_what_a_concept_is_part_of_and_equals_is_linked_where_it_is_a_uri():
    concept = {"label": "letters", "uri": "https://x.org/c", "broader": ["b", "https://x.org/b"]}
    root = graph(genres=[concept | {"exact_match": ["https://x.org/m"]}])
    assert values(root, "skos:Concept/skos:broader") == ["<https://x.org/b>"]
    assert values(root, "skos:Concept/skos:exactMatch") == ["<https://x.org/m>"]


@pytest.mark.parametrize(
    ("edtf", "shown"),
    [
        ("1967-06-08", "1967-06-08"),
        ("1967~", "1967~"),
        ("1967%", "1967%"),
        ("196X", "1960/1969"),
        ("1967/..", "1967/.."),
    ],
)
def test_dates_keep_the_marks_that_europeana_reads(edtf, shown):
    assert cho("dct:created", dates=[{"type": "created", "edtf": edtf}]) == [shown]


def test_dates_by_their_types():
    dates = [
        {"type": "issued", "edtf": "1970"},
        {"type": "created", "edtf": "1967"},
        {"type": "valid", "text": "today"},
    ]
    root = graph(dates=dates)
    found = [child.text for child in root[0] if child.tag.endswith(("date", "created", "issued"))]
    assert found == ["today", "1967", "1970"]


def test_languages_are_short_codes_of_the_text_alone():
    languages = [{"code": code} for code in ("ger", "deu", "grc", "zxx", "und")] + [{"code": "eng", "role": "summary"}]
    assert cho("dc:language", languages=languages) == ["de", "grc", "zxx", "und"]


def test_only_descriptive_notes_describe_and_custody_is_provenance():
    notes = [
        {"value": "plain"},
        {"value": "bought", "type": "acquisition"},
        {"value": "owned", "type": "Ownership"},
        {"value": "fragile", "type": "action"},
    ]
    root = graph(notes=notes, abstracts=["About"], toc=["One"])
    assert values(root, "*/dc:description") == ["About", "plain"]
    assert values(root, "*/dct:tableOfContents") == ["One"]
    assert values(root, "*/dct:provenance") == ["bought", "owned"]


@pytest.mark.parametrize(
    ("type_", "path"),
    [
        ("host", "dct:isPartOf"),
        ("series", "dct:isPartOf"),
        ("constituent", "dct:hasPart"),
        ("references", "dct:references"),
        ("referenced_by", "dct:isReferencedBy"),
        ("other_format", "dct:isFormatOf"),
        ("other_version", "dct:isVersionOf"),
        ("preceding", "dct:replaces"),
        ("succeeding", "dct:isReplacedBy"),
        ("original", "dc:source"),
        ("review_of", "dc:relation"),
        ("related", "dc:relation"),
    ],
)
def test_relations_by_their_types(type_, path):
    relations = [
        {"type": type_, "title": "Title", "uri": "https://x.org/r"},
        {"type": type_, "title": "Title"},
        {"type": type_, "identifiers": [{"value": "10.1000/5", "type": "doi"}]},
        {"type": type_},
    ]
    assert cho(path, relations=relations) == ["<https://x.org/r>", "Title", "https://doi.org/10.1000/5"]


def test_what_a_translation_derives_from_is_linked_or_is_its_source():
    root = graph(
        relations=[{"type": "translation_of", "uri": "https://x.org/r"}, {"type": "translation_of", "title": "R"}]
    )
    assert values(root, "*/edm:isDerivativeOf") == ["<https://x.org/r>"]
    assert values(root, "*/dc:source") == ["R"]


HOLDING = {
    "repository": "Archive",
    "place": "Sofia",
    "shelfmark": "S 1",
    "hierarchy": [{"level": "fonds", "label": "Fond", "id": "1"}, {"level": "file", "title": "Letters"}],
}


def test_the_item_is_where_it_is_kept_unless_its_original_is_what_is_kept():
    root = graph(holding=HOLDING)
    assert values(root, "*/edm:currentLocation") == ["Archive, Sofia, S 1"]
    assert values(root, "*/dct:isPartOf") == ["Fond 1, Letters"]
    root = graph(holding=HOLDING | {"original": True})
    assert values(root, "*/dc:source") == ["Archive, Sofia, Fond 1, Letters, S 1"]
    assert values(root, "*/edm:currentLocation") == values(root, "*/dct:isPartOf") == []


@pytest.mark.parametrize(
    ("type_", "value", "pid"),
    [
        ("doi", "https://doi.org/10.1000/182", ["doi:10.1000/182"]),
        ("hdl", "2027/x.1", ["hdl:2027/x.1"]),
        ("ark", "https://n2t.net/ark:/12345/x", ["ark:/12345/x"]),
        ("urn", "urn:nbn:de:1-2", ["urn:nbn:de:1-2"]),
        ("doi", "unknown", []),
        ("local", "10.1000/182", []),
    ],
)
def test_a_persistent_identifier_has_no_resolver(type_, value, pid):
    assert cho("edm:pid", identifiers=[{"type": type_, "value": value}]) == pid
    assert cho("edm:pid", identifiers=[{"type": type_, "value": value, "invalid": True}]) == []


BY = "http://creativecommons.org/licenses/by/4.0/"
MEDIA = [
    {"role": "thumbnail", "url": f"{PAGE}/t.jpg"},
    {"role": "view", "url": f"{PAGE}/v.png"},
    {"role": "object", "url": f"{PAGE}/1.tif", "mime": "image/tiff", "width": 800, "height": 600, "bytes": 9,
     "rights_uri": BY.replace("http:", "https:"), "label": "Front"},
    {"role": "object", "url": f"{PAGE}/2.tif"},
    {"role": "landing", "url": PAGE},
    {"role": "landing", "url": f"{PAGE}/other"},
    {"role": "download", "url": f"{PAGE}/all.zip"},
]  # fmt: skip


def test_the_page_is_shown_at_and_the_files_are_shown_by_and_views():
    root = graph(media=MEDIA)
    assert values(root, "ore:Aggregation/edm:isShownAt") == [f"<{PAGE}>"]
    assert values(root, "ore:Aggregation/edm:isShownBy") == [f"<{PAGE}/1.tif>"]
    assert values(root, "ore:Aggregation/edm:hasView") == [f"<{PAGE}/2.tif>", f"<{PAGE}/v.png>"]
    assert values(root, "ore:Aggregation/edm:object") == [f"<{PAGE}/t.jpg>"]
    resources = root.findall("edm:WebResource", NS)
    assert [each.get(ABOUT).removeprefix(PAGE) for each in resources] == ["", "/1.tif", "/2.tif", "/v.png", "/t.jpg"]
    file = resources[1]
    assert values(file, "edm:rights") == [f"<{BY}>"]
    assert values(resources[2], "edm:rights") == [f"<{INC}>"]
    assert values(file, "dc:description") == ["Front"]
    assert values(file, "ebucore:hasMimeType") == ["image/tiff"]
    assert values(file, "ebucore:width") + values(file, "ebucore:height") == ["800", "600"]
    assert values(file, "ebucore:fileByteSize") == ["9"]


def test_one_address_is_one_file_whatever_it_is_called():
    again = [MEDIA[2] | {"role": "view"}, MEDIA[2], MEDIA[3]]
    root = graph(media=[MEDIA[4], *again, {"role": "thumbnail", "url": MEDIA[2]["url"]}])
    assert values(root, "*/edm:isShownBy") == values(root, "*/edm:object") == [f"<{PAGE}/1.tif>"]
    assert values(root, "*/edm:hasView") == [f"<{PAGE}/2.tif>"]


def test_without_a_thumbnail_the_file_is_the_preview():
    assert values(graph(media=MEDIA[1:]), "*/edm:object") == [f"<{PAGE}/1.tif>"]
    assert values(graph(media=[MEDIA[4]]), "*/edm:object") == []


def test_without_a_page_the_file_names_the_item():
    root = graph(media=[MEDIA[3]])
    assert root[0].get(ABOUT) == f"{PAGE}/2.tif#cho"
    assert values(root, "*/edm:isShownAt") == []


def test_a_page_with_a_fragment_still_names_the_item():
    root = graph(media=[{"role": "landing", "url": "https://x.org/#/item/1"}])
    assert root[0].get(ABOUT) == "https://x.org/#/item/1-cho"


def test_a_file_under_terms_that_europeana_does_not_know_is_not_shown():
    own = {"role": "object", "url": f"{PAGE}/3.tif", "rights_uri": "https://x.org/terms"}
    root = graph(media=[MEDIA[4], own])
    assert own["url"] not in etree.tostring(root).decode()


def test_a_number_that_the_schema_has_no_room_for_is_left_out():
    root = graph(media=[MEDIA[4], {"role": "object", "url": f"{PAGE}/1", "bytes": 2**63, "width": 2**63 - 1}])
    assert values(root, "*/ebucore:fileByteSize") == []
    assert values(root, "*/ebucore:width") == [str(2**63 - 1)]


def test_iiif_services_go_with_their_files_and_the_manifest_with_the_first():
    iiif = [{"role": "iiif_image", "url": f"https://x.org/iiif/{number}"} for number in (1, 2)]
    manifest = {"role": "iiif_manifest", "url": "https://x.org/manifest"}
    files = [MEDIA[4], MEDIA[2], MEDIA[3], manifest]

    def services(*images):
        root = graph(media=[*files, *images])
        about = {each.get(ABOUT): values(each, "svcs:has_service") for each in root.findall("edm:WebResource", NS)}
        return [about[f"{PAGE}/1.tif"], about[f"{PAGE}/2.tif"]], root

    one, two = f"<{iiif[0]['url']}>", f"<{iiif[1]['url']}>"
    assert services()[0] == [[], []]
    assert services(iiif[0])[0] == [[one], []]
    both, root = services(*iiif)
    assert both == [[one], [two]]
    assert services(*iiif, {**iiif[0], "url": "https://x.org/iiif/3"})[0] == [[], []]
    assert services({"role": "iiif_image", "url": MEDIA[2]["url"]})[0] == [[], []]
    assert values(root, "svcs:Service/dct:conformsTo") == ["<http://iiif.io/api/image>"] * 2
    assert values(root, "edm:WebResource/dct:isReferencedBy") == ["<https://x.org/manifest>"]
    assert "svcs" not in graph().nsmap


def test_who_provides_the_record():
    provider = LEAST["provider"] | {"intermediate": "Hub"}
    root = graph(provider=provider)
    assert values(root, "ore:Aggregation/edm:dataProvider") == ["Archive"]
    assert values(root, "ore:Aggregation/edm:provider") == ["Aggregator"]
    assert values(root, "ore:Aggregation/edm:intermediateProvider") == ["Hub"]
    assert values(graph(provider=provider | {"intermediate": " Archive"}), "*/edm:intermediateProvider") == []


def test_rights_in_words_stand_with_the_item():
    rights = {"uri": INC, "label": "In Copyright", "statement": "Ask us.", "holder": "Doe", "year": "1967"}
    assert cho("dc:rights", rights=rights) == ["Ask us.", "© 1967 Doe"]


@given(text=hostile_text)
def test_hostile_words_stay_words(text):
    root = graph(notes=[{"value": text or "-"}])
    assert values(root, "*/dc:description") == [" ".join((text or "-").split())] * bool((text or "-").strip())
