"""Importing in its modes: what changes, what does not, and what is refused; by the command, on each engine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from servers import Installation

sys.path.insert(0, str(Path(__file__).parent.parent / "store"))
from invariants import assert_sound, dump

from oai_server.cli import main
from oai_server.ingest.importer import Importer
from oai_server.store.repository import Store

OAI = "oai:archive.example.org:"


class Desk:
    """An installation with a file to import."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self.installation = installation
        self.file = folder / "in.jsonl"
        self.report = folder / "report.jsonl"
        self.url = installation.settings.get("database_url", f"sqlite:///{installation.folder / 'repository.sqlite'}")

    def tables(self) -> dict[str, Any]:
        """Return every row of every table but the clock's."""
        with closing(Store(self.url)) as store:
            found = dump(store._engine)
            assert_sound(store._engine)
        del found["repo_clock"]
        return found

    def run(self, *arguments: str, content: str | None = None, check: bool = True) -> Any:
        if content is not None:
            self.file.write_text(content, encoding="utf-8")
        return self.call("import", self.file, "--report", self.report, *arguments, check=check)

    def call(self, *arguments: object, stdin: str | bytes | None = None, check: bool = True) -> Any:
        """Run a command in this process, which is ten times faster than in one of its own."""
        words = [*map(str, arguments), "--instance", str(self.installation.folder)]
        done = CliRunner(env=self.installation.environment()).invoke(main, words, input=stdin)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert not check or done.exit_code == 0, done.output
        return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)

    def take(self, *arguments: str, content: str | None = None) -> str:
        """Import and return the line of counts; a dry run before must say the same and write nothing."""
        if content is not None:
            self.file.write_text(content, encoding="utf-8")
        before = self.tables()
        dry = self.run(*arguments, "--dry-run", check=False)
        foreseen = self.events()
        assert self.tables() == before, "a dry run writes nothing"
        said = self.run(*arguments, check=False)
        assert dry.stdout == f"would be: {said.stdout}"
        assert (dry.returncode, dry.stderr) == (said.returncode, said.stderr)
        assert self.events() == foreseen
        self.tables()
        return said.stdout.strip()

    def events(self) -> list[dict[str, Any]]:
        return sorted(map(json.loads, self.report.read_text().splitlines()), key=str)

    def refused(self, *arguments: str, content: str | None = None) -> str:
        """Import what must be refused, with nothing changed."""
        before = self.tables()
        said = self.run(*arguments, content=content, check=False)
        assert said.returncode == 2, said.stdout + said.stderr
        assert said.stderr.startswith("oai-server: refused, nothing was changed: ")
        assert said.stderr.count("\n") == 1
        assert said.stdout == ""
        assert self.tables() == before
        return said.stderr


@pytest.fixture
def desk(instance: Installation, tmp_path: Path) -> Desk:
    return Desk(instance, tmp_path)


def lines(*keys: str, **more: Any) -> str:
    return "".join(json.dumps({"id": key, "titles": [{"value": f"T {key}"}], **more}) + "\n" for key in keys)


def gone(key: str) -> str:
    return json.dumps({"id": key, "record": {"status": "deleted"}}) + "\n"


TEN = [f"n{number}" for number in range(10)]


def test_update_takes_what_is_new_or_changed_and_leaves_the_rest(desk: Desk):
    assert desk.take(content=lines("a", "b", "c")) == "new 3 · changed 0 · unchanged 0 · deleted 0 · rejected 0"
    before = desk.tables()
    time.sleep(1.1)  # another datestamp, had anything moved
    assert desk.take() == "new 0 · changed 0 · unchanged 3 · deleted 0 · rejected 0"
    assert desk.tables() == before
    assert desk.events() == []
    content = lines("a") + lines("b", abstracts=["x"]) + gone("c") + gone("never") + lines("d")
    assert desk.take(content=content) == "new 1 · changed 1 · unchanged 2 · deleted 1 · rejected 0"
    assert [(event["outcome"], event["id"]) for event in desk.events()] == [
        ("changed", "b"), ("deleted", "c"), ("new", "d")
    ]  # fmt: skip
    assert desk.take(content=lines("c")) == "new 0 · changed 1 · unchanged 0 · deleted 0 · rejected 0"


def test_full_makes_the_source_equal_to_the_file(desk: Desk):
    desk.run(content=lines(*TEN))
    desk.call("import", "-", "--reader", "canonical", "--source", "other", stdin=lines("other"))
    assert "it would delete 2 of 10" in desk.refused("--mode", "full", content=lines(*TEN[:8]))
    assert "more than --max-deletes allows (1); --force does it" in desk.refused("--mode", "full")
    assert "would delete 10 of 10" in desk.refused("--mode", "full", "--max-deletes", "100%", content=" \n")
    desk.refused("--mode", "full", content="")
    broken = '{"id":"n9","titles":[]}\n'  # a broken record that names its key keeps what is stored
    counts = desk.take("--mode", "full", content=lines(*TEN[:8]) + broken)
    assert counts == "new 0 · changed 0 · unchanged 8 · deleted 1 · rejected 1"
    nameless = '{"titles":[]}\n'
    assert "may be one of them" in desk.refused(
        "--mode", "full", "--max-deletes", "1", content=lines(*TEN[:7], "n9") + nameless
    )
    counts = desk.take("--mode", "full", "--force", content=lines(*TEN[:5]) + gone("n5"))
    assert counts == "new 0 · changed 0 · unchanged 5 · deleted 4 · rejected 0"
    assert {event["id"] for event in desk.events()} == {"n5", "n6", "n7", "n9"}
    assert desk.take("--mode", "full", content=lines(*TEN)) == (
        "new 0 · changed 5 · unchanged 5 · deleted 0 · rejected 0"
    )
    assert f"# {OAI}other ·" in desk.call("show", "other").stdout, "another source is not touched"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_full_refuses_a_file_that_breaks_off(desk: Desk, tmp_path: Path):
    import gzip

    desk.run(content=lines(*TEN))
    desk.file = tmp_path / "in.jsonl.gz"
    desk.file.write_bytes(gzip.compress(lines(*TEN).encode())[:-9])
    before = desk.tables()
    said = desk.run("--mode", "full", check=False)
    assert said.returncode == 2
    assert "could not be read to its end" in said.stderr
    assert desk.tables() == before


@pytest.mark.parametrize("engine", ["sqlite"])
def test_full_reads_standard_input_and_tables(desk: Desk, tmp_path: Path):
    run = desk.call
    run("import", "-", "--mode", "full", stdin=lines(*TEN))
    said = run("import", "-", "--mode", "full", stdin=lines(*TEN[1:]))
    assert said.stdout == "new 0 · changed 0 · unchanged 9 · deleted 1 · rejected 0\n"
    (tmp_path / "p.toml").write_text('reader = "table"\nid = "id"\n[[fields]]\nto = "titles"\ncolumn = "title"\n')
    table = tmp_path / "t.csv"
    table.write_text("id,title\nx,X\ny,Y\n")
    options = ("--mode", "full", "--profile", tmp_path / "p.toml", "--source", "table")
    assert "new 2" in run("import", table, *options).stdout
    table.write_text("id,title\n")
    said = run("import", table, *options, check=False)
    assert (said.returncode, "there is no record in the files" in said.stderr) == (2, True)
    assert "deleted 2" in run("import", table, *options, "--force").stdout


ALLOWED = {"10%": True, "1": True, "0": False, "9.9%": False, "100%": True, "0%": False}
MISSPELT = ["nan%", "inf%", "-1", "-1%", "ten", "", "%", "1e3", "0.5", "1_0", "10 %", "\u0661\u0660%"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_may_be_deleted_is_a_share_or_a_number(desk: Desk):
    desk.run(content=lines(*TEN))
    desk.file.write_text(lines(*TEN[1:]))
    for text, allowed in ALLOWED.items():
        said = desk.run("--mode", "full", "--dry-run", f"--max-deletes={text}", check=False)
        assert (said.returncode == 0) is allowed, text
    for text in MISSPELT:
        said = desk.run("--mode", "full", f"--max-deletes={text}", check=False)
        assert said.returncode == 2, text
        assert "neither a share like 10% nor a number" in said.stderr
    desk.run("--force", content=lines(*(f"h{number}" for number in range(100))))
    desk.call("delete", *(OAI + key for key in TEN))
    desk.file.write_text(lines(*(f"h{number}" for number in range(71))))
    assert "deleted 29" in desk.run("--mode", "full", "--max-deletes", "29%").stdout, "29 % of 100 are 29"


def test_delete_takes_lists_of_keys_and_identifiers_and_tables(desk: Desk, tmp_path: Path):
    desk.run(content=lines(*TEN, "a b"))
    desk.call("import", "-", "--reader", "canonical", "--source", "other", stdin=lines("theirs"))
    desk.file = tmp_path / "gone.txt"
    content = f"# a comment\nn1\n\n{OAI}n2\n  n3  \nn1\nnobody\n{OAI}theirs\n{OAI}a%20b\n"
    counts = desk.take("--mode", "delete", content=content)
    assert counts == "new 0 · changed 0 · unchanged 0 · deleted 4 · rejected 2"
    rejected = {event["id"]: event["where"] for event in desk.events() if event["outcome"] == "rejected"}
    assert rejected == {"nobody": "line 7", f"{OAI}theirs": "line 8"}
    assert desk.take("--mode", "delete") == "new 0 · changed 0 · unchanged 4 · deleted 0 · rejected 2"
    (tmp_path / "p.toml").write_text('reader = "table"\nid = "id"\n')
    desk.file = tmp_path / "gone.csv"
    counts = desk.take("--mode", "delete", "--profile", str(tmp_path / "p.toml"), content="id,title\nn4,x\nn5,\n")
    assert counts == "new 0 · changed 0 · unchanged 0 · deleted 2 · rejected 0"
    said = desk.call("import", "-", "--mode", "delete", stdin=b"n6\n\xff\nn\x007\n", check=False)
    assert (said.returncode, said.stdout) == (1, "new 0 · changed 0 · unchanged 0 · deleted 2 · rejected 1\n")


def test_sets_of_records_and_of_the_command(desk: Desk):
    desk.take("--set", "Côte d'Or", "--set", "maps:old", content=lines("a", sets=["Prints & drawings"]) + lines("b"))
    shown = desk.call("show", "a").stdout.splitlines()[0]
    assert shown.endswith("sets Cote-d'Or Prints-drawings maps:old")
    listed = desk.call("sets").stdout
    assert {row.split()[0] for row in listed.splitlines()[1:]} == {"Cote-d'Or", "Prints-drawings", "maps", "maps:old"}
    assert desk.take("--set", "Côte d'Or", "--set", "maps:old") == (
        "new 0 · changed 0 · unchanged 2 · deleted 0 · rejected 0"
    )
    assert desk.take() == "new 0 · changed 2 · unchanged 0 · deleted 0 · rejected 0"


def test_two_sources_and_one_identifier(desk: Desk):
    desk.run("--source", "one", content=lines("x", "y"))
    before = desk.tables()
    assert desk.take("--source", "two", content=lines("x", "z", abstracts=["theirs"])) == (
        "new 1 · changed 0 · unchanged 0 · deleted 0 · rejected 1"
    )
    assert [event["message"] for event in desk.events() if event["outcome"] == "rejected"] == [
        f"{OAI}x belongs to another source; give this one an id_prefix in [sources.two]"
    ]
    assert before["item"][0] in desk.tables()["item"]
    config = desk.installation.folder / "config.toml"
    config.write_text('[sources.two]\nid_prefix = "two/"\nmode = "full"\n')
    said = desk.run("--source", "two", "--force")
    assert said.stdout == "new 1 · changed 0 · unchanged 1 · deleted 0 · rejected 0\n"
    assert f"{OAI}two/x" in desk.call("show", f"{OAI}two/x").stdout
    assert f"{OAI}z ·" in desk.call("show", "z").stdout, "an identifier is fixed at the first import"


ENCODED = {"a b": "a%20b", "50%": "50%25", "ä": "%C3%A4", "a/b?c=d&e": "a/b?c=d&e", "<x>": "%3Cx%3E",
           "a%20b": "a%2520b", "#1": "%231", '"': "%22", "[": "%5B", "地": "%E5%9C%B0"}  # fmt: skip


def test_identifiers_are_percent_encoded_and_harvested(desk: Desk):
    from harvesters import raw

    assert desk.take(content=lines(*ENCODED)).startswith(f"new {len(ENCODED)} ")
    with desk.installation.serve(workers=1) as server:
        assert raw(server.base_url).keys() == {OAI + encoded for encoded in ENCODED.values()}
        for encoded in ENCODED.values():
            answer = server.get(verb="GetRecord", metadataPrefix="oai_dc", identifier=OAI + encoded)
            assert "<GetRecord>" in answer.text


def test_a_full_import_deletes_nothing_that_came_in_while_it_ran(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """The guard weighed what was there before; what another import brings in meanwhile is none of that."""
    desk.run(content=lines(*TEN))
    update = Importer._update

    def meanwhile(self: Importer, *arguments: Any) -> None:
        monkeypatch.setattr(Importer, "_update", update)
        desk.call("import", "-", "--reader", "canonical", stdin=lines("late"))
        update(self, *arguments)

    monkeypatch.setattr(Importer, "_update", meanwhile)
    said = desk.run("--mode", "full", content=lines(*TEN[:9]))
    assert said.stdout == "new 0 · changed 0 · unchanged 9 · deleted 1 · rejected 0\n"
    assert "deleted" not in desk.call("show", "late").stdout
