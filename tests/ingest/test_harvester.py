"""Harvesting servers that do what real ones do wrong: each costs what it must, and no more."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import places
import pytest
from click.testing import CliRunner
from hostile import MARC, Answer, Far, envelope, error, gone, marc, page, record, serving
from servers import Installation

from oai_server.cli import main
from oai_server.ingest import harvester, oai_client
from oai_server.ingest.harvester import Limits
from oai_server.ingest.oai_client import Patience

OAI = "oai:far.example.org:"
SETTINGS = {"formats": "oai_dc,marc21", "admin_emails": "ana@archive.example.org"}


@pytest.fixture(scope="module")
def blank(new_installation) -> Installation:
    """An installation that stays empty."""
    return new_installation("sqlite", **SETTINGS)


class Desk:
    """An installation that harvests a far repository, in this process and without waiting."""

    def __init__(self, installation: Installation, far: Far, url: str, folder: Path) -> None:
        self.installation, self.far, self.url = installation, far, url
        self.report = folder / "report.jsonl"
        self.waits: list[float] = []

    def call(self, *arguments: object, **settings: object) -> Any:
        words = [*map(str, arguments), "--instance", str(self.installation.folder)]
        done = CliRunner(env=self.installation.environment(**settings)).invoke(main, words)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    def harvest(self, *arguments: object, status: int = 0, source: str = "far", **settings: object) -> str:
        """Harvest; returns the line of counts, or the line on standard error where there is none."""
        self.far.asked.clear()
        done = self.call("harvest", self.url, "--source", source, "--report", self.report, *arguments, **settings)
        assert done.exit_code == status, done.output
        self.stderr = done.stderr
        told = [line for line in done.stderr.splitlines() if line.startswith("oai-server: ")]
        assert sum(not line.startswith("oai-server: warning: ") for line in told) <= 1
        return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr

    def events(self, outcome: str) -> list[str]:
        found = [
            event for event in map(json.loads, self.report.read_text().splitlines()) if event["outcome"] == outcome
        ]
        return sorted((event["id"] or "").removeprefix(OAI) for event in found)

    def live(self) -> set[str]:
        """Return the keys of the items that live."""
        return {key.removeprefix(OAI) for key, deleted in self.items() if not deleted}

    def items(self) -> list[tuple[str, bool]]:
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(self.installation.folder / "repository.sqlite")) as database:
            return [(key, bool(gone)) for key, gone in database.execute("SELECT source_key, deleted FROM item")]

    def asked(self, verb: str) -> list[dict[str, str]]:
        return [{k: v for k, v in one.items() if k != "verb"} for one in self.far.asked if one["verb"] == verb]


@pytest.fixture
def desk(blank: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    shutil.copytree(blank.folder, tmp_path / "instance")
    far = Far()
    monkeypatch.setattr(oai_client, "PATIENCE", Patience(largest=1 << 20, silent=5, answer=5))
    monkeypatch.setattr(harvester, "LIMITS", Limits(pages=40, barren=5))
    with serving(far) as url:
        made = Desk(Installation(tmp_path / "instance", dict(blank.settings)), far, url, tmp_path)
        monkeypatch.setattr(oai_client.time, "sleep", made.waits.append)
        yield made


def once(verb: str, *said: Any, token: str | None = None) -> Callable[[dict[str, str]], Any]:
    """Answer the first requests of a verb (with a token, if named) so, all others as usual."""
    left = list(said)

    def answer(arguments: dict[str, str]) -> Any:
        if arguments["verb"] == verb and left and (token is None or arguments.get("resumptionToken") == token):
            return left.pop(0)
        return None

    return answer


def always(verb: str, said: Callable[[dict[str, str]], Any]) -> Callable[[dict[str, str]], Any]:
    return lambda arguments: said(arguments) if arguments["verb"] == verb else None


ALL = "new 4 · changed 0 · unchanged 1 · deleted 0 · rejected 0"
NOTHING = "new 0 · changed 0 · unchanged 0 · deleted 0 · rejected 0"


def test_all_then_what_is_new(desk: Desk):
    assert desk.harvest() == ALL
    assert desk.live() == {"a", "b", "c", "e"}
    assert [one.get("metadataPrefix") for one in desk.asked("ListRecords")] == ["marcxml", None, None]
    assert "from" not in desk.asked("ListRecords")[0]
    agent = desk.far.headers[-1]
    assert agent["User-Agent"].startswith("oai-server/")
    assert "ana@archive.example.org" in agent["User-Agent"]
    desk.far.pages = [[record("b", marc("b", "New")), gone("a"), record("f")]]
    desk.far.date = "2024-06-02T00:00:00Z"
    assert desk.harvest() == "new 1 · changed 1 · unchanged 0 · deleted 1 · rejected 0"
    assert desk.asked("ListRecords") == [{"metadataPrefix": "marcxml", "from": "2024-05-31T23:59:59Z"}]
    assert not desk.asked("ListMetadataFormats")
    desk.far.pages = [[]]
    assert desk.harvest() == NOTHING
    assert desk.asked("ListRecords") == [{"metadataPrefix": "marcxml", "from": "2024-06-01T23:59:59Z"}]
    assert desk.live() == {"b", "c", "e", "f"}


def test_a_dry_run_writes_nothing(desk: Desk):
    assert desk.harvest("--dry-run") == f"would be: {ALL}"
    assert desk.items() == []
    assert desk.harvest() == ALL


def test_day_granularity_goes_back_by_a_day(desk: Desk):
    desk.far.identify["granularity"] = "YYYY-MM-DD"
    desk.harvest()
    desk.harvest()
    assert desk.asked("ListRecords")[0]["from"] == "2024-05-31"


@pytest.mark.parametrize("stamp", ["2024-05-06", "2024-05-06T07:08:09", "", "6 May 2024"])
def test_datestamps_that_are_not_to_the_second_are_trusted_to_the_day(desk: Desk, stamp: str):
    desk.far.pages[1] = [record("c", stamp=stamp)]
    assert desk.harvest() == "new 4 · changed 0 · unchanged 0 · deleted 0 · rejected 0"
    desk.harvest()
    assert desk.asked("ListRecords")[0]["from"] == "2024-05-31"
    desk.call("show", f"{OAI}c")


@pytest.mark.parametrize(("promised", "taken"), [("YYYY-MM-DDThh:mm:ssZ", 10), ("YYYY-MM-DD", 20)])
def test_a_granularity_that_the_server_refuses_is_not_insisted_on(desk: Desk, promised: str, taken: int):
    desk.far.identify["granularity"] = promised
    desk.harvest()
    desk.far.answer = always(
        "ListRecords", lambda one: error("badArgument") if "from" in one and len(one["from"]) != taken else None
    )
    assert desk.harvest().startswith("new 0 · changed 0 · unchanged 5")
    assert [len(one["from"]) for one in desk.asked("ListRecords")[:2]] == [30 - taken, taken]


def test_a_server_that_tells_no_time_is_taken_whole_each_time(desk: Desk):
    desk.far.date = "yesterday"
    assert desk.harvest() == ALL
    assert "no responseDate: 1" in desk.call("harvest", desk.url, "--source", "far").stdout
    assert all("from" not in one for one in desk.asked("ListRecords"))


RETRIED = {
    "busy": (Answer(status=503, headers={"Retry-After": "7"}), 7),
    "busy without a time": (Answer(status=503), 1),
    "busy until": (Answer(status=429, headers={"Retry-After": "Sat, 01 Jun 2024 00:00:09 GMT",
                                               "Date": "Sat, 01 Jun 2024 00:00:00 GMT"}), 9),
    "busy for ever": (Answer(status=503, headers={"Retry-After": "99999999"}), 600),
    "broken": (Answer(b"<html>Internal error</html>", 500), 1),
    "an error page": (Answer(b"<html><title>Oops</title></html>", headers={"Content-Type": "text/html"}), 1),
    "cut off": (Answer(envelope(page("ListRecords", [record("c"), record("d")]))[:-40]), 1),
    "cut off in HTTP": (Answer(b"<OAI-PMH>", headers={"Content-Length": "999"}), 1),
    "empty": (Answer(b""), 1),
}  # fmt: skip


@pytest.mark.parametrize("kind", RETRIED)
def test_what_may_pass_is_asked_again(desk: Desk, kind: str):
    answer, wait = RETRIED[kind]
    desk.far.answer = once("ListRecords", answer, answer, token="1")
    assert desk.harvest() == ALL
    assert desk.waits == [wait, wait if "Retry-After" in answer.headers else 2 * wait]
    assert desk.live() == {"a", "b", "c", "e"}


@pytest.mark.parametrize("kind", ["busy", "cut off", "an error page"])
def test_what_does_not_pass_ends_in_one_line_and_is_gone_on_with_later(desk: Desk, kind: str):
    desk.far.answer = always("ListRecords", lambda one: RETRIED[kind][0] if one.get("resumptionToken") == "1" else None)
    assert desk.harvest(status=2).startswith("new 2 ·")
    assert desk.url in desk.stderr
    assert ", 6 times" in desk.stderr
    assert desk.live() == {"a", "b"}
    desk.far.answer = lambda _: None
    assert desk.harvest() == "new 2 · changed 0 · unchanged 1 · deleted 0 · rejected 0"
    assert desk.asked("ListRecords")[0] == {"resumptionToken": "1"}
    desk.harvest()
    assert desk.asked("ListRecords")[0]["from"] == "2024-05-31T23:59:59Z"


def test_a_server_that_is_away_is_named(desk: Desk):
    desk.url = "http://127.0.0.1:9/oai"
    assert "Connection refused, 6 times" in desk.harvest(status=2)
    assert sum(desk.waits) == 31
    *waits, end = desk.stderr.splitlines()
    assert [re.fullmatch(r".*warning: (.*?): .*Connection refused; it is asked again in (\d+) s", line).groups()
            for line in waits] == [(desk.url, str(wait)) for wait in (1, 2, 4, 8, 16)]  # fmt: skip
    assert "warning" not in end


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer(b"<!DOCTYPE html><html><head><title>Welcome</title></head></html>"), "an HTML page (Welcome)"),
        (Answer(b"nothing here", 404), "HTTP 404; is this the base URL of an OAI-PMH server?"),
        (Answer(envelope(error("badVerb"))), "the server refuses Identify: badVerb (so it is)"),
        (Answer(b'<!DOCTYPE OAI-PMH [<!ENTITY a "b">]>' + envelope("<Identify/>").partition("?>")[2].encode()), "DTD"),
        (Answer(envelope("<ListSets/>")), "the server answers ListSets to Identify"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "no address of the web"),
    ],
)
def test_what_is_no_repository_is_said_at_once(desk: Desk, answer: Answer, text: str):
    desk.far.answer = always("Identify", lambda _: answer)
    assert text in desk.harvest(status=2)
    assert desk.waits == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://far.example.org/oai",
        "http://ana:secret@far.example.org/oai",
        "far.example.org/oai",
        "http://[::1/oai",
        "file:///x",
    ],
)
def test_only_the_web_is_harvested(desk: Desk, url: str):
    desk.url = url
    assert "oai-server: " in desk.harvest(status=2)


def test_the_address_may_come_from_a_browser(desk: Desk):
    desk.url += "?verb=ListRecords&metadataPrefix=oai_dc"
    assert desk.harvest() == ALL


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_redirects_are_followed(desk: Desk, code: int):
    far = Far()
    far.pages = [[record("moved")]]
    with serving(far) as there:
        desk.far.answer = lambda one: Answer(status=code, headers={"Location": f"{there}?verb={one['verb']}"})
        assert desk.harvest() == "new 1 · changed 0 · unchanged 0 · deleted 0 · rejected 0"
    assert len(desk.far.asked) == 1  # the new address is known from then on


def test_redirects_in_a_circle_end(desk: Desk):
    desk.far.answer = lambda _: Answer(status=302, headers={"Location": desk.url})
    assert "redirected more than 5 times" in desk.harvest(status=2)


def test_gzip_is_taken(desk: Desk):
    desk.far.answer = lambda one: Answer(envelope(desk.far.usual(one)), headers={"Content-Encoding": "gzip"})
    assert desk.harvest() == ALL
    assert desk.far.headers[-1]["Accept-Encoding"] == "gzip"


def streams(piece: bytes) -> Iterator[bytes]:
    yield b"<OAI-PMH>"
    while True:
        yield piece


@pytest.mark.parametrize("kind", ["stream", "gzip bomb"])
def test_an_answer_without_end_is_cut_off(desk: Desk, kind: str):
    huge = {
        "stream": Answer(streams(b"x" * 65536)),
        "gzip bomb": Answer(b" " * (1 << 25), headers={"Content-Encoding": "gzip"}),
    }
    desk.far.answer = once("ListRecords", huge[kind], token="1")
    assert desk.harvest(status=2).startswith("new 2 ·")
    assert "an answer of more than 1 MiB" in desk.stderr


def test_a_server_that_drips_is_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(oai_client, "PATIENCE", Patience(answer=0.3, tries=1))

    def drips() -> Iterator[bytes]:
        for _ in range(100):
            threading.Event().wait(0.05)
            yield b" "

    desk.far.answer = once("ListRecords", Answer(drips()))
    assert "takes longer than 0.3 s" in desk.harvest(status=2)


ENDLESS = {
    "the same token": (lambda n: page("ListRecords", [record(f"k{n}")], "same"), "same resumption token twice"),
    "tokens in a circle": (
        lambda n: page("ListRecords", [record(f"k{n}")], f"t{n % 3}"),
        "same resumption token twice",
    ),
    "new tokens, old records": (lambda n: page("ListRecords", [record("k")], f"t{n}"), "5 pages in a row without"),
    "new tokens, nothing": (lambda n: page("ListRecords", [], f"t{n}"), "5 pages in a row without"),
    "new tokens, new records": (lambda n: page("ListRecords", [record(f"k{n}")], f"t{n}"), "after 40 pages"),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_list_without_end_is_left(desk: Desk, kind: str):
    pages, text = ENDLESS[kind]
    numbers = iter(range(1000))
    desk.far.answer = always("ListRecords", lambda _: pages(next(numbers)))
    desk.harvest(status=2)
    assert text in desk.stderr
    assert desk.live() or "nothing" in kind
    desk.far.answer = lambda _: None  # the next run begins anew
    assert desk.harvest("--force").startswith("new 4 ·")


def test_empty_pages_with_tokens_are_passed_over(desk: Desk):
    desk.far.pages = [[], [record("a")], [], [], [record("b")], []]
    desk.far.answer = lambda one: page("ListRecords", []) if one.get("resumptionToken") == "5" else None
    assert desk.harvest() == "new 2 · changed 0 · unchanged 0 · deleted 0 · rejected 0"


def test_a_token_that_is_refused_once_begins_the_list_again(desk: Desk):
    desk.far.answer = once("ListRecords", error("badResumptionToken", "expired"), token="2")
    assert desk.harvest() == "new 4 · changed 0 · unchanged 5 · deleted 0 · rejected 0"
    assert desk.live() == {"a", "b", "c", "e"}


def test_a_token_that_is_refused_twice_ends_the_run(desk: Desk):
    desk.far.answer = always(
        "ListRecords", lambda one: error("badResumptionToken", "expired") if one.get("resumptionToken") == "2" else None
    )
    assert desk.harvest(status=2).startswith("new 3 ·")
    assert "refused its own resumption token, twice (expired)" in desk.stderr
    desk.far.answer = lambda _: None
    assert desk.harvest() == "new 1 · changed 0 · unchanged 4 · deleted 0 · rejected 0"


DAMAGED = {
    "control characters": (marc("x", "A\x0b\x00B"), "new 3", 0),
    "references to controls": (marc("x", "A&#x1F;&#0;B"), "new 3", 0),
    "bare ampersands": (marc("x", "Arts & Crafts &c; A&B"), "new 3", 0),
    "entities of HTML": (marc("x", "M&uuml;nchen&nbsp;"), "new 3", 0),
    "a tag that is not closed": (marc("x", "<b>x"), "new 2", 1),
    "another namespace": ('<dc xmlns="http://example.org/">x</dc>', "new 2", 1),
    "no title": (marc("x", ""), "new 2", 1),
    "no metadata": (" ", "new 2", 1),
    "two roots": (marc("x") + marc("y"), "new 2", 1),
    "an undeclared prefix": (
        marc("x").replace("<leader>", "<q:leader>").replace("</leader>", "</q:leader>"),
        "new 2",
        1,
    ),
    "a depth of thousands": ("<a>" * 5000 + "</a>" * 5000, "new 2", 1),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_broken_record_costs_itself_alone(desk: Desk, kind: str):
    metadata, said, rejected = DAMAGED[kind]
    desk.far.pages = [[record("a"), record("x", metadata)], [record("e")]]
    assert desk.harvest(status=min(rejected, 1)).startswith(said)
    assert desk.events("rejected") == ["x"] * rejected
    assert desk.live() == {"a", "e"} | ({"x"} if not rejected else set())


ENVELOPES: dict[str, Callable[[str], str | bytes]] = {
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "space before": lambda text: "\n\n  " + text,
    "warnings around": lambda text: "<br />\n<b>Warning</b>: x in y.php\n" + text + "\n<!-- 0.2 s -->\n<br />Notice: z",
    "a prefix": lambda text: text.replace("<", "<oai:").replace("<oai:/", "</oai:").replace("<oai:?", "<?").replace(
        "xmlns=", "xmlns:oai=", 1),
    "no namespace": lambda text: text.replace(' xmlns="http://www.openarchives.org/OAI/2.0/"', ""),
    "http for https": lambda text: text.replace("http://www.openarchives.org/OAI/2.0/", "https://www.openarchives.org/OAI/2.0"),
    "latin-1, undeclared": lambda text: text.encode("latin-1"),
    "UTF-8, declared latin-1": lambda text: text.replace('"UTF-8"', '"ISO-8859-1"'),
    "latin-1, declared": lambda text: text.replace('"UTF-8"', '"ISO-8859-1"').encode("latin-1"),
    "UTF-16": lambda text: text.replace('"UTF-8"', '"UTF-16"').encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ENVELOPES)
def test_an_odd_envelope_is_read(desk: Desk, kind: str):
    title = "Mär" if "latin-1, " in kind else "Žluťoučký"
    desk.far.pages[1][0] = record("c", marc("c", title))
    desk.far.answer = lambda one: Answer(
        ENVELOPES[kind](envelope(desk.far.usual(one))), headers={"Content-Type": "text/xml"}
    )
    if kind == "a prefix":
        desk.far.pages = [
            [one.replace(f'xmlns="{MARC}"', f'xmlns:oai="{MARC}"') for one in items] for items in desk.far.pages
        ]
    assert desk.harvest() == ALL
    assert title in desk.call("show", f"{OAI}c", "--prefix", "marc21").stdout


def test_what_needs_declarations_from_outside_gets_them(desk: Desk):
    bare = marc("a").replace(f' xmlns="{MARC}"', "").replace("<", "<m:").replace("<m:/", "</m:")
    desk.far.answer = lambda one: envelope(desk.far.usual(one)).replace("<OAI-PMH", f'<OAI-PMH xmlns:m="{MARC}"')
    desk.far.pages = [[record("a", bare)]]
    desk.harvest()
    shown = desk.call("show", f"{OAI}a", "--prefix", "marc21").stdout
    assert shown.startswith(f'<m:record xmlns:m="{MARC}"')


def test_the_richest_format_is_known_by_its_namespace(desk: Desk):
    desk.far.formats = {
        "oai_dc": "http://www.openarchives.org/OAI/2.0/oai_dc/",
        "x": f"{MARC}/",
        "mods": "http://example.org/not",
    }
    assert desk.harvest() == ALL
    assert desk.asked("ListRecords")[0]["metadataPrefix"] == "x"


def test_a_prefix_that_is_not_offered_is_told_in_the_servers_words(desk: Desk):
    desk.far.answer = always("ListRecords", lambda _: error("cannotDisseminateFormat", "no such format"))
    assert "refuses ListRecords: cannotDisseminateFormat (no such format)" in desk.harvest("--prefix", "nope", status=2)


def test_a_format_that_cannot_be_read_is_refused_before_anything_is_fetched(desk: Desk):
    desk.far.formats = {"edm": "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "marcxml": MARC}
    assert "edm cannot be read here; of what it offers can be read: marcxml\n" in desk.harvest(
        "--prefix", "edm", status=2
    )
    assert not desk.asked("ListRecords")
    assert desk.harvest("--prefix", "marcxml") == ALL


def test_errors_may_come_with_a_status_of_http(desk: Desk):
    desk.harvest()
    desk.far.answer = always("ListRecords", lambda _: Answer(envelope(error("noRecordsMatch")), 404))
    assert desk.harvest() == NOTHING


def test_sets_stand_below_the_source(desk: Desk):
    desk.far.pages = [[record("a", sets="maps maps:city"), record("b")]]
    desk.harvest()
    listed = desk.call("sets").stdout
    for row in ("far ", "far:maps ", "far:maps:city "):
        assert f"\n{row}" in listed
    assert "Maps & plans" in listed
    assert "Far away" in listed
    assert len(desk.asked("ListSets")) == 1
    (desk.installation.folder / "config.toml").write_text('[sets."far:maps"]\nname = "Sheets"\ntombstones = true\n')
    desk.harvest("--full")
    assert "Sheets" in desk.call("sets").stdout


def test_a_set_that_is_not_there_is_refused_and_the_nearest_one_named(desk: Desk):
    desk.far.answer = always("ListRecords", lambda one: error("noRecordsMatch") if one.get("set", "x") != "x" else None)
    [line] = desk.harvest("--set", "mops", status=2).splitlines()
    assert line.endswith("/oai: there is no set mops, did you mean 'maps'? (its sets: maps)")
    desk.harvest("--set", "maps", source="empty")  # listed, and nothing in it
    desk.harvest("--set", "x", source="unlisted")  # not listed, and something in it
    assert len(desk.live()) == 4


@pytest.mark.parametrize("said", [error("noSetHierarchy"), error("badVerb"), page("ListSets", [])])
def test_a_server_that_lists_no_sets_may_have_some(desk: Desk, said: str):
    none = error("noRecordsMatch")
    desk.far.answer = lambda one: {"ListRecords": none, "ListSets": said}.get(one["verb"])
    assert desk.harvest("--set", "maps") == NOTHING


def test_identifiers_are_the_sources_or_our_own(desk: Desk):
    settings = desk.installation.folder / "config.toml"
    settings.write_text('[sources.far]\nidentifiers = "own"\nid_prefix = "far/"\n')
    desk.harvest()
    assert desk.call("show", f"oai:archive.example.org:far/{OAI}a").exit_code == 0
    settings.write_text("")
    assert desk.harvest(source="other") == ALL  # nobody else has these
    claimed = desk.harvest(source="third", status=1)
    assert claimed == "new 0 · changed 0 · unchanged 1 · deleted 0 · rejected 4"
    assert f'{OAI}a belongs to another source; give this one identifiers = "own" in [sources.third]' in desk.stderr


def test_identifiers_that_are_no_uri_become_some(desk: Desk):
    desk.far.pages = [[record("a").replace(OAI, "no 7 "), record("b").replace(OAI + "b", " 12 ")]]
    desk.harvest()
    assert desk.call("show", "oai:archive.example.org:no%207%20a").exit_code == 0
    assert desk.call("show", "oai:archive.example.org:12").exit_code == 0


def test_a_source_is_a_copy_of_one_list(desk: Desk):
    desk.harvest()
    assert f"the source far is a copy of {desk.url} in marcxml" in desk.harvest("--prefix", "oai_dc", status=2)
    desk.url = desk.url.replace("/oai", "/moved")
    assert "name another --source, or begin anew with --full" in desk.harvest(status=2)
    assert desk.harvest("--full").startswith("new 0 · changed 4")  # its provenance says where it is now
    assert desk.harvest().startswith("new 0 · changed 0 ·")


def test_full_withdraws_what_is_no_longer_listed(desk: Desk):
    desk.harvest()
    desk.far.pages = [[record("a"), record("b")], [record("c")]]
    refused = desk.harvest("--full", status=2)
    assert refused == "new 0 · changed 0 · unchanged 3 · deleted 0 · rejected 0"
    assert (
        "nothing was withdrawn: it would delete 1 of 4 items of the source far, more than --max-deletes allows (0)"
        in desk.stderr
    )
    assert desk.harvest("--full", "--max-deletes", "1") == "new 0 · changed 0 · unchanged 3 · deleted 1 · rejected 0"
    assert desk.live() == {"a", "b", "c"}
    desk.far.pages = [[]]
    desk.harvest("--full", status=2, source="far")
    assert "the server lists no record; it would delete 3 of 3" in desk.stderr
    assert desk.harvest("--full", "--force") == "new 0 · changed 0 · unchanged 0 · deleted 3 · rejected 0"


def test_a_broken_record_is_not_taken_for_a_deleted_one(desk: Desk):
    desk.harvest()
    desk.far.pages = [[record("a"), record("b", marc("b", "<i>"))], [record("c"), record("e")]]
    assert desk.harvest("--full", status=1) == "new 0 · changed 0 · unchanged 3 · deleted 0 · rejected 1"
    desk.far.pages[1][1] = "<record><header><datestamp>2024-01-01</datestamp></header></record>"
    desk.harvest("--full", "--max-deletes", "100%", status=2)
    assert "a rejected record without an identifier may be one of them" in desk.stderr
    assert desk.live() == {"a", "b", "c", "e"}


@pytest.mark.parametrize(("promise", "sweeps"), [("no", 1), ("transient", 0), ("persistent", 0)])
def test_deletions_are_looked_for_where_the_server_does_not_keep_them(desk: Desk, promise: str, sweeps: int):
    desk.far.identify["deletedRecord"] = promise
    desk.harvest()
    assert not desk.asked("ListIdentifiers")  # all of it has just come in
    desk.far.listed = ["a", "b", "e"]
    desk.far.pages = [[]]
    said = desk.harvest("--max-deletes", "1")
    assert len(desk.asked("ListIdentifiers")) == sweeps
    assert f"deleted {sweeps} ·" in said
    said = desk.harvest("--max-deletes", "1", "--no-sweep" if sweeps else "--sweep")
    assert len(desk.asked("ListIdentifiers")) == 1 - sweeps
    assert desk.live() == {"a", "b", "e"}
    desk.far.date = "2024-07-09T00:00:00Z"
    desk.harvest()
    assert len(desk.asked("ListIdentifiers")) == (promise != "persistent")
    desk.far.date = "2024-07-10T00:00:00Z"
    (desk.installation.folder / "config.toml").write_text("[sources.far]\nsweep = false\n")
    desk.harvest()
    assert not desk.asked("ListIdentifiers")


def test_status_says_how_far_each_list_has_come(desk: Desk):
    def told() -> list[list[str]]:
        rows = desk.call("status").stdout.splitlines()
        return [row.split(maxsplit=3)[1:] for row in rows if row.startswith("harvest ")]

    assert told() == []
    desk.harvest()
    desk.far.date = "2024-06-05T00:00:00Z"
    desk.far.answer = once("ListRecords", Answer(status=404), token="2")
    desk.harvest("--set", "maps", status=2)
    whole = ["far", desk.url, "marcxml  all  complete until 2024-06-01T00:00:00Z"]
    assert told() == [
        whole, ["far", desk.url, "marcxml  set maps  not complete, under way since 2024-06-05T00:00:00Z"],
    ]  # fmt: skip
    desk.harvest("--set", "maps")
    assert told() == [whole, ["far", desk.url, "marcxml  set maps  complete until 2024-06-05T00:00:00Z"]]


def test_a_set_is_swept_by_itself(desk: Desk):
    desk.far.pages = [[record("a", sets="maps"), record("b", sets="maps")]]
    desk.harvest("--set", "maps")
    assert desk.asked("ListRecords")[0]["set"] == "maps"
    desk.far.pages = [[record("c", sets="art")]]
    desk.harvest("--set", "art")
    desk.far.listed = ["b"]
    desk.harvest("--set", "maps", "--sweep", "--max-deletes", "1")
    assert desk.live() == {"b", "c"}


def test_earlier_hops_and_the_licence_come_along(desk: Desk):
    hop = (
        '<originDescription harvestDate="2020-01-01T00:00:00Z" altered="false"><baseURL>http://old.example.org/oai</baseURL>'
        "<identifier>oai:old:1</identifier><datestamp>2019-01-01</datestamp><metadataNamespace>n</metadataNamespace>"
        "</originDescription>"
    )
    abouts = (
        f'<about><provenance xmlns="http://www.openarchives.org/OAI/2.0/provenance">{hop}</provenance></about>'
        '<about><rights xmlns="http://www.openarchives.org/OAI/2.0/rights/"><rightsReference '
        'ref="https://creativecommons.org/publicdomain/zero/1.0/"/></rights></about><about><x xmlns="y"/></about>'
    )
    desk.far.pages = [[record("a", about=abouts)]]
    desk.harvest()
    shown = desk.call("show", f"{OAI}a").stdout
    item = json.loads(shown[shown.index("\n{") :])
    assert [hop["base_url"] for hop in item["record"]["provenance"]] == [desk.url, "http://old.example.org/oai"]
    assert item["rights"]["metadata_licence"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert "about not carried" in desk.report.read_text()


def test_defaults_of_a_profile_are_laid_under(desk: Desk):
    (desk.installation.folder / "far.toml").write_text('reader = "oai"\n[defaults.provider]\ndata_provider = "Far"\n')
    (desk.installation.folder / "config.toml").write_text('[sources.far]\nprofile = "far.toml"\n')
    desk.harvest()
    assert '"data_provider": "Far"' in desk.call("show", f"{OAI}a").stdout


def test_a_payload_that_changes_where_the_record_does_not_is_served_anew(desk: Desk):
    desk.harvest()
    desk.far.pages = [[record("a", marc("a").replace("<leader>", "<leader >"))]]
    assert desk.harvest() == "new 0 · changed 1 · unchanged 0 · deleted 0 · rejected 0"
    assert "<leader >" in desk.call("show", f"{OAI}a", "--prefix", "marc21").stdout
    assert desk.harvest() == "new 0 · changed 0 · unchanged 1 · deleted 0 · rejected 0"


def test_an_invalid_payload_is_rendered_anew(desk: Desk):
    desk.far.pages = [[record("a", marc("a").replace("</leader>", "</leader><bogus/>")), record("b")]]
    assert desk.harvest(schemas=places.schemas()) == "new 2 · changed 0 · unchanged 0 · deleted 0 · rejected 0"
    shown = desk.call("show", f"{OAI}a", "--prefix", "marc21").stdout
    assert "bogus" not in shown
    assert shown != desk.call("show", f"{OAI}b", "--prefix", "marc21").stdout.replace(">b<", ">a<")
    assert "not valid, so rendered anew" in desk.report.read_text()
    assert "to render" not in desk.call("status").stdout


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_source_is_harvested_or_replaced_by_one_at_a_time(new_installation, engine: str):
    instance = new_installation(engine, **SETTINGS)
    far, asked, go_on = Far(), threading.Event(), threading.Event()

    def waits(arguments: dict[str, str]) -> None:
        asked.set()
        go_on.wait(60)

    far.answer = waits
    with serving(far) as url:
        for end in (signal.SIGKILL, None):
            asked.clear()
            process = subprocess.Popen(
                [*instance.program, "harvest", url, "--source", "far", "--instance", str(instance.folder)],
                env=instance.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            assert asked.wait(30)
            full = ("import", "docs/examples/memorandum.yaml", "--mode", "full", "--source")
            for command in (("harvest", url, "--source", "far"), (*full, "far")):
                refused = instance.run(*command, check=False)
                assert refused.returncode == 2
                assert refused.stderr == (
                    "oai-server: a harvest or a full import of the source far is running: run this again when it has "
                    "ended\n"
                )
            instance.run(*full, "other")
            if end:
                process.send_signal(end)
                process.communicate(timeout=30)
        go_on.set()
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        instance.run("harvest", url, "--source", "far")


def test_killed_in_the_middle_it_goes_on_and_misses_nothing(new_installation, engine: str):
    """Killed at each page in turn, while records change there: at the end the copy is what the far repository has."""
    far = Far()
    far.pages = [[record(f"{n}-{m}") for m in range(5)] for n in range(6)]
    installation = new_installation(engine, **SETTINGS)
    victim: list[subprocess.Popen[bytes]] = []

    def kills(arguments: dict[str, str]) -> Any:
        if arguments["verb"] == "ListRecords" and arguments.get("resumptionToken", "0") == kill_at[0] and victim:
            victim.pop().send_signal(signal.SIGKILL)
            time.sleep(0.05)
        return None

    far.answer = kills
    with serving(far) as url:
        for kill_at in (["2"], ["5"]):  # noqa: B007 - seen by the handler
            process = subprocess.Popen(
                [*installation.program, "harvest", url, "--source", "far", "--instance", str(installation.folder)],
                env=installation.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            victim.append(process)
            assert process.wait(timeout=60) == -signal.SIGKILL
        far.asked.clear()
        said = installation.run("harvest", url, "--source", "far").stdout
        assert far.asked[1] == {"verb": "ListRecords", "resumptionToken": "5"}
        assert said.endswith("rejected 0\n")
        far.date = "2024-06-03T00:00:00Z"
        far.pages = [[record("0-0", marc("0-0", "Changed in mid-list"))]]
        installation.run("harvest", url, "--source", "far")
        first = next(one for one in far.asked if "from" in one)
        assert first["from"] == "2024-05-31T23:59:59Z"  # before the first page of the run that was killed
    shown = installation.run("show", f"{OAI}0-0").stdout
    assert "Changed in mid-list" in shown
    assert "live 30  deleted 0" in installation.run("status").stdout
