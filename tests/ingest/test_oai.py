"""Saved answers of OAI-PMH servers as files, and times as servers write them."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hostile import STAMP, envelope, error, gone, header, marc, page, record

from oai_server.ingest import readers
from oai_server.ingest.oai import OaiReader, datestamp, earlier, moment
from oai_server.ingest.reader import Finding, Found, ReaderError, Rejected

OAI = "oai:far.example.org:"


def read(text: str | bytes, **profile: object) -> list[Finding]:
    data = text.encode() if isinstance(text, str) else text
    assert readers.choose(None, "saved.xml", data[:65536]) is OaiReader
    return list(OaiReader(profile=profile).read(io.BytesIO(data), "saved.xml"))


def test_a_saved_answer_holds_records_known_by_their_headers():
    found, deleted, broken = read(
        envelope(page("ListRecords", [record("a", marc("001a"), sets="x:y"), gone("b"), record("c", "<x/>")], "t"))
    )
    assert isinstance(found, Found)
    assert (found.key, found.record.id, found.record.sets, found.where) == (f"{OAI}a", "001a", ["x:y"], "record 1")
    [hop] = found.record.record.provenance
    assert (hop.base_url, hop.identifier, hop.datestamp) == ("http://far.example.org/oai", f"{OAI}a", STAMP)
    assert hop.harvest_date == "2024-06-01T00:00:00Z"
    assert isinstance(deleted, Found)
    assert deleted.record.deleted
    assert isinstance(broken, Rejected)
    assert broken.key == f"{OAI}c"
    assert "cannot be read; what can be read: " in broken.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (envelope(error("idDoesNotExist", "gone")), "the answer is an error: idDoesNotExist: gone"),
        (envelope("<Identify/>"), "there is no record in the answer to Identify"),
        (envelope(page("ListIdentifiers", [header("a")])), "it has no metadata"),
        (envelope(page("GetRecord", [record("a")]))[:-30], "cut off"),
        ("<OAI-PMH>" + "<a>" * 100_000, "the file is cut off"),
        ("<OAI-PMH><!DOCTYPE x>", "the file is cut off"),
    ],
)
def test_what_gives_no_record_is_said(text: str, message: str):
    findings = read(text)
    assert [finding for finding in findings if isinstance(finding, Rejected) and message in finding.message]


def test_a_profile_adds_defaults_and_nothing_else():
    [found] = read(envelope(page("GetRecord", [record("a")])), defaults={"provider": {"data_provider": "Far"}})
    assert found.record.provider.data_provider == "Far"
    with pytest.raises(ReaderError):
        OaiReader(profile={"columns": 1})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
        ("2024-05-06", "2024-05-06"),
        ("2024-05-06T07:08:09", "2024-05-06T07:08:09Z"),
        ("2024-05-06 07:08:09.123", "2024-05-06T07:08:09Z"),
        ("2024-05-06T01:08:09+02:00", "2024-05-05T23:08:09Z"),
        ("2024-05-06T07:08Z", "2024-05-06T07:08:00Z"),
        ("2024-02-30", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_as_servers_write_them(text: str, said: str | None):
    assert datestamp(text) == said


def test_a_harvest_goes_on_a_granule_earlier():
    assert earlier("2024-03-01T00:00:00Z", by_day=False) == "2024-02-29T23:59:59Z"
    assert earlier("2024-03-01T00:00:00Z", by_day=True) == "2024-02-29"
    assert moment("2024-03-01T00:00:00Z") == datetime(2024, 3, 1, tzinfo=UTC)
