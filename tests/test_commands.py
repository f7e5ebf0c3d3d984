"""The commands beside import: init, upgrade, delete, show, sets, formats, status, and what they say of mistakes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from servers import Installation

OAI = "oai:archive.example.org:"
TWO = '{"id":"a","titles":[{"value":"A é"}],"sets":["m:n"]}\n{"id":"b","titles":[{"value":"B"}]}\n'


def feed(installation: Installation) -> None:
    installation.run("import", "-", "--reader", "canonical", stdin=TWO)


def test_init_can_be_run_again(instance: Installation):
    feed(instance)
    secret = (instance.folder / "secret_key").read_bytes()
    assert stat.S_IMODE((instance.folder / "secret_key").stat().st_mode) == 0o600
    (instance.folder / "config.toml").write_text('repository_name = "Mine"\n[sets.m]\nname = "Maps"\n')
    instance.run("init")
    assert instance.run("upgrade").stdout == "the database has schema 0001 already\n"
    assert (instance.folder / "secret_key").read_bytes() == secret
    status = instance.run("status").stdout
    assert status.startswith("Mine\n")
    assert "format  oai_dc               live 2  deleted 0" in status
    rows = [row.split() for row in instance.run("sets").stdout.splitlines()]
    assert rows[1:] == [["m", "Maps", "1"], ["m:n", "m:n", "1"]]


def test_delete_and_show(instance: Installation):
    feed(instance)
    said = instance.run("delete", f"{OAI}a", f"{OAI}nobody", check=False)
    assert (said.returncode, said.stdout) == (1, "new 0 · changed 0 · unchanged 0 · deleted 1 · rejected 1\n")
    assert said.stderr == f"rejected: {OAI}nobody: there is no such item; 'oai-server show' finds items\n"
    said = instance.run("delete", "-", stdin=f"{OAI}a\n{OAI}b\n{OAI}b\n")
    assert said.stdout == "new 0 · changed 0 · unchanged 1 · deleted 1 · rejected 0\n"
    shown = instance.run("show", "a").stdout
    assert f"# {OAI}a · source default · key a · sets m:n" in shown
    assert shown.count(" deleted") == 2
    said = instance.run("show", "a", "--prefix", "mods", check=False)
    assert (said.returncode, said.stderr) == (2, f"oai-server: {OAI}a has no live record in mods; it has: none\n")
    feed(instance)
    assert "<dc:title>A é</dc:title>" in instance.run("show", "a", "--prefix", "oai_dc").stdout


def test_formats_says_what_is_offered(new_installation):
    installation = new_installation("sqlite")
    rows = {
        row.split()[0]: row.split()[-1] for row in installation.run("formats", formats="oai_dc").stdout.splitlines()
    }
    assert (rows["oai_dc"], rows["mods"]) == ("yes", "no")
    said = installation.run("formats", formats="oai_dc,modz", check=False)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "modz" in said.stderr


@pytest.mark.parametrize("command", ["status", "sets", "upgrade", "serve", "formats", "init"])
def test_a_mistake_in_the_settings_stops_every_command(tmp_path: Path, command: str):
    (tmp_path / "config.toml").write_text("page_sise = 3")
    said = Installation(tmp_path).run(command, check=False)
    expected = f"oai-server: {tmp_path / 'config.toml'}: unknown setting 'page_sise'; did you mean 'page_size'?\n"
    assert (said.returncode, said.stderr) == (2, expected)


@pytest.mark.parametrize("command", ["status", "sets", "serve", "show x", "delete x"])
def test_without_init_every_command_says_so(tmp_path: Path, command: str):
    installation = Installation(tmp_path / "nowhere", {"secret_key": "sixteen characters"})
    said = installation.run(*command.split(), check=False)
    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert "run 'oai-server init' first" in said.stderr
    assert not installation.folder.exists()


def test_serve_needs_a_secret_and_tracebacks_need_debug(new_installation):
    installation = new_installation("sqlite")
    (installation.folder / "secret_key").unlink()
    said = installation.run("serve", check=False)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "no secret key" in said.stderr
    said = installation.run("import", "nowhere.toml", "--profile", "nowhere.toml", "--debug", check=False)
    assert "Traceback" in said.stderr
