"""What holds for every built-in format: valid, deterministic, complete but for its loss list."""

import datetime
import json
from functools import cache
from pathlib import Path

import places
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec import inspect, structs, to_builtins
from strategies import records
from validation import assert_valid

from metadata_formats import record, registry
from metadata_formats.oai_dc import OaiDc
from metadata_formats.record import Record

FORMATS = tuple(registry.load().values())
EACH = pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.prefix)
CONTEXT = registry.Context()
EXPECTED = {"oai_qdc": "qdc.xml", "oai_datacite": "datacite.xml", "marc21": "marcxml.xml"}
"""The names of expected documents where they are not the format's own."""
UNAVAILABLE = {"oai_openaire": "it does not say whether it is open", "lido": "a document is no object of a museum"}
NEEDED = {
    "identifiers": [{"value": "7", "type": "inventory"}],
    "resource_type": "text",
    "genres": [{"label": "letters"}],
    "agents": [{"name": "P", "roles": ["pbl", "aut"]}],
    "dates": [{"type": "issued", "edtf": "1999"}],
    "languages": [{"code": "eng"}],
    "media": [{"role": "landing", "url": "https://example.org/1"}],
    "rights": {"access": "open", "uri": "http://rightsstatements.org/vocab/InC/1.0/"},
    "provider": {"data_provider": "An archive", "provider": "A portal's partner"},
}
"""What some portal demands: with this, every format is available."""


def canonical(document: bytes) -> bytes:
    """Return what the document says; white space between elements says nothing."""
    return etree.tostring(etree.fromstring(document, etree.XMLParser(remove_blank_text=True)), method="c14n")


@EACH
def test_the_reference_record_gives_the_expected_document(format_):
    memorandum = record.from_yaml((places.expected() / "165251.yaml").read_bytes())
    given = registry.rendition(format_, memorandum, CONTEXT)
    if format_.prefix in UNAVAILABLE:
        assert given is None
        return
    if format_.prefix == "mets":  # a document of its own it has not, but wraps that of MODS
        assert_valid(given)
        return
    expected = (places.expected() / EXPECTED.get(format_.prefix, f"{format_.prefix}.xml")).read_bytes()
    assert canonical(given) == canonical(expected)


@EACH
def test_the_smallest_record_is_valid(format_):
    least = record.from_builtins({"id": "1", "titles": [{"value": "T"}], **NEEDED})
    document = registry.rendition(format_, least, CONTEXT)
    assert b">T" in document
    assert_valid(document)


@EACH
def test_a_withdrawn_record_has_no_rendition(format_):
    withdrawn = record.from_builtins({"id": "1", "record": {"status": "deleted"}})
    assert registry.rendition(format_, withdrawn, CONTEXT) is None


@EACH
def test_the_installed_format_is_this_one(format_):
    assert type(registry.load([format_.prefix])[format_.prefix]) is type(format_)


@EACH
def test_a_character_that_xml_forbids_is_refused(format_):
    for character in "\x00\x08\ufffe\ud800":
        good = record.from_builtins({"id": "1", "titles": [{"value": "T"}], **NEEDED})
        bad = structs.replace(good, titles=[record.Title(value=f"a{character}b")])
        with pytest.raises(registry.FormatError, match=format_.prefix):
            registry.rendition(format_, bad, CONTEXT)


class Foreign(registry.Format):
    """A format that makes what it does not announce."""

    prefix, namespace, schema = "foreign", "urn:foreign", "https://example.org/foreign.xsd"

    def render(self, item, context):
        return OaiDc().render(item, context)


def test_a_document_of_another_namespace_is_refused():
    with pytest.raises(registry.FormatError, match="urn:foreign"):
        registry.rendition(Foreign(), record.from_builtins({"id": "1", "titles": [{"value": "T"}]}), CONTEXT)


@EACH
def test_a_very_large_record_is_still_valid(format_):
    title = {"value": "T " * 500_000}
    many = [{"label": f"Topic {number}"} for number in range(2000)]
    levels = [{"level": "box", "id": str(number)} for number in range(50)]
    item = {"id": "1", "titles": [title], "subjects": many, "holding": {"hierarchy": levels, "original": True}}
    assert_valid(registry.rendition(format_, record.from_builtins({**item, **NEEDED}), CONTEXT))


@pytest.mark.parametrize(
    "item", [{"id": " ", "titles": [{"value": "T"}]}, {"id": "1", "titles": [{"value": "\u2003"}]}]
)
def test_a_record_of_nothing_but_white_space_is_no_record(item):
    with pytest.raises(record.RecordError):
        record.from_builtins(item)


def completed(item: Record) -> Record:
    """Return a record that lacks nothing which some portal demands."""
    said = to_builtins(item)
    more = {name: said.get(name, []) + value if isinstance(value, list) else value for name, value in NEEDED.items()}
    return record.from_builtins(said | more)


@EACH
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=st.one_of(records, records.map(completed)))
def test_every_record_renders_valid_and_the_same_again(format_, item):
    document = registry.rendition(format_, item, CONTEXT)
    if document is None:
        assert not format_.available(item)
        return
    assert_valid(document)
    assert registry.rendition(format_, record.from_json(item.to_json()), CONTEXT) == document
    root = etree.fromstring(document)
    for element in root.iter():
        children = [etree.tostring(child, method="c14n") for child in element]
        text = element.text or ""
        assert children or text.strip() or element.attrib, f"{element.tag} is empty"
        fixed = etree.QName(element).localname == "controlfield"  # MARC's have a meaning by place
        assert text == " ".join(text.split()) or children or fixed
        if etree.QName(element).localname != "subject":
            assert len(children) == len(set(children)), f"{element.tag} says a thing twice"


# The loss list: every path of the model either changes the rendition or is listed, and what is listed does not.

FULL = yaml.safe_load((Path(__file__).parent / "full.yaml").read_text(encoding="utf-8"))

_MATCHES = {"broader": ["https://example.org/b"], "exact_match": ["https://example.org/m"]}

BASES = (
    FULL,
    {**FULL, "dates": [{"type": "created", "text": "undated"}], "rights": {"label": "Protected"}},
    {**FULL, "dates": [{"type": "created", "edtf": "1967"}, {"type": "issued", "edtf": "1968"}]},
    {**FULL, "abstracts": ["Words"], "toc": ["Words"], "physical": {"notes": ["Words"]}, "record": {"source": "Us"}},
    {**FULL, "holding": {**FULL["holding"], "original": False}},
    {**FULL, "agents": FULL["agents"][:1], "languages": [{"code": "eng"}],
     "dates": [{"type": "created", "edtf": "1967"}, {"type": "modified", "edtf": "1968", "key": True}]},
    {**FULL, "media": [FULL["media"][0],
                       {**FULL["media"][1], "rights_uri": "http://creativecommons.org/licenses/by/4.0/"}]},
    {**FULL, "genres": [{**FULL["genres"][0], **_MATCHES}],
     "physical": {"form": [{**FULL["physical"]["form"][0], **_MATCHES}]}},
    {**FULL, "rights": {"access": "open"}},
    {**FULL, "dates": [{"type": "created", "text": "undated"}]},
    {**FULL, "subjects": [{"type": "place", "label": "Sofia", "country": "BG"}]},
    {**FULL, "relations": [{"type": "related", "identifiers": [{"value": "10.1000/5", "type": "doi"}]}]},
    {**FULL, "resource_type": "cartographic", "agents": [{"name": "Bulgaria. Ministry", "type": "organization"}],
     "record": {"created": "2001-02-03", "changed": "2002-03-04"},
     "dates": [{"type": "other", "edtf": "1967", "label": "Acquired"}]},
)  # fmt: skip

OTHER = {
    **dict.fromkeys(("edtf", "dates", "embargo_until"), "1901-02-03"),
    **dict.fromkeys(("uri", "url", "repository_uri", "holder_uri", "rights_uri", "metadata_licence"), "https://example.org/other"),
    **dict.fromkeys(("lang", "description_lang"), "cy"),
    "tag": "en-US", "code": "fre", "script": "Grek", "roles": "ill", "gac": "n-us", "language": "fre", "width": 99,
    "checksum": "md5:" + 32 * "0",
}  # fmt: skip


def paths(type_, prefix=()):
    """Yield every leaf of the model as a path of keys, with its type."""
    match type_:
        case inspect.ListType(item_type=item):
            yield from paths(item, prefix)
        case inspect.UnionType(types=types):
            for each in types:
                if not isinstance(each, inspect.NoneType):
                    yield from paths(each, prefix)
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from paths(field.type, (*prefix, field.name))
        case _:
            yield prefix, type_


ALL_PATHS = sorted({".".join(path) for path, _ in paths(inspect.type_info(Record))})
TYPES = {".".join(path): type_ for path, type_ in paths(inspect.type_info(Record))}


def others(name, type_, value):
    """Return values that stand for a change of ``value``."""
    if isinstance(type_, inspect.LiteralType):
        return [each for each in type_.values if each != value]
    if isinstance(type_, inspect.BoolType):
        return [not value]
    if isinstance(type_, inspect.IntType | inspect.FloatType):
        return [(value or 0) + 1]
    if isinstance(type_, inspect.DictType):
        return [{"other": "x"}]
    return [OTHER.get(name, "Changed words")]


def changed(value, path, type_):
    """Yield copies of plain data in which one value at the path is another."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from ([*value[:index], new, *value[index + 1 :]] for new in changed(item, path, type_))
    elif isinstance(value, dict) and path:
        name, *rest = path
        if rest:
            yield from (value | {name: new} for new in changed(value.get(name, {}), rest, type_))
        elif isinstance(value.get(name), list) and value[name] and not isinstance(value[name][0], dict):
            yield from (value | {name: [new, *value[name][1:]]} for new in others(name, type_, value[name][0]))
        else:
            yield from (value | {name: new} for new in others(name, type_, value.get(name)))


@cache
def is_carried(format_, path) -> bool:
    for base in BASES:
        before = registry.rendition(format_, record.from_builtins(base), CONTEXT)
        for variant in changed(base, path.split("."), TYPES[path]):
            try:
                item = record.from_builtins(variant)
            except record.RecordError:
                continue
            if registry.rendition(format_, item, CONTEXT) != before:
                return True
    return False


def is_listed(format_, path) -> bool:
    keys = path.split(".")
    return any(".".join(keys[:length]) in format_.not_carried for length in range(1, len(keys) + 1))


@EACH
@pytest.mark.parametrize("path", ALL_PATHS)
def test_a_path_is_carried_or_listed_as_lost(format_, path):
    assert is_carried(format_, path) != is_listed(format_, path)


@EACH
def test_the_loss_list_names_paths_of_the_model(format_):
    known = {".".join(path.split(".")[:length]) for path in ALL_PATHS for length in range(1, 6)}
    assert format_.not_carried <= known


@EACH
def test_the_full_record_is_valid_and_free_of_the_clock(format_):
    document = registry.rendition(format_, record.from_builtins(FULL), CONTEXT)
    assert_valid(document)
    assert str(datetime.datetime.now(datetime.UTC).year).encode() not in document.replace(b"2030", b"")


def test_the_full_record_is_full():
    """Every path of the model has a value in it, so that no proof above is by an absent value."""
    given_ = json.loads(record.from_builtins(FULL).to_json())

    def present(value, keys):
        if isinstance(value, list):
            return any(present(item, keys) for item in value)
        return not keys or (isinstance(value, dict) and keys[0] in value and present(value[keys[0]], keys[1:]))

    # What has a default is proved by changing the default.
    defaults = (inspect.BoolType, inspect.LiteralType)
    absent = {path for path in ALL_PATHS if not present(given_, path.split("."))}
    assert {path for path in absent if not isinstance(TYPES[path], defaults)} == {
        "record.lang",  # another spelling of record.language
        "rights.metadata_licence",
    }
