"""What others name and write reaches a terminal as text; what runs in a file that is restored or fetched, does not."""

from __future__ import annotations

import json
import os
import pty
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import hostile
import pytest
from servers import PROGRAM, Installation

from oai_server import schemas
from oai_server.cli.command import harmless

SIGNS = "a\nTWO\x1b[31m\x9b0m\u202e"
SETS = ["[/x]", "[bold]b", "\x9b31m", "../../etc", "<b>", "\u202ex"]


@pytest.fixture(scope="module")
def installation(new_installation: Callable[..., Installation]) -> Installation:
    made = new_installation("sqlite")
    record = {"id": "kept", "titles": [{"value": "T\x9b31m"}], "sets": SETS}
    made.run("import", "-", "--reader", "canonical", stdin=json.dumps(record))
    return made


def lines(text: str) -> list[str]:
    """Return the lines of an output that no terminal obeys."""
    assert all(line.isprintable() for line in text.split("\n")), ascii(text)
    return text.removesuffix("\n").split("\n")


def test_signs_are_shown_by_their_codes() -> None:
    assert harmless("\u00e4 \u05d0\u200d" + SIGNS) == "\u00e4 \u05d0\u200da\\nTWO\\x1b[31m\\x9b0m\\u202e"
    assert harmless("a\tb\nc\r", "\t\n") == "a\tb\nc\\r"


def test_a_folder_of_traps_costs_a_line_each(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / f"{SIGNS}.jsonl").write_text("{}\n")
    (folder / "loop").symlink_to(folder)
    (folder / "sub" / "up").symlink_to("..")
    (folder / "self").symlink_to("self")
    (folder / "zero.jsonl").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    (folder / "good.jsonl").write_text(json.dumps({"id": "good", "titles": [{"value": "T"}]}))
    said = installation.run("import", folder, "--source", "traps", check=False, timeout=60)
    assert (said.returncode, said.stdout) == (1, "new 1 · changed 0 · unchanged 0 · deleted 0 · rejected 4\n")
    assert len(lines(said.stderr)) == 4


@pytest.mark.parametrize(
    "arguments",
    [["import", SIGNS], ["show", SIGNS], ["check", "--set", SIGNS], ["check", "--profile", "../../x"],
     ["formats", "test", "../../etc/passwd"], ["formats", "loss", SIGNS], ["delete", SIGNS],
     ["import", "-", "--reader", "../x"], ["harvest", "file:///etc/passwd"], ["check", "--endpoint", "file:///etc/passwd"],
     ["schemas", "fetch", "--mirror", "file:///etc"]],
    ids=lambda words: " ".join(words)[:30].encode("unicode_escape").decode(),
)  # fmt: skip
def test_a_strange_name_is_one_line(installation: Installation, arguments: list[str]) -> None:
    said = installation.run(*arguments, check=False, timeout=60)
    assert said.returncode == 2
    assert len(lines(said.stderr)) == 1


def test_names_of_sets_are_listed_as_they_are(installation: Installation) -> None:
    listed = lines(installation.run("sets").stdout)
    assert len(listed) == 1 + len(SETS)
    for name in ("[/x]", "[bold]b", "\\x9b31m", "../../etc", "<b>", "\\u202ex"):
        assert any(f" {name} " in line for line in listed), listed
    lines(installation.run("status").stdout)


def test_data_are_exact_for_programs_and_harmless_on_a_terminal(installation: Installation) -> None:
    assert "T\x9b31m" in installation.run("show", "kept", "--prefix", "oai_dc").stdout
    master, slave = pty.openpty()
    command = [str(PROGRAM), "show", "kept", "--prefix", "oai_dc", "--instance", str(installation.folder)]
    subprocess.run(command, stdin=slave, stdout=slave, env=installation.environment(), check=True, timeout=60)
    os.close(slave)
    shown = os.read(master, 1 << 16).decode()
    os.close(master)
    assert "T\\x9b31m" in shown
    assert "<dc:title" in shown


@pytest.mark.parametrize(
    "program",
    ["CREATE TRIGGER t AFTER INSERT ON item BEGIN DELETE FROM item; END",
     "CREATE VIEW endless AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"],
    ids=["trigger", "view"],
)  # fmt: skip
def test_a_backup_with_programs_in_it_is_refused(installation: Installation, tmp_path: Path, program: str) -> None:
    saved = tmp_path / "saved.sqlite"
    installation.run("backup", saved)
    with closing(sqlite3.connect(saved)) as database:
        database.execute(program)
        database.commit()
    before = installation.run("status").stdout
    said = installation.run("restore", saved, check=False, timeout=60)
    assert (said.returncode, len(lines(said.stderr))) == (2, 1)
    assert "views or triggers" in said.stderr
    assert installation.run("status").stdout == before


def test_a_schema_that_trickles_in_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trickle() -> Iterator[bytes]:
        while True:
            yield b"<"
            time.sleep(0.02)

    far = hostile.Far()
    far.answer = lambda arguments: hostile.Answer(trickle())
    monkeypatch.setattr(schemas, "LONGEST", 0.1)
    monkeypatch.setattr(schemas, "known", lambda: [schemas.Schema("http://example.org/a.xsd", "0" * 64)])
    with hostile.serving(far) as url:
        (fetched,) = schemas.fetch(tmp_path, url, wait=lambda seconds: None)
    assert "takes longer than" in fetched.problem


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="MISSING prlimit (util-linux), to bound memory")
def test_an_answer_of_millions_of_tags_is_a_broken_rule(installation: Installation) -> None:
    far = hostile.Far()
    far.answer = lambda arguments: (
        hostile.envelope("<x/>" * 15_000_000) if arguments.get("verb") == "ListSets" else None
    )
    bounded = Installation(installation.folder, program=("prlimit", f"--as={1 << 30}", "--cpu=60", str(PROGRAM)))
    with hostile.serving(far) as url:
        said = bounded.run("check", "--endpoint", url, timeout=120)
    assert "tags and attributes, which are not read" in said.stdout
