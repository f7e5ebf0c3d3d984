"""The JSON of DataCite is read key by key, in the spellings of all its versions."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import HOSTILE
from validation import assert_valid

from metadata_formats import datacite_read, record, registry
from metadata_formats.oai_datacite import OaiDatacite
from metadata_formats.reading import NotReadable
from oai_server.ingest import dates


def reading(**attributes: Any):
    return datacite_read.read({"doi": "10.5072/ABC"} | attributes, read_date=dates.edtf)


def values(**attributes: Any) -> dict[str, Any]:
    return reading(**attributes).values


def left(**attributes: Any) -> list[tuple[str, str, str]]:
    return [tuple(each) for each in reading(**attributes).left]


@pytest.mark.parametrize(
    "attributes",
    [
        {"doi": "10.5072/ABC"},
        {"doi": "https://doi.org/10.5072/ABC"},
        {"identifiers": [{"identifier": "Z 1", "identifierType": "local"},
                         {"identifier": "10.5072/ABC", "identifierType": "DOI"}]},
        {"identifier": {"identifier": "10.5072/ABC", "identifierType": "DOI"}},
        {"id": "10.5072/ABC"},
    ],
)  # fmt: skip
def test_an_item_is_known_by_its_doi_in_small_letters(attributes):
    found = datacite_read.read(attributes).values
    assert found["id"] == "10.5072/abc"
    assert found["identifiers"][0] == {"value": "10.5072/ABC", "type": "doi"}
    assert found["media"] == [{"role": "landing", "url": "https://doi.org/10.5072/ABC"}]


def test_a_description_without_a_doi_is_none():
    with pytest.raises(NotReadable, match="no DOI"):
        datacite_read.read({"doi": "abc", "titles": [{"title": "T"}]})


@pytest.mark.parametrize(
    ("state", "deleted"), [("findable", False), ("registered", True), ("draft", True), (None, False)]
)
def test_what_is_not_findable_is_withdrawn(state, deleted):
    found = values(state=state, titles=[{"title": "T"}])
    assert (found.get("record") == {"status": "deleted"}) == deleted
    assert ("titles" in found) != deleted


def test_other_identifiers_keep_their_kind_or_what_it_is_called():
    found = values(
        identifiers=[{"identifier": "https://doi.org/10.5072/abc", "identifierType": "DOI"}],
        alternateIdentifiers=[
            {"alternateIdentifier": "https://hdl.handle.net/1/2", "alternateIdentifierType": "Handle"},
            {"alternateIdentifier": "978-3", "alternateIdentifierType": "ISBN"},
            {"alternateIdentifier": "77", "alternateIdentifierType": "Accession number"},
            {"alternateIdentifier": "77", "alternateIdentifierType": "Accession number"},
        ],
    )
    assert found["identifiers"][1:] == [
        {"value": "1/2", "type": "hdl"},
        {"value": "978-3", "type": "isbn"},
        {"value": "77", "type": "local", "label": "Accession number"},
    ]


def test_titles_have_their_types_and_the_main_one_its_subtitle():
    titles = [
        {"title": "Naslov", "titleType": "TranslatedTitle", "lang": "sl"},
        {"title": "Title", "lang": "en"},
        {"title": "and more", "titleType": "Subtitle"},
        {"title": "T.", "titleType": "AlternativeTitle"},
    ]
    assert values(titles=titles)["titles"] == [
        {"value": "Naslov", "lang": "sl", "type": "translated"},
        {"value": "Title", "lang": "en", "subtitle": "and more"},
        {"value": "T.", "type": "alternative"},
    ]
    assert values(titles=titles[:1])["titles"] == [{"value": "Naslov", "lang": "sl"}]


def test_creators_of_kernel_4():
    creator = {
        "name": "Novak, Ana", "nameType": "Personal", "givenName": "Ana", "familyName": "Novak",
        "affiliation": ["University", {"name": "Institute", "affiliationIdentifier": "https://ror.org/1"}],
        "nameIdentifiers": [
            {"nameIdentifier": "0000-0001-2345-6789", "nameIdentifierScheme": "ORCID", "schemeUri": "https://orcid.org"},
            {"nameIdentifier": "77", "nameIdentifierScheme": "Staff"},
        ],
    }  # fmt: skip
    assert values(creators=[creator])["agents"] == [
        {
            "name": "Novak, Ana", "type": "person", "family": "Novak", "given": "Ana", "roles": ["cre"],
            "affiliation": "University; Institute", "uri": "https://orcid.org/0000-0001-2345-6789", "scheme": "orcid",
            "identifiers": [{"value": "77", "type": "Staff"}],
        }
    ]  # fmt: skip
    assert left(creators=[creator]) == [
        ("key not carried", "creators.affiliation.affiliationIdentifier", "https://ror.org/1")
    ]


def test_creators_of_kernel_3_and_names_alone():
    old = {
        "creatorName": "Novak, Ana",
        "nameIdentifier": {"nameIdentifier": "https://orcid.org/0", "nameIdentifierScheme": "ORCID"},
    }
    found = values(creators=[old, "Anonymous", {"name": ":unav"}, {"givenName": "A.", "familyName": "B"}])["agents"]
    assert [each["name"] for each in found] == ["Novak, Ana", "Anonymous", "B, A."]
    assert (found[0]["uri"], found[2]["type"]) == ("https://orcid.org/0", "person")


@pytest.mark.parametrize(
    ("kind", "role", "label"),
    [
        ("Editor", "edt", None),
        ("RightsHolder", "cph", None),
        ("ContactPerson", "ctb", "contact person"),
        ("Other", "ctb", None),
    ],
)
def test_contributors_have_a_role_or_keep_what_they_are_called(kind, role, label):
    (found,) = values(contributors=[{"name": "N", "contributorType": kind}])["agents"]
    assert (found["roles"], found.get("role_label")) == ([role], label)


@pytest.mark.parametrize(
    "publisher",
    ["Press", {"name": "Press", "publisherIdentifier": "https://ror.org/1", "publisherIdentifierScheme": "ROR"}],
)
def test_the_publisher_is_a_name_or_an_object(publisher):
    (found,) = values(publisher=publisher)["agents"]
    assert (found["name"], found["roles"]) == ("Press", ["pbl"])
    assert found.get("uri") == (None if publisher == "Press" else "https://ror.org/1")


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ({"resourceTypeGeneral": "Text", "resourceType": "letters"}, {"resource_type": "text", "genres": ["letters"]}),
        ({"resourceTypeGeneral": "JournalArticle"}, {"resource_type": "text", "genres": ["journal article"]}),
        ({"resourceTypeGeneral": "Dataset", "resourceType": "Dataset"},
         {"resource_type": "software, multimedia", "genres": ["Dataset"]}),
        ({"resourceTypeGeneral": "Collection"}, {"collection": True}),
        ({"resourceTypeGeneral": "Instrument", "ris": "GEN"}, {"genres": ["instrument"]}),
    ],
)  # fmt: skip
def test_types_are_types_of_resource_and_genres(types, expected):
    found = values(types=types)
    assert found.get("resource_type") == expected.get("resource_type")
    assert found.get("collection", False) == expected.get("collection", False)
    assert [each["label"] for each in found.get("genres", [])] == expected.get("genres", [])
    for old in (types, {"resourceType": types}):
        assert values(**old).get("resource_type") == expected.get("resource_type"), "as kernel 3 has it"
    assert left(types=types) == []


def test_dates_have_their_types_and_the_year_of_publication_is_one_where_no_other_says_it():
    found = values(
        publicationYear=1999,
        dates=[
            {"date": "2004-02-29", "dateType": "Created", "dateInformation": "made"},
            {"date": "2004-01/2005-02", "dateType": "Collected"},
            {"date": "2016-05-13T14:49:27.000Z", "dateType": "Updated"},
            {"date": "some day", "dateType": "Accepted"},
        ],
    )
    assert found["dates"] == [
        {"type": "created", "edtf": "2004-02-29", "label": "made"},
        {"type": "other", "edtf": "2004-01/2005-02", "label": "collected"},
        {"type": "modified", "edtf": "2016-05-13T14:49:27Z", "text": "2016-05-13T14:49:27.000Z"},
        {"type": "other", "text": "some day", "label": "accepted"},
        {"type": "issued", "edtf": "1999"},
    ]
    issued = [{"date": "1999-05", "dateType": "Issued"}]
    assert values(publicationYear="1999", dates=issued)["dates"] == [{"type": "issued", "edtf": "1999-05"}]
    assert left(publicationYear="2001", dates=issued) == [("another year of publication", "publicationYear", "2001")]


def test_subjects_keep_their_scheme_and_address():
    found = values(
        subjects=[
            "Peace",
            {
                "subject": "War",
                "subjectScheme": "LCSH",
                "valueURI": "http://id.loc.gov/authorities/subjects/sh1",
                "lang": "en",
            },
            {"subject": "Physics", "subjectScheme": "ANZSRC", "classificationCode": "0201"},
        ]
    )
    assert found["subjects"] == [
        {"label": "Peace"},
        {"label": "War", "lang": "en", "scheme": "lcsh", "uri": "http://id.loc.gov/authorities/subjects/sh1"},
        {"label": "Physics", "scheme": "ANZSRC"},
    ]
    assert found["classification"] == [{"value": "0201", "scheme": "ANZSRC"}]


def test_descriptions_go_where_their_type_says():
    kinds = ("Abstract", "TableOfContents", "Methods", "TechnicalInfo", "SeriesInformation", "Other")
    found = values(descriptions=[{"description": f"A {kind}", "descriptionType": kind} for kind in kinds])
    assert (found["abstracts"], found["toc"]) == ([{"value": "A Abstract"}], [{"value": "A TableOfContents"}])
    assert [each.get("type") for each in found["notes"]] == [
        "methods", "system details", "series information", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"geoLocationPlace": "Sofia", "geoLocationPoint": {"pointLongitude": "23.3", "pointLatitude": 42.7}},
         {"label": "Sofia", "lat": 42.7, "long": 23.3}),
        ({"geoLocationPoint": "42.7 23.3"}, {"label": "42.7, 23.3", "lat": 42.7, "long": 23.3}),
        ({"geoLocationBox": {"westBoundLongitude": 1, "eastBoundLongitude": 3, "southBoundLatitude": 2,
                             "northBoundLatitude": 4}},
         {"label": "1.0, 2.0, 3.0, 4.0", "bbox": [1.0, 2.0, 3.0, 4.0]}),
        ({"geoLocationBox": "2 1 4 3"}, {"label": "1.0, 2.0, 3.0, 4.0", "bbox": [1.0, 2.0, 3.0, 4.0]}),
        ("Sofia", {"label": "Sofia"}),
    ],
)  # fmt: skip
def test_places_have_points_and_boxes(place, expected):
    assert values(geoLocations=[place])["subjects"] == [{"type": "place", **expected}]


def test_coordinates_that_are_none_and_polygons_are_named():
    polygon = [{"polygonPoint": {"pointLongitude": 1, "pointLatitude": 2}}]
    found = left(
        geoLocations=[{"geoLocationPoint": {"pointLatitude": 91, "pointLongitude": 0}}, {"geoLocationPolygon": polygon}]
    )
    assert [each[:2] for each in found] == [
        ("coordinates not read", "geoLocations.geoLocationPoint"),
        ("key not carried", "geoLocations.geoLocationPolygon"),
    ]  # fmt: skip


BY = "http://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        ([{"rights": "CC BY", "rightsUri": "https://creativecommons.org/licenses/by/4.0/legalcode"}],
         {"uri": "https://creativecommons.org/licenses/by/4.0/", "label": "CC BY"}),
        ([{"rightsURI": BY}], {"uri": BY}),
        ([{"rightsIdentifier": "cc-by-4.0", "rightsIdentifierScheme": "SPDX"}], {"uri": BY}),
        ([{"rightsIdentifier": "CC0-1.0"}], {"uri": "http://creativecommons.org/publicdomain/zero/1.0/"}),
        ([{"rights": "Ask us.", "lang": "en"}], {"statement": {"value": "Ask us.", "lang": "en"}}),
        ([{"rightsUri": "info:eu-repo/semantics/openAccess"}, {"rights": "Mine"}],
         {"access": "open", "statement": {"value": "Mine"}}),
        ([{"rights": "Terms", "rightsUri": "https://example.org/terms"}, {"rightsUri": BY}],
         {"uri": BY, "statement": {"value": "Terms"}}),
        ([{"rightsUri": BY}, {"rights": "A"}, {"rights": "B"}], {"uri": BY, "statement": {"value": "A\n\nB"}}),
    ],
)  # fmt: skip
def test_rights_have_one_address_and_the_rest_in_words(rights, expected):
    assert values(rightsList=rights)["rights"] == expected


def test_funding_is_carried():
    grant = {
        "funderName": "Fund", "funderIdentifier": "https://doi.org/10.13039/1",
        "funderIdentifierType": "Crossref Funder ID", "awardNumber": 77, "awardURI": "https://example.org/77",
        "awardTitle": "Project",
    }  # fmt: skip
    assert values(fundingReferences=[grant])["funding"] == [
        {"funder": "Fund", "funder_id": "https://doi.org/10.13039/1", "award": "77", "award_uri": "https://example.org/77",
         "title": "Project"}
    ]  # fmt: skip
    assert left(fundingReferences=[grant]) == []


def test_related_identifiers_are_relations_and_what_ours_cannot_say_is_noted():
    found = values(
        relatedIdentifiers=[
            {"relatedIdentifier": "10.5072/J", "relatedIdentifierType": "DOI", "relationType": "IsPartOf"},
            {
                "relatedIdentifier": "https://example.org/s",
                "relatedIdentifierType": "URL",
                "relationType": "IsSupplementTo",
            },
            {"relatedIdentifier": "10.5072/V", "relatedIdentifierType": "DOI", "relationType": "IsNewVersionOf"},
        ]
    )
    assert found["relations"] == [
        {"type": "host", "identifiers": [{"value": "10.5072/J", "type": "doi"}]},
        {"type": "related", "note": "is supplement to", "uri": "https://example.org/s"},
        {"type": "other_version", "note": "is new version of", "identifiers": [{"value": "10.5072/V", "type": "doi"}]},
    ]


JOURNAL = {
    "type": "host", "title": "Journal", "identifiers": [{"value": "1234-5678", "type": "issn"}],
    "part": {"volume": "1", "issue": "2", "start": "3", "end": "4"},
}  # fmt: skip


def test_what_contains_the_item_is_said_once():
    container = {"type": "Journal", "title": "Journal", "identifier": "1234-5678", "identifierType": "ISSN",
                 "volume": "1", "issue": "2", "firstPage": "3", "lastPage": "4"}  # fmt: skip
    item = {
        "relatedItemType": "Journal", "relationType": "IsPublishedIn", "titles": [{"title": "Journal"}], "volume": "1",
        "issue": "2", "firstPage": "3", "lastPage": "4",
        "relatedItemIdentifier": {"relatedItemIdentifier": "1234-5678", "relatedItemIdentifierType": "ISSN"},
    }  # fmt: skip
    assert values(container=container)["relations"] == [JOURNAL]
    assert values(container=container, relatedItems=[item])["relations"] == [JOURNAL]
    assert left(container=container, relatedItems=[item]) == []


def test_what_there_is_one_of():
    found = values(
        language="en-GB", sizes=["4 pages", 7], formats=["application/pdf", "PDF"], version="2.1",
        url="https://example.org/1", contentUrl="https://example.org/1.pdf", created="2016-05-13T14:49:27.000Z",
        updated="2017-01-01T00:00:00Z", viewCount=7,
    )  # fmt: skip
    assert found["languages"] == [{"code": "eng", "tag": "en-GB"}]
    assert found["physical"] == {
        "extent": ["4 pages", "7"], "media_types": ["application/pdf"], "form": [{"label": "PDF"}],
    }  # fmt: skip
    assert found["origin"] == {"edition": "2.1"}
    assert found["media"] == [
        {"role": "landing", "url": "https://example.org/1"},
        {"role": "object", "url": "https://example.org/1.pdf"},
    ]
    assert found["record"] == {"created": "2016-05-13T14:49:27Z", "changed": "2017-01-01T00:00:00Z"}


def test_keys_that_nobody_knows_are_named():
    assert left(flavour={"sweet": 1}, language="some words", url="x", contentUrl=["y z"]) == [
        ("language not read", "language", "some words"),
        ("not a URI", "url", "x"),
        ("not a URI", "contentUrl", "y z"),
        ("key not carried", "flavour", "1"),
    ]


def test_depth_does_no_harm():
    deep: Any = "x"
    for _ in range(5000):
        deep = {"a": [deep]}
    assert left(flavour=deep, titles=deep, creators=[deep])[0][2] == "x"


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("titles", {"titleType": "Other", "title": "T"}),
        ("rightsList", {"rights": "Ask us."}),
        ("relatedItems", {"relationType": "IsPartOf", "titles": "T"}),
        ("container", {"title": "T"}),
        ("types", {"resourceType": "t"}),
        ("identifiers", {"identifierType": "local", "identifier": "1"}),
    ],
)
def test_long_lists_are_read_in_time(key, entry):
    fixed = ("relationType", "titleType")
    many = [
        {name: text if name in fixed else f"{text} {number}" for name, text in entry.items()}
        for number in range(20_000)
    ]
    started = time.process_time()
    values(**{key: many})
    assert time.process_time() - started < 6


# Whatever has the keys of DataCite is read.

KEYS = (
    "doi", "identifier", "identifiers", "alternateIdentifiers", "alternateIdentifier", "identifierType",
    "creators", "name", "creatorName", "nameType", "givenName", "familyName", "affiliation", "nameIdentifiers",
    "nameIdentifier", "nameIdentifierScheme", "titles", "title", "titleType", "lang", "publisher",
    "publisherIdentifier", "publicationYear", "subjects", "subject", "subjectScheme", "valueUri",
    "classificationCode", "contributors", "contributorType", "dates", "date", "dateType", "dateInformation",
    "language", "types", "resourceType", "resourceTypeGeneral", "relatedIdentifiers", "relatedIdentifier",
    "relationType", "relatedItems", "relatedItemIdentifier", "volume", "sizes", "formats", "version",
    "rightsList", "rights", "rightsUri", "rightsIdentifier", "descriptions", "description", "descriptionType",
    "geoLocations", "geoLocationPlace", "geoLocationPoint", "pointLatitude", "pointLongitude", "geoLocationBox",
    "westBoundLongitude", "fundingReferences", "funderName", "awardUri", "container", "url", "contentUrl",
    "state", "created", "other",
)  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(), st.text(max_size=20), st.sampled_from(HOSTILE),
    st.sampled_from(("10.5072/x", "https://example.org/1", "http://[bad", "DOI", "Personal", "1999", "en", "Text",
                     "\x00", "Dataset", "ORCID", "0 0", "1 2 3 4", "cc-by-4.0", "IsPartOf", "Issued", ":unav",
                     "Coverage")),
)  # fmt: skip
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(attributes=st.dictionaries(st.sampled_from(KEYS), trees, max_size=12))
def test_any_json_of_the_shape_is_read(attributes):
    made, _ = datacite_read.read(attributes | {"doi": "10.5072/x", "state": "findable"}, read_date=dates.edtf)
    made["titles"] = made.get("titles") or [{"value": "T"}]
    item = record.from_builtins(made)
    if document := registry.rendition(OaiDatacite(), item, registry.Context()):
        assert_valid(document)
