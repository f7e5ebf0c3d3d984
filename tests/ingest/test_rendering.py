"""Rendering again: other formats, versions, options and rules reach harvesters, and nothing else moves."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from harvesters import Harvest, raw
from servers import Installation, Server

OAI = "oai:archive.example.org:"
RECORDS = [
    {"id": "map", "titles": [{"value": "Map"}], "resource_type": "cartographic",
     "dates": [{"type": "created", "edtf": "1850"}, {"type": "issued", "edtf": "1901"}]},
    {"id": "letter", "titles": [{"value": "Letter"}], "resource_type": "text", "sets": ["post"]},
    {"id": "gone", "titles": [{"value": "Gone"}], "resource_type": "cartographic", "sets": ["post"]},
]  # fmt: skip


class Desk:
    """An installation with three records, one of them deleted, whose settings the test rewrites."""

    def __init__(self, installation: Installation, file: Path) -> None:
        self.installation = installation
        self.file = file
        self.save(RECORDS)

    def save(self, records: list[dict[str, object]]) -> None:
        self.file.write_text("".join(json.dumps(record) + "\n" for record in records))

    def configure(self, text: str) -> None:
        (self.installation.folder / "config.toml").write_text(text)

    def call(self, *arguments: str, **more: object) -> str:
        """Run a command in a second of its own, so that what it moves shows; return what it printed."""
        time.sleep(1.1)
        return self.installation.run(*arguments, **more).stdout.strip()

    def start(self, text: str) -> None:
        self.configure(text)
        self.call("import", str(self.file))
        self.call("delete", f"{OAI}gone")


@pytest.fixture
def desk(instance: Installation, tmp_path: Path) -> Desk:
    return Desk(instance, tmp_path / "records.jsonl")


def harvest(server: Server, prefix: str = "oai_dc", setspec: str = "") -> Harvest:
    """List everything, by our own strict harvester."""
    arguments = {"metadataPrefix": prefix} | ({"set": setspec} if setspec else {})
    return {key.removeprefix(OAI): seen for key, seen in raw(server.base_url, "ListRecords", **arguments).items()}


def moved(before: Harvest, after: Harvest) -> set[str]:
    return {key for key in after if before.get(key) != after[key]}


def test_a_new_format_appears_while_the_server_serves(desk: Desk):
    desk.start('formats = ["oai_dc"]\n')
    with desk.installation.serve() as server:
        before = harvest(server)
    desk.configure("")
    with desk.installation.serve() as server:
        assert harvest(server, "mods") == {}
        assert "to render 2" in desk.call("status")
        assert desk.call("render") == "changed 2 · unchanged 0 · rejected 0"
        assert harvest(server, "mods").keys() == {"map", "letter"}, (
            "what was deleted before never was in the new format"
        )
        assert harvest(server) == before
        assert desk.call("render") == "changed 0 · unchanged 0 · rejected 0"
        assert "to render" not in desk.call("status")
        assert desk.call("import", str(desk.file)).startswith("new 0 · changed 1 · unchanged 2"), (
            "the deleted one is back"
        )


def test_an_option_moves_only_the_records_whose_bytes_it_changes(desk: Desk):
    desk.start("")
    with desk.installation.serve() as server:
        before, mods = harvest(server), harvest(server, "mods")
        desk.configure("[formats.oai_dc]\nall_dates = true\n")
        assert desk.call("render", "--prefix", "mods") == "changed 0 · unchanged 0 · rejected 0"
        assert desk.call("render", "--set", "post") == "changed 0 · unchanged 1 · rejected 0"
        assert harvest(server) == before
        assert desk.call("render", "--prefix", "oai_dc") == "changed 1 · unchanged 0 · rejected 0"
        assert moved(before, harvest(server)) == {"map"}
        assert harvest(server, "mods") == mods
        assert "to render" not in desk.call("status")


def test_a_rule_makes_a_set_and_a_changed_one_is_published(desk: Desk):
    desk.start("""[sets."by:type"]\nname = "Maps"\nwhere = "resource_type == 'cartographic'"\n""")
    with desk.installation.serve() as server:
        before = harvest(server)
        assert before["map"].sets == {"by:type"}
        assert before["letter"].sets == {"post"}
        assert harvest(server, setspec="by").keys() == {"map", "gone"}
        desk.configure("""[sets."by:type"]\nname = "Maps"\ntombstones = true\nwhere = "resource_type == 'text'"\n""")
        assert desk.call("render") == "changed 2 · unchanged 0 · rejected 0"
        after = harvest(server)
        assert after["map"].sets == frozenset()
        assert after["letter"].sets == {"by:type", "post"}
        assert moved(before, after) == {"map", "letter"}
        assert moved(before, harvest(server, "mods")) == {"map", "letter"}, "sets stand in every header"
        shown = harvest(server, setspec="by:type")
        assert {key: seen.deleted for key, seen in shown.items()} == {"map": True, "letter": False, "gone": True}
        assert shown["map"].sets == {"by:type"}
        assert harvest(server, setspec="by").keys() == {"letter", "gone"}, "tombstones are the option of one set"
        assert not after["map"].deleted
        desk.configure("")
        assert desk.call("render") == "changed 1 · unchanged 1 · rejected 0"
        assert harvest(server)["letter"].sets == {"post"}
        assert desk.call("import", str(desk.file)).startswith("new 0 · changed 1 · unchanged 2")


def test_a_restamp_moves_what_is_chosen_and_nothing_else(desk: Desk):
    desk.start("")
    with desk.installation.serve() as server:
        before, mods = harvest(server), harvest(server, "mods")
        said = desk.call("render", "--restamp", "--set", "post", "--prefix", "mods")
        assert said == "changed 0 · unchanged 0 · rejected 0 · restamped 2"
        assert harvest(server) == before
        after = harvest(server, "mods")
        assert moved(mods, after) == {"letter", "gone"}
        assert {key: seen._replace(datestamp="") for key, seen in after.items()} == {
            key: seen._replace(datestamp="") for key, seen in mods.items()
        }
        assert desk.call("render", "--restamp").endswith(" · restamped 6")
        assert moved(before, harvest(server)) == {"map", "letter", "gone"}


def test_what_is_not_there_cannot_be_rendered(desk: Desk):
    desk.start("")
    for arguments, message in {
        ("--prefix", "edn"): "oai-server: the format edn is not offered; offered are oai_dc, mods\n",
        ("--set", "pots"): "oai-server: there is no set pots; 'oai-server sets' lists them\n",
    }.items():
        said = desk.installation.run("render", *arguments, check=False)
        assert (said.returncode, said.stdout, said.stderr) == (2, "", message)
    desk.configure("""[sets.maps]\nwhere = "resorce_type == 'x'"\n""")
    said = desk.installation.run("status", check=False)
    assert said.returncode == 2
    assert said.stderr.startswith("""oai-server: [sets."maps"] where: no record has a field 'resorce_type'; did you""")
