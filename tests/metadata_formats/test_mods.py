"""The MODS column of the crosswalk (section 3.4), rule by rule."""

from pathlib import Path

import pytest
from lxml import etree
from validation import assert_valid

from metadata_formats import record, registry
from metadata_formats.mods import Mods

FULL = (Path(__file__).parent / "full.yaml").read_bytes()
NS = {"m": "http://www.loc.gov/mods/v3", "xlink": "http://www.w3.org/1999/xlink"}
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def mods(options=None, **fields):
    item = record.from_builtins({"id": "1", "titles": [{"value": "T"}]} | fields)
    document = registry.rendition(Mods(), item, registry.Context(options=options or {}))
    assert_valid(document)
    return etree.fromstring(document)


def texts(root, path):
    return [element.text for element in root.iterfind(path, NS)]


def attributes(root, path):
    return dict(root.find(path, NS).attrib)


@pytest.mark.parametrize(
    ("edtf", "expected"),
    [
        ("1967-06-08", [("1967-06-08", {"encoding": "w3cdtf"})]),
        ("1967~", [("1967", {"encoding": "w3cdtf", "qualifier": "approximate"})]),
        ("1967?", [("1967", {"encoding": "w3cdtf", "qualifier": "questionable"})]),
        ("1967%", [("1967%", {"encoding": "edtf"})]),
        ("196X", [("196X", {"encoding": "edtf"})]),
        ("1967/..", [("1967/..", {"encoding": "edtf"})]),
        (
            "1962/1967~",
            [
                ("1962", {"encoding": "w3cdtf", "point": "start"}),
                ("1967", {"encoding": "w3cdtf", "point": "end", "qualifier": "approximate"}),
            ],
        ),
    ],
)
def test_a_date_is_coded_by_its_form(edtf, expected):
    root = mods(dates=[{"type": "created", "edtf": edtf}])
    assert [(date.text, dict(date.attrib)) for date in root.iterfind(".//m:dateCreated", NS)] == expected


def test_the_key_date_is_marked_once_even_in_an_interval():
    root = mods(dates=[{"type": "issued", "edtf": "1960"}, {"type": "created", "edtf": "1962/1967", "key": True}])
    assert [date.text for date in root.xpath("//*[@keyDate='yes']")] == ["1962"]


def test_an_unread_date_stands_as_it_was_written():
    root = mods(dates=[{"type": "created", "text": "before the war", "key": True}])
    assert attributes(root, ".//m:dateCreated") == {"keyDate": "yes"}
    assert texts(root, ".//m:dateCreated") == ["before the war"]
    assert root.find(".//m:displayDate", NS) is None


def test_publisher_and_place_stand_with_the_date_of_issue():
    root = mods(
        agents=[{"name": "Press", "roles": ["pbl"]}],
        origin={"places": [{"label": "Sofia", "country": "bu"}], "edition": "2nd"},
        dates=[{"type": "created", "edtf": "1967"}, {"type": "issued", "edtf": "1970"}],
    )
    publication = root.find("m:originInfo[@eventType='publication']", NS)
    assert [etree.QName(child).localname for child in publication] == ["place", "publisher", "dateIssued", "edition"]
    assert attributes(publication, "m:place/m:placeTerm[2]") == {"type": "code", "authority": "marccountry"}
    assert root.find("m:name", NS) is None


def test_a_publisher_without_dates_makes_a_publication_by_itself():
    root = mods(agents=[{"name": "Press", "roles": ["pbl"], "description": "A press"}])
    assert texts(root, "m:originInfo[@eventType='publication']/m:publisher") == ["Press"]
    assert texts(root, "m:name/m:description") == ["A press"]


def test_the_first_creator_is_the_primary_name_and_roles_may_be_named():
    agents = [{"name": "Ed", "roles": ["edt"]}, {"name": "Au", "roles": ["aut"]}, {"name": "Au 2", "roles": ["aut"]}]
    assert texts(mods(agents=agents), "m:name[@usage='primary']/m:namePart") == ["Au"]
    assert texts(mods({"creator_roles": ["edt"]}, agents=agents), "m:name[@usage='primary']/m:namePart") == ["Ed"]


def test_a_role_that_is_not_on_the_list_claims_no_authority():
    root = mods(agents=[{"name": "A", "roles": ["zzz"]}])
    assert attributes(root, ".//m:roleTerm") == {"type": "code"}


def test_a_compound_heading_has_its_uri_on_the_subject_and_its_steps_in_order():
    parts = [
        {"type": "person", "label": "Doe"},
        {"type": "topic", "label": "Travel"},
        {"type": "place", "label": "Asia"},
    ]
    uri = "http://id.loc.gov/authorities/subjects/sh1"
    subject = mods(subjects=[{"parts": parts, "scheme": "lcsh", "uri": uri}]).find("m:subject", NS)
    assert subject.get("valueURI") == uri
    assert subject.get("authorityURI") == "http://id.loc.gov/authorities/subjects"
    assert [etree.QName(child).localname for child in subject] == ["name", "topic", "geographic"]
    assert all(child.get("valueURI") is None for child in subject)


def test_a_single_term_has_its_uri_itself():
    subject = mods(subjects=[{"label": "Peace", "scheme": "local", "uri": "https://x.org/1"}]).find("m:subject", NS)
    assert dict(subject.attrib) == {}
    assert dict(subject[0].attrib) == {"authority": "local", "valueURI": "https://x.org/1"}


def test_a_place_has_code_levels_and_coordinates():
    place = {
        "type": "place",
        "parts": {"country": "USA", "city_section": "Queens"},
        "gac": "n-us",
        "bbox": [1, 2, 3, 4],
    }
    root = mods(subjects=[place])
    assert texts(root, ".//m:geographicCode") == ["n-us---"]
    assert texts(root, ".//m:hierarchicalGeographic/m:citySection") == ["Queens"]
    assert texts(root, ".//m:coordinates") == ["2.0,1.0 4.0,3.0"]


def test_a_period_keeps_a_name_that_says_more_than_its_dates():
    named, bare = (
        mods(subjects=[{"type": "period", "label": label, "edtf": "1947/1991"}]) for label in ("Cold War", "1947–1991")
    )
    assert texts(named, ".//m:temporal") == ["Cold War", "1947", "1991"]
    assert texts(bare, ".//m:temporal") == ["1947", "1991"]


HIERARCHY = [
    {"level": "fonds", "label": "Fond", "id": "1"},
    {"level": "box", "id": "2"},
    {"level": "file", "title": "Letters"},
]
HOLDING = {"repository": "Archive", "place": "Sofia", "shelfmark": "S 9", "pages": "3-4", "hierarchy": HIERARCHY}


def test_a_holding_of_the_item_itself_stands_at_the_top():
    root = mods(holding=HOLDING)
    assert texts(root, "m:location/m:physicalLocation") == ["Archive, Sofia"]
    assert texts(root, "m:location/m:shelfLocator") == ["Fond 1, box 2, Letters, S 9, p. 3-4"]
    assert root.find("m:relatedItem[@type='original']", NS) is None
    levels = [host.get("displayLabel") for host in root.iterfind(".//m:relatedItem[@type='host']", NS)]
    assert levels == ["file", "box", "fonds"]
    assert texts(root, "m:relatedItem/m:part/m:extent/m:end") == ["4"]


def test_what_is_known_of_the_original_is_one_related_item():
    root = mods(
        holding=HOLDING | {"original": True},
        languages=[{"code": "bul", "role": "original"}],
        relations=[{"type": "original", "title": "Докладна записка"}, {"type": "translation_of", "title": "Work"}],
    )
    assert root.find("m:location", NS) is None
    assert root.find("m:language", NS) is None
    original = root.find("m:relatedItem[@type='original']", NS)
    for path in ("m:titleInfo", "m:language", "m:location", "m:part", "m:relatedItem[@type='host']"):
        assert original.find(path, NS) is not None
    assert len(root.findall("m:relatedItem", NS)) == 2


def test_languages_say_their_part_list_and_script():
    root = mods(languages=[{"code": "deu", "tag": "de-AT", "script": "Latn"}, {"code": "cmn", "role": "summary"}])
    terms = [(term.text, term.get("authority")) for term in root.iterfind("m:language[@usage='primary']/*", NS)]
    assert terms == [("ger", "iso639-2b"), ("German", "iso639-2b"), ("de-AT", "rfc5646"), ("Latn", "iso15924")]
    summary = root.find("m:language[@objectPart='summary']", NS)
    assert (summary[0].text, summary[0].get("authority")) == ("cmn", "iso639-3")


def test_rights_begin_with_the_uri_and_its_official_label():
    uri = "http://rightsstatements.org/vocab/InC/1.0/"
    root = mods(rights={"uri": uri, "statement": "Ask us.", "access": "embargoed", "embargo_until": "2030-01-01"})
    conditions = root.findall("m:accessCondition", NS)
    assert [condition.text for condition in conditions] == ["In Copyright", "Ask us.", "embargoed access", "2030-01-01"]
    assert conditions[0].get("{http://www.w3.org/1999/xlink}href") == conditions[0].get("valueURI") == uri
    assert conditions[0].get(XML_LANG) == "en"
    assert conditions[2].get("type") == "restriction on access"


def test_texts_take_the_language_of_the_description_unless_they_name_one():
    root = mods(abstracts=["Kurz", {"value": "Short", "lang": "en"}], record={"description_lang": "de"})
    assert [abstract.get(XML_LANG) for abstract in root.iterfind("m:abstract", NS)] == ["de", "en"]


def test_what_is_no_language_tag_is_left_out():
    root = mods(titles=[{"value": "T", "lang": "no tag"}])
    assert attributes(root, "m:titleInfo") == {"usage": "primary"}


def test_the_landing_page_is_primary_and_further_files_say_what_they_are():
    media = [{"role": "object", "url": "https://x.org/a[1].pdf"}, {"role": "landing", "url": "https://x.org/"}]
    root = mods(media=[*media, {"role": "iiif_manifest", "url": "https://x.org/m"}])
    assert texts(root, "m:location/m:url") == ["https://x.org/a%5B1%5D.pdf", "https://x.org/", "https://x.org/m"]
    assert texts(root, "m:location/m:url[@usage='primary']") == ["https://x.org/"]
    assert texts(root, "m:location/m:url[@note='IIIF manifest']") == ["https://x.org/m"]


def test_the_order_is_that_of_the_crosswalk():
    full = registry.rendition(Mods(), record.from_yaml(FULL), registry.Context()) or b""
    names = list(dict.fromkeys(etree.QName(child).localname for child in etree.fromstring(full)))
    assert names == [
        "titleInfo", "name", "typeOfResource", "genre", "originInfo", "language", "physicalDescription", "abstract",
        "tableOfContents", "targetAudience", "note", "subject", "classification", "relatedItem", "identifier",
        "location", "accessCondition", "recordInfo",
    ]  # fmt: skip
