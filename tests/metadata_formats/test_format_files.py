"""Formats from elsewhere: files in a folder, who wins where two claim a prefix, and what a bad one cannot do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from metadata_formats import plugins, record, registry
from metadata_formats.registry import Context, Format, FormatError
from metadata_formats.xml import Document

NS = "urn:x:titles"
ITEM = record.from_builtins({"id": "1", "titles": [{"value": "A & B"}]})

PYTHON = """
from lxml import etree
from metadata_formats.registry import Format

class Titles(Format):
    prefix = "{prefix}"
    namespace = "urn:x:titles"
    schema = "https://example.org/titles.xsd"

    def render(self, record, context):
        root = etree.Element("{{urn:x:titles}}titles", nsmap={{None: "urn:x:titles"}})
        root.text = record.titles[0].value
        return root
"""


class Foreign(Format):
    prefix, namespace, schema = "foreign", NS, "https://example.org/foreign.xsd"

    def __init__(self, render: Callable[[record.Record], object]) -> None:
        self._render = render

    def render(self, item, context):
        return self._render(item)


def document(markup: str) -> Callable[[record.Record], Document]:
    return lambda item: Document(NS, markup)


def element(*inside: object) -> etree._Element:
    root = etree.Element(f"{{{NS}}}titles", nsmap={None: NS})
    root.extend(inside)
    return root


def deep(levels: int) -> etree._Element:
    root = below = element()
    for _ in range(levels):
        below = etree.SubElement(below, f"{{{NS}}}a")
    return root


def fails(error: BaseException) -> Callable[[record.Record], object]:
    def render(item: record.Record) -> object:
        raise error

    return render


def endless(item: record.Record) -> object:
    return endless(item)


UNFIT = {
    "another namespace": (lambda item: etree.Element("{urn:y}titles"), "not in the namespace urn:x:titles"),
    "no namespace": (document("<titles/>"), "the root titles is not in the namespace"),
    "a namespace that is not the document's": (lambda item: Document("urn:y", f"<a xmlns='{NS}'/>"), None),
    "an illegal character": (document(f"<a xmlns='{NS}'>\x07</a>"), "a character that XML 1.0 forbids"),
    "an illegal character reference": (document(f"<a xmlns='{NS}'>&#7;</a>"), "XMLSyntaxError"),
    "two roots": (document(f"<a xmlns='{NS}'/><a xmlns='{NS}'/>"), "XMLSyntaxError"),
    "text before the root": (document(f"text <a xmlns='{NS}'/>"), "does not begin with its root"),
    "text after the root": (document(f"<a xmlns='{NS}'/> text"), "XMLSyntaxError"),
    "a comment after the root": (document(f"<a xmlns='{NS}'/><!-- b -->"), "something after its root"),
    "an XML declaration": (document(f"<?xml version='1.0'?><a xmlns='{NS}'/>"), "does not begin with its root"),
    "a document type": (document(f"<!DOCTYPE a><a xmlns='{NS}'/>"), "does not begin with its root"),
    "an undeclared prefix": (document(f"<a xmlns='{NS}'><b:c/></a>"), "XMLSyntaxError: Namespace prefix b"),
    "an undeclared prefix of the root": (document("<b:a/>"), "XMLSyntaxError: Namespace prefix b"),
    "no end": (document(f"<a xmlns='{NS}'>"), "XMLSyntaxError"),
    "an undefined entity": (document(f"<a xmlns='{NS}'>&nbsp;</a>"), "XMLSyntaxError"),
    "an undefined entity in a tree": (lambda item: element(etree.Entity("nbsp")), "entity &nbsp; is not defined"),
    "too many levels": (lambda item: deep(5_000), "nest deeper than 250"),
    "too many levels of a document": (document(f"<a xmlns='{NS}'>" + "<b>" * 300 + "</b>" * 300 + "</a>"), "depth"),
    "text": (lambda item: "<titles/>", "it made str, not an element"),
    "a comment": (lambda item: etree.Comment("x"), "it made _Comment, not an element"),
    "an exception": (fails(KeyError("x")), "KeyError: 'x'"),
    "recursion": (endless, "RecursionError"),
    "an exit": (fails(SystemExit(3)), "SystemExit: 3"),
    "what only looks like an exception": (fails(GeneratorExit()), "GeneratorExit"),
    "lines": (fails(ValueError("a\nb" + "c" * 9999)), "ValueError: a bc"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNFIT)
def test_what_cannot_be_part_of_a_page_is_refused(case: str):
    render, reason = UNFIT[case]
    if reason is None:  # what the document says of itself does not count: its root is right
        assert registry.rendition(Foreign(render), ITEM, Context()).startswith(b"<a ")
        return
    with pytest.raises(FormatError, match="foreign: ") as refused:
        registry.rendition(Foreign(render), ITEM, Context())
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600


def test_an_interrupt_is_for_the_command():
    with pytest.raises(KeyboardInterrupt):
        registry.rendition(Foreign(fails(KeyboardInterrupt())), ITEM, Context())


def test_what_is_nothing_is_not_available():
    assert registry.rendition(Foreign(lambda item: None), ITEM, Context()) is None


def test_what_a_plug_in_does_to_its_record_stays_its_own():
    def render(item: record.Record) -> etree._Element:
        item.titles.clear()
        item.id = "2"
        return element()

    before = ITEM.to_json()
    registry.rendition(Foreign(render), ITEM, Context())
    assert ITEM.to_json() == before


def test_what_stands_around_an_element_is_not_taken():
    def render(item: record.Record) -> etree._Element:
        around = etree.fromstring(f"<x><a xmlns='{NS}'>A</a> tail</x>")
        return around[0]

    payload = registry.rendition(Foreign(render), ITEM, Context())
    assert payload.endswith(b">A</a>")
    assert b'xsi:schemaLocation="urn:x:titles https://example.org/foreign.xsd"' in payload


def test_a_python_file_is_a_format(tmp_path: Path):
    (tmp_path / "mine.py").write_text(PYTHON.format(prefix="titles"))
    (tmp_path / "_draft.py").write_text("not python")
    (tmp_path / ".hidden.py").write_text("not python")
    (tmp_path / "README").write_text("not python")
    (tmp_path / "folder.py").mkdir()
    found = plugins.found(tmp_path)
    assert [(one.prefix, one.name) for one in found] == [("titles", "mine.py")]
    made = registry.load(["titles"], found)["titles"]
    assert registry.rendition(made, ITEM, Context()).endswith(b">A &amp; B</titles>")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.py", "_draft.py", ".hidden.py", "README", "folder.py"}
    # Changed at once, of the same length: no bytecode of before is taken for it.
    (tmp_path / "mine.py").write_text(PYTHON.format(prefix="titels"))
    assert plugins.found(tmp_path)[0].prefix == "titels"
    assert plugins.found(tmp_path / "nowhere") == []


BROKEN = {
    "x = (": "line 1: SyntaxError",
    "import os\n\nx = os.nothing": "line 3: AttributeError",
    "def f():\n    1 / 0\n\nf()": "line 2: ZeroDivisionError",
    "import sys\nsys.exit(0)": "line 2: SystemExit",
    "x = 1": "no subclass of metadata_formats.registry.Format",
    "from metadata_formats.registry import Format\nclass A(Format): pass": "no subclass",
    "from metadata_formats.oai_dc import OaiDc": "no subclass",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_file_that_cannot_be_loaded_is_named_with_its_line(tmp_path: Path, text: str):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(FormatError) as refused:
        plugins.found(tmp_path)
    assert str(refused.value).startswith(str(tmp_path / "mine.py"))
    assert BROKEN[text] in str(refused.value)
    assert "\n" not in str(refused.value)


UNSOUND = {
    'prefix = "a b"': "is not a format with the prefix a b",
    'namespace = "urn:x y"': "namespace: 'urn:x y' cannot be",
    'namespace = "urn:\\""': "namespace: ",
    'schema = ""': "schema: '' cannot be",
    'version = "1 2"': "version: '1 2' cannot be",
    "version = 1": "version: 1 cannot be",
    "def __init__(self): 1 / 0": "cannot be loaded: division by zero",
}


@pytest.mark.parametrize("line", UNSOUND)
def test_a_format_that_cannot_be_announced_is_refused(tmp_path: Path, line: str):
    text = PYTHON.format(prefix="titles").replace("    def render", f"    {line}\n\n    def render")
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(FormatError, match=r"mine\.py") as refused:
        registry.load(None, plugins.found(tmp_path))
    assert UNSOUND[line] in str(refused.value)


def test_of_two_formats_with_one_prefix_the_settings_choose(tmp_path: Path):
    (tmp_path / "dc.py").write_text(PYTHON.format(prefix="oai_dc"))
    found = plugins.found(tmp_path)
    own = "metadata_formats.oai_dc:OaiDc"
    with pytest.raises(FormatError, match=r'oai_dc: .*:OaiDc and dc\.py; .*\[formats\.oai_dc\] plugin = "dc\.py"'):
        registry.load(["mods"], found)
    assert registry.load(["mods"], found, {"oai_dc": "dc.py"})["oai_dc"].namespace == NS
    assert registry.load(["mods"], found, {"oai_dc": own})["oai_dc"].namespace != NS
    with pytest.raises(FormatError, match=r"plugin: there is no 'cd\.py'; there is .*OaiDc and dc\.py"):
        registry.load(["mods"], found, {"oai_dc": "cd.py"})


def test_a_format_that_is_not_there_is_told_with_the_setting_that_names_it():
    with pytest.raises(FormatError, match=r"^\[formats\.brief\] plugin = 'brief\.py': no format 'brief' is installed"):
        registry.load(["brief"], chosen={"brief": "brief.py"})
    with pytest.raises(FormatError, match=r"^formats: no format 'brief' is installed; there are: .*mods"):
        registry.load(["brief"])
