"""The OpenAIRE Guidelines for Literature Repositories 4.0, element by element, and what they make mandatory."""

from pathlib import Path

import places
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from strategies import records
from validation import assert_valid

from metadata_formats import record, registry
from metadata_formats.oai_openaire import COAR, COAR_TYPES, OaiOpenaire
from oai_server.ingest.files import sources
from oai_server.ingest.readers import Job

FULL = (Path(__file__).parent / "full.yaml").read_bytes()
NS = {
    "d": "http://datacite.org/schema/kernel-4",
    "o": "http://namespace.openaire.eu/schema/oaire/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
}
CONTEXT = registry.Context()
MANDATORY = {
    "id": "1",
    "titles": [{"value": "T"}],
    "agents": [{"name": "Au", "roles": ["aut"]}],
    "resource_type": "text",
    "dates": [{"type": "issued", "edtf": "1999"}],
    "media": [{"role": "landing", "url": "https://example.org/1"}],
    "rights": {"access": "open"},
}


def openaire(options=None, **fields):
    item = record.from_builtins(MANDATORY | fields)
    document = registry.rendition(OaiOpenaire(), item, registry.Context(options=options or {}))
    assert_valid(document)
    return etree.fromstring(document)


def texts(root, path):
    return [element.text for element in root.iterfind(path, NS)]


def pairs(root, path, name):
    return [(element.get(name), element.text) for element in root.iterfind(path, NS)]


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("agents", "datacite:creator"),
        ("media", "datacite:identifier"),
        ("dates", "datacite:date"),
        ("resource_type", "oaire:resourceType"),
        ("rights", "datacite:rights"),
    ],
)
def test_a_record_without_a_mandatory_element_is_not_given_and_says_which(without, missing):
    item = record.from_builtins({key: value for key, value in MANDATORY.items() if key != without})
    (line,) = OaiOpenaire().refusals(item, CONTEXT)
    assert line.startswith(missing + ": ")
    assert registry.rendition(OaiOpenaire(), item, CONTEXT) is None


def test_a_licence_is_no_access_right():
    item = record.from_builtins(MANDATORY | {"rights": {"uri": "http://creativecommons.org/licenses/by/4.0/"}})
    assert [line.partition(": ")[0] for line in OaiOpenaire().refusals(item, CONTEXT)] == ["datacite:rights"]


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ({"type": "doi", "value": "10.1000/182"}, ("DOI", "https://doi.org/10.1000/182")),
        ({"type": "hdl", "value": "2/3"}, ("HANDLE", "https://hdl.handle.net/2/3")),
        ({"type": "uri", "value": "http://hdl.handle.net/2/3"}, ("HANDLE", "https://hdl.handle.net/2/3")),
        ({"type": "ark", "value": "ark:/12345/x"}, ("URL", "https://example.org/1")),
        ({"type": "local", "value": "5"}, ("URL", "https://example.org/1")),
    ],
)
def test_the_identifier_is_a_link_and_rather_a_lasting_one(identifier, expected):
    root = openaire(identifiers=[identifier])
    assert pairs(root, "d:identifier", "identifierType") == [expected]
    alternates = texts(root, "d:alternateIdentifiers/d:alternateIdentifier")
    assert "1" in alternates
    assert ("https://example.org/1" in alternates) == (expected[1] != "https://example.org/1")


@pytest.mark.parametrize(
    ("genre", "code"),
    [
        ({"label": "memorandums"}, "c_18wz"),
        ({"label": "Maps (documents)"}, "c_12cd"),
        ({"label": "doctoral theses"}, "c_db06"),
        ({"label": "conference proceedings"}, "c_f744"),
        ({"label": "letters"}, "c_18cf"),
        ({"label": "diaries"}, "c_18cf"),
        ({"label": "Brief", "uri": COAR + "c_0857"}, "c_0857"),
        ({"label": "Artikel", "exact_match": ["http://example.org/", COAR + "c_6501"]}, "c_6501"),
        ({"label": "Artikel", "uri": COAR + "c_of_another_version"}, "c_18cf"),
    ],
)
def test_the_type_is_that_of_a_genre(genre, code):
    root = openaire(genres=[{"label": "sundries"}, genre])
    assert pairs(root, "o:resourceType", "uri") == [(COAR + code, COAR_TYPES[code].label)]


@pytest.mark.parametrize(
    ("fields", "general", "label"),
    [
        ({"resource_type": "text"}, "literature", "text"),
        ({"resource_type": "still image"}, "other research product", "still image"),
        ({"resource_type": "cartographic"}, "other research product", "cartographic material"),
        ({"resource_type": "three dimensional object"}, "other research product", "other"),
        ({"resource_type": "software, multimedia"}, "software", "software"),
        ({"resource_type": "software, multimedia", "genres": [{"label": "statistics"}]}, "dataset", "dataset"),
        ({"resource_type": "text", "collection": True}, "other research product", "other"),
    ],
)
def test_without_such_a_genre_it_is_that_of_the_resource(fields, general, label):
    assert pairs(openaire(**fields), "o:resourceType", "resourceTypeGeneral") == [(general, label)]


def test_every_type_of_the_table_is_valid():
    for code, type_ in COAR_TYPES.items():
        root = openaire(genres=[{"label": "x", "uri": COAR + code}])
        assert pairs(root, "o:resourceType", "uri") == [(COAR + code, type_.label)]


def test_there_is_one_date_of_issue_and_it_is_no_interval():
    dates = [
        {"type": "created", "edtf": "1962/1967"},
        {"type": "issued", "edtf": "196X"},
        {"type": "issued", "edtf": "1970"},
        {"type": "captured", "edtf": "2001"},
    ]
    root = openaire(dates=dates)
    assert pairs(root, "d:dates/d:date", "dateType") == [("Issued", "1960"), ("Created", "1962/1967")]
    assert pairs(openaire(dates=dates[:1]), "d:dates/d:date", "dateType")[0] == ("Issued", "1962")


def test_a_clock_time_is_no_part_of_the_date_of_issue():
    root = openaire(dates=[{"type": "issued", "edtf": "2004-01-01T10:10:10Z"}])
    assert pairs(root, "d:dates/d:date", "dateType") == [("Issued", "2004-01-01")]


def test_an_embargo_says_its_end():
    root = openaire(rights={"access": "embargoed", "embargo_until": "2030-01-01"})
    assert pairs(root, "d:rights", "rightsURI") == [("http://purl.org/coar/access_right/c_f1cf", "embargoed access")]
    assert ("Available", "2030-01-01") in pairs(root, "d:dates/d:date", "dateType")


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ({"uri": "http://creativecommons.org/licenses/by/4.0/"}, "Attribution 4.0 International"),
        ({"uri": "http://creativecommons.org/licenses/by/3.0/de/", "label": "CC BY"}, "CC BY"),
        ({"label": "All rights reserved"}, "All rights reserved"),
    ],
)
def test_the_licence_is_named_and_addressed(rights, expected):
    root = openaire(rights=rights | {"access": "open", "statement": "Ask us."})
    assert pairs(root, "o:licenseCondition", "uri") == [(rights.get("uri"), expected)]


def test_files_say_their_access_their_format_and_what_they_are():
    files = [
        {"role": "object", "url": "https://example.org/1.pdf", "mime": "application/pdf"},
        {"role": "download", "url": "https://example.org/1.zip"},
        {"role": "thumbnail", "url": "https://example.org/1.png"},
    ]
    media = [*MANDATORY["media"], *files]
    access = {"accessRightsURI": "http://purl.org/coar/access_right/c_abf2"}
    root = openaire(media=media)
    assert [(each.text, dict(each.attrib)) for each in root.iterfind("o:file", NS)] == [
        (files[0]["url"], access | {"mimeType": "application/pdf", "objectType": "fulltext"}),
        (files[1]["url"], access | {"objectType": "fulltext"}),
    ]
    assert pairs(openaire(media=media, resource_type="still image"), "o:file", "objectType")[0][0] == "other"
    assert (
        pairs(openaire(media=media, resource_type="software, multimedia"), "o:file", "objectType")[0][0] == "software"
    )


def test_a_part_of_a_journal_is_cited_by_it():
    host = {"type": "host", "title": "Journal", "part": {"volume": "1", "issue": "2", "start": "3", "end": "4"}}
    relations = [{"type": "host", "uri": "https://example.org/j"}, host, host | {"title": "Other"}]
    root = openaire(relations=relations, origin={"edition": "2nd"})
    found = {each.tag.rpartition("citation")[2]: each.text for each in root if "citation" in each.tag}
    assert found == {
        "Title": "Journal", "Volume": "1", "Issue": "2", "StartPage": "3", "EndPage": "4", "Edition": "2nd",
    }  # fmt: skip


def test_descriptions_publishers_sources_languages_and_audience_are_dublin_core():
    root = openaire(
        abstracts=["a"],
        toc=["b"],
        notes=[{"value": "c"}, {"value": "d", "type": "acquisition"}],
        agents=[*MANDATORY["agents"], {"name": "P", "roles": ["pbl"]}, {"name": "Q", "roles": ["pbl"]}],
        holding={"repository": "Archive", "place": "Sofia", "original": True},
        relations=[{"type": "original", "title": "First edition"}],
        languages=[{"code": "ger"}, {"code": "eng", "tag": "en-GB"}, {"code": "bul", "role": "original"}],
        audience=[{"label": "adults"}],
    )
    assert texts(root, "dc:description") == ["a", "b", "c"]
    assert texts(root, "dc:publisher") == ["P", "Q"]
    assert texts(root, "dc:source") == ["Archive, Sofia", "First edition"]
    assert texts(root, "dc:language") == ["de", "en-GB"]
    assert texts(root, "dcterms:audience") == ["adults"]


def test_what_is_kept_elsewhere_is_no_source():
    root = openaire(holding={"repository": "Archive"})
    assert texts(root, "dc:source") == []
    assert pairs(root, "d:contributors/d:contributor", "contributorType")[0][0] == "HostingInstitution"


def test_periods_are_coverage_and_places_are_locations():
    subjects = [{"type": "period", "label": "Cold War", "edtf": "1947/1991"}, {"type": "place", "label": "Sofia"}]
    root = openaire(subjects=subjects)
    assert texts(root, "dc:coverage") == ["Cold War", "1947/1991"]
    assert texts(root, ".//d:geoLocationPlace") == ["Sofia"]


def test_who_paid_stands_in_the_namespace_of_openaire():
    root = openaire(funding=[{"funder": "EC", "award": "643410"}])
    assert [child.text for child in root.find("o:fundingReferences/o:fundingReference", NS)] == ["EC", "643410"]


def test_creators_may_have_other_roles():
    agents = [{"name": "Ed", "roles": ["edt"]}, {"name": "Au", "roles": ["aut"]}]
    assert texts(openaire({"creator_roles": ["edt"]}, agents=agents), ".//d:creatorName") == ["Ed"]


def test_the_reference_record_lacks_its_access_right_alone():
    memorandum = record.from_yaml((places.expected() / "165251.yaml").read_bytes())
    (line,) = OaiOpenaire().refusals(memorandum, CONTEXT)
    assert line.startswith("datacite:rights")
    memorandum.rights.access = "open"
    document = registry.rendition(OaiOpenaire(), memorandum, CONTEXT)
    assert_valid(document)
    root = etree.fromstring(document)
    assert texts(root, "o:resourceType") == ["memorandum"]
    assert texts(root, ".//d:creatorName") == ["Bulgaria. Ministry of Foreign Affairs"]
    assert texts(root, "dc:source") == ["Central State Archive, Sofia, Fond 1-B, Opis 6, A.E. 6770, p. 66-69"]


def test_the_full_record_has_its_elements_in_the_order_of_the_application_profile():
    document = registry.rendition(OaiOpenaire(), record.from_yaml(FULL), CONTEXT)
    assert_valid(document)
    assert list(dict.fromkeys(etree.QName(child).localname for child in etree.fromstring(document))) == [
        "titles", "creators", "contributors", "fundingReferences", "alternateIdentifiers", "relatedIdentifiers",
        "dates", "language", "publisher", "resourceType", "description", "format", "identifier", "rights", "source",
        "subjects", "licenseCondition", "coverage", "sizes", "geoLocations", "file", "citationTitle", "citationVolume",
        "citationIssue", "citationStartPage", "citationEndPage", "citationEdition", "audience",
    ]  # fmt: skip


def complete(item):
    """Return a record with what OpenAIRE makes mandatory, before all that it has itself."""
    plain = record.msgspec.to_builtins(item)
    lists = {key: value + plain.get(key, []) for key, value in MANDATORY.items() if isinstance(value, list)}
    rights = {"access": "open"} | plain.get("rights", {})
    return record.from_builtins({"resource_type": "text"} | plain | lists | {"rights": rights})


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=st.one_of(records, records.map(complete)))
def test_a_record_is_given_if_and_only_if_nothing_is_missing_and_then_it_is_valid(item):
    document = registry.rendition(OaiOpenaire(), item, CONTEXT)
    assert (document is None) == bool(OaiOpenaire().refusals(item, CONTEXT))
    if document is not None:
        assert_valid(document)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records.map(complete))
def test_a_record_with_all_that_is_mandatory_is_given(item):
    assert OaiOpenaire().available(item)


def test_the_collection_of_tate_lacks_its_access_rights_and_is_valid_with_them():
    job = Job(profile=places.EXAMPLES / "tate.toml")
    given_ = 0
    for each in job.read(*sources([places.EXAMPLES / "tate-sample.csv"])):
        item = each.record
        assert any(line.startswith("datacite:rights") for line in OaiOpenaire().refusals(item, CONTEXT))
        item.rights.access = "open"
        if (document := registry.rendition(OaiOpenaire(), item, CONTEXT)) is not None:
            assert_valid(document)
            given_ += 1
    assert given_ > 150
