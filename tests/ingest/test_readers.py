"""The reader of a file is found by its name and content; what no reader takes is refused in plain words."""

import io
import zipfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from places import EXAMPLES

from oai_server.ingest import readers
from oai_server.ingest.files import Problem, sources
from oai_server.ingest.reader import Found, ReaderError, Rejected


@pytest.mark.parametrize(
    ("filename", "head", "name"),
    [
        ("a.jsonl", b'{"id":', "canonical"),
        ("a.ndjson", b"", "canonical"),
        ("a.json", b"[", "canonical"),
        ("a.YAML", b"id: x", "canonical"),
        ("a.csv", b"id,title", "table"),
        ("a.tsv", b"id\ttitle", "table"),
        ("a.txt", b"June 8, 1967", "document"),
        ("-", b'{"id": "x"', "canonical"),
        ("-", b"id,title\n1,2", "table"),
        ("-", b"Title\n\nDocument Information\n", "document"),
    ],
)
def test_choice_by_name_and_content(filename: str, head: bytes, name: str) -> None:
    assert readers.choose(None, filename, head) is readers.load(name)


def _zip(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("filename", "head", "message"),
    [
        ("a.pdf", b"%PDF-1.7\n", "a PDF document"),
        ("a.csv", b"%PDF-1.7\n", "a PDF document"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "a PNG image"),
        ("a.docx", _zip("word/document.xml"), "word-processor"),
        ("a.zip", _zip("a.csv"), "zip archive"),
        ("a.html", b"\n<!DOCTYPE html><html>", "an HTML page"),
        ("a.json", b"<html><body>404", "an HTML page"),
        ("a.csv", "\ufeffid;titel".encode("utf-16"), "UTF-16"),
        ("a.bin", bytes(range(256)), "binary data"),
        ("a.jsonl", bytes(range(256)), "binary data"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "save it as .xlsx"),
        ("a.md", b"# Title", "no reader recognises it"),
    ],
)
def test_a_file_of_a_wrong_kind_is_refused(filename: str, head: bytes, message: str) -> None:
    with pytest.raises(ReaderError, match=message) as caught:
        readers.choose(None, filename, head)
    assert filename in str(caught.value)
    assert ".csv" in str(caught.value).lower() or "csv" in str(caught.value).lower()
    assert "\n" not in str(caught.value)


def test_a_named_reader_is_obeyed_and_an_unknown_one_suggested() -> None:
    assert readers.choose("table", "data.dat", b"id;title") is readers.load("table")
    # A name does not make it readable: it would come in with its curly quotes and dashes lost.
    with pytest.raises(ReaderError, match="UTF-16 text; save it as UTF-8, which the reader table cannot read"):
        readers.choose("table", "data.csv", "id;title".encode("utf-16"))
    with pytest.raises(ReaderError, match="did you mean 'table'"):
        readers.load("tabel")


def test_a_job_reads_sources_and_turns_problems_into_rejections(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "b.csv").write_bytes(b"")
    (tmp_path / "c.yaml").write_bytes((EXAMPLES / "memorandum.yaml").read_bytes())
    job = readers.Job()
    found = [finding for source in sources([tmp_path, tmp_path / "none"]) for finding in job.read(source)]
    assert [type(each) for each in found] == [Rejected, Rejected, Found, Rejected]
    assert all(each.ends for each in found if isinstance(each, Rejected))
    assert list(job.read(Problem("x", "x: gone"))) == [Rejected("x: gone", ends=True)]


def test_a_packed_table_is_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = zstandard.ZstdCompressor().compress((EXAMPLES / "tate-sample.csv").read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(packed)))
    job = readers.Job(profile=EXAMPLES / "tate.toml")
    (source,) = sources(["-"])
    found = list(job.read(source))
    assert len(found) >= 240
    assert all(isinstance(each, Found) for each in found)


def test_a_profile_for_another_reader_is_refused() -> None:
    with pytest.raises(ReaderError, match="for the reader table"):
        readers.Job("canonical", EXAMPLES / "tate.toml")


@given(st.binary(max_size=300), st.sampled_from(["a", "-", "a.csv", "a.xlsx", "a.txt"]))
def test_any_head_is_chosen_or_refused(head: bytes, filename: str) -> None:
    try:
        assert issubclass(readers.choose(None, filename, head), readers.Reader)
    except ReaderError as error:
        assert filename in str(error)  # noqa: PT017
