"""Museums' exports come in by the command, and what goes out as LIDO comes in as the same."""

import io
from collections.abc import Callable
from pathlib import Path

import places
import pytest
from lxml import etree
from servers import Installation
from validation import assert_valid

from metadata_formats import record, registry
from metadata_formats.lido import Lido
from oai_server.ingest import files
from oai_server.ingest.lido import LidoReader
from oai_server.ingest.reader import Found, Rejected
from oai_server.ingest.readers import Job, choose

MUSEUM = Path(__file__).parent.parent / "metadata_formats" / "lido_museum.xml"
BOWL = "oai:archive.example.org:DE-MUS-999999:4711"
PROFILE = """
reader = "lido"
ignore = ["administrativeMetadata"]
[defaults]
resource_type = "three dimensional object"
"""


def test_an_export_is_imported_shown_and_imported_elsewhere_to_the_same(
    new_installation: Callable[..., Installation], tmp_path: Path
) -> None:
    profile, report = tmp_path / "museum.toml", tmp_path / "report.jsonl"
    profile.write_text(PROFILE)
    installation = new_installation("sqlite")
    options = ("--source", "museum", "--profile", profile, "--report", report)
    said = installation.run("import", *options, MUSEUM, formats="oai_dc,lido").stdout
    assert "new 2 · changed 0 · unchanged 0 · deleted 0 · rejected 0" in said
    assert "unchanged 2" in installation.run("import", *options, MUSEUM, formats="oai_dc,lido").stdout
    remarks = report.read_text(encoding="utf-8")
    assert '"tea bowls"' in remarks
    assert "resourceID" not in remarks  # the profile does not want to hear of it

    shown = installation.run("show", BOWL, "--prefix", "lido", formats="oai_dc,lido").stdout
    assert_valid(shown[shown.index("<lido:lido") :].encode())
    again = tmp_path / "again.xml"
    again.write_text(shown[shown.index("<lido:lido") :], encoding="utf-8")
    other = new_installation("sqlite")
    said = other.run("import", "--source", "museum", again, formats="oai_dc,lido").stdout
    assert "new 1 · changed 0 · unchanged 0 · deleted 0 · rejected 0" in said
    assert other.run("show", BOWL, "--prefix", "lido", formats="oai_dc,lido").stdout == shown


def read(data: bytes) -> list[Found | Rejected]:
    return list(LidoReader().read(files.plain(io.BytesIO(data)), "export.xml"))


def test_files_of_lido_are_recognised_and_cut_into_objects() -> None:
    data = MUSEUM.read_bytes()
    assert choose(None, "export.xml", data[:4096]) is LidoReader
    assert choose(None, "export", data[:4096].replace(b"lido:lidoWrap", b"lido:other")) is LidoReader
    assert [each.key for each in read(data)] == ["DE-MUS-999999:4711", "DE-MUS-999999:4712"]


def test_a_broken_object_costs_itself_alone() -> None:
    data = MUSEUM.read_bytes()
    broken, whole = read(data.replace(b"Teeschale mit Segelschiff</lido:appellationValue>", b"Teeschale"))
    assert isinstance(broken, Rejected)
    assert isinstance(whole, Found)
    (untitled, _) = read(data.replace(b"lido:titleWrap>", b"lido:otherWrap>", 4))
    assert isinstance(untitled, Rejected)
    assert (untitled.key, untitled.where) == ("DE-MUS-999999:4711", "record 1")
    assert "main title" in untitled.message


def test_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + MUSEUM.read_bytes().partition(b"?>")[2]
    found = read(bomb.replace(b"<lido:term>Anker", b"<lido:term>&b;"))
    assert not any(b"aaaa" in each.record.to_json() for each in found if isinstance(each, Found))
    assert any(isinstance(each, Rejected) for each in found)


@pytest.fixture(scope="module")
def works() -> list[record.Record]:
    job = Job(profile=places.EXAMPLES / "tate.toml")
    found = [each for source in files.sources([places.EXAMPLES / "tate-sample.csv"]) for each in job.read(source)]
    return [each.record for each in found if isinstance(each, Found)]


def test_every_work_of_a_museum_is_there_valid_and_comes_back(works: list[record.Record]) -> None:
    format_, context = Lido(), registry.Context()
    assert len(works) > 200
    for work in works:
        document = registry.rendition(format_, work, context)
        assert document is not None
        assert_valid(document)
        values, left = format_.read(etree.fromstring(document))
        assert left == []
        assert registry.rendition(format_, record.from_builtins(values), context) == document
