"""The schema.org column of the crosswalk (section 3.4), rule by rule."""

import json
from pathlib import Path

import places
import pytest
from hypothesis import HealthCheck, given, settings
from strategies import records

from metadata_formats import record, registry
from metadata_formats.schema_org import document
from oai_server.ingest.files import sources
from oai_server.ingest.readers import Job

FULL = (Path(__file__).parent / "full.yaml").read_bytes()
CONTEXT = registry.Context()


def schema_org(options=None, **fields):
    item = record.from_builtins({"id": "1", "titles": [{"value": "T"}]} | fields)
    return document(item, registry.Context(options=options or {}))


def test_the_reference_record_gives_the_expected_document():
    memorandum = record.from_yaml((places.expected() / "165251.yaml").read_bytes())
    found = document(memorandum, CONTEXT)
    assert found == json.loads((places.expected() / "schemaorg.jsonld").read_bytes())
    assert list(found)[:5] == ["@context", "@type", "@id", "url", "identifier"]


def test_the_smallest_record_says_what_it_is_called():
    assert schema_org() == {
        "@context": "https://schema.org",
        "@type": "CreativeWork",
        "identifier": {"@type": "PropertyValue", "propertyID": "local", "value": "1"},
        "name": "T",
    }


@pytest.mark.parametrize(
    ("fields", "type_"),
    [
        ({"resource_type": "text"}, "DigitalDocument"),
        ({"resource_type": "text", "genres": [{"label": "diaries"}, {"label": "Books (objects)"}]}, "Book"),
        ({"resource_type": "text", "genres": [{"label": "theses"}]}, "Thesis"),
        ({"resource_type": "text", "genres": [{"label": "paintings"}]}, "DigitalDocument"),
        ({"resource_type": "still image", "genres": [{"label": "paintings (visual works)"}]}, "Painting"),
        ({"resource_type": "still image"}, "ImageObject"),
        ({"resource_type": "cartographic"}, "Map"),
        ({"resource_type": "moving image"}, "VideoObject"),
        ({"resource_type": "software, multimedia"}, "SoftwareApplication"),
        ({"resource_type": "software, multimedia", "genres": [{"label": "datasets"}]}, "Dataset"),
        ({"resource_type": "text", "collection": True}, "Collection"),
        ({"resource_type": "text", "holding": {"repository": "A"}}, ["DigitalDocument", "ArchiveComponent"]),
    ],
)
def test_the_type_is_as_narrow_as_the_genres_allow(fields, type_):
    assert schema_org(**fields)["@type"] == type_


def test_every_role_has_its_property_or_its_name():
    agents = [
        {"name": "Doe, Jane", "type": "person", "dates": "1900/1980", "roles": ["aut", "ill"]},
        {"name": "Sculptor", "roles": ["scl"]},
        {"name": "Press", "type": "organization", "roles": ["pbl"], "description": "A press"},
        {"name": "Signer", "roles": ["sgn"]},
        {"name": "Finder", "roles": ["ctb"], "role_label": "found by"},
        {"name": "Helper", "roles": ["ctb"]},
        {"name": "Unknown part"},
        {"name": "Somebody", "roles": ["zzz"]},
    ]
    found = schema_org(agents=agents)
    jane = {"@type": "Person", "name": "Doe, Jane", "birthDate": "1900", "deathDate": "1980"}
    assert found["author"] == found["illustrator"] == jane
    assert found["creator"] == {"name": "Sculptor"}
    assert found["publisher"] == {"@type": "Organization", "name": "Press", "description": "A press"}
    assert found["contributor"] == [
        {"@type": "Role", "roleName": "signer", "contributor": {"name": "Signer"}},
        {"@type": "Role", "roleName": "found by", "contributor": {"name": "Finder"}},
        {"name": "Helper"},
        {"name": "Unknown part"},
        {"name": "Somebody"},
    ]
    assert "creator" not in schema_org({"creator_roles": ["aut"]}, agents=agents)


def test_identifiers_are_addresses_or_named_values():
    identifiers = [
        {"type": "doi", "value": "10.1000/182"},
        {"type": "inventory", "value": "77", "label": "Number"},
        {"type": "uri", "value": "https://example.org/gone", "invalid": True},
    ]
    assert schema_org(identifiers=identifiers)["identifier"] == [
        "https://doi.org/10.1000/182",
        {"@type": "PropertyValue", "propertyID": "Number", "value": "77"},
        {"@type": "PropertyValue", "propertyID": "local", "value": "1"},
    ]


def test_dates_are_those_that_can_be_read():
    dates = [
        {"type": "created", "edtf": "196X"},
        {"type": "issued", "edtf": "1970~"},
        {"type": "issued", "text": "later"},
        {"type": "modified", "edtf": "1980-01"},
        {"type": "copyright", "edtf": "1971"},
        {"type": "captured", "edtf": "2001"},
    ]
    found = schema_org(dates=dates)
    assert {name: found[name] for name in found if name.startswith("date")} == {
        "dateCreated": "1960/1969", "datePublished": "1970", "dateModified": "1980-01",
    }  # fmt: skip
    assert found["copyrightYear"] == 1971
    assert "copyrightYear" not in schema_org(rights={"year": "long ago"})


@pytest.mark.parametrize(
    ("languages", "name"), [([{"code": "bul", "role": "original"}], "translationOfWork"), ([], "isBasedOn")]
)
def test_a_kept_original_is_what_the_item_was_made_from(languages, name):
    holding = {"repository": "Archive", "place": "Sofia", "shelfmark": "S 1", "original": True}
    found = schema_org(holding=holding, languages=languages)
    kept = {"@type": "ArchiveOrganization", "name": "Archive", "location": "Sofia"}
    language = {"inLanguage": "bg"} if languages else {}
    assert found[name] == {"@type": "ArchiveComponent", "holdingArchive": kept, "itemLocation": "S 1"} | language
    assert "holdingArchive" not in found


def test_what_is_kept_itself_has_its_archive():
    found = schema_org(holding={"repository": "Archive", "shelfmark": "S 1"})
    assert found["holdingArchive"]["name"] == "Archive"
    assert found["itemLocation"] == "S 1"
    assert "isBasedOn" not in found


def test_subjects_are_terms_agents_places_times_and_keywords():
    subjects = [
        {"label": "Peace", "scheme": "lcsh", "uri": "http://id.loc.gov/authorities/subjects/sh1"},
        {"label": "War"},
        {"type": "person", "label": "Doe", "uri": "https://example.org/doe"},
        {"type": "place", "label": "Sofia", "lat": 42.5, "long": 0},
        {"type": "period", "label": "1962-1967", "edtf": "1962/1967"},
        {"type": "period", "label": "Cold War"},
    ]
    found = schema_org(subjects=subjects, classification=[{"value": "327", "scheme": "ddc"}])
    assert found["about"] == [
        {
            "@id": "http://id.loc.gov/authorities/subjects/sh1", "@type": "DefinedTerm", "name": "Peace",
            "inDefinedTermSet": "http://id.loc.gov/authorities/subjects",
        },
        {"@id": "https://example.org/doe", "@type": "Person", "name": "Doe"},
        {"@type": "DefinedTerm", "termCode": "327", "inDefinedTermSet": "ddc"},
    ]  # fmt: skip
    assert found["keywords"] == "War"
    geo = {"@type": "GeoCoordinates", "latitude": 42.5, "longitude": 0}
    assert found["spatialCoverage"] == {"@type": "Place", "name": "Sofia", "geo": geo}
    assert found["temporalCoverage"] == ["1962/1967", "Cold War"]


def test_descriptions_are_in_their_language_and_administrative_notes_are_left_out():
    notes = [
        {"value": "a", "lang": "de"},
        {"value": "b", "type": "acquisition"},
        {"value": "c", "type": "preferred citation"},
    ]
    found = schema_org(abstracts=["About  it"], toc=["One"], notes=notes)
    assert found["abstract"] == "About it"
    assert found["description"] == ["One", {"@language": "de", "@value": "a"}]
    assert found["creditText"] == "c"
    dataset = schema_org(abstracts=["About"], resource_type="software, multimedia", genres=[{"label": "dataset"}])
    assert dataset["description"] == dataset["abstract"] == "About"


def test_what_is_no_language_tag_makes_plain_text():
    assert schema_org(titles=[{"value": "T", "lang": "no tag"}])["name"] == "T"


def test_rights_files_and_costs():
    found = schema_org(
        rights={
            "uri": "http://creativecommons.org/licenses/by/4.0/",
            "access": "open",
            "holder": "Doe",
            "year": "1967",
        },
        media=[
            {"role": "object", "url": "https://x.org/1.jpg", "mime": "image/jpeg", "width": 8, "bytes": 5},
            {"role": "thumbnail", "url": "https://x.org/2.jpg"},
        ],
        funding=[{"funder": "EC", "award": "643410"}],
    )
    assert found["license"] == "http://creativecommons.org/licenses/by/4.0/"
    assert found["isAccessibleForFree"] is True
    assert found["copyrightHolder"] == {"name": "Doe"}
    assert found["copyrightYear"] == 1967
    assert found["associatedMedia"] == {
        "@type": "MediaObject", "contentUrl": "https://x.org/1.jpg", "encodingFormat": "image/jpeg",
        "width": {"@type": "QuantitativeValue", "value": 8, "unitCode": "E37"}, "contentSize": "5 B",
    }  # fmt: skip
    assert found["thumbnailUrl"] == "https://x.org/2.jpg"
    assert found["funding"]["funder"] == {"@type": "Organization", "name": "EC"}
    restricted = schema_org(rights={"access": "restricted"})
    assert restricted["conditionsOfAccess"] == "restricted access"
    assert "isAccessibleForFree" not in restricted


def test_the_words_of_the_item_are_there_on_request():
    full_text = [{"kind": "ocr", "lang": "en", "value": "All the words"}, {"kind": "ocr", "path": "a.txt"}]
    assert "text" not in schema_org(full_text=full_text)
    assert schema_org({"full_text": True}, full_text=full_text)["text"]["@value"] == "All the words"


def test_relations_go_by_their_type():
    relations = [
        {"type": "host", "title": "Journal", "identifiers": [{"type": "issn", "value": "1234-5678"}]},
        {"type": "references", "uri": "https://example.org/r"},
        {"type": "related", "title": "Thing"},
    ]
    found = schema_org(relations=relations)
    assert found["isPartOf"]["name"] == "Journal"
    assert found["isPartOf"]["identifier"]["propertyID"] == "issn"
    assert found["citation"] == {"@type": "CreativeWork", "url": "https://example.org/r"}
    assert "Thing" not in json.dumps(found)


def leaves(value):
    if isinstance(value, dict | list):
        assert value, "an empty node"
        for child in value.values() if isinstance(value, dict) else value:
            yield from leaves(child)
        if isinstance(value, list):
            assert len(value) == len({json.dumps(child, sort_keys=True) for child in value}), "a thing said twice"
    else:
        yield value


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records)
def test_every_record_makes_json_without_empty_values_and_the_same_again(item):
    options = registry.Context(options={"full_text": True})
    found = document(item, options)
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    assert json.dumps(document(record.from_json(item.to_json()), options), ensure_ascii=False) == text
    assert all(value not in (None, "") for value in leaves(found))
    assert found["@type"]
    assert found["name"]
    assert found["identifier"]


def test_the_full_record_and_the_collection_of_tate_are_json():
    job = Job(profile=places.EXAMPLES / "tate.toml")
    items = [each.record for each in job.read(*sources([places.EXAMPLES / "tate-sample.csv"]))]
    for item in [record.from_yaml(FULL), *items]:
        found = document(item, CONTEXT)
        assert json.loads(json.dumps(found)) == found
        assert found["@id"] == f"{found['url']}#cho"
