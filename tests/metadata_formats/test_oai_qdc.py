"""The qualified Dublin Core column of the crosswalk (section 3.4), rule by rule."""

import os
from pathlib import Path

import places
import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree
from strategies import records
from validation import assert_valid

from metadata_formats import record, registry
from metadata_formats.oai_qdc import OaiQdc
from oai_server.ingest import readers
from oai_server.ingest.files import sources

FULL = (Path(__file__).parent / "full.yaml").read_bytes()
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def rendered(item, **options):
    return registry.rendition(OaiQdc(), item, registry.Context(options=options))


def qdc(options=None, **fields):
    """Return by element what an item says: text, with its scheme or language where it has one."""
    document = rendered(record.from_builtins({"id": "1", "titles": [{"value": "T"}]} | fields), **(options or {}))
    assert_valid(document)
    found = {}
    for element in etree.fromstring(document):
        marks = [element.get(XSI_TYPE, "").removeprefix("dcterms:"), element.get(XML_LANG)]
        said = (element.text, *filter(None, marks))
        found.setdefault(etree.QName(element).localname, []).append(said if len(said) > 1 else element.text)
    return found


def test_refinements_stand_where_what_they_refine_stands():
    item = record.from_yaml(FULL)
    item.notes += [record.Note(value="Custody", type="ownership"), record.Note(value="Cite", type="preferred citation")]
    root = etree.fromstring(rendered(item))
    assert list(dict.fromkeys(etree.QName(child).localname for child in root)) == [
        "title", "alternative", "creator", "subject", "abstract", "tableOfContents", "description", "publisher",
        "contributor", "created", "issued", "dateCopyrighted", "available", "type", "format", "extent", "medium",
        "identifier", "bibliographicCitation", "source", "language", "isPartOf", "relation", "hasFormat", "spatial",
        "temporal", "audience", "provenance", "accessRights", "rightsHolder", "rights",
    ]  # fmt: skip


def canonical(document):
    return etree.tostring(etree.fromstring(document), method="c14n")


def test_the_reference_record_gives_the_expected_document():
    memorandum = record.from_yaml((places.expected() / "165251.yaml").read_bytes())
    assert canonical(rendered(memorandum)) == canonical((places.expected() / "qdc.xml").read_bytes())


WORKS = "tate/tate-artworks.csv.gz" if os.environ.get("OAI_LONG") else places.EXAMPLES / "tate-sample.csv"


@pytest.mark.parametrize(
    ("path", "profile"),
    [("memorandum/165251.txt", "memorandum.toml"), (WORKS, "tate.toml")],
    ids=["memorandum", "tate"],
)
def test_real_records_are_valid(path, profile):
    (source,) = sources([places.data() / path])
    for found in readers.Job(profile=places.EXAMPLES / profile).read(source):
        assert_valid(rendered(found.record))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records)
def test_every_record_is_valid_and_no_value_has_both_a_scheme_and_a_language(item):
    document = rendered(item)
    assert_valid(document)
    for element in etree.fromstring(document):
        assert not (XSI_TYPE in element.attrib and XML_LANG in element.attrib)
        assert element.text.strip()


def test_titles_other_than_main_are_alternatives():
    titles = [{"value": "Tale", "non_sort": "The"}, {"value": "Märe", "type": "translated", "lang": "de"}]
    found = qdc(titles=titles)
    assert found["title"] == ["The Tale"]
    assert found["alternative"] == [("Märe", "de")]


def test_agents_go_by_their_roles_as_in_oai_dc():
    agents = [
        {"name": "Author", "roles": ["aut"]},
        {"name": "Press", "roles": ["pbl"]},
        {"name": "Ed", "roles": ["edt"]},
    ]
    found = qdc(agents=agents)
    assert (found["creator"], found["publisher"], found["contributor"]) == (["Author"], ["Press"], ["Ed"])
    assert qdc({"creator_roles": ["edt"]}, agents=agents)["creator"] == ["Ed"]
    assert qdc({"promote_editors": True}, agents=agents[1:])["creator"] == ["Ed"]


def test_a_subject_of_a_known_scheme_has_the_scheme_instead_of_a_language():
    subjects = [
        {"label": "Peace", "scheme": "lcsh", "lang": "en"},
        {"label": "Eye", "scheme": "mesh"},
        {"label": "War", "scheme": "aat", "lang": "en"},
        {"parts": [{"type": "place", "label": "Asia"}, {"type": "topic", "label": "War"}]},
    ]
    numbers = [{"value": "327", "scheme": "ddc"}, {"value": "JX", "scheme": "lcc"}, {"value": "32", "scheme": "bkl"}]
    assert qdc(subjects=subjects, classification=numbers)["subject"] == [
        ("Peace", "LCSH"), ("Eye", "MESH"), ("War", "en"), "Asia--War", ("327", "DDC"), ("JX", "LCC"), "32",
    ]  # fmt: skip


def test_descriptions_by_their_kind():
    notes = [
        {"value": "plain", "lang": "en"},
        {"value": "bought", "type": "acquisition"},
        {"value": "Cite as", "type": "Preferred citation"},
        {"value": "fragile", "type": "action"},
    ]
    found = qdc(abstracts=["About"], toc=["One"], notes=notes)
    assert (found["abstract"], found["tableOfContents"]) == (["About"], ["One"])
    assert found["description"] == [("plain", "en")]
    assert found["provenance"] == ["bought"]
    assert found["bibliographicCitation"] == ["Cite as"]


@pytest.mark.parametrize(
    ("type_", "element"),
    [
        ("created", "created"),
        ("issued", "issued"),
        ("modified", "modified"),
        ("copyright", "dateCopyrighted"),
        ("valid", "valid"),
        ("available", "available"),
        ("submitted", "dateSubmitted"),
        ("captured", "date"),
        ("other", "date"),
    ],
)
def test_dates_by_their_types(type_, element):
    assert qdc(dates=[{"type": type_, "edtf": "1967"}])[element] == [("1967", "W3CDTF")]


@pytest.mark.parametrize(
    ("edtf", "shown"),
    [
        ("1967-06-08", ("1967-06-08", "W3CDTF")),
        ("1967-06", ("1967-06", "W3CDTF")),
        ("1967~", ("1967", "W3CDTF")),
        ("2004-01-01T10:10:10+05:30", ("2004-01-01T10:10:10+05:30", "W3CDTF")),
        ("2004-01-01T10:10:10", ("2004-01-01", "W3CDTF")),
        ("1962/1967", "1962/1967"),
        ("196X", "1960/1969"),
        ("0000", "0000"),
    ],
)
def test_a_date_is_w3cdtf_where_it_fits(edtf, shown):
    assert qdc(dates=[{"type": "created", "edtf": edtf}])["created"] == [shown]


def test_a_date_as_written_is_never_w3cdtf_unless_it_is_one():
    dates = [{"type": "created", "text": text} for text in ("undated", "1967", "1967-02-30")]
    assert qdc(dates=dates)["created"] == ["undated", ("1967", "W3CDTF"), "1967-02-30"]


def test_types_are_words_of_dcmi_then_genres():
    found = qdc(resource_type="still image", genres=[{"label": "photographs", "lang": "en"}])
    assert found["type"] == [("StillImage", "DCMIType"), ("photographs", "en")]


def test_the_carrier_by_its_kinds():
    physical = {"media_types": ["image/tiff"], "extent": ["4 pages"], "form": [{"label": "paper", "lang": "en"}]}
    found = qdc(physical=physical, media=[{"role": "object", "url": "https://x.org/1.pdf", "mime": "application/pdf"}])
    assert found["format"] == [("image/tiff", "IMT"), ("application/pdf", "IMT")]
    assert found["extent"] == ["4 pages"]
    assert found["medium"] == [("paper", "en")]
    assert found["hasFormat"] == [("https://x.org/1.pdf", "URI")]


def test_addresses_are_uris_and_come_first():
    identifiers = [
        {"value": "inv 7"},
        {"value": "10.1000/a<1>", "type": "doi"},
        {"value": "http://x y", "type": "uri"},
        {"value": "https://x.org/é", "type": "uri"},
    ]
    found = qdc(identifiers=identifiers, media=[{"role": "landing", "url": "https://x.org/1"}])
    assert found["identifier"] == [
        ("https://x.org/1", "URI"),
        ("https://doi.org/10.1000/a%3C1%3E", "URI"),
        "http://x y",
        ("https://x.org/%C3%A9", "URI"),
        "inv 7",
        "1",
    ]


def test_languages_are_coded_by_their_list():
    languages = [{"code": code} for code in ("deu", "cmn")] + [{"code": "bul", "role": "original"}]
    assert qdc(languages=languages)["language"] == [("ger", "ISO639-2"), ("cmn", "ISO639-3")]


@pytest.mark.parametrize(
    ("type_", "element"),
    [
        ("host", "isPartOf"),
        ("series", "isPartOf"),
        ("constituent", "hasPart"),
        ("references", "references"),
        ("referenced_by", "isReferencedBy"),
        ("other_format", "isFormatOf"),
        ("other_version", "isVersionOf"),
        ("preceding", "replaces"),
        ("succeeding", "isReplacedBy"),
        ("original", "source"),
        ("translation_of", "source"),
        ("review_of", "relation"),
        ("related", "relation"),
    ],
)
def test_relations_by_their_types(type_, element):
    relations = [{"type": type_, "title": "Title", "uri": "https://x.org/r"}, {"type": type_, "title": "Title"}]
    assert qdc(relations=relations)[element] == [("https://x.org/r", "URI"), "Title"]


def test_what_is_kept_is_the_source_or_shows_what_the_item_is_part_of():
    holding = {
        "repository": "Archive",
        "shelfmark": "S 1",
        "hierarchy": [{"level": "fonds", "label": "Fond", "id": "1"}],
    }
    assert qdc(holding=holding | {"original": True})["source"] == ["Archive, Fond 1, S 1"]
    assert qdc(holding=holding)["isPartOf"] == ["Archive, Fond 1"]
    assert not {"isPartOf", "source"} & qdc(holding={"repository": "Archive"}).keys()


def test_places_and_periods():
    found = qdc(
        subjects=[
            {"type": "period", "label": "Cold War", "edtf": "1947/1991", "lang": "en"},
            {"type": "period", "label": "1962-1967", "edtf": "1962/1967"},
            {"type": "place", "label": "Sofia", "lang": "en", "country": "BG", "bbox": [23.2, 42.6, 23.5, 42.8]},
            {"type": "place", "label": "Varna", "scheme": "tgn", "lang": "en", "country": "bu"},
        ]
    )
    box = "westlimit=23.2; southlimit=42.6; eastlimit=23.5; northlimit=42.8"
    assert found["spatial"] == [("Sofia", "en"), ("BG", "ISO3166"), (box, "Box"), ("Varna", "TGN")]
    assert found["temporal"] == [("Cold War", "en"), "1947/1991", "1962/1967"]


@pytest.mark.parametrize(
    ("uri", "element"),
    [
        ("http://creativecommons.org/licenses/by/4.0/", "license"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "license"),
        ("http://rightsstatements.org/vocab/InC/1.0/", "accessRights"),
        ("https://example.org/?to=http://creativecommons.org/", "accessRights"),
    ],
)
def test_a_licence_is_told_from_other_rights(uri, element):
    assert qdc(rights={"uri": uri})[element] == [uri]


def test_rights_by_their_kinds():
    rights = {
        "statement": "Ask us.",
        "label": "Protected",
        "holder": "Doe",
        "year": "1967",
        "access": "embargoed",
        "access_note": "On site.",
        "embargo_until": "2030-01-01",
    }
    found = qdc(rights=rights)
    assert found["accessRights"] == ["embargoed access", "On site."]
    assert found["rightsHolder"] == ["Doe"]
    assert found["dateCopyrighted"] == [("1967", "W3CDTF")]
    assert found["available"] == [("2030-01-01", "W3CDTF")]
    assert found["rights"] == ["Ask us."]
    assert qdc(rights={"label": "Protected"})["rights"] == ["Protected"]
    dated = qdc(rights=rights, dates=[{"type": "copyright", "edtf": "1968"}])
    assert dated["dateCopyrighted"] == [("1968", "W3CDTF")]


def test_for_whom_it_is():
    assert qdc(audience=[{"label": "adults", "lang": "en"}])["audience"] == [("adults", "en")]
