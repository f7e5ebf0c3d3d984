"""Fetching schemas, from a host on this machine that keeps the tree, or something else under its names."""

import functools
import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import places
import pytest

from oai_server import schemas

SOME = "www.loc.gov/standards/mods/v3/mods-3-8.xsd"


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def host(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_command_fetches_what_is_missing_and_refuses_what_is_another(new_installation, tmp_path):
    kept = tmp_path / "kept"
    shutil.copytree(places.schemas(), kept)
    installation = new_installation("sqlite")
    folder = installation.folder / "schemas"
    with host(kept) as url:
        said = installation.run("schemas", "fetch", "--mirror", url).stdout
        total = len(schemas.known())
        assert said == f"fetched {total} · there already 0 · not fetched 0 · in {folder}\n"
        assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.xsd")} == {
            each.place for each in schemas.known()
        }
        (folder / SOME).write_text("damaged")
        (kept / SOME).chmod(0o644)
        (kept / SOME).write_text("<html>moved</html>")
        refused = installation.run("schemas", "fetch", "--mirror", url, check=False)
        assert refused.returncode == 1
        assert re.search(rf"not fetched: {url}/{SOME}: not the schema that is known .* an HTML page", refused.stderr)
        assert (folder / SOME).read_text() == "damaged"
        (kept / SOME).unlink()
        assert "HTTP Error 404" in installation.run("schemas", "fetch", "--mirror", url, check=False).stderr
        shutil.copy(places.schemas() / SOME, kept / SOME)
        assert f"fetched 1 · there already {total - 1}" in installation.run("schemas", "fetch", "--mirror", url).stdout
        elsewhere = tmp_path / "elsewhere"
        installation.run("schemas", "fetch", "--mirror", url, schemas=elsewhere)
        assert (elsewhere / SOME).is_file()


def test_a_host_that_is_away_is_asked_three_times_and_named(tmp_path, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(schemas, "known", lambda: [schemas.Schema("http://127.0.0.1:9/a.xsd", "0" * 64)])
    [fetched] = schemas.fetch(tmp_path, wait=waited.append)
    assert "http://127.0.0.1:9/a.xsd: " in fetched.problem
    assert len(waited) == schemas.TRIES - 1
    assert not list(tmp_path.iterdir())


def test_an_endless_answer_is_cut_off(tmp_path, monkeypatch):
    (tmp_path / "served").mkdir()
    (tmp_path / "served/x.xsd").write_bytes(b"x" * 2000)
    monkeypatch.setattr(schemas, "LARGEST", 1000)
    monkeypatch.setattr(schemas, "known", lambda: [schemas.Schema("http://example.org/x.xsd", "0" * 64)])
    with host(tmp_path / "served") as url:
        (tmp_path / "served/example.org").mkdir()
        (tmp_path / "served/x.xsd").rename(tmp_path / "served/example.org/x.xsd")
        [fetched] = schemas.fetch(tmp_path / "folder", url)
    assert "longer than" in fetched.problem


@pytest.mark.parametrize("mirror", ["ftp://example.org", "file:///etc", "mirror"])
def test_only_the_web_is_asked(new_installation, mirror):
    refused = new_installation("sqlite").run("schemas", "fetch", "--mirror", mirror, check=False)
    assert refused.returncode == 2
    assert "--mirror" in refused.stderr


def test_the_schemas_here_are_those_that_are_known():
    folder = places.schemas()
    assert not [
        each.address for each in schemas.known() if schemas._sum((folder / each.place).read_bytes()) != each.sha256
    ]
