"""The commands beside import: init, upgrade, delete, show, sets, formats, status, and what they say of mistakes."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from servers import Installation, wait_until

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
    assert re.fullmatch(r"the database has schema [0-9]{4} already\n", instance.run("upgrade").stdout)
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


def test_a_repository_goes_back_to_its_backup_and_harvesters_hear_of_it(instance: Installation, tmp_path: Path):
    feed(instance)
    said = instance.run("backup", tmp_path / "monday")
    assert said.stdout.startswith(f"{tmp_path / 'monday'} holds 2 items; ")
    with instance.serve(page_size=1) as server:
        instance.run("delete", f"{OAI}a")
        instance.run("import", "-", "--reader", "canonical", stdin='{"id":"c","titles":[{"value":"C"}]}')
        wait_until(
            lambda: server.get(verb="ListIdentifiers", metadataPrefix="oai_dc").text.count("<header") == 3, 5, "c"
        )
        page = server.get(verb="ListRecords", metadataPrefix="mods").text
        token = re.search(r"<resumptionToken[^>]*>([^<]+)<", page)[1]
        last = re.search(r"<responseDate>([^<]+)<", page)[1]
        assert server.get(verb="ListRecords", resumptionToken=token).text.count("<record>") == 1
        said = instance.run("restore", tmp_path / "monday")
        assert said.stdout == "restored 3 items; 1 of them came after the backup, and are deleted now\n"
        refused = server.get(verb="ListRecords", resumptionToken=token).text
        assert re.search(r'<error code="badResumptionToken">[^<]*restored', refused), refused
        ask = {"verb": "ListIdentifiers", "metadataPrefix": "mods", "from_": last}
        wait_until(lambda: server.get(**ask).text.count("<header") == 3, 5, "all records, anew")
        headers = re.findall(r"<header(.*?)><identifier>(.*?)<", server.get(**ask).text)
        assert {one.removeprefix(OAI): "deleted" in status for status, one in headers} == {
            "a": False,
            "b": False,
            "c": True,
        }
    assert instance.run("backup", tmp_path / "monday", check=False).stderr.startswith("oai-server: ")
    (tmp_path / "notes.txt").write_text("no database at all, but long enough to be one" * 99)
    said = instance.run("restore", tmp_path / "notes.txt", check=False)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "notes.txt is no backup" in said.stderr


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


def test_status_names_what_is_offered_and_empty_and_what_is_no_more_offered(new_installation):
    installation = new_installation("sqlite")
    installation.run("import", "docs/examples/memorandum.yaml", formats="oai_dc,mods")
    said = installation.run("status", formats="oai_dc,oai_openaire").stdout
    assert re.search(r"^format +mods +live 1 +deleted 0 +not offered$", said, re.MULTILINE)
    assert re.search(r"^format +oai_openaire +live 0 +deleted 0$", said, re.MULTILINE)


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[formats.oai_dc]\nall_date = true",
            "[formats.oai_dc]: there is no option 'all_date'; did you mean 'all_dates'?",
        ),
        ('[formats.oai_dc]\nall_dates = "no"', "[formats.oai_dc] all_dates: Expected `bool`, got `str`"),
        ('[formats.mods]\ncreator_roles = "aut"', "[formats.mods] creator_roles: Expected `array`, got `str`"),
        ("[formats.mods]\nenable = false", "there is no option 'enable'; did you mean 'enabled'?"),
        ('[formats.mods]\nenabled = "no"', "[formats.mods] enabled: it is true or false"),
        ("[formats.oai_dc]\nenabled = false", "oai_dc cannot be left out: OAI-PMH wants every item in it"),
    ],
)
def test_an_option_that_no_format_reads_is_named(tmp_path: Path, text: str, said: str):
    (tmp_path / "config.toml").write_text(text)
    done = Installation(tmp_path).run("formats", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr
