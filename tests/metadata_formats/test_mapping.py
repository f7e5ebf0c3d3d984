"""Maps: which field becomes which element, what can be done to a value, and mistakes that show before any record."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree
from strategies import records

from metadata_formats import plugins, record, registry
from metadata_formats.registry import Context, Format, FormatError

HEAD = """prefix = "brief"
namespace = "urn:x:brief"
schema = "https://example.org/brief.xsd"
root = "b:brief"

[namespaces]
b = "urn:x:brief"
dc = "http://purl.org/dc/elements/1.1/"

[tables.kinds]
text = "Text"
"still image" = "Image"
"""
ITEM = record.from_builtins(
    {
        "id": "1",
        "resource_type": "text",
        "titles": [{"value": "A & B", "lang": "en"}, {"value": "C", "type": "alternative"}],
        "agents": [{"name": "Doe", "roles": ["aut", "ill"]}, {"name": "Roe"}],
        "dates": [{"type": "created", "edtf": "196X", "key": True}],
        "languages": [{"code": "bul"}],
        "abstracts": ["Plain", {"value": "Eigen", "lang": "de"}],
        "identifiers": [{"value": "77"}, {"value": "http://x.org/é"}],
        "physical": {"extent": ["1 sheet", "2 maps"]},
        "record": {"description_lang": "fr"},
    }
)
BARE = record.from_builtins({"id": "1", "titles": [{"value": "T"}]})

Make = Callable[[str], Format]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """A function that makes a format of a map."""

    def make(text: str) -> Format:
        (tmp_path / "brief.toml").write_text(text)
        return registry.load(["brief"], plugins.found(tmp_path))["brief"]

    return make


def inside(format_: Format, item: record.Record = ITEM) -> str:
    """Return what the root has in it, in lines."""
    payload = registry.rendition(format_, item, Context())
    return "\n".join(line.strip() for line in payload.decode().splitlines()[1:-1]) if payload else ""


MAPS = {
    'from = "titles"\nto = "dc:title"\ntext = "value"': "<dc:title>A &amp; B</dc:title>\n<dc:title>C</dc:title>",
    'from = "titles"\nto = "dc:title"\ntext = "value"\nlang = "lang"': '<dc:title xml:lang="en">A &amp; B</dc:title>\n'
    '<dc:title xml:lang="fr">C</dc:title>',
    'from = "titles[?type==\'main\'] | [0].value"\nto = "dc:title"': "<dc:title>A &amp; B</dc:title>",
    'from = "abstracts"\nto = "dc:description"\ntext = "value"\nlang = "lang"': '<dc:description xml:lang="fr">Plain'
    '</dc:description>\n<dc:description xml:lang="de">Eigen</dc:description>',
    'from = "agents"\nto = "b:agents/b:agent"\n[[map.map]]\nto = "b:name"\ntext = "name"\n[[map.map]]\nfrom = "roles"\n'
    'to = "b:role"': "<b:agents>\n<b:agent>\n<b:name>Doe</b:name>\n<b:role>aut</b:role>\n<b:role>ill</b:role>\n"
    "</b:agent>\n</b:agents>\n<b:agents>\n<b:agent>\n<b:name>Roe</b:name>\n</b:agent>\n</b:agents>",
    'from = "dates"\nto = "b:date"\ntext = ""\nattributes = {when = "edtf", kind = "label", key = "key"}':
    '<b:date when="196X" key="true"/>',
    'from = "media"\nto = "b:date"\ntext = ""\nattributes = {when = "url"}': "",
    'to = "plain"\ntext = "id"': "<plain>1</plain>",
    'to = "b:type"\ntext = "\'always\'"': "<b:type>always</b:type>",
}  # fmt: skip


@pytest.mark.parametrize("text", MAPS)
def test_a_map_makes_elements(text: str, made: Make):
    assert inside(made(f"{HEAD}\n[[map]]\n{text}")) == MAPS[text]


FUNCTIONS = {
    "upper(titles[0].value)": "A &amp; B",
    "lower(titles[0].value)": "a &amp; b",
    "strip(' a ')": "a",
    "prefix(id, 'urn:')": "urn:1",
    "suffix(id, ' p.')": "1 p.",
    "join('; ', agents[].name)": "Doe; Roe",
    "join('; ', media[].url)": None,
    "urls_first(identifiers[].value)[0]": "http://x.org/é",
    "uri(identifiers[1].value)": "http://x.org/%C3%A9",
    "lang2(languages[0].code)": "bg",
    "lang3(lang2(languages[0].code))": "bul",
    "dc_date(dates[0].edtf)": "1960/1969",
    "year(dates[0].edtf)": "1960",
    "begin(dates[0].edtf)": "1960",
    "end(dates[0].edtf)": "1969",
    "lookup('kinds', resource_type)": "Text",
    "lookup('kinds', id) || 'Other'": "Other",
    "agents[?lookup('kinds', name)] | length(@)": "0",
    "collection || `1.5`": "1.5",
}


@pytest.mark.parametrize("expression", FUNCTIONS)
def test_a_value_can_be_worked_on_and_nothing_is_made_of_nothing(expression: str, made: Make):
    format_ = made(f'{HEAD}\n[[map]]\nto = "b:a"\ntext = "{expression}"')
    said = FUNCTIONS[expression]
    assert inside(format_) == (f"<b:a>{said}</b:a>" if said else "")
    inside(format_, BARE)


def test_an_item_is_available_where_the_map_says_so(made: Make):
    text = HEAD.replace("[namespaces]", "where = \"resource_type == 'text'\"\n[namespaces]", 1)
    format_ = made(text + '[[map]]\nto = "b:a"\ntext = "id"')
    assert inside(format_) == "<b:a>1</b:a>"
    assert registry.rendition(format_, BARE, Context()) is None


def test_a_map_that_makes_nothing_gives_nothing(made: Make):
    assert registry.rendition(made(HEAD + '[[map]]\nfrom = "media"\nto = "b:a"'), ITEM, Context()) is None


def test_the_root_says_what_it_must(made: Make):
    text = HEAD.replace("[namespaces]", "attributes = {version = \"'1.0'\"}\n[namespaces]", 1)
    root = etree.fromstring(registry.rendition(made(text + '[[map]]\nto = "dc:a"\ntext = "id"'), ITEM, Context()))
    assert root.tag == "{urn:x:brief}brief"
    assert root.get("version") == "1.0"
    assert root.get(registry.SCHEMA_LOCATION) == "urn:x:brief https://example.org/brief.xsd"
    assert root[0].tag == "{http://purl.org/dc/elements/1.1/}a"


def entry(text: str) -> str:
    return f"{HEAD}\n[[map]]\n{text}"


WRONG = {
    entry('to = "b:a"\ntext = "titels"'): r"map 1 \(b:a\): text: no record has a field 'titels'; did you mean 'titles'",
    entry('to = "b:a"\ntext = "titlez"'): r"no record has a field 'titlez'; did you mean 'titles'",
    entry('to = "b:a"\ntext = "uper(id)"'): r"map 1 \(b:a\): text: there is no function uper\(\); did you mean 'upper'",
    entry('to = "b:a"\nfrom = "titles["'): r"map 1 \(b:a\): from: ",
    entry('to = "dz:a"'): r"map 1 \(dz:a\): to: the prefix 'dz' is not declared",
    entry('to = "b:a b"'): r"map 1 \(b:a b\): to: 'b:a b' cannot be the name",
    entry('to = "b:a//b:c"'): "cannot be the name of an element",
    entry('to = "b:a"\nattributes = {"dz:b" = "id"}'): r"attributes.dz:b: the prefix 'dz' is not declared",
    entry('to = "b:a"\nattributes = {xmlns = "id"}'): "namespaces are declared in",
    entry('to = "b:a"\nlang = "id"\nattributes = {"xml:lang" = "id"}'): "it has lang and the attribute xml:lang",
    entry('to = "b:a"\nattributes = {"b:x" = "id", "dc:x" = "id"}').replace(
        "http://purl.org/dc/elements/1.1/", "urn:x:brief"
    ): "attributes: two of them are x in the namespace urn:x:brief",
    entry('to = "b:a"').replace('dc = "', 'dc = "http://www.w3.org/2000/xmlns/'): "namespaces.dc: .* is no namespace",
    entry('to = "b:a"\nlang = "id"\n[[map.map]]\nto = "b:c"'): "it has text or lang and a map inside",
    entry('to = "b:a"\n[[map.map]]\nto = "dz:c"'): r"map 1 \(b:a\): map 1 \(dz:c\): to: the prefix",
    entry('to = "b:a"\ntext = "lookup(\'kind\', id)"'): r"there is no table 'kind': write it as \[tables.kind\]",
    entry('too = "b:a"'): "there is no key 'too'; did you mean 'to'",
    entry('to = "b:a"\ntexts = "id"'): r"map 1: there is no key 'texts'; did you mean 'text'",
    HEAD: "missing required field `map`",
    "map = []\n" + HEAD: "map: Expected `array` of length >= 1",
    entry('to = "b:a"').replace('root = "b:brief"', 'root = "dc:brief"'): "root: dc:brief is in the namespace http",
    entry('to = "b:a"').replace('dc = "', 'xsi = "'): "namespaces: 'xsi' cannot be declared",
    entry('to = "b:a"').replace('dc = "http', '"d c" = "http'): "namespaces: 'd c' cannot be declared",
    entry('to = "b:a"').replace('dc = "http:', 'dc = "ht tp:'): "namespaces.dc: .* is no namespace",
    "\n[[map": "not TOML: .*at end of document",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_a_mistake_in_a_map_is_named(text: str, made: Make):
    with pytest.raises(FormatError) as refused:
        made(text)
    assert str(refused.value).startswith("/")
    assert re.search(f"brief.toml: .*{WRONG[text]}", str(refused.value)), refused.value
    assert "\n" not in str(refused.value)


def test_what_is_no_text_fails_with_its_record_and_says_how_to_mend_it(made: Make):
    for text, reason in {
        f'to = "{"b:a/" * 300}b:a"\ntext = "id"': "brief: .*depth",
        'from = "titles"\nto = "b:a"': "brief: b:a: what it is made of is an object, not a text: name a key",
        'to = "b:a"\ntext = "agents[].name"': "brief: b:a: what it is made of is a list, not a text: join it",
    }.items():
        with pytest.raises(FormatError, match=reason):
            inside(made(entry(text)))


def test_the_version_is_what_the_file_says(made: Make):
    one = made(entry('to = "b:a"\ntext = "id"')).version
    assert made(entry('to = "b:a"\ntext = "id"')).version == one
    assert made(entry('to = "b:c"\ntext = "id"')).version != one


ALL = f"""{HEAD}
[[map]]
from = "[titles, abstracts, toc, notes, physical.notes][]"
to = "b:x/b:text"
text = "value"
lang = "lang"

[[map]]
from = "[subjects, genres, audience][]"
to = "b:term"
text = "label"
attributes = {{uri = "uri(uri)"}}

[[map]]
from = "dates"
to = "b:date"
text = "dc_date(edtf) || text"
attributes = {{begin = "begin(edtf)"}}

[[map]]
from = "languages"
to = "b:language"
text = "lang2(code)"
attributes = {{"xml:lang" = "lang3(tag)"}}

[[map]]
from = "holding"
to = "b:holding"
[[map.map]]
from = "hierarchy"
to = "b:level"
text = "label || id || title"
"""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Format:
    folder = tmp_path_factory.mktemp("wide")
    (folder / "brief.toml").write_text(ALL)
    return registry.load(["brief"], plugins.found(folder))["brief"]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records)
def test_a_map_makes_xml_of_every_record_and_the_same_again(item: record.Record, wide: Format):
    payload = registry.rendition(wide, item, Context())
    root = etree.fromstring(payload)
    titles = [" ".join(title.value.split()) for title in item.titles]
    found = {one.text for one in root.iter("{urn:x:brief}text")}
    assert {title for title in titles if title} <= found
    assert registry.rendition(wide, record.from_json(item.to_json()), Context()) == payload
