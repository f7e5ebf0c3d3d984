"""The Dublin Core column of the crosswalk (section 3.4), rule by rule, and the options."""

from pathlib import Path

import pytest
from lxml import etree
from validation import assert_valid

from metadata_formats import oai_dc, record, registry
from metadata_formats.oai_dc import OaiDc

FULL = (Path(__file__).parent / "full.yaml").read_bytes()
DC = "{http://purl.org/dc/elements/1.1/}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def dc(options=None, **fields):
    """Return the values of an item by element."""
    item = record.from_builtins({"id": "1", "titles": [{"value": "T"}]} | fields)
    document = registry.rendition(OaiDc(), item, registry.Context(options=options or {}))
    assert_valid(document)
    found = {}
    for element in etree.fromstring(document):
        found.setdefault(element.tag.removeprefix(DC), []).append(element.text)
    return found


def test_the_order_is_that_of_the_fifteen_elements():
    root = etree.fromstring(registry.rendition(OaiDc(), record.from_yaml(FULL), registry.Context()))
    assert list(dict.fromkeys(child.tag.removeprefix(DC) for child in root)) == [
        "title", "creator", "subject", "description", "publisher", "contributor", "date", "type", "format",
        "identifier", "source", "language", "relation", "coverage", "rights",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "line"),
    [
        (
            {"value": "Tale", "non_sort": "The", "subtitle": "more", "part_number": "2", "part_name": "End"},
            "The Tale: more. 2, End",
        ),
        ({"value": "Étranger", "non_sort": "L'"}, "L'Étranger"),
        ({"value": "Tale", "part_name": "End"}, "Tale. End"),
        ({"value": "  two \n words "}, "two words"),
    ],
)  # fmt: skip
def test_a_title_is_one_line(title, line):
    assert dc(titles=[title])["title"] == [line]


AGENTS = [
    {"name": "Press", "roles": ["pbl"]},
    {"name": "Editor", "roles": ["edt"]},
    {"name": "Both", "roles": ["ill", "pbl"]},
    {"name": "Nobody"},
]


def test_agents_go_by_their_roles_without_role_words():
    found = dc(agents=[*AGENTS, {"name": "Author", "roles": ["aut", "ill"]}])
    assert found["creator"] == ["Author"]
    assert found["publisher"] == ["Press", "Both"]
    assert found["contributor"] == ["Editor", "Both", "Nobody"]


def test_editors_stand_for_the_creator_only_by_option_and_only_if_there_is_none():
    assert "creator" not in dc(agents=AGENTS)
    promoted = dc({"promote_editors": True}, agents=AGENTS)
    assert promoted["creator"] == ["Editor"]
    assert promoted["contributor"] == ["Both", "Nobody"]
    author = {"name": "Author", "roles": ["aut"]}
    assert dc({"promote_editors": True}, agents=[*AGENTS, author])["creator"] == ["Author"]


def test_the_creator_roles_may_be_named():
    found = dc({"creator_roles": ["ill"]}, agents=[*AGENTS, {"name": "Author", "roles": ["aut"]}])
    assert found["creator"] == ["Both"]
    assert "Author" in found["contributor"]


CREATED, ISSUED = {"type": "created", "edtf": "1967"}, {"type": "issued", "edtf": "1970"}
VALID = {"type": "valid", "edtf": "1980"}


@pytest.mark.parametrize(
    ("dates", "shown"),
    [
        ([VALID, CREATED], ["1967"]),
        ([CREATED, ISSUED], ["1970"]),
        ([CREATED | {"key": True}, ISSUED], ["1967"]),
        ([VALID, {"type": "other", "edtf": "1990"}], ["1980"]),
        ([{"type": "created", "text": "undated"}], ["undated"]),
    ],
)
def test_one_date_stands_for_the_item(dates, shown):
    assert dc(dates=dates)["date"] == shown


def test_creation_gives_way_to_issue_only_in_what_was_published():
    press = [{"name": "Press", "roles": ["pbl"]}]
    assert dc(dates=[VALID, CREATED], agents=press)["date"] == ["1967"]


def test_all_dates_by_option():
    assert dc({"all_dates": True}, dates=[CREATED, ISSUED, VALID])["date"] == ["1967", "1970", "1980"]


MEDIA = [{"role": "object", "url": "https://x.org/1.pdf"}, {"role": "landing", "url": "https://x.org/1"}]
IDENTIFIERS = [
    {"value": "inv 7", "type": "inventory"},
    {"value": "10.1000/a<1>", "type": "doi"},
    {"value": "9780306406157", "type": "isbn"},
    {"value": "wrong", "invalid": True},
]


def test_addresses_come_first_the_id_last_and_a_doi_is_an_address():
    others = ["https://doi.org/10.1000/a%3C1%3E", "inv 7", "urn:isbn:9780306406157", "1"]
    assert dc(media=MEDIA, identifiers=IDENTIFIERS)["identifier"] == ["https://x.org/1", *others]
    with_objects = dc({"object_urls": True}, media=MEDIA, identifiers=IDENTIFIERS)
    assert with_objects["identifier"] == ["https://x.org/1", "https://x.org/1.pdf", *others]


@pytest.mark.parametrize(
    "written", ["10.1000/182", "doi:10.1000/182", "DOI: 10.1000/182", "http://dx.doi.org/10.1000/182"]
)
def test_a_doi_is_one_address_however_it_was_written(written):
    assert oai_dc.public_form(record.Identifier(value=written, type="DOI")) == "https://doi.org/10.1000/182"


def test_what_is_no_doi_is_not_made_an_address():
    assert oai_dc.public_form(record.Identifier(value="unknown", type="doi")) == "unknown"


@pytest.mark.parametrize(
    ("fields", "types"),
    [
        ({"resource_type": "still image"}, ["StillImage"]),
        ({"resource_type": "text", "collection": True}, ["Text", "Collection"]),
        ({"resource_type": "mixed material", "collection": True}, ["Collection"]),
        ({"resource_type": "mixed material"}, ["PhysicalObject"]),
        ({"resource_type": "software, multimedia"}, ["Software"]),
        ({"resource_type": "software, multimedia", "genres": [{"label": "Datasets"}]}, ["Dataset", "Datasets"]),
    ],
)
def test_types_are_words_of_dcmi_then_genres(fields, types):
    assert dc(**fields)["type"] == types


def test_only_descriptive_notes_describe():
    notes = [{"value": "plain"}, {"value": "inside", "type": "Content"}, {"value": "bought", "type": "acquisition"}]
    assert dc(notes=notes, toc=["One"])["description"] == ["One", "plain", "inside"]


def test_places_and_periods_alone_are_coverage_in_headings_subjects():
    found = dc(
        subjects=[
            {"type": "place", "parts": [{"type": "place", "label": "Asia"}, {"type": "topic", "label": "War"}]},
            {"type": "place", "parts": {"country": "USA", "city": "Ithaca"}},
            {"type": "period", "label": "Cold War", "edtf": "1947/1991"},
            {"type": "person", "label": "Doe, Jane"},
        ],
        classification=[{"value": "327"}],
    )
    assert found["subject"] == ["Asia--War", "Doe, Jane", "327"]
    assert found["coverage"] == ["USA--Ithaca", "Cold War", "1947/1991"]


def test_the_original_is_the_source_and_other_items_are_relations():
    found = dc(
        holding={"repository": "Archive", "shelfmark": "S 1", "original": True},
        relations=[
            {"type": "original", "title": "Original"},
            {"type": "host", "title": "Journal", "uri": "https://x.org/j"},
            {"type": "series", "title": "Series"},
            {"type": "related", "identifiers": [{"value": "10.1000/5", "type": "doi"}]},
        ],
    )
    assert found["source"] == ["Archive, S 1", "Original"]
    assert found["relation"] == ["https://x.org/j", "Series", "https://doi.org/10.1000/5"]
    assert "source" not in dc(holding={"repository": "Archive"})


def test_only_the_languages_of_the_text_count():
    languages = [{"code": "deu"}, {"code": "bul", "role": "original"}, {"code": "eng", "role": "summary"}]
    assert dc(languages=languages)["language"] == ["ger"]


def test_the_rights_uri_stands_alone_and_first():
    uri = "http://rightsstatements.org/vocab/InC/1.0/"
    assert dc(rights={"uri": uri, "label": "In Copyright", "statement": "Ask us."})["rights"] == [uri, "Ask us."]
    assert dc(rights={"label": "In Copyright"})["rights"] == ["In Copyright"]


def test_a_value_that_occurs_twice_is_given_once():
    subjects = [{"label": "Peace"}, {"label": " Peace "}, {"label": "Peace", "lang": "en"}]
    assert dc(subjects=subjects)["subject"] == ["Peace", "Peace"]  # in two languages
