"""Stylesheets: what they make, and that whatever they do costs one record one format."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from lxml import etree
from strategies import records

from metadata_formats import plugins, record, registry
from metadata_formats.canonical_xml import to_xml
from metadata_formats.mods import Mods
from metadata_formats.registry import Context, Format, FormatError

NS = "urn:x:titles"
GOOD = record.from_builtins({"id": "good", "titles": [{"value": "A & B"}]})
BAD = record.from_builtins({"id": "bad", "titles": [{"value": "A & B"}]})
QUICK = Context("oai:x:1", options={"seconds": 1})

SHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns="urn:x:titles"
  xmlns:c="urn:oai-server:record" xmlns:exsl="http://exslt.org/common" exclude-result-prefixes="c exsl">
<xsl:template match="/c:record">
  <xsl:choose>
    <xsl:when test="c:id = 'bad'">{body}</xsl:when>
    <xsl:otherwise><titles><xsl:value-of select="c:titles/c:value"/></titles></xsl:otherwise>
  </xsl:choose>
</xsl:template>
{more}
</xsl:stylesheet>"""

TOML = """prefix = "titles"
namespace = "urn:x:titles"
schema = "https://example.org/titles.xsd"
"""

TWICE = """<xsl:template name="twice"><xsl:param name="n"/><xsl:if test="$n &gt; 0">
  <xsl:call-template name="twice"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template>
  <xsl:call-template name="twice"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template>
</xsl:if></xsl:template>"""
DOUBLE = """<xsl:template name="double"><xsl:param name="n"/><xsl:param name="s" select="'0123456789abcdef'"/>
  <xsl:choose><xsl:when test="$n = 0"><a><xsl:value-of select="$s"/></a></xsl:when>
  <xsl:otherwise><xsl:call-template name="double"><xsl:with-param name="n" select="$n - 1"/>
  <xsl:with-param name="s" select="concat($s, $s)"/></xsl:call-template></xsl:otherwise></xsl:choose>
</xsl:template>"""
NEST = """<xsl:template name="nest"><xsl:param name="n"/><a><xsl:if test="$n &gt; 0">
  <xsl:call-template name="nest"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template>
</xsl:if></a></xsl:template>"""
NEVER = '<xsl:template name="never"><xsl:call-template name="never"/></xsl:template>'


BY_HAND = """<a><xsl:value-of disable-output-escaping="yes" select="'&lt;b&gt;'"/></a>"""


def call(name: str, n: int = 0) -> str:
    return f'<xsl:call-template name="{name}"><xsl:with-param name="n" select="{n}"/></xsl:call-template>'


CONTAINED = {
    "a loop": (call("twice", 80), TWICE, "it took longer than 1 s"),
    "endless recursion": (call("never"), NEVER, "recursion"),
    "a file": ("<a><xsl:copy-of select=\"document('file:///etc/passwd')\"/></a>", "", "file read .*refused"),
    "itself": ("<a><xsl:copy-of select=\"document('')\"/></a>", "", "read .*refused"),
    "more memory than there is": (call("double", 40), DOUBLE, "more than 512 MB of memory"),
    "a huge text": (call("double", 21), DOUBLE, "it made more than 33554432 bytes"),
    "too many levels": (call("nest", 400), NEST, "depth"),
    "an unknown function": ("<a b='{c:nothing()}'/>", "", "line 5: Unregistered function"),
    "two roots": ("<a/><a/>", "", "more than one root element"),
    "text": ("<xsl:text>words</xsl:text>", "", "it made text, not an element"),
    "markup by hand": (BY_HAND, "", "XMLSyntaxError"),
    "another namespace": ('<b xmlns="urn:y"/>', "", "the root {urn:y}b is not in the namespace urn:x:titles"),
    "its own refusal": ('<xsl:message terminate="yes">No title</xsl:message>', "", "titles: No title"),
}  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Format]:
    """A function that makes a format of the parts of a stylesheet."""

    def make(body: str = "<a/>", more: str = "", sheet: str = SHEET, toml: str = TOML) -> Format:
        (tmp_path / "titles.xsl").write_text(sheet.replace("{body}", body).replace("{more}", more))
        (tmp_path / "titles.toml").write_text(toml)
        return registry.load(["titles"], plugins.found(tmp_path))["titles"]

    return make


@pytest.mark.parametrize("case", CONTAINED)
def test_what_a_stylesheet_does_to_one_record_it_does_to_no_other(case: str, made: Callable[..., Format]):
    body, more, reason = CONTAINED[case]
    format_ = made(body, more)
    with pytest.raises(FormatError, match="titles: ") as refused:
        registry.rendition(format_, BAD, QUICK)
    assert re.search(reason, str(refused.value), re.IGNORECASE), refused.value
    assert b">A &amp; B</titles>" in registry.rendition(format_, GOOD, QUICK)


def test_a_stylesheet_calls_nobody(made: Callable[..., Format]):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        format_ = made(f"<a><xsl:copy-of select=\"document('http://127.0.0.1:{server.getsockname()[1]}/x')\"/></a>")
        with pytest.raises(FormatError, match="Network file read for"):
            registry.rendition(format_, BAD, QUICK)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_stylesheet_that_ends_its_process_again_and_again_gets_no_more_records(made: Callable[..., Format]):
    format_ = made(call("twice", 80), TWICE)
    context = Context(options={"seconds": 0.05})
    said = []
    for _ in range(7):
        with pytest.raises(FormatError) as refused:
            registry.rendition(format_, BAD, context)
        said.append("given up" in str(refused.value))
    assert said == [False] * 5 + [True] * 2


def test_a_process_that_is_killed_is_started_again_and_none_is_left(made: Callable[..., Format]):
    format_ = made()
    before = registry.rendition(format_, GOOD, QUICK)
    process = format_._worker._process
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(FormatError, match="its process ended"):
        registry.rendition(format_, GOOD, QUICK)
    assert registry.rendition(format_, GOOD, QUICK) == before
    process = format_._worker._process
    assert process.poll() is None
    del format_
    gc.collect()
    assert process.poll() is not None


def test_nothing_is_not_available(made: Callable[..., Format]):
    assert registry.rendition(made(""), BAD, QUICK) is None


def test_a_stylesheet_gets_its_options_and_where_it_is(made: Callable[..., Format]):
    more = "".join(f'<xsl:param name="{name}"/>' for name in ("identifier", "base_url", "prefix", "many"))
    format_ = made('<a b="{$identifier} {$base_url} {$prefix} {$many}"/>', more)
    options = {"prefix": 'it\'s "quoted"', "many": True}
    registry.check_options(format_, {**options, "seconds": 1, "megabytes": 256})
    with pytest.raises(FormatError, match="there is no option 'mani'; did you mean 'many'"):
        registry.check_options(format_, {"mani": 1})
    with pytest.raises(FormatError, match="seconds: Expected"):
        registry.check_options(format_, {"seconds": 0})
    payload = registry.rendition(format_, BAD, Context("oai:x:1", "R", "https://x.org/oai", options))
    assert etree.fromstring(payload).get("b") == 'oai:x:1 https://x.org/oai it\'s "quoted" true'


def test_a_stylesheet_may_read_mods(made: Callable[..., Format]):
    sheet = SHEET.replace("urn:oai-server:record", "http://www.loc.gov/mods/v3").replace("/c:record", "/c:mods")
    sheet = sheet.replace("c:titles/c:value", "c:titleInfo/c:title")
    format_ = made(sheet=sheet, toml=TOML + 'source = "mods"')
    assert b">A &amp; B</titles>" in registry.rendition(format_, GOOD, QUICK)


def test_the_version_is_what_the_files_say(made: Callable[..., Format], monkeypatch: pytest.MonkeyPatch):
    one = made().version
    assert made().version == one
    assert made("<b/>").version != one
    assert made(toml=TOML.replace("titles.xsd", "titles2.xsd")).version != one
    mods = made(toml=TOML + 'source = "mods"').version
    monkeypatch.setattr(Mods, "version", "other")
    assert made().version == one
    assert made(toml=TOML + 'source = "mods"').version != mods, "what it reads has changed"


X = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"'
REFUSED = {
    "<a": "titles.xsl, line 1: not XML: ",
    "<a/>": "titles.xsl, line 1: the root is a, not xsl:stylesheet",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>": "titles.xsl, line 1: it has a document type",
    X.replace("1.0", "2.0") + "/>": "titles.xsl, line 1: it is XSLT 2.0; 1.0 can be run",
    X + ">\n<xsl:import href='file:///etc/passwd'/></xsl:stylesheet>": "titles.xsl, line 2: .*import.*another file",
    X + ">\n\n<xsl:include href='http://x.org/'/></xsl:stylesheet>": "titles.xsl, line 3: .*include.*another file",
    X + "><xsl:template match='/'>\n<e:document href='x' xmlns:e='http://exslt.org/common'/></xsl:template>"
    "</xsl:stylesheet>": "titles.xsl, line 2: .*cannot write files",
    X + ">\n<xsl:template match='/'>\n<xsl:value-of select='1+'/></xsl:template></xsl:stylesheet>": "line 3: Invalid",
    X + ">\n<xsl:template match='//['/></xsl:stylesheet>": "titles.xsl, line 2: ",
    "": "titles.xsl, line 1: not XML: ",
}  # fmt: skip


@pytest.mark.parametrize("sheet", REFUSED)
def test_a_file_that_is_no_stylesheet_to_run_is_named_with_its_line(sheet: str, made: Callable[..., Format]):
    with pytest.raises(FormatError) as refused:
        made(sheet=sheet)
    assert re.search(REFUSED[sheet], str(refused.value)), refused.value
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("prefix = ", "titles.toml: not TOML: .*at end of document"),
        (TOML.replace("schema", "shema"), "titles.toml: there is no key 'shema'; did you mean 'schema'"),
        (TOML + 'source = "marc"', "titles.toml: source: Invalid enum value 'marc'"),
        ("", "titles.toml: .*required field `prefix`"),
    ],
)
def test_a_description_that_is_none_is_named(toml: str, reason: str, made: Callable[..., Format]):
    with pytest.raises(FormatError, match=reason):
        made(toml=toml)


def test_a_stylesheet_may_end_in_xslt(tmp_path: Path):
    (tmp_path / "titles.xslt").write_text(SHEET.replace("{body}", "<a/>").replace("{more}", ""))
    (tmp_path / "titles.toml").write_text(TOML)
    assert [one.name for one in plugins.found(tmp_path)] == ["titles.xslt"]


def test_a_stylesheet_needs_its_description(tmp_path: Path):
    (tmp_path / "titles.xsl").write_text(SHEET)
    with pytest.raises(FormatError, match=r"titles\.xsl: titles\.toml is missing"):
        plugins.found(tmp_path)


COPY = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><xsl:copy-of select="*"/></xsl:template></xsl:stylesheet>"""


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(item=records)
def test_what_a_record_says_goes_through_a_stylesheet_as_it_is(item: record.Record, copier: Format):
    payload = etree.fromstring(registry.rendition(copier, item, Context()))
    sent = etree.fromstring(to_xml(item).to_bytes())
    assert [(one.tag, one.text) for one in payload.iter() if not len(one)] == [
        (one.tag, one.text) for one in sent.iter() if not len(one)
    ]


@pytest.fixture(scope="module")
def copier(tmp_path_factory: pytest.TempPathFactory) -> Format:
    folder = tmp_path_factory.mktemp("copier")
    (folder / "copy.xsl").write_text(COPY)
    (folder / "copy.toml").write_text(TOML.replace("urn:x:titles", "urn:oai-server:record"))
    return registry.load(["titles"], plugins.found(folder))["titles"]
