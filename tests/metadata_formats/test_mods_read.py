"""MODS is read: what we wrote comes back as it was, what others write finds the place that the record has for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from strategies import records
from validation import assert_valid

from metadata_formats import record as model
from metadata_formats import registry
from metadata_formats.mods import Mods, country_scheme, is_mere_publisher
from metadata_formats.oai_dc import OBJECT_ROLES, OaiDc, says_more_than_dates
from metadata_formats.reading import NotReadable, Reading, life_dates
from metadata_formats.vocabularies import RIGHTS_LABELS, language, says_more
from metadata_formats.xml import LANGUAGE, collapse, uri
from oai_server.ingest import dates

FULL = (Path(__file__).parent / "full.yaml").read_bytes()


def render(item: model.Record) -> bytes:
    return registry.rendition(Mods(), item, registry.Context()) or b""


def read(document: bytes | str) -> Reading:
    return Mods().read(etree.fromstring(document), dates.edtf)


def back(document: bytes) -> model.Record:
    return model.from_builtins(Mods().read(etree.fromstring(document)).values)


def mods(*elements: str, title: str = "<titleInfo><title>T</title></titleInfo>") -> Reading:
    """Read MODS of 3.4; all that is read can be written again, in MODS and in Dublin Core."""
    namespaces = 'xmlns="http://www.loc.gov/mods/v3" xmlns:xlink="http://www.w3.org/1999/xlink"'
    reading = read(f"<mods {namespaces} version='3.4'>{title}{''.join(elements)}</mods>")
    item = model.from_builtins({"id": "1", **reading.values})
    assert_valid(render(item))
    assert_valid(registry.rendition(OaiDc(), item, registry.Context()) or b"")
    assert render(back(render(item))) == render(item)
    return reading


def left(reading: Reading) -> list[tuple[str, str]]:
    return [(each.path, each.value) for each in reading.left]


# What we wrote.


@settings(deadline=None)
@given(records)
def test_what_we_wrote_is_written_again_byte_for_byte(item: model.Record) -> None:
    document = render(item)
    reading = Mods().read(etree.fromstring(document))
    assert render(model.from_builtins(reading.values)) == document
    assert {each.kind for each in reading.left} <= {"date not read"}  # a date in words that is not EDTF


Plain = dict[str, Any]


def _without(item: Plain, path: str) -> None:
    """Take out what a path of ``not_carried`` names."""
    name, _, rest = path.partition(".")
    inner = item.get(name)
    if not rest:
        item.pop(name, None)
    else:
        for each in inner if isinstance(inner, list) else [inner] if inner else []:
            _without(each, rest)


def _texts(value: Any, change: Callable[[Plain], Any]) -> Any:
    """Return a value of which every object was changed, the innermost first."""
    if isinstance(value, dict):
        return change({key: _texts(inner, change) for key, inner in value.items()})
    return [_texts(inner, change) for inner in value] if isinstance(value, list) else value


def _publishers(item: Plain) -> None:
    """Of a publisher of whom no more is known the name is kept, behind the other names."""
    mere = [one for one in item.get("agents", ()) if is_mere_publisher(msgspec.convert(one, model.Agent))]
    for one in mere:
        one.pop("type", None)
        item["agents"].remove(one)
    item.setdefault("agents", []).extend(mere)


def _media_types(item: Plain) -> None:
    """The media type of a file is one of the item."""
    stated = item.setdefault("physical", {}).setdefault("media_types", [])
    for one in item.get("media", ()):
        mime = one.pop("mime", None)
        stated += [mime] if mime and one["role"] in OBJECT_ROLES else []


def _repository(item: Plain) -> None:
    """The name and the place of a repository are one line, shelfmark and pages too where they stand nowhere else."""
    if holding := item.get("holding"):
        if not holding.get("hierarchy") and not holding.get("original"):
            pages = holding.pop("pages", None)
            holding["shelfmark"] = ", ".join(filter(None, (holding.get("shelfmark"), pages and f"p. {pages}")))
        holding["repository"] = ", ".join(filter(None, (holding.get("repository"), holding.pop("place", None))))


def _languages(item: Plain) -> None:
    """A language has its bibliographic code, and a tag where that says more; those of the original stand last."""
    item.get("languages", []).sort(key=lambda one: one.get("role") == "original")
    for one in item.get("languages", ()):
        if not says_more(one.get("tag", ""), one["code"]):
            one.pop("tag", None)
        one["code"] = language(one["code"]).code
    if spoken := item.get("record", {}).get("language"):
        item["record"]["language"] = language(spoken).code


def _subjects(item: Plain) -> None:
    """A subject has a label or parts; one part is a label; dates are those of periods and names."""
    for one in item.get("subjects", ()):
        parts = one.get("parts")
        if isinstance(parts, list) and len(parts) == 1:
            one |= {"type": "topic", **parts[0]}
            del one["parts"]
            one.pop("edtf", None)
        elif isinstance(parts, list) and parts:
            for key in ("type", "label", "edtf"):
                one.pop(key, None)
        kind = one.get("type", "topic")
        if kind == "topic":
            one.pop("type", None)
        if kind not in ("period", "person", "family", "organization", "event"):
            one.pop("edtf", None)
        levels = one.get("parts", {})
        country = one.get("country")
        if kind == "place" and isinstance(levels, dict) and country and not country_scheme(country):
            if levels.get("country") == country and "continent" in levels:
                del levels["country"]
            elif levels.get("country", country) == country and "continent" not in levels:
                one["parts"] = {"country": one.pop("country"), **levels}


def _originals(item: Plain) -> None:
    """The one relation to the original stands first; a relation that says nothing is none."""
    found = [one for one in item.get("relations", ()) if one.keys() > {"type"}]
    originals = [one for one in found if one["type"] == "original"]
    item["relations"] = (originals if len(originals) == 1 else []) + [
        one for one in found if one["type"] != "original" or len(originals) > 1
    ]


def _rights(item: Plain) -> None:
    """The official label of rights goes without saying, a label by itself is a statement, a year may be a date."""
    rights = item.get("rights", {})
    if rights.get("label") in (RIGHTS_LABELS.get(rights.get("uri", ""), ""), rights.get("uri")):
        rights.pop("label", None)
    statement = rights.get("statement")
    if "uri" not in rights and rights.get("label") in (statement, isinstance(statement, dict) and statement["value"]):
        rights.pop("label", None)
    if "uri" not in rights and "statement" not in rights and "label" in rights:
        rights["statement"] = rights.pop("label")
    copyrights = [one for one in item.get("dates", ()) if one["type"] == "copyright"]
    if copyrights:
        rights.pop("year", None)
    if len(copyrights) == 1 and copyrights[0] is item["dates"][-1] and copyrights[0].keys() == {"type", "text"}:
        item["rights"] = rights | {"year": item["dates"].pop()["text"]}


def _addresses(item: Plain) -> None:
    """Addresses are percent-encoded."""
    keys = ("uri", "url", "repository_uri", "holder_uri")

    def encoded(value: Plain) -> Plain:
        return {key: uri(inner) if key in keys else inner for key, inner in value.items()}

    item |= _texts(item, encoded)


def _small(item: Plain) -> None:
    """What repeats another value of the record, or says nothing: a date, a level, an identifier, a subject."""
    item["dates"] = [one for one in item.get("dates", ()) if "edtf" in one or "text" in one]
    item["subjects"] = [one for one in item.get("subjects", ()) if "label" in one or "parts" in one]
    item["identifiers"] = [one for one in item.get("identifiers", ()) if one != {"value": item["id"]}]
    for one in item.get("dates", ()):
        if one.get("text") == one.get("edtf"):
            one.pop("text", None)
    for level in item.get("holding", {}).get("hierarchy", ()):
        if level.get("label") == level["level"] and level.get("id"):
            del level["label"]
        if "title" not in level and "id" not in level:
            level["title"] = level.pop("label", level["level"])
    for one in (*item["subjects"], *item.get("origin", {}).get("places", ())):
        if not {"lat", "long"} <= one.keys():
            one.pop("lat", None)
            one.pop("long", None)
    if item.get("holding", {}).keys() <= {"original", "source_text"}:
        item.get("holding", {}).pop("original", None)
    if item.get("manuscript"):
        item.setdefault("resource_type", "text")
    for grant in item.get("funding", ()):
        order = ("funder", "funder_id", "title", "award", "award_uri")
        line = "; ".join(grant[key] for key in order if grant.get(key))
        grant.clear()
        grant["funder"] = line


def _spoken(item: Plain) -> None:
    """Every text says its own language."""
    default = item.get("record", {}).pop("description_lang", None)
    for key in ("titles", "genres", "abstracts", "toc", "audience", "notes", "subjects"):
        item[key] = [_said(one, default) for one in item.get(key, ())]
    physical, rights = item.setdefault("physical", {}), item.setdefault("rights", {})
    for key in ("form", "notes"):
        physical[key] = [_said(one, default) for one in physical.get(key, ())]
    if "statement" in rights:
        rights["statement"] = _said(rights["statement"], default)
    if origin := item.get("origin"):
        origin["places"] = [_said(place, default) for place in origin.get("places", ())]
    for subject in item["subjects"]:
        if subject.get("type") == "period" and subject.get("edtf") and not _names(subject):
            subject.pop("lang", None)
            subject.pop("label", None)


def _names(subject: Plain) -> bool:
    return says_more_than_dates(msgspec.convert(subject, model.Subject))


def _said(text: Any, default: str | None) -> Plain:
    text = {"value": text} if isinstance(text, str) else dict(text)
    tag = next((tag for tag in (text.pop("lang", None), default) if tag and LANGUAGE.fullmatch(tag)), None)
    return text | ({"lang": tag} if tag else {})


FLATTENED = (
    _small, _media_types, _publishers, _repository, _languages, _subjects, _originals, _rights, _addresses, _spoken
)  # fmt: skip
"""What MODS cannot tell apart beside what ``not_carried`` lists: each says it in its first line."""


DEFAULTS = (("type", "local"), ("role", "text"), ("type", "topic"))


def held(item: model.Record) -> Plain:
    """Return a record as MODS holds it: text with single spaces, nothing empty, equal values once."""

    def tidy(value: Any) -> Any:
        if isinstance(value, str):
            return collapse(value)
        if isinstance(value, float):
            return round(value, 10) if abs(value) < 1e-4 else value  # ten digits, and no exponent
        if isinstance(value, dict):
            made = {key: tidy(each) for key, each in value.items() if (key, each) not in DEFAULTS}
            return {key: each for key, each in made.items() if each not in ("", [], {}, None)}
        if isinstance(value, list):
            many = [tidy(each) for each in value]
            if many and isinstance(many[0], float):
                return many
            return [each for at, each in enumerate(many) if each not in ("", [], {}) and each not in many[:at]]
        return value

    plain = tidy(msgspec.to_builtins(item))
    for path in Mods.not_carried:
        _without(plain, path)
    for flatten in FLATTENED:
        flatten(plain)
        plain = tidy(plain)
    return dict(plain)


@settings(deadline=None)
@given(records)
def test_a_record_comes_back_but_for_what_mods_cannot_tell(item: model.Record) -> None:
    assert held(back(render(item))) == held(item)


def test_a_record_with_every_field_comes_back_but_for_what_mods_cannot_tell() -> None:
    item = model.from_yaml(FULL)
    assert held(back(render(item))) == held(item)


# What others write.


def test_titles_keep_their_articles_and_the_primary_one_leads() -> None:
    reading = mods(
        """<titleInfo usage="primary" xml:lang="fr"><nonSort>L'</nonSort><title>Art</title><subTitle>essai</subTitle>
           <partNumber>2</partNumber></titleInfo>
           <titleInfo type="uniform" authority="naf"><title>Ars</title></titleInfo>
           <titleInfo otherType="spine"><title>Kunst</title></titleInfo>"""
    )
    assert reading.values["titles"] == [
        {"value": "Art", "non_sort": "L'", "subtitle": "essai", "part_number": "2", "lang": "fr"},
        {"value": "T"},
        {"value": "Ars", "type": "uniform"},
        {"value": "Kunst", "type": "alternative"},
    ]
    assert left(reading) == [("titleInfo@authority", "naf"), ("titleInfo@otherType", "spine")]


def test_a_record_without_a_main_title_is_called_by_another_and_one_without_any_is_refused() -> None:
    reading = mods(title="<titleInfo type='uniform'><title>Iliad</title></titleInfo>")
    assert reading.values["titles"] == [{"value": "Iliad"}]
    assert [each.kind for each in reading.left] == ["no main title"]
    with pytest.raises(NotReadable, match="no title"):
        mods(title="<titleInfo><title> </title></titleInfo>")


def test_the_language_of_a_text_may_be_a_code_with_a_script() -> None:
    reading = mods(title='<titleInfo lang="srp" script="Cyrl"><title>T</title></titleInfo>')
    assert reading.values["titles"] == [{"value": "T"}]
    assert reading.values["record"] == {"description_lang": "sr-Cyrl"}
    reading = mods("<abstract>A</abstract>", title='<titleInfo lang="ara" script="Arabic"><title>T</title></titleInfo>')
    assert reading.values["titles"] == [{"value": "T", "lang": "ar"}]
    assert left(reading) == [("titleInfo@script", "Arabic")]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ("<role><roleTerm authority='marcrelator' type='text'>creator</roleTerm></role>", {"roles": ["cre"]}),
        ("<role><roleTerm>Translator.</roleTerm></role>", {"roles": ["trl"]}),
        (
            "<role><roleTerm type='code'>edt</roleTerm><roleTerm type='text'>editor</roleTerm></role>",
            {"roles": ["edt"]},
        ),
        (
            "<role><roleTerm type='code'>ctb</roleTerm><roleTerm type='text'>obtained by</roleTerm></role>",
            {"roles": ["ctb"], "role_label": "obtained by"},
        ),
        (
            "<role><roleTerm valueURI='http://id.loc.gov/vocabulary/relators/pht'>Fotograf</roleTerm></role>",
            {"roles": ["pht"], "role_label": "Fotograf"},
        ),
        ("<role><roleTerm type='text'>patronus</roleTerm></role>", {"role_label": "patronus"}),
    ],
)
def test_roles_are_relator_codes_where_they_are_relators(roles: str, expected: dict[str, Any]) -> None:
    (agent,) = mods(f"<name><namePart>Doe</namePart>{roles}</name>").values["agents"]
    assert agent == {"name": "Doe", **expected}


def test_names_are_read_in_parts_and_their_lives() -> None:
    reading = mods(
        """<name type="personal" authority="naf" xlink:href="http://errol.oclc.org/laf/n79-1.html">
             <namePart>Cicero</namePart><namePart type="date">106-43 B.C.</namePart>
             <displayForm>M. Tullius Cicero</displayForm></name>
           <name type="personal"><namePart type="given">Ana</namePart><namePart type="family">Novak</namePart></name>
           <name type="corporate"><namePart>Bulgaria</namePart><namePart>Ministry</namePart></name>
           <name type="personal"><namePart>Ali</namePart><namePart type="date">d. 40/660</namePart></name>"""
    )
    assert reading.values["agents"] == [
        {"name": "Cicero", "type": "person", "dates": "-0105/-0042", "scheme": "naf",
         "uri": "http://errol.oclc.org/laf/n79-1.html"},
        {"name": "Novak, Ana", "type": "person", "family": "Novak", "given": "Ana"},
        {"name": "Bulgaria. Ministry", "type": "organization"},
        {"name": "Ali", "type": "person"},
    ]  # fmt: skip
    assert left(reading) == [("name/displayForm", "M. Tullius Cicero"), ("name/namePart", "d. 40/660")]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ("<dateIssued>1380</dateIssued>", {"type": "issued", "edtf": "1380"}),
        ("<dateIssued>[c1901?]</dateIssued>", {"type": "issued", "edtf": "1901?", "text": "[c1901?]"}),
        ("<dateIssued>undated</dateIssued>", {"type": "issued", "text": "undated"}),
        ("<dateCreated encoding='marc'>19uu</dateCreated>", {"type": "created", "edtf": "19XX"}),
        ("<dateCreated encoding='iso8601'>20040131</dateCreated>", {"type": "created", "edtf": "2004-01-31"}),
        ("<dateCreated encoding='temper'>20040131</dateCreated>", {"type": "created", "edtf": "2004-01-31"}),
        (
            "<dateCreated encoding='w3cdtf' qualifier='approximate'>1850</dateCreated>",
            {"type": "created", "edtf": "1850~"},
        ),
        ("<dateCreated encoding='edtf'>196X</dateCreated>", {"type": "created", "edtf": "196X"}),
        ("<dateCreated encoding='w3cdtf'>1967-06-31</dateCreated>", {"type": "created", "text": "1967-06-31"}),
        ("<dateValid keyDate='yes'>1999</dateValid>", {"type": "valid", "edtf": "1999", "key": True}),
        ("<dateOther type='printed'>1999</dateOther>", {"type": "other", "edtf": "1999", "label": "printed"}),
        (
            "<dateIssued encoding='marc' point='start'>1880</dateIssued>"
            "<dateIssued encoding='marc' point='end'>9999</dateIssued>",
            {"type": "issued", "edtf": "1880/.."},
        ),
        (
            "<dateIssued>c. 1880 to 1890</dateIssued><dateIssued encoding='marc' point='start'>1880</dateIssued>"
            "<dateIssued encoding='marc' point='end'>1890</dateIssued>",
            {"type": "issued", "edtf": "1880/1890", "text": "c. 1880 to 1890"},
        ),
        ("<dateIssued point='start'>1880</dateIssued>", {"type": "issued", "edtf": "1880/.."}),
    ],
)
def test_dates_are_read_in_every_encoding(elements: str, expected: dict[str, Any]) -> None:
    assert mods(f"<originInfo>{elements}</originInfo>").values["dates"] == [expected]


def test_a_place_in_a_code_is_the_place_in_words_beside_it() -> None:
    reading = mods(
        """<originInfo><place><placeTerm type="code" authority="marccountry">gw</placeTerm></place>
           <place><placeTerm type="text">Leipzig</placeTerm></place><publisher>Teubner</publisher>
           <issuance>monographic</issuance><edition>2nd</edition><edition>Reprint</edition></originInfo>
           <originInfo eventType="manufacture"><publisher>Printer</publisher></originInfo>"""
    )
    assert reading.values["origin"] == {
        "places": [{"label": "Leipzig", "country": "gw"}], "issuance": "monographic", "edition": "2nd",
    }  # fmt: skip
    assert reading.values["agents"] == [{"name": "Printer", "roles": ["mfr"]}, {"name": "Teubner", "roles": ["pbl"]}]
    assert left(reading) == [("originInfo/edition", "Reprint")]


def test_languages_are_known_by_code_tag_or_name() -> None:
    terms = (
        "<languageTerm type='code' authority='iso639-2b'>grc</languageTerm>",
        "<languageTerm type='text'>German</languageTerm>",
        "<languageTerm authority='rfc3066'>pt-BR</languageTerm>",
        "<languageTerm>en</languageTerm><scriptTerm type='code' authority='iso15924'>Latn</scriptTerm>",
        "<languageTerm type='code'>eng</languageTerm><languageTerm type='text'>English</languageTerm>",
        "<languageTerm>Klingonish of sorts</languageTerm>",
    )
    reading = mods(*(f"<language>{term}</language>" for term in terms))
    assert reading.values["languages"] == [
        {"code": "grc"}, {"code": "ger"}, {"code": "por", "tag": "pt-BR"}, {"code": "eng", "script": "Latn"},
        {"code": "eng"},
    ]  # fmt: skip
    assert left(reading) == [("language/languageTerm", "Klingonish of sorts")]


def test_subjects_are_terms_headings_places_and_periods() -> None:
    reading = mods(
        """<subject authority="lcsh"><topic>War</topic></subject>
           <subject authority="lcsh"><geographic>Sofia</geographic><topic>History</topic></subject>
           <subject><name type="personal"><namePart>Doe, Jane</namePart>
             <namePart type="date">1900-1980</namePart></name></subject>
           <subject><titleInfo><nonSort>The</nonSort><title>Iliad</title></titleInfo></subject>
           <subject><temporal encoding="w3cdtf" point="start">1914</temporal>
             <temporal encoding="w3cdtf" point="end">1918</temporal></subject>
           <subject><hierarchicalGeographic><country>Bulgaria</country><city>Sofia</city></hierarchicalGeographic></subject>
           <subject><geographicCode authority="marcgac">e-bu---</geographicCode></subject>
           <subject><cartographics><scale>1:500</scale></cartographics></subject>"""
    )
    assert reading.values["subjects"] == [
        {"label": "War", "scheme": "lcsh"},
        {"parts": [{"type": "place", "label": "Sofia"}, {"type": "topic", "label": "History"}], "scheme": "lcsh"},
        {"type": "person", "label": "Doe, Jane", "edtf": "1900/1980"},
        {"type": "title", "label": "The Iliad"},
        {"type": "period", "label": "1914-1918", "edtf": "1914/1918"},
        {"type": "place", "parts": {"country": "Bulgaria", "city": "Sofia"}, "gac": "e-bu"},
    ]
    assert left(reading) == [("subject/cartographics/scale", "1:500")]


def test_another_item_is_a_relation_and_what_is_known_of_it_a_title_and_a_note() -> None:
    reading = mods(
        """<relatedItem type="host"><titleInfo><title>Opera</title><subTitle>all</subTitle></titleInfo>
             <name><namePart>Cicero</namePart><role><roleTerm>author</roleTerm></role></name>
             <name><namePart>Clark</namePart><role><roleTerm type="code">edt</roleTerm></role></name>
             <originInfo><place><placeTerm type="text">Oxford</placeTerm></place><publisher>Clarendon</publisher>
               <dateIssued>1905</dateIssued></originInfo>
             <identifier type="oclc">1</identifier><location><url>http://a.org/1</url><url>http://a.org/2</url></location>
             <genre>speech</genre><relatedItem type="series"><titleInfo><title>OCT</title></titleInfo></relatedItem>
           </relatedItem>
           <part><detail type="volume"><number>2</number></detail>
             <extent unit="pages"><start>3</start><end>9</end></extent>
             <extent unit="words"><total>500</total></extent></part>"""
    )
    assert reading.values["relations"] == [
        {
            "type": "host",
            "title": "Cicero. Opera: all",
            "uri": "http://a.org/1",
            "identifiers": [{"value": "1", "type": "oclc"}, {"value": "http://a.org/2", "type": "uri"}],
            "note": "Clark (editor); Oxford : Clarendon, 1905",
            "part": {"volume": "2", "start": "3", "end": "9"},
        }
    ]
    assert reading.values["physical"] == {"extent": ["500 words"]}
    assert left(reading) == [("relatedItem/genre", "speech"), ("relatedItem/relatedItem", "OCT")]


def test_a_host_that_only_looks_like_a_level_of_an_archive_is_a_relation() -> None:
    host = '<relatedItem type="host" displayLabel="In"><titleInfo><title>Nature</title></titleInfo></relatedItem>'
    reading = mods(host)
    assert reading.values["relations"] == [{"type": "host", "title": "Nature"}]
    assert left(reading) == [("relatedItem@displayLabel", "In")]


def test_addresses_say_what_they_lead_to() -> None:
    reading = mods(
        """<location><physicalLocation>Library</physicalLocation><shelfLocator>Box 2, p. 3</shelfLocator></location>
           <location><url>http://a.org/other</url><url access="raw object">http://a.org/a b.pdf</url>
             <url usage="primary" displayLabel="Page" note="slow">http://a.org/</url><url>not one</url></location>"""
    )
    assert reading.values["holding"] == {"repository": "Library", "shelfmark": "Box 2", "pages": "3"}
    assert reading.values["media"] == [
        {"role": "landing", "url": "http://a.org/", "label": "Page, slow"},
        {"role": "landing", "url": "http://a.org/other"},
        {"role": "object", "url": "http://a.org/a%20b.pdf"},
    ]
    assert left(reading) == [("location/url", "not one")]


def test_conditions_are_rights_and_an_address_of_rights_is_one() -> None:
    uri = "http://rightsstatements.org/vocab/InC/1.0/"
    reading = mods(
        f"<accessCondition>{uri}</accessCondition>"
        "<accessCondition type='restrictionOnAccess'>On site only</accessCondition>"
        "<accessCondition type='useAndReproduction'>Ask us.</accessCondition>"
    )
    assert reading.values["rights"] == {"uri": uri, "access_note": "On site only", "statement": "Ask us."}


def test_the_description_says_whence_it_is() -> None:
    reading = mods(
        """<recordInfo><recordContentSource authority="marcorg">DLC</recordContentSource>
           <recordCreationDate encoding="marc">750929</recordCreationDate>
           <recordChangeDate encoding="iso8601">20050729190322.0</recordChangeDate>
           <recordIdentifier source="DLC">759</recordIdentifier>
           <languageOfCataloging><languageTerm type="text">French</languageTerm></languageOfCataloging></recordInfo>
           <recordInfo><recordIdentifier>other</recordIdentifier></recordInfo>"""
    )
    assert reading.values["id"] == "759"
    assert reading.values["record"] == {
        "source": "DLC", "created": "1975-09-29", "changed": "2005-07-29", "identifier_source": "DLC",
        "language": "fre",
    }  # fmt: skip
    assert left(reading) == [("recordInfo/recordIdentifier", "other")]


@pytest.mark.parametrize(
    ("identifiers", "expected"),
    [
        ("<identifier type='isbn'>1</identifier><identifier type='local'>2</identifier>", "2"),
        (
            "<identifier type='doi'>10.1/x</identifier><identifier type='uri'>http://a.org/</identifier>",
            "http://a.org/",
        ),
        ("<identifier type='local' invalid='yes'>2</identifier><identifier type='hdl'>1/2</identifier>", "1/2"),
        ("<identifier type='ctsurn'>urn:cts:x</identifier>", "urn:cts:x"),
        ("<identifier type='isbn'>1</identifier>", None),
    ],
)
def test_a_record_without_an_identifier_of_its_own_is_known_by_another(identifiers: str, expected: str | None) -> None:
    assert mods(identifiers).values.get("id") == expected


def test_the_attribute_of_the_root_is_the_last_resort() -> None:
    assert read('<mods ID="m1"><titleInfo><title>T</title></titleInfo></mods>').values["id"] == "m1"


def test_what_is_unknown_is_named_and_kept_nowhere() -> None:
    reading = mods(
        "<extension><x xmlns='urn:x'>own <y>words</y></x></extension><newElement>n</newElement>"
        "<note displayLabel='L'>N</note>"
    )
    assert reading.values["notes"] == [{"value": "N"}]
    assert left(reading) == [("extension", "own words"), ("newElement", "n"), ("note@displayLabel", "L")]


_NAMES = st.sampled_from(
    sorted(
        registry.paths("""
            titleInfo title name namePart role roleTerm typeOfResource originInfo dateIssued place placeTerm language
            languageTerm subject topic temporal geographicCode cartographics coordinates relatedItem part extent start
            identifier location url accessCondition shelfLocator physicalLocation recordInfo recordIdentifier note
            hierarchicalGeographic country
        """)
    )
)
_VALUES = st.sampled_from(
    sorted(
        registry.paths("""
            host original text code personal start end yes primary w3cdtf marc edtf pages marccountry marcgac iso639-2b
            funding x http://a.org/ local uniform
        """)
    )
)
_ATTRIBUTES = st.dictionaries(
    st.sampled_from(["type", "authority", "encoding", "point", "unit", "displayLabel", "valueURI", "usage", "lang"]),
    _VALUES,
    max_size=3,
)
_WORDS = st.sampled_from(
    ["", "1999", "1999/2000", "19uu", "eng", "xx", "1,2", "1,2 3,4", "91,0", "e-bu---", "x; y", "p. 3"]
)


def _element(children: st.SearchStrategy) -> st.SearchStrategy:
    return st.tuples(_NAMES, _ATTRIBUTES, _WORDS, st.lists(children, max_size=4))


@settings(deadline=None)
@given(st.lists(st.recursive(_element(st.just(("x", {}, "", []))), _element, max_leaves=12), max_size=6))
def test_any_elements_are_read_and_are_then_the_same(elements: list[Any]) -> None:
    def grow(parent: etree._Element, parts: list[Any]) -> None:
        for name, attributes, words, children in parts:
            made = etree.SubElement(parent, name, attributes)
            made.text = words
            grow(made, children)

    root = etree.Element("mods")
    etree.SubElement(etree.SubElement(root, "titleInfo"), "title").text = "T"
    grow(root, elements)
    item = model.from_builtins({"id": "1", **read(etree.tostring(root)).values})
    document = render(item)
    assert_valid(document)
    assert render(back(document)) == document


@pytest.mark.parametrize(
    "elements",
    [
        "<location>{}</location>".format("<url usage='primary'>http://a.org/</url>" * 15_000),
        "<originInfo>{}</originInfo>".format("<dateIssued>1999</dateIssued><dateOther>1</dateOther>" * 7_000),
        "<originInfo>{}</originInfo>".format("<publisher>P</publisher>" * 9_000)
        + "<name><namePart>P</namePart><role><roleTerm>pbl</roleTerm></role></name>" * 2_000,
        "<accessCondition>A</accessCondition>" * 15_000,
    ],
)
def test_what_is_made_to_be_slow_is_not(elements: str) -> None:
    """Quadratic time would be minutes here; linear time is a moment."""
    assert read(f"<mods><titleInfo><title>T</title></titleInfo>{elements}</mods>").values["titles"] == [{"value": "T"}]


def test_more_elements_than_any_description_has_are_refused() -> None:
    with pytest.raises(NotReadable, match="elements"):
        read(f"<mods>{'<note/>' * 20_001}</mods>")


@pytest.mark.parametrize(
    ("text", "edtf"),
    [
        ("1900-1980", "1900/1980"), ("1955-", "1955/.."), ("b. 1941", "1941/.."), ("d. 1850", "../1850"),
        ("ca. 46-ca. 120", "0046~/0120~"), ("106-43 B.C.", "-0105/-0042"), ("59 B.C.-17 A.D.", "-0058/0017"),
        ("1 B.C.", "0000"), ("46", None), ("1980-1900", None), ("fl. 1500", None),
    ],
)  # fmt: skip
def test_the_dates_of_a_life_are_read(text: str, edtf: str | None) -> None:
    assert life_dates(text) == edtf
