"""The MARC column of the crosswalk (section 3.4), rule by rule, and back again."""

import re

import places
import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree
from strategies import records
from validation import assert_valid

from metadata_formats import marc21_read, record, registry
from metadata_formats.marc21 import Marc21, life
from metadata_formats.marc21_read import Field, Marc
from oai_server.ingest.files import sources
from oai_server.ingest.readers import Job

NS = {"m": "http://www.loc.gov/MARC21/slim"}


def marc(options=None, **fields):
    item = record.from_builtins({"id": "1", "titles": [{"value": "T"}]} | fields)
    document = registry.rendition(Marc21(), item, registry.Context(options=options or {}))
    assert_valid(document)
    return etree.fromstring(document)


def fields(root, tag):
    """Return the fields of a tag as ``12 $a text $b text``, indicators first and ``#`` for a blank."""
    found = []
    for each in root.iterfind(f"m:datafield[@tag='{tag}']", NS):
        marks = (each.get("ind1") + each.get("ind2")).replace(" ", "#")
        found.append(" ".join([marks, *(f"${part.get('code')} {part.text}" for part in each)]))
    return found


def control(root, tag):
    return root.findtext(f"m:controlfield[@tag='{tag}']", namespaces=NS)


def parsed(root):
    """Return a rendition as the decoded record that a reader makes of it."""
    data = [
        Field(each.get("tag"), each.get("ind1") + each.get("ind2"), [(part.get("code"), part.text) for part in each])
        for each in root.iterfind("m:datafield", NS)
    ]
    controls = {each.get("tag"): each.text for each in root.iterfind("m:controlfield", NS)}
    return Marc(root.findtext("m:leader", namespaces=NS), controls, data)


def back(item):
    """Return what a record becomes through MARC, and what was left out on the way back."""
    root = etree.fromstring(registry.rendition(Marc21(), item, registry.Context()))
    values, left = marc21_read.read(parsed(root), item.id)
    return record.from_builtins(values), left


def field(tag, marks, *parts, **named):
    """Make a field: subfields as pairs where a code repeats, else by name."""
    return Field(tag, marks.replace("#", " "), [*parts, *named.items()])


def read(*data, leader="00000nam a2200000 a 4500", fixed="", dates=None, **controls):
    """Return the record that fields make, with a title where they have none, and what was left out."""
    titled = [*data] if any(each.tag == "245" for each in data) else [*data, field("245", "00", a="T")]
    named = {"008": fixed, **{tag[1:]: text for tag, text in controls.items()}}
    values, left = marc21_read.read(Marc(leader, named, titled), "1", *([dates] if dates else []))
    return record.from_builtins(values), left


# Record to MARC.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            {"name": "Doe, Jane", "type": "person", "family": "Doe", "roles": ["aut"], "dates": "1900/1980"},
            ["1# $a Doe, Jane, $d 1900-1980, $e author. $4 aut"],
        ),
        ({"name": "Homer", "type": "person", "roles": ["aut"]}, ["0# $a Homer, $e author. $4 aut"]),
        (
            {"name": "Doe, J.", "type": "person", "terms": "Sir", "description": "Clerk", "roles": ["aut"]},
            ["1# $a Doe, J., $c Sir $c (Clerk), $e author. $4 aut"],
        ),
        ({"name": "Doe family", "type": "family", "roles": ["cre"]}, ["3# $a Doe family, $e creator. $4 cre"]),
    ],
)
def test_a_personal_name_has_its_parts_and_their_punctuation(name, expected):
    assert fields(marc(agents=[name]), "100") == expected


def test_a_body_stands_in_units_and_an_abbreviation_parts_nothing():
    bodies = [
        {"name": "Bulgaria. Ministry of Trade", "type": "organization", "jurisdiction": True, "roles": ["aut"]},
        {"name": "Smith & Co. Ltd", "type": "organization", "roles": ["ctb"]},
    ]
    root = marc(agents=bodies)
    assert fields(root, "110") == ["1# $a Bulgaria. $b Ministry of Trade, $e author. $4 aut"]
    assert fields(root, "710") == ["2# $a Smith & Co. Ltd, $e contributor. $4 ctb"]


def test_the_first_creator_of_a_known_kind_is_the_main_entry():
    agents = [{"name": "Unknown", "roles": ["aut"]}, {"name": "Ed", "type": "person", "roles": ["edt"]},
              {"name": "Au", "type": "person", "roles": ["aut"]}]  # fmt: skip
    root = marc(agents=agents)
    assert fields(root, "100") == ["0# $a Au, $e author. $4 aut"]
    assert fields(root, "720") == ["## $a Unknown, $e author. $4 aut"]
    assert root.find("m:datafield[@tag='245']", NS).get("ind1") == "1"
    assert fields(marc({"creator_roles": ["edt"]}, agents=agents), "100") == ["0# $a Ed, $e editor. $4 edt"]


def test_a_mere_publisher_stands_in_the_imprint_alone():
    press = {"name": "Press", "type": "organization", "roles": ["pbl"]}
    root = marc(agents=[press], origin={"places": [{"label": "Sofia"}]}, dates=[{"type": "issued", "edtf": "1970"}])
    assert fields(root, "264") == ["#1 $a Sofia : $b Press, $c 1970."]
    assert fields(root, "710") == []
    assert len(fields(marc(agents=[press | {"uri": "https://example.org/p"}]), "710")) == 1


def test_the_title_has_its_parts_and_what_sorting_skips():
    title = {"value": "Tale", "non_sort": "The", "subtitle": "a story", "part_number": "1", "part_name": "One"}
    notes = [{"type": "statement of responsibility", "value": "by Doe"}]
    assert fields(marc(titles=[title], notes=notes), "245") == [
        "04 $a The Tale : $b a story. $n 1, $p One / $c by Doe."
    ]
    assert fields(marc(titles=[{"value": "Arbre", "non_sort": "L’"}]), "245") == ["02 $a L’Arbre."]
    assert fields(marc(titles=[{"value": "Why?"}]), "245") == ["00 $a Why?"]
    assert fields(marc(titles=[{"value": "x", "non_sort": "an endless one"}]), "245") == ["00 $a an endless one x."]


def test_other_titles_by_type():
    titles = [{"value": "T"}, {"value": "A", "type": "alternative"}, {"value": "Ü", "type": "translated", "lang": "de"},
              {"value": "U", "type": "uniform"}, {"value": "V", "type": "uniform"}, {"value": "P"}]  # fmt: skip
    root = marc(titles=titles)
    assert fields(root, "246") == ["3# $a A", "31 $a P"]
    assert fields(root, "242") == ["00 $a Ü $y ger"]
    assert fields(root, "130") == ["0# $a U"]
    assert fields(root, "730") == ["0# $a V"]


DATED = [
    ([{"type": "issued", "edtf": "2017-08-14"}], "170814", "s2017    "),
    ([{"type": "created", "edtf": "1967~"}, {"type": "issued", "edtf": "1970"}], "||||||", "s1970    "),
    ([{"type": "created", "edtf": "1962/1967"}], "||||||", "m19621967"),
    ([{"type": "issued", "edtf": "196X"}], "||||||", "q19601969"),
    ([{"type": "issued", "edtf": "1967/.."}], "||||||", "m19679999"),
    ([{"type": "issued", "edtf": "1967"}, {"type": "copyright", "edtf": "1966"}], "||||||", "t19671966"),
    ([{"type": "issued", "text": "before the war"}], "||||||", "nuuuuuuuu"),
    ([{"type": "created", "edtf": "-0044"}], "||||||", "b        "),
    ([], "||||||", "nuuuuuuuu"),
]


@pytest.mark.parametrize(("dates", "entered", "coded"), DATED)
def test_dates_are_coded_in_008_which_is_always_40_long(dates, entered, coded):
    fixed = control(marc(dates=dates), "008")
    assert (fixed[:6], fixed[6:15], len(fixed)) == (entered, coded, 40)


def test_the_day_of_the_description_goes_before_that_of_publication():
    info = {"created": "2001-02-03", "changed": "2002-03-04T05:06:07Z"}
    root = marc(record=info, dates=[{"type": "issued", "edtf": "2017-08-14"}])
    assert control(root, "008").startswith("010203s2017")
    assert control(root, "005") == "20020304000000.0"


def test_a_date_goes_to_the_field_of_its_type():
    types = ("created", "modified", "valid", "captured", "submitted")
    root = marc(dates=[{"type": type_, "edtf": "1967/1968" if type_ == "valid" else "1967-06"} for type_ in types])
    assert fields(root, "046") == [
        "## $k 1967-06 $2 edtf", "## $j 1967-06 $2 edtf", "## $m 1967 $n 1968 $2 edtf",
    ]  # fmt: skip
    assert fields(root, "033") == ["0# $a 196706--"]
    assert fields(root, "518") == ["## $o submitted $d 1967-06"]
    assert fields(root, "264") == ["#0 $c 1967-06."]


@pytest.mark.parametrize(
    ("kind", "more", "coded"),
    [
        ("text", {}, "am"),
        ("text", {"manuscript": True, "collection": True}, "tc"),
        ("cartographic", {"manuscript": True}, "fm"),
        ("still image", {}, "km"),
        ("text", {"origin": {"issuance": "serial"}}, "as"),
    ],
)
def test_the_leader_says_what_it_is(kind, more, coded):
    root = marc(resource_type=kind, **more)
    leader = root.findtext("m:leader", namespaces=NS)
    assert (leader[6:8], len(leader)) == (coded, 24)
    assert len(control(root, "008")) == 40


def test_languages_are_named_in_041_only_where_008_does_not_say_it_all():
    assert fields(marc(languages=[{"code": "eng"}]), "041") == []
    two = marc(languages=[{"code": "eng"}, {"code": "bul", "role": "original"}, {"code": "fre", "role": "summary"}])
    assert fields(two, "041") == ["1# $a eng $b fre $h bul"]
    rare = marc(languages=[{"code": "cmn", "tag": "zh-Hant"}])
    assert "#7 $a cmn $2 iso639-3" in fields(rare, "041")
    assert control(rare, "008")[35:38] in ("|||", "chi")


def test_numbers_by_their_kind():
    identifiers = [{"value": "1", "type": "isbn"}, {"value": "2", "type": "isbn", "invalid": True},
                   {"value": "1234-5678", "type": "issn"}, {"value": "3", "type": "oclc"},
                   {"value": "10.1/x", "type": "doi"}, {"value": "4", "type": "upc"},
                   {"value": "5", "type": "inventory"}, {"value": "https://example.org/1", "type": "uri"}]  # fmt: skip
    root = marc(identifiers=identifiers, media=[{"role": "landing", "url": "https://example.org/1"}])
    assert fields(root, "020") == ["## $a 1", "## $z 2"]
    assert fields(root, "022") == ["## $a 1234-5678"]
    assert fields(root, "035") == ["## $a (OCoLC)3"]
    assert fields(root, "024") == ["7# $a 10.1/x $2 doi", "1# $a 4", "8# $a 5 $q inventory"]


def test_subjects_by_the_kind_of_their_first_step():
    subjects = [{"label": "Peace", "scheme": "lcsh", "uri": "http://id.loc.gov/authorities/subjects/sh1"},
                {"parts": [{"type": "person", "label": "Doe, J."}, {"type": "place", "label": "Asia"},
                           {"type": "genre", "label": "Diaries"}, {"type": "period", "label": "1900-"}]},
                {"type": "place", "label": "Rome", "scheme": "tgn"}, {"type": "title", "label": "Bible"},
                {"type": "place", "parts": {"country": "Italy", "city": "Rome"}}]  # fmt: skip
    root = marc(subjects=subjects)
    assert fields(root, "650") == ["#0 $a Peace $0 http://id.loc.gov/authorities/subjects/sh1"]
    assert fields(root, "600") == ["14 $a Doe, J. $z Asia $v Diaries $y 1900-"]
    assert fields(root, "651") == ["#7 $a Rome $2 tgn"]
    assert fields(root, "630") == ["04 $a Bible"]
    assert fields(root, "752") == ["## $a Italy $d Rome"]


def test_rights_access_and_where_it_is():
    rights = {"uri": "http://rightsstatements.org/vocab/CNE/1.0/", "access": "restricted", "embargo_until": "2030"}
    root = marc(rights=rights, holding={"repository": "Archive", "shelfmark": "S 1"})
    assert fields(root, "540") == ["## $a Copyright Not Evaluated $u http://rightsstatements.org/vocab/CNE/1.0/"]
    assert fields(root, "506") == [
        "1# $a restricted access $f restricted access $u http://purl.org/coar/access_right/c_16ec $g 2030"
    ]
    assert fields(root, "852") == ["8# $a Archive $j S 1"]
    assert fields(marc(holding={"repository": "A", "original": True}), "535") == ["1# $a A"]


def test_relations_by_type():
    relations = [{"type": "host", "title": "Journal",
                  "part": {"volume": "1", "issue": "2", "date": "1999", "start": "3"},
                  "identifiers": [{"value": "1234-5678", "type": "issn"}]},
                 {"type": "series", "title": "S", "part": {"volume": "7"}},
                 {"type": "review_of", "title": "Book"}, {"type": "preceding", "title": "Old"}]  # fmt: skip
    root = marc(relations=relations)
    assert fields(root, "773") == ["0# $t Journal $g Vol. 1, no. 2 (1999), p. 3 $x 1234-5678"]
    assert fields(root, "490") == ["0# $a S $v 7"]
    assert fields(root, "787") == ["08 $i Review of: $t Book"]
    assert fields(root, "780") == ["00 $t Old"]


def test_coordinates_are_those_of_a_map():
    place = {"type": "place", "label": "Sofia", "lat": 42.5, "long": -23.25, "bbox": [1, 2, 3, 4]}
    assert fields(marc(subjects=[place], resource_type="text"), "034") == []
    assert fields(marc(subjects=[place], resource_type="cartographic"), "034") == [
        "0# $a a $d +001.000000 $e +003.000000 $f +004.000000 $g +002.000000",
        "0# $a a $d -023.250000 $e -023.250000 $f +042.500000 $g +042.500000",
    ]


def test_the_collection_of_tate_is_valid():
    (source,) = sources([places.EXAMPLES / "tate-sample.csv"])
    found = [each.record for each in Job(profile=places.EXAMPLES / "tate.toml").read(source)]
    assert len(found) > 200
    for item in found:
        assert_valid(registry.rendition(Marc21(), item, registry.Context()))


# MARC to record.


@pytest.mark.parametrize(
    ("text", "edtf"),
    [
        ("1900-1980", "1900/1980"),
        ("1955-", "1955/.."),
        ("-1980", "../1980"),
        ("approximately 1900-1980?", "1900~/1980?"),
        ("1900?-1980", "1900?/1980"),
        ("45 B.C.", "-0044"),
        ("active 12th century", None),
    ],
)
def test_the_dates_of_a_life_are_read_as_they_are_written(text, edtf):
    item, left = read(field("100", "1#", a="Doe, J.,", d=text))
    assert item.agents[0].dates == edtf
    assert edtf is None or life(edtf) == text
    assert [each.kind for each in left] == ([] if edtf else ["date not read"])


def test_a_heading_loses_its_punctuation_but_no_initial():
    item, _ = read(
        field("100", "1#", a="Searle, John R.,", e="author."),
        field("245", "14", a="The title :", b="a story /", c="John R. Searle."),
        field("700", "1#", a="Doe, Jane.", e="wizard"),
        field("710", "1#", ("a", "Bulgaria."), ("b", "Ministry."), ("b", "Office.")),
    )
    assert [(agent.name, agent.roles, agent.role_label) for agent in item.agents] == [
        ("Searle, John R.", ["aut"], None), ("Doe, Jane", [], "wizard"), ("Bulgaria. Ministry. Office", [], None),
    ]  # fmt: skip
    title = item.titles[0]
    assert (title.non_sort, title.value, title.subtitle) == ("The", "title", "a story")
    assert item.notes[0].type == "statement of responsibility"


def test_a_main_entry_without_a_role_is_the_creator_and_an_added_one_is_not():
    item, _ = read(field("100", "1#", a="A, B"), field("700", "1#", a="C, D"))
    assert [agent.roles for agent in item.agents] == [["cre"], []]


CODED = [
    ("s2001    ", "", "2001"),
    ("s2001    ", "c2001.", "2001"),
    ("s2001    ", "[2001?]", "2001?"),
    ("q19061912", "[between 1906 and 1912]", "[1906..1912]"),
    ("m19981999", "1998-1999", "1998/1999"),
    ("c19989999", "1998-", "1998/.."),
    ("s19uu    ", "[19--]", "19XX"),
    ("s196u    ", "[196-?]", "196X?"),
    ("e19670608", "", "1967-06-08"),
    ("nuuuuuuuu", "undated", None),
]


@pytest.mark.parametrize(("coded", "written", "edtf"), CODED)
def test_a_date_is_read_as_it_is_written_or_else_as_it_is_coded(coded, written, edtf):
    item, _ = read(field("260", "##", b="Press,", c=written), fixed=f"010203{coded}xx ".ljust(40))
    assert [date.edtf for date in item.dates] == [edtf]
    assert item.dates[0].type == "issued"


@pytest.mark.parametrize("coded", ["t20012000", "s2001    "])
def test_a_copyright_date_stands_by_itself(coded):
    item, _ = read(field("260", "##", c="2001, c2000."), fixed=f"010203{coded}xx ".ljust(40))
    assert [(date.type, date.edtf) for date in item.dates] == [("issued", "2001"), ("copyright", "2000")]


def test_what_nobody_knows_is_no_publisher():
    item, _ = read(field("260", "##", a="[S.l. :", b="s.n.],", c="1990]"))
    assert (item.agents, item.origin) == ([], record.Origin(issuance="monographic"))
    assert item.dates[0].edtf == "1990"


def test_subdivisions_make_a_compound_heading():
    heading = field("650", "#0", ("a", "Jews"), ("z", "Hungary"), ("x", "History"), ("y", "20th century."))
    item, _ = read(heading, field("651", "#7", a="Rome", **{"2": "tgn"}), field("043", "##", a="e-it---"))
    assert [(part.type, part.label) for part in item.subjects[0].parts] == [
        ("topic", "Jews"), ("place", "Hungary"), ("topic", "History"), ("period", "20th century"),
    ]  # fmt: skip
    assert (item.subjects[0].scheme, item.subjects[1].gac) == ("lcsh", "e-it")


def test_an_area_code_that_may_be_of_two_places_is_not_guessed():
    item, left = read(field("043", "##", a="e-it---"), field("651", "#0", a="Rome"), field("651", "#0", a="Paris"))
    assert [subject.gac for subject in item.subjects] == [None, None]
    assert ("043$a", "e-it") in [(each.path, each.value) for each in left]


def test_numbers_are_read_with_their_kind():
    item, _ = read(
        field("020", "##", a="0804741794 (alk. paper)", z="123"),
        field("035", "##", a="(OCoLC)ocm47216325"),
        field("024", "7#", a="10.1/x", **{"2": "doi"}),
        field("050", "00", a="DC397", b=".J45 2001"),
    )
    assert [(each.value, each.type, each.label, each.invalid) for each in item.identifiers] == [
        ("0804741794", "isbn", "alk. paper", False), ("123", "isbn", None, True),
        ("47216325", "oclc", None, False), ("10.1/x", "doi", None, False),
    ]  # fmt: skip
    assert (item.classification[0].value, item.classification[0].scheme) == ("DC397 .J45 2001", "lcc")


def test_languages_of_text_original_and_summary():
    item, left = read(
        field("041", "1#", ("a", "engfre"), ("b", "ger"), ("h", "bul"), ("a", "?")), fixed="|" * 35 + "eng d"
    )
    assert [(each.code, each.role) for each in item.languages] == [
        ("eng", "text"), ("fre", "text"), ("ger", "summary"), ("bul", "original"),
    ]  # fmt: skip
    assert [each.kind for each in left] == ["language not read"]


def test_addresses_are_pages_objects_or_other_things():
    item, left = read(
        field("856", "40", u="https://example.org/1", y="Page"),
        field("856", "40", u="https://example.org/1.pdf", q="application/pdf"),
        field("856", "42", ("3", "Publisher description"), ("u", "https://example.org/d")),
        field("856", "40", u="not an address"),
    )
    assert [(media.role, media.url) for media in item.media] == [
        ("landing", "https://example.org/1"), ("object", "https://example.org/1.pdf"),
    ]  # fmt: skip
    assert (item.relations[0].title, item.relations[0].uri) == ("Publisher description", "https://example.org/d")
    assert [each.kind for each in left] == ["not a URI"]


def test_a_name_with_a_title_is_another_work():
    item, _ = read(field("700", "12", a="Doe, J.", t="Poems."))
    assert (item.agents, item.relations[0].type, item.relations[0].title) == ([], "constituent", "Doe, J.. Poems")


def test_a_title_in_another_script_is_another_title():
    vernacular = field("880", "10", ("6", "245-01/(N"), ("a", "Заглавие /"), ("c", "Автор"))
    item, _ = read(field("245", "10", a="Zaglavie"), vernacular)
    assert [(title.type, title.value) for title in item.titles] == [("main", "Zaglavie"), ("alternative", "Заглавие")]


def test_what_is_not_carried_over_is_named_once_for_each_place():
    _, left = read(
        field("245", "00", a="T", h="[map]"),
        field("999", "##", a="x"),
        field("999", "##", a="y"),
        field("042", "##", a="p"),
    )
    assert left == [("subfield not carried", "245$h", "[map]"), ("field not carried", "999", "x")]


# There and back: what both the model and MARC hold comes back as it was.

DIFFERS = {
    "punctuation and white space": "MARC has punctuation of its own between subfields: texts are compared word by word",
    "agents of no known type": "720 has a name and its roles, a publisher in 264 the name alone",
    "roles": "a creator without a code on the list of relators comes back as cre, for 1XX is the creator's",
    "role_label": "an unknown code comes back as a label",
    "titles": "a second main title is a parallel title, which is an alternative one",
    "notes": "types that share a tag, and types that have none, come back as one or as none",
    "dates": "what is published has one date in 264; 008 has years; labels are lost",
    "subjects": "a place with a name and levels comes back as two subjects; the type of a heading is that of its steps",
    "holding": "the levels of an archive come back as one shelf mark",
    "relations": "kinds of identifiers other than ISSN and ISBN become local",
    "media": "a first address with a media type is an object, whatever page it was",
    "rights": "a URI without a name gets the official one",
    "record": "names of agencies that are no codes, and dates that name no day, are lost",
}
"""What may differ after record -> marc21 -> record, beside the loss list of the format."""


def words(text):
    return tuple(re.findall(r"[^\W_]+", (text or "").casefold()))


def value(text):
    return words(text if isinstance(text, str) else text.value)


def carried(item):
    """Return what of a record must come through MARC, as a set of facts, by the table above."""
    main = next(title for title in item.titles if title.type == "main" and title.value.strip())
    facts = {("title", words(f"{main.non_sort or ''} {main.value}"), words(main.subtitle))}
    facts |= {("name", words(agent.name)) for agent in item.agents if agent.type not in (None, "event")}
    facts |= {
        ("creator", words(agent.name)) for agent in item.agents if agent.type == "person" and "ill" in agent.roles
    }
    facts |= {("abstract", value(text)) for text in item.abstracts} | {("contents", value(text)) for text in item.toc}
    facts |= {("genre", words(each.label), words(each.scheme), each.uri and bool(each.uri)) for each in item.genres}
    facts |= {("language", each.role) for each in item.languages if each.role == "original"}
    facts |= {("class", words(each.value)) for each in item.classification}
    facts |= {("note", words(each.value)) for each in item.notes}
    facts |= {("created", each.edtf) for each in item.dates if each.type == "created" and each.edtf}
    facts |= {("relation", words(each.title)) for each in item.relations}
    facts |= {("media", each.role) for each in item.media if each.role in ("view", "thumbnail", "transcript")}
    facts |= {("audience", words(each.label)) for each in item.audience}
    facts |= {("form", words(each.label)) for each in (item.physical.form if item.physical else [])}
    facts |= {("extent", words(each)) for each in (item.physical.extent if item.physical else [])}
    facts |= {("access", item.rights.access)} if item.rights and item.rights.access else set()
    facts |= {("manuscript", item.manuscript)} if item.resource_type == "text" else set()
    facts |= {("type", item.resource_type)} if item.resource_type not in (None, "sound recording") else set()
    return {fact for fact in facts if fact[0] == "title" or fact[1] != ()}


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records)
def test_what_both_hold_comes_back(item):
    returned, _ = back(item)
    assert carried(item) - carried(returned) == set()
