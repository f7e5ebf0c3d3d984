"""The DataCite column of the crosswalk (section 3.4), rule by rule, and what DataCite makes mandatory."""

from functools import cache
from pathlib import Path

import places
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from strategies import records

from metadata_formats import record, registry
from metadata_formats.oai_datacite import OaiDatacite
from oai_server.ingest.files import sources
from oai_server.ingest.readers import Job

FULL = (Path(__file__).parent / "full.yaml").read_bytes()
NS = {"d": "http://datacite.org/schema/kernel-4"}
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
CONTEXT = registry.Context()
MANDATORY = {
    "id": "1",
    "titles": [{"value": "T"}],
    "agents": [{"name": "Au", "roles": ["aut"]}, {"name": "Press", "roles": ["pbl"]}],
    "resource_type": "text",
    "dates": [{"type": "issued", "edtf": "1999"}],
    "media": [{"role": "landing", "url": "https://example.org/1"}],
}


@cache
def schema():
    """Return the XML schema of the very version that the format announces, no later one."""
    return etree.XMLSchema(file=str(places.schemas() / "schema.datacite.org/meta/kernel-4.5/metadata.xsd"))


def assert_valid(document):
    schema().assertValid(etree.fromstring(document))


def datacite(options=None, **fields):
    item = record.from_builtins(MANDATORY | fields)
    document = registry.rendition(OaiDatacite(), item, registry.Context(options=options or {}))
    assert_valid(document)
    return etree.fromstring(document)


def texts(root, path):
    return [element.text for element in root.iterfind(path, NS)]


def attributes(root, path):
    return dict(root.find(path, NS).attrib)


def pairs(root, path, name):
    return [(element.get(name), element.text) for element in root.iterfind(path, NS)]


# What is mandatory.


def refusals(**fields):
    return [
        line.partition(":")[0]
        for line in OaiDatacite().refusals(record.from_builtins(MANDATORY | fields), CONTEXT)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("without", "missing"),
    [
        ("media", "identifier"),
        ("agents", "publisher"),
        ("dates", "publicationYear"),
        ("resource_type", "resourceTypeGeneral"),
    ],
)
def test_a_record_without_a_mandatory_property_is_not_given_and_says_which(without, missing):
    fields = {key: value for key, value in MANDATORY.items() if key != without}
    item = record.from_builtins(fields)
    assert [line.partition(":")[0] for line in OaiDatacite().refusals(item, CONTEXT)] == [missing]
    assert registry.rendition(OaiDatacite(), item, CONTEXT) is None


def test_a_record_of_a_title_alone_names_all_that_is_missing():
    item = record.from_builtins({"id": "1", "titles": [{"value": "T"}]})
    assert len(OaiDatacite().refusals(item, CONTEXT)) == 4


def test_a_date_that_cannot_be_read_gives_no_year():
    assert refusals(dates=[{"type": "issued", "text": "undated"}]) == ["publicationYear"]
    assert refusals(dates=[{"type": "issued", "edtf": "-0044"}]) == ["publicationYear"]


def test_an_item_that_nobody_made_has_the_stand_in_of_the_standard():
    root = datacite(agents=[{"name": "Press", "roles": ["pbl"]}])
    assert texts(root, "d:creators/d:creator/d:creatorName") == [":unav"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"provider": {"data_provider": "Data Provider", "provider": "Portal"}}, "Data Provider"),
        ({"holding": {"repository": "Archive"}}, "Archive"),
    ],
)
def test_who_provides_or_keeps_an_item_publishes_it_where_nobody_else_does(fields, name):
    assert texts(datacite(agents=[], **fields), "d:publisher") == [name]


def test_who_keeps_the_original_of_an_item_does_not_publish_the_item():
    assert refusals(agents=[], holding={"repository": "Archive", "original": True}) == ["publisher"]


# Identifiers.


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ({"type": "doi", "value": "10.1000/182"}, ("DOI", "10.1000/182")),
        ({"type": "DOI", "value": "https://doi.org/10.1000/182"}, ("DOI", "10.1000/182")),
        ({"type": "uri", "value": "http://dx.doi.org/10.1000/182"}, ("DOI", "10.1000/182")),
        ({"type": "local", "value": "10.1000/182"}, ("URL", "https://example.org/1")),
        ({"type": "doi", "value": "none yet"}, ("URL", "https://example.org/1")),
        ({"type": "doi", "value": "10.1000/182", "invalid": True}, ("URL", "https://example.org/1")),
        ({"type": "hdl", "value": "2/3"}, ("URL", "https://example.org/1")),
    ],
)
def test_an_item_is_cited_by_its_doi_else_by_its_page(identifier, expected):
    assert pairs(datacite(identifiers=[identifier]), "d:identifier", "identifierType") == [expected]


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ({"type": "hdl", "value": "https://hdl.handle.net/2/3"}, ("Handle", "2/3")),
        ({"type": "ark", "value": "ark:/12345/x"}, ("ARK", "ark:/12345/x")),
        ({"type": "urn", "value": "urn:nbn:de:1"}, ("URN", "urn:nbn:de:1")),
        ({"type": "uri", "value": "urn:nbn:de:1"}, ("URN", "urn:nbn:de:1")),
        ({"type": "uri", "value": "https://example.org/x"}, ("URL", "https://example.org/x")),
    ],
)
def test_an_item_without_a_page_is_cited_by_another_lasting_name(identifier, expected):
    root = datacite(media=[], identifiers=[{"type": "isbn", "value": "9780306406157"}, identifier])
    assert pairs(root, "d:identifier", "identifierType") == [expected]


def test_all_other_identifiers_are_alternate_and_the_own_id_is_one_of_them_once():
    identifiers = [
        {"type": "doi", "value": "10.1000/182"},
        {"type": "inventory", "value": "77"},
        {"type": "local", "value": "8", "label": "Shelf"},
        {"type": "isbn", "value": "9780306406157"},
        {"type": "local", "value": "9", "invalid": True},
    ]
    path, name = "d:alternateIdentifiers/d:alternateIdentifier", "alternateIdentifierType"
    expected = [
        ("URL", "https://example.org/1"), ("inventory", "77"), ("Shelf", "8"), ("ISBN", "9780306406157"),
        ("local", "1"),
    ]  # fmt: skip
    assert pairs(datacite(identifiers=identifiers), path, name) == expected
    own = [{"type": "local", "value": "1", "label": "Record ID"}]
    assert pairs(datacite(identifiers=own), path, name) == [("Record ID", "1")]


# Titles and names.


def test_a_subtitle_stands_by_itself_and_titles_say_their_type():
    titles = [
        {"value": "Tale", "non_sort": "The", "subtitle": "more", "part_number": "2", "lang": "en"},
        {"value": "Märe", "type": "translated", "lang": "de"},
        {"value": "Story", "type": "alternative", "subtitle": "again"},
        {"value": "Tl.", "type": "abbreviated"},
    ]
    assert pairs(datacite(titles=titles), "d:titles/d:title", "titleType") == [
        (None, "The Tale. 2"), ("Subtitle", "more"), ("TranslatedTitle", "Märe"), ("AlternativeTitle", "Story: again"),
        ("AlternativeTitle", "Tl."),
    ]  # fmt: skip


def test_agents_go_by_their_roles():
    agents = [
        {"name": "Press", "type": "organization", "roles": ["pbl"]},
        {"name": "Au, A", "type": "person", "family": "Au", "given": "A", "roles": ["aut"], "affiliation": "Uni"},
        {"name": "Ed", "roles": ["edt"]},
        {"name": "Tr", "roles": ["trl"]},
        {"name": "Fu", "roles": ["oth", "fnd"]},
        {"name": "Does", "type": "family"},
        {"name": "Other Press", "roles": ["pbl"]},
    ]
    root = datacite(agents=agents)
    assert texts(root, "d:publisher") == ["Press"]
    assert [etree.QName(child).localname for child in root.find("d:creators/d:creator", NS)] == [
        "creatorName", "givenName", "familyName", "affiliation",
    ]  # fmt: skip
    assert attributes(root, ".//d:creatorName") == {"nameType": "Personal"}
    found = root.findall("d:contributors/d:contributor", NS)
    assert [(each.get("contributorType"), each[0].text) for each in found] == [
        ("Editor", "Ed"), ("Other", "Tr"), ("Sponsor", "Fu"), ("Other", "Does"), ("Other", "Other Press"),
    ]  # fmt: skip
    assert not root.xpath("//d:contributorName/@nameType", namespaces=NS)
    assert texts(datacite({"creator_roles": ["edt"]}, agents=agents), ".//d:creatorName") == ["Ed"]


def test_a_name_has_its_identifiers_with_their_schemes():
    agent = {
        "name": "Au", "roles": ["aut"], "uri": "https://orcid.org/0000-0001-5727-2427",
        "identifiers": [
            {"type": "isni", "value": "0000 0001", "label": "its ISNI"},
            {"type": "local", "value": "5", "label": "Artist ID"},
            {"type": "viaf", "value": "no longer", "invalid": True},
        ],
    }  # fmt: skip
    root = datacite(agents=[agent, {"name": "P", "roles": ["pbl"], "uri": "https://ror.org/03yrm5c26"}])
    assert [(dict(each.attrib), each.text) for each in root.iterfind(".//d:nameIdentifier", NS)] == [
        ({"nameIdentifierScheme": "ORCID", "schemeURI": "https://orcid.org/"}, agent["uri"]),
        ({"nameIdentifierScheme": "ISNI", "schemeURI": "https://isni.org/isni/"}, "0000 0001"),
        ({"nameIdentifierScheme": "Artist ID"}, "5"),
    ]
    assert attributes(root, "d:publisher") == {
        "publisherIdentifier": "https://ror.org/03yrm5c26",
        "publisherIdentifierScheme": "ROR",
        "schemeURI": "https://ror.org/",
    }


def test_who_keeps_it_and_who_holds_its_rights_contribute():
    holding = {"repository": "Archive", "place": "Sofia", "isil": "BG-1", "shelfmark": "S 1"}
    root = datacite(holding=holding, rights={"holder": "Heirs", "holder_uri": "https://example.org/h"})
    found = root.findall("d:contributors/d:contributor", NS)
    assert [(each.get("contributorType"), [child.text for child in each]) for each in found] == [
        ("HostingInstitution", ["Archive, Sofia", "BG-1"]),
        ("RightsHolder", ["Heirs", "https://example.org/h"]),
    ]
    assert texts(root, "d:descriptions/d:description") == ["Archive, Sofia, S 1"]


# Dates.


@pytest.mark.parametrize(
    ("edtf", "expected"),
    [
        ("1967-06-08", ("1967-06-08", None)),
        ("1967~", ("1967", "1967~")),
        ("1785%", ("1785", "1785%")),
        ("196X", ("1960/1969", "196X")),
        ("1962/1967", ("1962/1967", None)),
        ("1967/..", ("1967/", "1967/..")),
        ("../1967", ("/1967", "../1967")),
        ("[1967,1969]", ("1967/1969", "[1967,1969]")),
        ("1967-21", ("1967-03-01/1967-05-31", "1967-21")),
        ("-0300/-0200", ("-0300/-0200", None)),
    ],
)
def test_a_date_is_w3cdtf_or_an_interval_of_it_and_keeps_what_edtf_says_more(edtf, expected):
    root = datacite(dates=[{"type": "created", "edtf": edtf}, {"type": "issued", "edtf": "1999"}])
    date = root.find("d:dates/d:date", NS)
    assert (date.text, date.get("dateInformation")) == expected


def test_dates_say_their_type_and_what_the_source_calls_them():
    dates = [{"type": type_, "edtf": "1967"} for type_ in ("created", "captured", "modified", "copyright", "other")]
    dates += [{"type": "issued", "edtf": "1970~", "label": "Printed"}, {"type": "created", "text": "undated"}]
    root = datacite(dates=dates, rights={"embargo_until": "2030-01-01"})
    found = [(each.get("dateType"), each.text, each.get("dateInformation")) for each in root.iterfind(".//d:date", NS)]
    assert found == [
        ("Created", "1967", None), ("Other", "1967", "captured"), ("Updated", "1967", None),
        ("Copyrighted", "1967", None), ("Other", "1967", None), ("Issued", "1970", "Printed; 1970~"),
        ("Available", "2030-01-01", "end of embargo"),
    ]  # fmt: skip


@pytest.mark.parametrize(("year", "expected"), [("1967", ["1967"]), ("long ago", [])])
def test_the_year_of_the_copyright_is_a_date_where_it_is_one(year, expected):
    assert texts(datacite(rights={"year": year}), "d:dates/d:date[@dateType='Copyrighted']") == expected


@pytest.mark.parametrize(
    ("dates", "year"),
    [
        ([{"type": "created", "edtf": "1967", "key": True}, {"type": "issued", "edtf": "1970-05"}], "1970"),
        ([{"type": "created", "edtf": "1967", "key": True}, {"type": "available", "edtf": "1971"}], "1971"),
        ([{"type": "available", "edtf": "1971"}, {"type": "issued", "edtf": "1970"}], "1970"),
        ([{"type": "modified", "edtf": "1980"}, {"type": "created", "edtf": "1967"}], "1967"),
        ([{"type": "issued", "text": "undated"}, {"type": "created", "edtf": "196X"}], "1960"),
        ([{"type": "issued", "edtf": "../1967"}], "1967"),
    ],
)
def test_the_year_is_that_of_issue_else_of_availability_else_of_the_item(dates, year):
    assert texts(datacite(dates=dates), "d:publicationYear") == [year]


# What it is.


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"resource_type": "text"}, ("Text", "text")),
        ({"resource_type": "still image", "genres": [{"label": "prints"}, {"label": "x"}]}, ("Image", "prints")),
        ({"resource_type": "cartographic"}, ("Image", "cartographic")),
        ({"resource_type": "moving image"}, ("Audiovisual", "moving image")),
        ({"resource_type": "three dimensional object"}, ("PhysicalObject", "three dimensional object")),
        ({"resource_type": "software, multimedia", "genres": [{"label": "datasets"}]}, ("Dataset", "datasets")),
        ({"resource_type": "software, multimedia"}, ("Software", "software, multimedia")),
        ({"resource_type": "mixed material"}, ("Collection", "mixed material")),
        ({"resource_type": "text", "collection": True}, ("Collection", "text")),
        ({"resource_type": None, "collection": True}, ("Collection", "Collection")),
    ],
)
def test_the_type_is_general_and_in_the_words_of_the_record(fields, expected):
    assert pairs(datacite(**fields), "d:resourceType", "resourceTypeGeneral") == [expected]


@pytest.mark.parametrize(
    ("language", "tag"),
    [
        ({"code": "eng", "tag": "en-GB"}, "en-GB"),
        ({"code": "ger"}, "de"),
        ({"code": "cmn"}, "cmn"),
        ({"code": "bul", "tag": "not a tag"}, "bg"),
        ({"code": "zxx"}, "zxx"),
    ],
)
def test_the_first_language_of_the_text_is_a_bcp_47_tag(language, tag):
    languages = [{"code": "lat", "role": "original"}, language, {"code": "fre"}]
    assert texts(datacite(languages=languages), "d:language") == [tag]


def test_sizes_formats_and_version():
    files = [{"role": "object", "url": "https://x.org/1", "bytes": 300, "mime": "image/tiff"}]
    thumbnail = {"role": "thumbnail", "url": "https://x.org/2", "bytes": 5, "mime": "image/png"}
    root = datacite(
        media=[*MANDATORY["media"], *files, thumbnail],
        physical={"extent": ["4 pages"], "form": [{"label": "paper"}], "media_types": ["text/plain"]},
        origin={"edition": "2nd"},
    )
    assert texts(root, "d:sizes/d:size") == ["4 pages", "300 bytes"]
    assert texts(root, "d:formats/d:format") == ["text/plain", "image/tiff", "paper"]
    assert texts(root, "d:version") == ["2nd"]


@pytest.mark.parametrize(
    ("uri", "label", "spdx"),
    [
        ("http://creativecommons.org/licenses/by/4.0/", "Attribution 4.0 International", "CC-BY-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0 Universal", "CC0-1.0"),
        ("http://creativecommons.org/licenses/by/3.0/de/", "http://creativecommons.org/licenses/by/3.0/de/", None),
        ("http://rightsstatements.org/vocab/InC/1.0/", "In Copyright", None),
    ],
)  # fmt: skip
def test_rights_are_named_addressed_and_have_their_spdx_name(uri, label, spdx):
    root = datacite(rights={"uri": uri})
    assert texts(root, "d:rightsList/d:rights") == [label]
    assert attributes(root, "d:rightsList/d:rights")["rightsURI"] == uri
    assert attributes(root, "d:rightsList/d:rights").get("rightsIdentifier") == spdx


def test_the_words_of_a_label_are_in_the_language_of_the_statement_the_official_ones_in_english():
    uri, statement = "http://rightsstatements.org/vocab/InC/1.0/", {"value": "Fragt.", "lang": "de"}
    for label, lang in (("In Copyright", "en"), (None, "en"), ("Geschützt", "de")):
        root = datacite(rights={"uri": uri, "label": label, "statement": statement, "access": "open"})
        langs = [each.get(XML_LANG) for each in root.iterfind("d:rightsList/d:rights", NS)]
        assert langs == [lang, "de", "en"]
    assert attributes(root, ".//d:rights[3]")["rightsURI"] == "http://purl.org/coar/access_right/c_abf2"


# What it is about.


def test_descriptions_say_their_type_and_administrative_notes_are_left_out():
    notes = [
        {"value": "a"}, {"value": "b", "type": "Content"}, {"value": "c", "type": "acquisition"},
        {"value": "d", "type": "system details"}, {"value": "e", "type": "methods"},
    ]  # fmt: skip
    root = datacite(notes=notes, abstracts=["x", {"value": "y", "lang": "de"}], toc=["z"])
    assert pairs(root, "d:descriptions/d:description", "descriptionType") == [
        ("Abstract", "x"), ("Abstract", "y"), ("TableOfContents", "z"), ("Other", "a"), ("Other", "b"),
        ("TechnicalInfo", "d"), ("Methods", "e"),
    ]  # fmt: skip


def test_topics_headings_and_named_periods_are_subjects_and_places_are_locations():
    subjects = [
        {"label": "Peace", "scheme": "lcsh", "uri": "http://id.loc.gov/authorities/subjects/sh1"},
        {"parts": [{"type": "place", "label": "Asia"}, {"type": "topic", "label": "War"}], "type": "place"},
        {"type": "period", "label": "Cold War", "edtf": "1947/1991"},
        {"type": "period", "label": "1962-1967", "edtf": "1962/1967"},
        {"type": "place", "label": "Sofia", "lat": 42.5, "long": 23},
        {"type": "place", "label": "Nowhere", "lat": 1.0, "bbox": [1, 2, 3, 4]},
        {"type": "place", "label": "Beyond", "bbox": [1, 2, 3, 91]},
    ]
    root = datacite(subjects=subjects, classification=[{"value": "327", "scheme": "ddc"}])
    assert pairs(root, "d:subjects/d:subject", "subjectScheme") == [
        ("lcsh", "Peace"), (None, "Asia--War"), (None, "Cold War"), ("ddc", "327"),
    ]  # fmt: skip
    assert attributes(root, "d:subjects/d:subject[1]") == {
        "subjectScheme": "lcsh",
        "schemeURI": "http://id.loc.gov/authorities/subjects",
        "valueURI": "http://id.loc.gov/authorities/subjects/sh1",
    }
    found = [[text for text in each.itertext() if text.strip()] for each in root.iterfind(".//d:geoLocation", NS)]
    assert found == [["Sofia", "23.0", "42.5"], ["Nowhere", "1.0", "2.0", "3.0", "4.0"], ["Beyond"]]
    names = ["westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude"]
    assert [etree.QName(each).localname for each in root.find(".//d:geoLocationBox", NS)] == names


def test_related_items_are_named_by_their_identifiers_and_titles():
    journal = {
        "type": "host", "title": "Journal", "identifiers": [{"type": "issn", "value": "1234-5678"}],
        "part": {"volume": "1", "issue": "2", "start": "3", "end": "4", "date": "1999-05"},
    }  # fmt: skip
    relations = [
        journal,
        {"type": "series", "title": "Papers", "identifiers": [{"type": "issn", "value": "2345-6789"}]},
        {"type": "translation_of", "uri": "https://doi.org/10.1000/5"},
        {"type": "original", "identifiers": [{"type": "local", "value": "5"}]},
        {"type": "related", "title": "R", "uri": "https://example.org/r"},
    ]
    root = datacite(relations=relations)
    found = [(*each.attrib.values(), each.text) for each in root.iterfind(".//d:relatedIdentifier", NS)]
    assert found == [
        ("ISSN", "IsPartOf", "1234-5678"), ("ISSN", "IsPartOf", "2345-6789"), ("DOI", "IsDerivedFrom", "10.1000/5"),
    ]  # fmt: skip
    items = root.findall("d:relatedItems/d:relatedItem", NS)
    assert [tuple(item.attrib.values()) for item in items] == [("Journal", "IsPublishedIn"), ("Other", "IsPartOf")]
    assert [text for text in items[0].itertext() if text.strip()] == [
        "1234-5678", "Journal", "1999", "1", "2", "3", "4",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("identifier", "type_"),
    [
        ("https://doi.org/10.13039/501100000780", "Crossref Funder ID"),
        ("https://ror.org/019w4f821", "ROR"),
        ("grid.270680.b", "GRID"),
        ("0000 0001 2162 673X", "ISNI"),
        ("EC", "Other"),
    ],
)
def test_a_funder_has_the_type_of_its_identifier(identifier, type_):
    root = datacite(funding=[{"funder": "EC", "funder_id": identifier, "award_uri": "https://example.org/a"}])
    assert pairs(root, ".//d:funderIdentifier", "funderIdentifierType") == [(type_, identifier)]
    assert pairs(root, ".//d:awardNumber", "awardURI") == [("https://example.org/a", "https://example.org/a")]


@pytest.mark.parametrize("uri", [":", "not one", "https://[::1/"])
def test_what_is_no_address_of_an_award_is_not_called_one(uri):
    assert pairs(datacite(funding=[{"funder": "EC", "award_uri": uri}]), ".//d:awardNumber", "awardURI") == [
        (None, uri)
    ]


# Whole documents.


def canonical(document):
    return etree.tostring(etree.fromstring(document, etree.XMLParser(remove_blank_text=True)), method="c14n")


def test_the_reference_record_gives_the_expected_document():
    memorandum = record.from_yaml((places.expected() / "165251.yaml").read_bytes())
    expected = (places.expected() / "datacite.xml").read_bytes()
    assert canonical(registry.rendition(OaiDatacite(), memorandum, CONTEXT)) == canonical(expected)


def test_the_full_record_has_every_property_in_the_order_of_their_numbers():
    document = registry.rendition(OaiDatacite(), record.from_yaml(FULL), CONTEXT)
    assert_valid(document)
    assert [etree.QName(child).localname for child in etree.fromstring(document)] == [
        "identifier", "creators", "titles", "publisher", "publicationYear", "resourceType", "subjects", "contributors",
        "dates", "language", "alternateIdentifiers", "relatedIdentifiers", "sizes", "formats", "version", "rightsList",
        "descriptions", "geoLocations", "fundingReferences", "relatedItems",
    ]  # fmt: skip


def complete(item):
    """Return a record with what DataCite makes mandatory, before all that it has itself."""
    plain = record.msgspec.to_builtins(item)
    lists = {key: value + plain.get(key, []) for key, value in MANDATORY.items() if isinstance(value, list)}
    return record.from_builtins({"resource_type": "text"} | plain | lists)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=st.one_of(records, records.map(complete)))
def test_a_record_is_given_if_and_only_if_nothing_is_missing_and_then_it_is_valid(item):
    document = registry.rendition(OaiDatacite(), item, CONTEXT)
    assert (document is None) == bool(OaiDatacite().refusals(item, CONTEXT))
    if document is not None:
        assert_valid(document)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records.map(complete))
def test_a_record_with_all_that_is_mandatory_is_given(item):
    assert OaiDatacite().available(item)


def test_the_collection_of_tate_is_valid_and_only_the_undated_is_left_out():
    job = Job(profile=places.EXAMPLES / "tate.toml")
    found = [each.record for each in job.read(*sources([places.EXAMPLES / "tate-sample.csv"]))]
    missing = set()
    for item in found:
        lines = OaiDatacite().refusals(item, CONTEXT)
        document = registry.rendition(OaiDatacite(), item, CONTEXT)
        assert (document is None) == bool(lines)
        missing.update(line.partition(":")[0] for line in lines)
        if document is not None:
            assert_valid(document)
    assert missing <= {"publicationYear", "resourceTypeGeneral"}
