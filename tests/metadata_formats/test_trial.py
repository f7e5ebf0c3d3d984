"""The test kit, the loss report and validation: the formats that are known to be sound pass, and no other does."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import places
import pytest
from lxml import etree
from validation import schema_errors

from metadata_formats import record, registry, samples, trial
from metadata_formats.loss import Losses, rendering
from metadata_formats.registry import Context, Format
from metadata_formats.trial import Outcome, Trial, digest
from metadata_formats.validation import SchemaMissing, Schemas

FULL = record.from_yaml((Path(__file__).parent / "full.yaml").read_text())
FORMATS = tuple(registry.load().values())
EACH = pytest.mark.parametrize("format_", FORMATS, ids=lambda format_: format_.prefix)
NS = "urn:x:titles"
XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x:titles"
  elementFormDefault="qualified"><xs:element name="titles"><xs:complexType><xs:sequence>
  <xs:element name="title" type="xs:string" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element>
</xs:schema>"""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure no speed."""
    monkeypatch.setattr(trial, "MEASURED", 0)


@pytest.fixture
def schemas(tmp_path: Path) -> Schemas:
    (tmp_path / "example.org").mkdir()
    (tmp_path / "example.org/titles.xsd").write_text(XSD)
    return Schemas(tmp_path)


class Titles(Format):
    prefix, namespace, schema = "titles", NS, "https://example.org/titles.xsd"

    def render(self, item, context):
        root = etree.Element(f"{{{NS}}}titles", nsmap={None: NS})
        for title in item.titles:
            etree.SubElement(root, f"{{{NS}}}title").text = title.value
        return root


class Careless(Titles):
    """Takes for granted what only some records have."""

    def render(self, item, context):
        root = super().render(item, context)
        etree.SubElement(root, f"{{{NS}}}title").text = item.dates[0].edtf
        return root


class Brittle(Titles):
    """Cannot do with a text of a megabyte."""

    def render(self, item, context):
        assert all(isinstance(text, str) or len(text.value) < 1000 for text in item.abstracts)
        assert all(not isinstance(text, str) or len(text) < 1000 for text in item.abstracts)
        return super().render(item, context)


class Counting(Titles):
    """Is never the same twice."""

    numbers = itertools.count()

    def render(self, item, context):
        root = super().render(item, context)
        root[0].text += str(next(self.numbers))
        return root


class Invalid(Titles):
    def render(self, item, context):
        root = super().render(item, context)
        etree.SubElement(root, f"{{{NS}}}titel").text = "x"
        return root


class Elsewhere(Titles):
    """Names the schema of another namespace."""

    def render(self, item, context):
        root = super().render(item, context)
        root.set(registry.SCHEMA_LOCATION, "urn:y https://example.org/y.xsd")
        return root


class Silent(Titles):
    def available(self, item):
        return False


FAILING = {
    Careless: {"given": "the smallest record: titles: IndexError"},
    Brittle: {"given": "a hostile record: titles: AssertionError"},
    Counting: {"the same again": "another time it is another"},
    Invalid: {"valid": "line 3: Element '{urn:x:titles}titel'"},
    Elsewhere: {"well formed": "names no schema for urn:x:titles", "valid": "names no schema for its namespace"},
    Silent: {"given": "it gives none of the records"},
}


@pytest.mark.parametrize("kind", FAILING, ids=lambda kind: kind.__name__)
def test_a_format_that_is_not_sound_fails_and_is_told_why(kind: type[Format], schemas: Schemas):
    checks = {check.name: check for check in Trial(kind(), Context(), schemas).run()}
    failed = {name for name, check in checks.items() if check.outcome is Outcome.FAILED}
    assert failed == FAILING[kind].keys()
    for name, reason in FAILING[kind].items():
        assert reason in checks[name].said


def test_a_sound_format_passes_and_says_what_it_leaves_out(schemas: Schemas):
    checks = {check.name: check for check in Trial(Titles(), Context(), schemas).run()}
    assert {check.outcome for check in checks.values()} == {Outcome.PASSED}
    assert checks["valid"].said == "by https://example.org/titles.xsd"
    lost = checks["loss"].said.partition(": ")[2].split()
    assert {"abstracts", "agents", "titles.lang", "titles.subtitle"} <= set(lost)
    assert not {"titles", "titles.value"} & set(lost)


def test_what_another_process_makes_otherwise_is_not_the_same(schemas: Schemas):
    titles, render = Trial(Titles(), Context(), schemas), rendering(Titles(), Context())
    checks = titles.run(again=lambda records: [digest(b"other")] + [digest(render(one)) for one in records[1:]])
    same = {check.name: check for check in checks}["the same again"]
    assert (same.outcome, same.said) == (Outcome.FAILED, "the smallest record: in another process it is another")


def test_own_records_are_tried_too(schemas: Schemas):
    own = record.from_builtins({"id": "7", "titles": [{"value": "T"}], "abstracts": ["long " * 500]})
    given = next(iter(Trial(Brittle(), Context(), schemas).run([("oai:x:7", own)])))
    assert "oai:x:7: titles: AssertionError" in given.said


def test_a_schema_that_is_not_there_is_said_aloud(tmp_path: Path):
    checks = {check.name: check for check in Trial(Titles(), Context(), Schemas(tmp_path)).run()}
    assert checks["valid"].outcome is Outcome.SKIPPED
    assert str(tmp_path / "example.org/titles.xsd") in checks["valid"].said


@EACH
def test_every_format_of_the_library_passes(format_: Format):
    tried = Trial(format_, Context("oai:archive.example.org:1"), Schemas(places.schemas()))
    checks = list(tried.run())
    assert {check.outcome for check in checks} == {Outcome.PASSED}, checks
    assert len(tried.unavailable) < 5


# What is lost.


@EACH
def test_what_a_format_says_it_does_not_carry_is_found_lost(format_: Format):
    full = record.from_builtins({**record.msgspec.to_builtins(FULL), **AVAILABLE})
    losses = Losses()
    losses.add(full, rendering(format_, Context()))
    listed = {
        path for path in losses.paths if any(path == one or path.startswith(f"{one}.") for one in format_.not_carried)
    }
    assert listed
    assert listed <= {path for path, one in losses.paths.items() if one.none == one.records}
    assert "titles.value" not in {one.path for one in losses.lost if one.none}


AVAILABLE = {"provider": {"data_provider": "D", "provider": "P"}, "media": [
    {"role": "landing", "url": "https://example.org/1", "label": "Page"},
    {"role": "object", "url": "https://example.org/1.pdf", "mime": "application/pdf", "width": 1, "bytes": 3},
]}  # fmt: skip
"""What Europeana demands, instead of what the full record has there."""


def test_a_loss_is_counted_by_record_with_an_example():
    losses = Losses()
    for item in (
        {"titles": [{"value": "A", "subtitle": "B"}], "dates": [{"type": "created", "edtf": "1901"}]},
        {
            "titles": [{"value": "A"}],
            "dates": [{"type": "issued", "edtf": "1902"}, {"type": "created", "edtf": "1903"}],
        },
        {"titles": [{"value": "T"}], "record": {"status": "deleted"}},
    ):
        oai_dc = registry.load(["oai_dc"])["oai_dc"]
        losses.add(record.from_builtins({"id": "1", **item}), rendering(oai_dc, Context()))
    assert (losses.tried, losses.not_given) == (2, 1)
    date = losses.paths["dates.edtf"]
    assert (date.records, date.none, date.some, date.example) == (2, 0, 1, "1903")
    assert losses.paths["titles.subtitle"].none == 0
    assert losses.paths["dates.type"].records == 2
    assert losses.never == []


def test_what_is_wholly_lost_is_named_by_what_is_above_it():
    losses = Losses()
    losses.add(samples.filled(), rendering(Titles(), Context()))
    assert [path for path in losses.never if path.startswith("titles")] == [
        f"titles.{name}" for name in ("lang", "non_sort", "part_name", "part_number", "subtitle", "supplied", "type")
    ]
    assert "origin" in losses.never


# The records that formats are tried on.


def test_the_sample_records_have_a_value_in_every_field():
    def paths(info, names=()):
        kinds = info.types if isinstance(info, record.msgspec.inspect.UnionType) else (info,)
        for kind in kinds:
            if isinstance(kind, record.msgspec.inspect.ListType):
                yield from paths(kind.item_type, names)
            elif isinstance(kind, record.msgspec.inspect.StructType):
                for field in kind.fields:
                    yield from paths(field.type, (*names, field.name))
            elif not isinstance(kind, record.msgspec.inspect.NoneType):
                yield ".".join(names)

    losses = Losses()
    losses.add(samples.filled(), lambda item: item.to_json())
    absent = set(paths(record.msgspec.inspect.type_info(record.Record))) - losses.paths.keys()
    plain_words = {"abstracts", "toc", "physical.notes", "rights.statement"}
    defaults = {"identifiers.invalid", "record.status", "record.lang", "agents.identifiers.invalid"}
    defaults |= {"relations.identifiers.invalid", "languages.role", "record.provenance.altered"}
    assert absent - plain_words <= defaults
    assert not losses.lost


# Validation.


@EACH
def test_validation_agrees_with_the_strict_one(format_: Format):
    schemas = Schemas(places.schemas())
    given = [rendering(format_, Context())(item) for _, item in samples.corpus()]
    for document in filter(None, given):
        assert schemas.errors(document) == schema_errors(document) == []
    broken = given[-2].replace(b"</", b"<bad/></", 1)
    assert schemas.errors(broken)
    assert schema_errors(broken)


def test_a_schema_that_lacks_a_part_cannot_be_used(tmp_path: Path):
    mods = "www.loc.gov/standards/mods/v3/mods-3-8.xsd"
    (tmp_path / mods).parent.mkdir(parents=True)
    shutil.copy(places.schemas() / mods, tmp_path / mods)
    document = registry.rendition(registry.load(["mods"])["mods"], samples.smallest(), Context())
    with pytest.raises(SchemaMissing, match=r"mods-3-8\.xsd cannot be used: .*xml\.xsd"):
        Schemas(tmp_path).errors(document)
