"""What holds for every built-in format: valid, deterministic, complete but for its loss list."""

import datetime
import json
from functools import cache
from pathlib import Path

import places
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from lxml import etree
from msgspec import inspect
from strategies import records
from validation import assert_valid

from metadata_formats import record, registry
from metadata_formats.mods import Mods
from metadata_formats.oai_dc import OaiDc
from metadata_formats.record import Record

FORMATS = (OaiDc(), Mods())
BOTH = pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.prefix)
CONTEXT = registry.Context()


def canonical(document: bytes) -> bytes:
    return etree.tostring(etree.fromstring(document), method="c14n")


@BOTH
def test_the_reference_record_gives_the_expected_document(format_):
    memorandum = record.from_yaml((places.expected() / "165251.yaml").read_bytes())
    expected = (places.expected() / f"{format_.prefix}.xml").read_bytes()
    assert canonical(registry.rendition(format_, memorandum, CONTEXT)) == canonical(expected)


@BOTH
def test_the_smallest_record_is_valid(format_):
    document = registry.rendition(format_, record.from_builtins({"id": "1", "titles": [{"value": "T"}]}), CONTEXT)
    assert b">T<" in document
    assert b">1<" in document
    assert_valid(document)


@BOTH
def test_a_withdrawn_record_has_no_rendition(format_):
    withdrawn = record.from_builtins({"id": "1", "record": {"status": "deleted"}})
    assert registry.rendition(format_, withdrawn, CONTEXT) is None


@BOTH
def test_the_installed_format_is_this_one(format_):
    assert type(registry.load([format_.prefix])[format_.prefix]) is type(format_)


@BOTH
def test_a_character_that_xml_forbids_is_refused(format_):
    for character in "\x00\x08\ufffe\ud800":
        bad = Record(id="1", titles=[record.Title(value=f"a{character}b")])
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


@BOTH
def test_a_very_large_record_is_still_valid(format_):
    title = {"value": "T " * 500_000}
    many = [{"label": f"Topic {number}"} for number in range(2000)]
    levels = [{"level": "box", "id": str(number)} for number in range(50)]
    item = {"id": "1", "titles": [title], "subjects": many, "holding": {"hierarchy": levels, "original": True}}
    assert_valid(registry.rendition(format_, record.from_builtins(item), CONTEXT))


@pytest.mark.parametrize(
    "item", [{"id": " ", "titles": [{"value": "T"}]}, {"id": "1", "titles": [{"value": "\u2003"}]}]
)
def test_a_record_of_nothing_but_white_space_is_no_record(item):
    with pytest.raises(record.RecordError):
        record.from_builtins(item)


@BOTH
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records)
def test_every_record_renders_valid_and_the_same_again(format_, item):
    document = registry.rendition(format_, item, CONTEXT)
    assert_valid(document)
    assert registry.rendition(format_, record.from_json(item.to_json()), CONTEXT) == document
    root = etree.fromstring(document)
    for element in root.iter():
        children = [etree.tostring(child, method="c14n") for child in element]
        assert children or (element.text or "").strip(), f"{element.tag} is empty"
        assert element.text == " ".join(element.text.split()) or children
        if etree.QName(element).localname != "subject":
            assert len(children) == len(set(children)), f"{element.tag} says a thing twice"


# The loss list: every path of the model either changes the rendition or is listed, and what is listed does not.

FULL = yaml.safe_load((Path(__file__).parent / "full.yaml").read_text(encoding="utf-8"))

BASES = (
    FULL,
    {**FULL, "dates": [{"type": "created", "text": "undated"}], "rights": {"label": "Protected"}},
    {**FULL, "dates": [{"type": "created", "edtf": "1967"}, {"type": "issued", "edtf": "1968"}]},
    {**FULL, "abstracts": ["Words"], "toc": ["Words"], "physical": {"notes": ["Words"]}, "record": {"source": "Us"}},
    {**FULL, "holding": {**FULL["holding"], "original": False}},
)  # fmt: skip

OTHER = {
    **dict.fromkeys(("edtf", "dates", "embargo_until"), "1901-02-03"),
    **dict.fromkeys(("uri", "url", "repository_uri", "holder_uri", "rights_uri", "metadata_licence"), "https://example.org/other"),
    **dict.fromkeys(("lang", "description_lang"), "cy"),
    "tag": "en-US", "code": "fre", "script": "Grek", "roles": "ill", "gac": "n-us", "language": "fre", "width": 99,
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


@BOTH
@pytest.mark.parametrize("path", ALL_PATHS)
def test_a_path_is_carried_or_listed_as_lost(format_, path):
    assert is_carried(format_, path) != is_listed(format_, path)


@BOTH
def test_the_loss_list_names_paths_of_the_model(format_):
    known = {".".join(path.split(".")[:length]) for path in ALL_PATHS for length in range(1, 6)}
    assert format_.not_carried <= known


@BOTH
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
