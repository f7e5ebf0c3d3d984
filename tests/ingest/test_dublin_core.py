"""Files of simple Dublin Core come in through the command: one element, or many in anything around them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree
from servers import Installation

from oai_server.ingest import readers
from oai_server.ingest.oai_dc import OaiDcReader

OPEN = 'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
OAI = "oai:archive.example.org:"


def dc(*identifiers: str, namespaces: str = "", more: str = "") -> str:
    names = "".join(f"<dc:identifier>{each}</dc:identifier>" for each in identifiers)
    return f"<oai_dc:dc{namespaces}><dc:title>T</dc:title>{names}{more}</oai_dc:dc>"


MANY = f"<list {OPEN}>{dc('https://example.org/1', 'A 1')}{dc('https://example.org/2', 'A 2')}{dc('Z')}</list>"


def test_an_element_by_itself_is_known_by_its_address_or_by_the_name_of_its_file(
    instance: Installation, tmp_path: Path
) -> None:
    (tmp_path / "named.xml").write_text(dc("doi:10.5072/x", namespaces=f" {OPEN}"))
    (tmp_path / "unnamed.xml").write_text(dc("A 1", namespaces=f" {OPEN}"))
    assert instance.run("import", tmp_path).stdout.startswith("new 2 ")
    shown = instance.run("show", "https://doi.org/10.5072/x", "--prefix", "oai_dc").stdout
    assert "<dc:identifier>https://doi.org/10.5072/x</dc:identifier>" in shown
    assert instance.run("show", "unnamed", "--prefix", "oai_dc").stdout.count("dc:identifier>A 1<") == 1


def test_many_are_known_by_the_pattern_of_the_profile_and_their_addresses_stay(
    instance: Installation, tmp_path: Path
) -> None:
    profile, report = tmp_path / "p.toml", tmp_path / "report.jsonl"
    profile.write_text('reader = "oai_dc"\nid = "A (.*)"\n')
    (tmp_path / "many.xml").write_text(MANY)
    said = instance.run("import", tmp_path / "many.xml", "--profile", profile, "--report", report, check=False)
    assert (said.returncode, said.stdout.split(" · ")[0]) == (1, "new 2")
    (rejected,) = [line for line in map(json.loads, report.read_text().splitlines()) if line["outcome"] == "rejected"]
    assert (rejected["where"], rejected["message"]) == ("record 3", "no identifier that matches 'A (.*)'")
    shown = etree.fromstring(instance.run("show", f"{OAI}1", "--prefix", "oai_dc").stdout)
    assert shown.xpath("//*[local-name()='identifier']/text()") == ["https://example.org/1", "A 1", "1"]


@pytest.mark.parametrize("content", [MANY, dc("1", namespaces=f" {OPEN}")])
def test_it_is_recognised_by_its_content(content: str) -> None:
    assert readers.choose(None, "a.xml", content.encode()) is OaiDcReader
