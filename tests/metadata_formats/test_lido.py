"""The LIDO column of the crosswalk, rule by rule, there and back; and what museums' own exports become."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec import to_builtins
from strategies import records
from test_renditions import FULL, completed
from validation import assert_valid, schema_errors

from metadata_formats import record, registry
from metadata_formats.lido import Lido
from metadata_formats.reading import NotReadable

MUSEUM = Path(__file__).parent / "lido_museum.xml"
NS = {"l": "http://www.lido-schema.org"}
TYPE = "{http://www.lido-schema.org}type"
TERMS = "http://terminology.lido-schema.org/"
OBJECT = {"id": "1", "titles": [{"value": "T"}], "resource_type": "three dimensional object"}


def rendered(item, **context):
    document = registry.rendition(Lido(), item, registry.Context(**context))
    assert_valid(document)
    return document


def lido(**fields):
    return etree.fromstring(rendered(record.from_builtins(OBJECT | fields)))


def texts(root, path):
    return [element.text for element in root.iterfind(path, NS)]


def read(document, *read_date):
    return Lido().read(etree.fromstring(document), *read_date)


def back(document):
    """Return the record that a document of ours is, of which nothing may be left."""
    values, left = read(document)
    assert left == []
    return record.from_builtins(values)


# What is available.


@pytest.mark.parametrize(
    ("fields", "available"),
    [
        ({"resource_type": "three dimensional object"}, True),
        ({"resource_type": "still image"}, True),
        ({"resource_type": "moving image"}, True),
        ({}, True),
        ({"resource_type": "text"}, False),
        ({"resource_type": "software, multimedia"}, False),
        ({"resource_type": "text", "identifiers": [{"value": "K 1", "type": "isbn"}]}, False),
        ({"resource_type": "text", "identifiers": [{"value": "K 1", "type": "inventory", "invalid": True}]}, False),
        ({"resource_type": "text", "identifiers": [{"value": "K 1", "type": "inventory"}]}, True),
    ],
)
def test_texts_are_objects_when_they_are_on_the_inventory(fields, available):
    item = record.from_builtins({"id": "1", "titles": [{"value": "T"}]} | fields)
    assert (registry.rendition(Lido(), item, registry.Context()) is not None) == available


# What is written.


def test_what_the_schema_wants_is_there_when_the_record_has_nothing_of_it():
    root = etree.fromstring(rendered(record.from_builtins({"id": "1", "titles": [{"value": "T"}]})))
    assert texts(root, ".//l:objectWorkType/l:term") == ["object"]
    assert texts(root, ".//l:recordSource//l:appellationValue") == ["unknown"]
    assert [block.get("{http://www.w3.org/XML/1998/namespace}lang") for block in root[-2:]] == ["und", "und"]
    item = record.from_builtins({"id": "1", "titles": [{"value": "T"}], "record": {"language": "ger"}})
    root = etree.fromstring(rendered(item, repository_name="Museum"))
    assert texts(root, ".//l:recordSource//l:appellationValue") == ["Museum"]
    assert root[-1].get("{http://www.w3.org/XML/1998/namespace}lang") == "de"


def test_events_tell_who_did_what_when():
    root = lido(
        agents=[
            {"name": "Maker", "roles": ["art"], "type": "person", "dates": "1720/1788"},
            {"name": "Press", "roles": ["pbl"]},
            {"name": "Donor", "roles": ["dnr"]},
            {"name": "Nobody knows"},
        ],
        dates=[
            {"type": "issued", "edtf": "1771"},
            {"type": "created", "edtf": "196X", "text": "the sixties", "key": True},
            {"type": "other", "edtf": "1987", "label": "Acquisition"},
            {"type": "other", "edtf": "1986", "label": "Seen"},
        ],
        notes=[{"value": "Gift of a captain", "type": "acquisition"}, {"value": "Lost", "type": "ownership"}],
        origin={"places": [{"label": "Delft"}]},
        physical={"form": [{"label": "blue on white"}, {"label": "clay", "uri": "https://x.org/clay"}]},
    )
    events = {
        event.findtext("l:event/l:eventType/l:term", None, NS): event for event in root.iterfind(".//l:eventSet", NS)
    }
    assert list(events) == ["Production", "Publication", "Event", "Acquisition", "Provenance"]
    said = {
        name: (
            texts(event, ".//l:nameActorSet/*"),
            texts(event, ".//l:displayDate"),
            texts(event, ".//l:descriptiveNoteValue"),
        )
        for name, event in events.items()
    }
    assert said == {
        "Production": (["Maker"], ["the sixties"], []),
        "Publication": (["Press"], ["1771"], []),
        "Event": (["Nobody knows"], ["1986"], []),
        "Acquisition": (["Donor"], ["1987"], ["Gift of a captain"]),
        "Provenance": ([], [], ["Lost"]),
    }
    production = events["Production"]
    assert dict(production.attrib) == {"{http://www.lido-schema.org}mostNotableEvent": "1"}
    assert texts(production, ".//l:eventType/l:conceptID") == [TERMS + "lido00007"]
    assert texts(production, ".//l:eventDate/l:date/*") == ["1960", "1969"]
    assert texts(production, ".//l:vitalDatesActor/*") == ["1720", "1788"]
    assert texts(production, ".//l:roleActor/l:conceptID") == ["http://id.loc.gov/vocabulary/relators/art"]
    assert texts(production, ".//l:namePlaceSet/*") == ["Delft"]
    assert texts(production, ".//l:displayMaterialsTech") == ["blue on white"]
    assert texts(production, ".//l:termMaterialsTech/*") == ["https://x.org/clay", "clay"]


@pytest.mark.parametrize(
    ("edtf", "bounds", "type_"),
    [
        ("1967", ["1967", "1967"], "lido00528"),
        ("1967-06-08", ["1967-06-08", "1967-06-08"], "lido00528"),
        ("1967~", ["1967", "1967"], "lido00529"),
        ("1962/1967?", ["1962", "1967"], "lido00529"),
        ("19XX", ["1900", "1999"], "lido00528"),
        ("1967/..", ["1967"], "lido00528"),
        ("1967-21", ["1967-03-01", "1967-05-31"], "lido00528"),
        ("1967-01-01/1968-12-31", ["1967", "1968"], "lido00528"),
    ],
)
def test_dates_are_indexed_by_their_bounds_and_come_back_as_they_were(edtf, bounds, type_):
    document = rendered(record.from_builtins(OBJECT | {"dates": [{"type": "created", "edtf": edtf}]}))
    ends = etree.fromstring(document).findall(".//l:eventDate/l:date/*", NS)
    assert [end.text for end in ends] == bounds
    assert {end.get(TYPE) for end in ends} == {TERMS + type_}
    assert [date.edtf for date in back(document).dates] == [edtf]


def test_numbers_of_the_holder_stand_with_the_repository_and_those_of_others_at_the_top():
    root = lido(
        identifiers=[
            {"value": "K 12", "type": "inventory", "label": "Number"},
            {"value": "10.1000/182", "type": "doi"},
            {"value": "https://x.org/1", "type": "uri"},
            {"value": "wrong", "invalid": True},
        ],
        holding={
            "repository": "Museum",
            "isil": "DE-MUS-1",
            "shelfmark": "S 9",
            "place": "Husum",
            "sublocation": "Depot",
        },
    )
    assert texts(root, "l:objectPublishedID") == ["https://doi.org/10.1000/182", "https://x.org/1"]
    repository = root.find(".//l:repositorySet", NS)
    assert repository.get(TYPE) == TERMS + "lido00475"
    assert [(each.get(TYPE), each.text) for each in repository.iterfind("l:workID", NS)] == [
        ("shelfmark", "S 9"),
        (TERMS + "lido00113", "K 12"),
    ]
    assert texts(repository, "l:repositoryName/l:legalBodyID") == ["DE-MUS-1"]
    assert texts(repository, "l:repositoryLocation//l:appellationValue") == ["Depot", "Husum"]
    assert b"wrong" not in etree.tostring(root)


def test_who_is_depicted_is_a_subject_and_took_part_in_nothing():
    root = lido(agents=[{"name": "Sitter", "type": "person", "roles": ["dpc"]}])
    assert texts(root, ".//l:subjectActor//l:appellationValue") == ["Sitter"]
    assert root.find(".//l:eventActor", NS) is None


def test_a_heading_reads_as_one_and_its_steps_are_indexed():
    parts = [{"type": "topic", "label": "War"}, {"type": "place", "label": "Sofia"}, {"type": "topic", "label": "Art"}]
    root = lido(subjects=[{"parts": parts, "uri": "https://x.org/h"}])
    assert texts(root, ".//l:displaySubject") == ["War--Sofia--Art"]
    order = [step.get("{http://www.lido-schema.org}sortorder") for step in root.find(".//l:subject", NS)]
    assert order == [None, "1", "3", "2"]
    (subject,) = back(
        rendered(record.from_builtins(OBJECT | {"subjects": [{"parts": parts, "uri": "https://x.org/h"}]}))
    ).subjects
    assert to_builtins(subject) == {
        "parts": [{**part} for part in to_builtins(subject)["parts"]],
        "uri": "https://x.org/h",
    }
    assert [part.label for part in subject.parts] == ["War", "Sofia", "Art"]


def test_a_preview_stands_with_the_file_that_it_shows():
    files = [
        {"role": "thumbnail", "url": "https://x.org/t.jpg"},
        {"role": "landing", "url": "https://x.org/1"},
        {"role": "object", "url": "https://x.org/a.jpg", "mime": "image/jpeg", "width": 800},
        {"role": "view", "url": "https://x.org/b.mp3", "mime": "audio/mpeg"},
    ]
    root = lido(media=files)
    sets = [texts(each, ".//l:linkResource") for each in root.iterfind(".//l:resourceSet", NS)]
    assert sets == [["https://x.org/a.jpg", "https://x.org/t.jpg"], ["https://x.org/b.mp3"]]
    types = [each.get(TYPE).removeprefix(TERMS) for each in root.iterfind(".//l:resourceRepresentation", NS)]
    assert types == ["lido00464", "lido00451", "lido00465"]
    assert texts(root, ".//l:recordInfoLink") == ["https://x.org/1"]


def test_rights_of_the_work_its_metadata_and_its_files_are_told_apart():
    root = lido(
        rights={"uri": "http://rightsstatements.org/vocab/InC/1.0/", "holder": "Doe", "access": "restricted"},
        media=[
            {"role": "object", "url": "https://x.org/a", "rights_uri": "http://creativecommons.org/licenses/by/4.0/"}
        ],
    )
    assert texts(root, ".//l:rightsWorkSet/l:rightsType/l:term") == ["In Copyright", "restricted access"]
    assert texts(root, ".//l:recordRights//l:term") == ["CC0 1.0 Universal"]
    assert texts(root, ".//l:rightsResource//l:conceptID") == ["http://creativecommons.org/licenses/by/4.0/"]


# There and back.


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=st.one_of(records, records.map(completed)))
def test_what_was_written_is_read_to_the_same_again(item):
    context = registry.Context()
    document = registry.rendition(Lido(), item, context)
    if document is not None:
        assert registry.rendition(Lido(), back(document), context) == document


CHANGED = {
    "titles": "one line: articles, subtitles and parts are in the title",
    "agents": "what not_carried lists; the order is that of the events",
    "genres": "what not_carried lists",
    "languages": "what not_carried lists",
    "origin": "what not_carried lists; a place's level of the country's name",
    "physical": "what not_carried lists",
    "identifiers": "a DOI comes back as the address that it is",
    "relations": "the holding of an original is a relation to it; parts are not carried",
    "holding": "of an original it is a relation",
    "funding": "a note of that type",
    "notes": "funding is among them",
    "subjects": "what not_carried lists",
    "provider": "what not_carried lists",
    "record": "what not_carried lists; the language of cataloguing is that of the description",
    "media": "what not_carried lists",
    "audience": "not carried",
    "full_text": "not carried",
    "sets": "not carried",
    "extra": "not carried",
    "rights": "a text in the record's language does not name it",
    "abstracts": "a text in the record's language does not name it",
    "toc": "a text in the record's language does not name it",
}
"""The keys of the full record that come back otherwise than they were, and why; all others come back equal."""


def test_everything_else_comes_back_as_it_was():
    there = record.from_builtins(FULL)
    values, again = to_builtins(there), to_builtins(back(rendered(there)))
    assert {key for key in {*values, *again} if values.get(key) != again.get(key)} == CHANGED.keys()


def plain(item):
    """Return a record in the words that LIDO has for all of it."""
    return to_builtins(record.from_builtins(OBJECT | item))


@pytest.mark.parametrize(
    "item",
    [
        {"titles": [{"value": "T"}, {"value": "U", "type": "translated", "lang": "en"}]},
        {"collection": True, "record": {"source": "Us", "created": "2001", "changed": "2002-03",
                                        "description_lang": "de"}},
        {"agents": [{"name": "N", "roles": ["ill", "xyz"], "role_label": "made", "dates": "1900/1980", "type": "family",
                     "uri": "https://d-nb.info/gnd/1", "scheme": "gnd",
                     "identifiers": [{"value": "7", "label": "No."}]}]},
        {"agents": [{"name": "A", "role_label": "follower of"}, {"name": "B"}, {"name": "C", "roles": ["dnr"]}]},
        {"dates": [{"type": "created", "edtf": "1967~", "text": "about 1967", "label": "Made", "key": True}]},
        {"dates": [{"type": "issued", "text": "undated"}, {"type": "other", "edtf": "1987", "label": "Acquisition"}]},
        {"genres": [{"label": "bowls", "uri": "http://vocab.getty.edu/aat/1", "scheme": "aat",
                     "exact_match": ["https://x.org/1"]}]},
        {"physical": {"extent": ["4 x 5 cm"], "form": [{"label": "clay"}], "notes": ["cracked"]}},
        {"origin": {"edition": "2nd", "places": [{"label": "Delft", "gac": "e-ne", "country": "ne",
                                                  "parts": {"city": "Delft"}}]}},
        {"languages": [{"code": "ger"}, {"code": "lat", "role": "original"}]},
        {"notes": [{"value": "Anchor", "type": "inscription"}, {"value": "x", "type": "handwritten"},
                   {"value": "Remark"}, {"value": "Gift", "type": "acquisition"},
                   {"value": "Ours", "type": "ownership", "lang": "en"}]},
        {"subjects": [{"label": "Ships", "uri": "https://x.org/s", "lang": "en"}, {"type": "person", "label": "P"},
                      {"type": "genre", "label": "G"}, {"type": "title", "label": "Hamlet"},
                      {"type": "event", "label": "E"}, {"type": "place", "label": "Husum"},
                      {"type": "period", "label": "War", "edtf": "1939/1945"}]},
        {"classification": [{"value": "759", "scheme": "ddc", "edition": "23"}]},
        {"relations": [{"type": "host", "title": "Set", "uri": "https://x.org/r", "note": "n",
                        "identifiers": [{"value": "K 1", "type": "inventory"}]}, {"type": "succeeding", "title": "S"}]},
        {"holding": {"repository": "M", "repository_uri": "https://x.org/m", "isil": "DE-1", "place": "P",
                     "sublocation": "S", "shelfmark": "9", "source_text": "M, P",
                     "hierarchy": [{"level": "fonds", "label": "Fond", "id": "1"},
                                   {"level": "file", "title": "Letters"}]}},
        {"rights": {"uri": "http://rightsstatements.org/vocab/InC/1.0/", "label": "Protected", "statement": "Ask.",
                    "holder": "D", "holder_uri": "https://x.org/d", "year": "1967", "access": "embargoed",
                    "access_note": "n", "embargo_until": "2030", "metadata_licence": "http://creativecommons.org/licenses/by/4.0/"}},
        {"media": [{"role": "landing", "url": "https://x.org/1", "label": "Page"},
                   {"role": "object", "url": "https://x.org/a", "mime": "image/png", "width": 1, "height": 2,
                    "bytes": 3},
                   {"role": "thumbnail", "url": "https://x.org/t"},
                   {"role": "iiif_manifest", "url": "https://x.org/m",
                    "rights_uri": "http://creativecommons.org/licenses/by/4.0/"}]},
        {"provider": {"data_provider": "D", "data_provider_uri": "https://x.org/d"}},
        {"abstracts": ["One", {"value": "Two", "lang": "fr"}], "toc": ["Three"]},
    ],
)  # fmt: skip
def test_what_lido_has_words_for_comes_back_equal(item):
    there = plain(item)
    again = to_builtins(back(rendered(record.from_builtins(there), repository_name="Us")))
    # LIDO wants a source and a type, and the record may have had none.
    if "source" not in there.get("record", {}) and "provider" not in there:
        there["record"] = {**there.get("record", {}), "source": "Us"}
    if item.get("holding"):
        there["record"]["source"] = item["holding"]["repository"]
    assert again == there


# What museums export.


def museum():
    root = etree.parse(MUSEUM).getroot()
    values, left = Lido().read(root[0], {"um 1987": "1987~"}.get)
    return to_builtins(record.from_builtins(values)), left


def test_an_export_of_a_museum_becomes_a_record():
    item, _ = museum()
    assert item["id"] == "DE-MUS-999999:4711"
    assert [title["value"] for title in item["titles"]] == [
        "Teeschale mit Segelschiff", "Koppke", "Tea bowl with a sailing ship",
    ]  # fmt: skip
    assert item["titles"][2] == {"value": "Tea bowl with a sailing ship", "lang": "en"}
    assert item["genres"][0] == {
        "label": "Teeschale", "scheme": "aat", "uri": "http://vocab.getty.edu/aat/300037680",
        "exact_match": ["https://d-nb.info/gnd/4000000-0"],
    }  # fmt: skip
    assert {"value": "K 1987/12", "type": "inventory"} in item["identifiers"]
    assert item["holding"] == {"repository": "Museum am Deich", "isil": "DE-MUS-999999", "place": "Husum"}
    assert item["physical"]["extent"] == ["Höhe: 4,5 cm; Durchmesser: 8 cm"]
    assert item["physical"]["form"] == [{"label": "Fayence"}, {"label": "bemalt"}]
    assert item["record"]["description_lang"] == "de"


def test_events_of_a_museum_are_known_by_their_words_in_german_too():
    item, _ = museum()
    painter, maker = item["agents"]
    assert (painter["name"], painter["roles"], painter["role_label"]) == (
        "Jansen, Jan",
        ["art"],
        "Maler, zugeschrieben",
    )
    assert (painter["type"], painter["dates"], painter["scheme"]) == ("person", "1720/1788", "gnd")
    assert (maker["type"], maker["roles"]) == ("organization", ["mfr"])
    assert item["dates"] == [
        {"type": "created", "edtf": "1760/1770"},
        {"type": "other", "edtf": "1987~", "text": "um 1987", "label": "Acquisition"},
        {"type": "other", "edtf": "1750/..", "label": "Stapellauf"},
    ]
    (place,) = item["origin"]["places"]
    assert (place["label"], place["parts"]) == ("Delft", {"country": "Niederlande"})
    assert {"value": "Schenkung aus Privatbesitz", "type": "acquisition"} in item["notes"]
    assert {"value": "Aus dem Haus eines Kapitäns.", "type": "ownership"} in item["notes"]


def test_rights_are_taken_as_uris_and_never_from_prose():
    item, _ = museum()
    assert item["rights"]["statement"] == "Gemeinfrei, siehe Nutzungsbedingungen"
    assert "uri" not in item["rights"]
    licence = "https://creativecommons.org/licenses/by-sa/4.0/"
    assert [(each["role"], each.get("rights_uri"), each.get("width")) for each in item["media"]] == [
        ("landing", None, None), ("thumbnail", licence, None), ("object", licence, 2000), ("view", None, None),
    ]  # fmt: skip


def test_terms_side_by_side_are_no_heading():
    item, _ = museum()
    assert [subject["label"] for subject in item["subjects"]] == ["Schifffahrt", "Husum", "Familie Hansen", "1700/1799"]
    assert item["relations"] == [
        {"type": "host", "title": "Teeservice K 1987/10"},
        {"type": "related", "title": "Untertasse", "note": "Gegenstück"},
    ]


def test_what_is_not_carried_over_is_named_and_what_is_said_twice_is_not():
    _, left = museum()
    assert {(each.path.rpartition("/")[2], each.value) for each in left} == {
        ("conceptID", "T-12"),
        ("term", "tea bowls"),
        ("legalBodyWeblink", "https://museum.example.org/"),
        ("appellationValue", "Janssen, Jan"),
        ("genderActor", "männlich"),
        ("pos", "52.01 4.36"),
        ("legalBodyID", "DE-MUS-999999"),
        ("resourceID", "B 1"),
        ("appellationValue", "Museum am Deich, Foto: A. Beispiel"),
    }


def test_what_was_read_from_a_museum_is_written_and_read_again_to_the_same():
    item, _ = museum()
    document = rendered(record.from_builtins(item))
    assert rendered(back(document)) == document


@pytest.mark.parametrize("root", ["<lido/>", '<record xmlns="http://www.lido-schema.org"/>'])
def test_another_element_is_no_record(root):
    with pytest.raises(NotReadable, match="not a lido:lido"):
        read(root)


def test_a_record_of_endless_elements_is_refused():
    inner = "<a/>" * 100_001
    with pytest.raises(NotReadable, match="more than 100000 elements"):
        read(f'<lido xmlns="http://www.lido-schema.org">{inner}</lido>')


_TEXTS = ("", "1900", "31.12.1900", "-0500-00-00", "http://x.org/1", "info:isil/", "http://[", "<b>", "ab", "x" * 300)
CHANGES = st.lists(
    st.tuples(st.integers(0, 999), st.sampled_from(("drop", "text", "attribute", "move")), st.sampled_from(_TEXTS)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=CHANGES)
def test_an_export_with_whatever_mistakes_is_read_and_what_is_read_can_be_written(changes):
    element = etree.parse(MUSEUM).getroot()[0]
    for number, change, text in changes:
        nodes = [node for node in element.iter() if node is not element]
        node, other = nodes[number % len(nodes)], nodes[number * 7 % len(nodes)]
        if change == "drop":
            node.getparent().remove(node)
        elif change == "move" and node not in other.iterancestors() and node is not other:
            other.append(node)
        elif change == "attribute":
            for name in node.attrib:
                node.set(name, text)
        elif change == "text":
            node.text = text
    values, _ = Lido().read(element)
    if any(title.get("type", "main") == "main" for title in values.get("titles", [])):
        document = registry.rendition(Lido(), record.from_builtins({"id": "1"} | values), registry.Context())
        assert document is None or schema_errors(document) == []


def test_read_dates_are_those_that_were_written():
    """A text that a reader of dates understands becomes a date; else it stands as it is."""
    document = rendered(record.from_builtins(OBJECT | {"dates": [{"type": "created", "text": "8. Juni 1967"}]}))
    values, _ = read(document, {"8. Juni 1967": "1967-06-08"}.get)
    assert values["dates"] == [{"type": "created", "edtf": "1967-06-08", "text": "8. Juni 1967"}]
    assert read(document).values["dates"] == [{"type": "created", "text": "8. Juni 1967"}]
