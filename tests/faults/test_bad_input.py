"""Bad input and bad places: one clear line each, the good records beside them kept, nothing stored lost."""

from __future__ import annotations

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from servers import PROGRAM, Installation, wait_until

from oai_server.store.repository import Store

NOBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="MISSING root: another user and a full disk need it")


def line(key: str, title: str = "T") -> bytes:
    return json.dumps({"id": key, "titles": [{"value": title}]}).encode() + b"\n"


def records(installation: Installation) -> str:
    """Return what status says of the records, in one line."""
    said = installation.run("status").stdout
    return "; ".join(row for row in said.splitlines() if row.startswith(("format", "source")))


def assert_one_line(said: subprocess.CompletedProcess[str], *words: str, status: int = 2) -> None:
    """Fail unless a command ended with this status and one line for people that has all the words."""
    assert said.returncode == status, said.stdout + said.stderr
    assert "Traceback" not in said.stdout + said.stderr, said.stderr
    assert said.stderr.count("\n") == 1, said.stderr
    for word in words:
        assert word in said.stderr, said.stderr


@pytest.fixture(scope="module")
def installation(new_installation: Callable[..., Installation]) -> Installation:
    return new_installation("sqlite")


# Broken records: the line of the error, and where it stood

RECORDS = {
    "no identifier": (b'{"titles":[{"value":"B"}]}\n', "`id`"),
    "duplicate": (line("good 1", "again"), "good 1 was there before"),
    "broken date": (b'{"id":"d","titles":[{"value":"D"}],"dates":[{"type":"issued","edtf":"19x7"}]}\n', "19x7"),
    "not UTF-8": (b'{"id":"e","titles":[{"value":"\xff"}]}\n', "not UTF-8"),
    "control character": (b'{"id":"f","titles":[{"value":"\x01"}]}\n', "line 2"),
    "NUL byte": (b'{"id":"f\x00"}\n', "line 2"),
    "nothing but a forbidden character": (b'{"id":"\\u0001","titles":[{"value":"B"}]}\n', "line 2"),
    "50 MB": (b'{"id":"g","titles":[{"value":"' + b"x" * 50_000_000 + b'"}]}\n', "longer than 16 MiB"),
    "deep": (b'{"id":"h","extra":{"plugin":' + b"[" * 100_000 + b"]" * 100_000 + b"}}\n", "deep"),
    "long identifier": (line("k" * 501), "longer than 500"),
    "identifier long when encoded": (line("\u5730" * 200), "longer than 1024 characters when percent-encoded"),
    "long name of a set": (b'{"id":"i","titles":[{"value":"B"}],"sets":["' + b"s" * 501 + b'"]}\n', "set"),
    "no JSON": (b"<xml/>\n", "line 2"),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_broken_record_costs_itself_alone(installation: Installation, tmp_path: Path, name: str):
    broken, words = RECORDS[name]
    file = tmp_path / "file.jsonl"
    file.write_bytes(line("good 1") + broken + line("good 2"))
    said = installation.run("import", file, check=False)
    assert_one_line(said, "rejected: ", "line 2", words, status=1)
    assert said.stdout.endswith("deleted 0 · rejected 1\n")
    assert "source  default              live 2  deleted 0" in records(installation)


def test_broken_records_cost_themselves_alone_on_each_engine(instance: Installation, tmp_path: Path):
    (tmp_path / "file.jsonl").write_bytes(
        line("good 1") + b"".join(broken for broken, _ in RECORDS.values() if len(broken) < 10**6) + line("good 2")
    )
    said = instance.run("import", tmp_path / "file.jsonl", check=False)
    assert (said.returncode, said.stderr.count("\n")) == (1, len(RECORDS) - 1), said.stderr
    assert "live 2  deleted 0" in records(instance)


CSV = b"id,title\n%b1,One\n,No identifier\n%b1,Twice\n%b2,%b\n%b3,Three\n"


@pytest.mark.parametrize("cell", [b"x" * 50_000_000, b"\xff\xfe", b"a\x00b", b'"never closed'], ids=len)
def test_a_bad_cell_costs_its_row_at_most(installation: Installation, tmp_path: Path, cell: bytes):
    (tmp_path / "p.toml").write_text('reader = "table"\nid = "id"\n[[fields]]\nto = "titles"\ncolumn = "title"\n')
    key = b"c%d-" % len(cell)
    (tmp_path / "f.csv").write_bytes(CSV % (key, key, key, cell, key))
    said = installation.run(
        "import", tmp_path / "f.csv", "--profile", tmp_path / "p.toml", "--source", "csv",
        "--report", tmp_path / "r", check=False,
    )  # fmt: skip
    assert said.returncode == 1
    assert "Traceback" not in said.stderr
    events = [json.loads(row) for row in (tmp_path / "r").read_text().splitlines()]
    new = {event["id"] for event in events if event["outcome"] == "new"}
    assert f"{key.decode()}1" in new
    if not cell.startswith(b'"'):
        assert f"{key.decode()}3" in new
    assert all(event["where"] for event in events if event["outcome"] == "rejected"), events
    assert "f.csv, line 3" in said.stderr


MANY = b"".join(line(f"t{number}", os.urandom(50).hex()) for number in range(1500))
FILES = {
    "truncated.jsonl.gz": (gzip.compress(MANY)[:-900], "cut off", 1),
    "no-gzip.jsonl.gz": (b"\x1f\x8b" + b"nonsense" * 9, "damaged", 2),
    "empty.jsonl": (b"", "empty", 2),
    "empty.csv.gz": (gzip.compress(b""), "empty", 2),
    "picture.jsonl": (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG image", 2),
    "page.csv": (b"<!DOCTYPE html><html></html>", "an HTML page", 2),
    "random": (bytes(range(256)) * 20, "binary data", 2),
    "book.xlsx": (b"PK\x03\x04 nothing", "book.xlsx", 2),
    "words.txt": (b"only words\n", "words.txt", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_says_so_in_one_line(installation: Installation, tmp_path: Path, name: str):
    content, words, status = FILES[name]
    (tmp_path / name).write_bytes(content)
    said = installation.run("import", tmp_path / name, "--source", "files", check=False)
    assert_one_line(said, name, words, status=status)
    (tmp_path / "z.jsonl").write_bytes(line(f"beside {name}"))
    said = installation.run("import", tmp_path, "--source", "files", check=False)
    assert_one_line(said, name, words, status=1)
    assert "new 1 ·" in said.stdout


def test_names_that_are_no_text(installation: Installation, tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x\udcff.jsonl").write_bytes(line("surrogate") + b"no record\n")
    report = tmp_path / "r.jsonl"
    good = tmp_path / "good.jsonl"
    good.write_bytes(line("good"))
    said = installation.run("import", tmp_path / "in", "--report", report, check=False)
    assert_one_line(said, "line 2", status=1)
    assert [json.loads(row)["outcome"] for row in report.read_text().splitlines()] == ["rejected", "new"]
    for arguments in (["delete", "\udcff"], ["show", "\udcff"], ["import", good, "--set", "\udcff"]):
        assert_one_line(installation.run(*arguments, check=False), "not UTF-8")
    said = installation.run("delete", "-", stdin=b"\xff\n\x00oai:archive.example.org:surrogate\n", check=False)
    assert_one_line(said, "no such item", status=1)
    assert "deleted 1" in said.stdout


@pytest.mark.parametrize(
    "arguments",
    [["import", "nowhere.jsonl"], ["import", "/dev/null"], ["import", "{file}", "--profile", "nowhere.toml"],
     ["import", "{file}", "--reader", "tabel"], ["import", "{file}", "--report", "/nowhere/r"], ["show", "nobody"],
     ["delete", "nobody"]],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_argument_is_one_line(installation: Installation, tmp_path: Path, arguments: list[str]):
    (tmp_path / "a.jsonl").write_bytes(line("a"))
    before = records(installation)
    said = installation.run(*[word.format(file=tmp_path / "a.jsonl") for word in arguments], check=False)
    assert_one_line(said, arguments[-1].replace("{file}", "a.jsonl"))
    assert records(installation) == before


# Bad places


def _as_nobody(installation: Installation, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", str(PROGRAM), *map(str, arguments),
         "--instance", str(installation.folder)],
        capture_output=True, text=True, env=installation.environment(), cwd="/",
    )  # fmt: skip


@pytest.fixture
def nobodys(new_installation: Callable[..., Installation]) -> Iterator[Installation]:
    """An installation with one record, that belongs to nobody, and a file ``more.jsonl`` in it."""
    installation = new_installation("sqlite")
    installation.run("import", "-", "--reader", "canonical", stdin=line("kept"))
    (installation.folder / "more.jsonl").write_bytes(line("more"))
    for path in (installation.folder.parent, installation.folder, *installation.folder.iterdir()):
        os.chown(path, NOBODY, NOBODY)
    if _as_nobody(installation, "formats").returncode:
        pytest.skip("MISSING a place where another user can run the command")
    return installation


READ_ONLY = {
    "the folder": ([""], "permission"),
    "the database": (["repository.sqlite"], "permission"),
    "both": (["repository.sqlite", ""], "permission"),
}


@as_root
@pytest.mark.parametrize("name", READ_ONLY)
def test_where_nothing_can_be_written_nothing_is_lost(nobodys: Installation, name: str):
    paths, words = READ_ONLY[name]
    for path in paths:
        (nobodys.folder / path).chmod(0o555 if not path else 0o444)
    said = _as_nobody(nobodys, "import", nobodys.folder / "more.jsonl")
    for path in reversed(paths):
        (nobodys.folder / path).chmod(0o755)
    assert_one_line(said, words)
    assert "live 1  deleted 0" in records(nobodys)


@as_root
def test_what_another_user_may_not_read_is_said(nobodys: Installation):
    for path in ("more.jsonl", "secret_key", "config.toml", "repository.sqlite", ""):
        os.chown(nobodys.folder / path, 0, 0)
        (nobodys.folder / path).chmod(0o600 if path else 0o700)
        assert_one_line(_as_nobody(nobodys, "import", nobodys.folder / "more.jsonl"), path)
        os.chown(nobodys.folder / path, NOBODY, NOBODY)
    assert "live 1  deleted 0" in records(nobodys)


@pytest.fixture
def tiny_disk() -> Iterator[Path]:
    """A disk of 2 MiB, as a memory file system."""
    folder = Path(tempfile.mkdtemp(prefix="oai-disk-"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True).returncode:
        folder.rmdir()
        pytest.skip("MISSING the right to mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)
    folder.rmdir()


@as_root
def test_a_full_disk_loses_nothing_and_the_import_goes_on_after(tiny_disk: Path, tmp_path: Path):
    installation = Installation(tiny_disk / "instance")
    installation.run("init")
    installation.run("import", "-", "--reader", "canonical", stdin=line("kept"))
    file = tmp_path / "large.jsonl"
    file.write_bytes(b"".join(line(f"l{number}", os.urandom(100).hex()) for number in range(4000)))
    said = installation.run("import", file, check=False)
    assert_one_line(said, "disk", "full")
    assert_one_line(installation.run("import", file, check=False), "disk", "full")
    database = installation.folder / "repository.sqlite"
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM item WHERE source_key = 'kept'").fetchone() == (1,)
    connection.close()
    subprocess.run(["mount", "-o", "remount,size=64m", tiny_disk], check=True)
    said = installation.run("import", file)
    assert "rejected 0" in said.stdout
    assert "live 4001  deleted 0" in records(installation)


def test_a_database_that_another_program_holds(new_installation: Callable[..., Installation]):
    installation = new_installation("sqlite")
    installation.run("import", "-", "--reader", "canonical", stdin=line("kept"))
    connection = sqlite3.connect(installation.folder / "repository.sqlite", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    said = installation.run("import", "-", "--reader", "canonical", stdin=line("more"), check=False)
    connection.execute("ROLLBACK")
    connection.close()
    assert_one_line(said, "busy", "try again")
    installation.run("import", "-", "--reader", "canonical", stdin=line("more"))
    assert "live 2  deleted 0" in records(installation)


@pytest.mark.parametrize("content", [b"this is no database, " * 500, b"SQLite format 3\0" + b"\xff" * 9000, b""])
def test_a_database_file_that_is_none(new_installation: Callable[..., Installation], content: bytes):
    installation = new_installation("sqlite")
    for path in installation.folder.glob("repository.sqlite*"):
        path.unlink()
    (installation.folder / "repository.sqlite").write_bytes(content)
    for arguments in (["import", "-"], ["status"], ["serve"], *([["init"]] if content else [])):
        said = installation.run(*arguments, stdin=line("a"), check=False)
        assert_one_line(said, "is no database" if content else "run 'oai-server init'")


def test_a_database_that_is_away(tmp_path: Path):
    installation = Installation(tmp_path / "instance")
    away = {"database_url": "postgresql+psycopg://u:hidden@127.0.0.1:9/x"}
    away["secret_key"] = "sixteen characters"
    for arguments in (["init"], ["import", "-"], ["status"], ["serve"]):
        said = installation.run(*arguments, stdin=line("a"), check=False, **away)
        assert_one_line(said, "127.0.0.1:9", "Connection refused")
        assert "hidden" not in said.stdout + said.stderr


def test_a_killed_import_is_simply_run_again(instance: Installation, tmp_path: Path):
    file = tmp_path / "many.jsonl"
    file.write_bytes(b"".join(line(f"k{number}", f"T {number}") for number in range(5_000)))
    process = subprocess.Popen(
        [str(PROGRAM), "import", str(file), "--instance", str(instance.folder)],
        env=instance.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    url = instance.settings.get("database_url", f"sqlite:///{instance.folder / 'repository.sqlite'}")
    with closing(Store(url)) as store:
        wait_until(lambda: store.counts_by_source() or process.poll() is not None, 30, "the first batch")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was over before it was killed"
    counts = dict(part.rsplit(" ", 1) for part in instance.run("import", file).stdout.strip().split(" · "))
    assert int(counts["new"]) + int(counts["unchanged"]) == 5_000
    assert int(counts["unchanged"]) > 0
    assert counts["changed"] == counts["rejected"] == "0"
    assert "live 5000  deleted 0" in records(instance)
    assert "unchanged 5000" in instance.run("import", file).stdout
