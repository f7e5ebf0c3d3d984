"""Formats of an installation's own, from outside: what they add, and that what they do wrong stays theirs."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from servers import Installation

OAI = "oai:archive.example.org:"
RECORDS = "".join(
    json.dumps({"id": key, "titles": [{"value": f"Title of {key}"}], "resource_type": "text"}) + "\n"
    for key in ("good", "loop", "file", "net", "fat", "fine")
)

SHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns="urn:x:titles"
  xmlns:r="urn:oai-server:record" exclude-result-prefixes="r">
<xsl:template match="/r:record"><titles>
  <xsl:choose>
    <xsl:when test="r:id = 'loop'"><xsl:call-template name="twice"/></xsl:when>
    <xsl:when test="r:id = 'file'"><xsl:copy-of select="document('file:///etc/passwd')"/></xsl:when>
    <xsl:when test="r:id = 'net'"><xsl:copy-of select="document('http://127.0.0.1:{port}/')"/></xsl:when>
    <xsl:when test="r:id = 'fat'"><xsl:call-template name="double"/></xsl:when>
    <xsl:otherwise><title><xsl:value-of select="r:titles/r:value"/></title></xsl:otherwise>
  </xsl:choose>
</titles></xsl:template>
<xsl:template name="twice"><xsl:param name="n" select="90"/><xsl:if test="$n &gt; 0">
  <xsl:call-template name="twice"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template>
  <xsl:call-template name="twice"><xsl:with-param name="n" select="$n - 1"/></xsl:call-template>
</xsl:if></xsl:template>
<xsl:template name="double"><xsl:param name="s" select="'0123456789abcdef'"/>
  <xsl:call-template name="double"><xsl:with-param name="s" select="concat($s, $s)"/></xsl:call-template>
</xsl:template>
</xsl:stylesheet>"""

TOML = """prefix = "titles"
namespace = "urn:x:titles"
schema = "https://example.org/titles.xsd"
"""

PYTHON = """
import sys
from lxml import etree
from metadata_formats.registry import Format

class Titles(Format):
    prefix, namespace, schema = "titles", "urn:x:titles", "https://example.org/titles.xsd"

    def render(self, record, context):
        if record.id == "loop":
            sys.exit(0)
        root = etree.Element("{urn:x:titles}titles")
        for word in set(record.titles[0].value.split()) | {f"{record.id}{number}" for number in range(9)}:
            etree.SubElement(root, "{urn:x:titles}word").text = word
        return root
"""


@pytest.fixture
def installation(new_installation) -> Installation:
    """An initialised installation on SQLite with an empty folder of formats."""
    made = new_installation("sqlite")
    (made.folder / "formats").mkdir()
    return made


def write(installation: Installation, **files: str) -> None:
    for name, text in files.items():
        (installation.folder / "formats" / name.replace("_", ".")).write_text(text)


def configure(installation: Installation, text: str) -> None:
    (installation.folder / "config.toml").write_text(text)


def load(installation: Installation, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """Import the records; return what was printed, and why each record has no titles."""
    report = tmp_path / "report.jsonl"
    said = installation.run("import", "-", "--reader", "canonical", "--report", report, stdin=RECORDS)
    events = [json.loads(line) for line in report.read_text().splitlines()]
    return said.stdout, {event["id"]: event["value"] for event in events if event["outcome"] == "remark"}


def test_a_stylesheet_that_runs_wild_costs_its_records_that_format_and_nothing_else(
    installation: Installation, tmp_path: Path
):
    configure(installation, "[formats.titles]\nseconds = 1\nmegabytes = 256\n")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        write(installation, titles_xsl=SHEET.replace("{port}", str(listener.getsockname()[1])), titles_toml=TOML)
        said, reasons = load(installation, tmp_path)
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert "not given as titles, its format failed: 4\nnew 6 · changed 0" in said
    assert reasons.keys() == {"loop", "file", "net", "fat"}
    assert reasons["loop"] == "titles: it took longer than 1 s"
    assert re.fullmatch("titles: line [0-9]+: Local file read for file:///etc/passwd refused", reasons["file"])
    assert "Network file read for http://127.0.0.1" in reasons["net"]
    assert "256 MB of memory" in reasons["fat"]
    with installation.serve(workers=1) as server:
        assert len(server.processes()) == 2, "a master and a worker: serving runs no stylesheet"
        page = server.get(verb="ListRecords", metadataPrefix="titles").text
        assert re.findall("<title>(.*?)</title>", page) == ["Title of good", "Title of fine"]
        assert server.get(verb="ListRecords", metadataPrefix="oai_dc").text.count("<record>") == 6
        # Mended, it is another version: what failed and what did not is rendered again.
        mended = re.sub("<xsl:when test.*?</xsl:when>", '<xsl:when test="false()"/>', SHEET)
        write(installation, titles_xsl=mended)
        assert "to render 6" in installation.run("status").stdout
        assert installation.run("render").stdout == "changed 4 · unchanged 2 · rejected 0\n"
    assert "Title of loop" in installation.run("show", "loop", "--prefix", "titles").stdout


def test_a_class_that_exits_on_a_record_ends_nothing_and_the_kit_finds_its_faults(
    installation: Installation, tmp_path: Path
):
    configure(installation, "[formats.titles]\n")
    write(installation, titles_py=PYTHON)
    said, reasons = load(installation, tmp_path)
    assert "not given as titles, its format failed: 1\nnew 6" in said
    assert reasons == {"loop": "titles: SystemExit: 0"}
    tested = installation.run("formats", "test", "titles", check=False)
    assert tested.returncode == 1
    lines = [line for line in tested.stdout.splitlines() if line.startswith("FAILED")]
    assert lines[0] == f"FAILED       given: {OAI}loop: titles: SystemExit: 0"
    assert re.match("FAILED +the same again: .*in another process it is another", lines[1]), "sets have no order"
    assert len(lines) == 2
    assert "NOT CHECKED  valid: https://example.org/titles.xsd is not there: put it at" in tested.stdout
    write(installation, titles_py=PYTHON.replace("sys.exit(0)", "pass").replace("for word in", "for word in sorted(")
          .replace("range(9)}:", "range(9)}):"))  # fmt: skip
    tested = installation.run("formats", "test", "titles")
    assert tested.returncode == 0
    assert "tried on sample records, and on 6 of this repository\n" in tested.stdout
    lost = installation.run("formats", "loss", "titles", "--all").stdout.splitlines()
    assert lost[0] == "titles: 6 records tried (all), 0 more have no record in it"
    assert [line.split() for line in lost[2:]] == [["resource_type", "6", "6", "0", "text"]]


def test_what_cannot_be_used_stops_every_command_in_one_line(installation: Installation):
    configure(installation, "")
    for files, message in {
        ("titles_py", "x = (\n"): "formats/titles.py, line 1: SyntaxError: '(' was never closed",
        ("titles_xsl", "<a/>"): "formats/titles.xsl: titles.toml is missing, which says its prefix",
        ("oai_dc.toml", "prefix = 1"): "formats/oai.dc.toml: prefix: Expected `str`, got `int`",
    }.items():
        write(installation, **dict([files]))
        said = installation.run("status", check=False)
        assert (said.returncode, said.stderr.count("\n"), said.stdout) == (2, 1, "")
        assert said.stderr.startswith("oai-server: ")
        assert message in said.stderr
        for path in (installation.folder / "formats").iterdir():
            path.unlink()


def test_the_settings_choose_among_formats_of_one_prefix(installation: Installation):
    configure(installation, "[formats.titles]\n")
    write(installation, titles_py=PYTHON, titles_xsl=SHEET, titles_toml=TOML)
    said = installation.run("formats", check=False)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "2 formats claim the prefix titles: titles.py and titles.xsl; say in config.toml" in said.stderr
    configure(installation, '[formats.titles]\nplugin = "titles.xsl"\n')
    listed = {row.split()[0]: row.split() for row in installation.run("formats").stdout.splitlines()}
    assert listed["titles"][-1] == "yes"
    assert re.fullmatch("[0-9a-f]{12}", listed["titles"][-2]), "the version of a stylesheet"
    configure(installation, "[formats.titles]\nplugin = 1\n")
    assert "[formats.titles] plugin: it is the name of a file" in installation.run("formats", check=False).stderr
    said = installation.run("formats", "test", "titels", check=False, formats="oai_dc")
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
