"""From outside: what a real server says about its records and of itself, on each engine."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import oaipmh_scythe
import sickle
from harvesters import raw
from lxml import etree
from servers import Installation, Server
from validation import assert_valid

OAI = "oai:archive.example.org:"
DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
FIRST = {
    "base_url": "https://first.example.org/oai",
    "identifier": "oai:first.example.org:a b",
    "datestamp": "2001-02-03",
    "metadata_namespace": "http://www.loc.gov/mods/v3",
    "harvest_date": "2020-01-01T00:00:00Z",
    "altered": False,
}
LAST = {
    "base_url": "https://second.example.org/oai",
    "identifier": "oai:second.example.org:1",
    "datestamp": "2020-01-02",
    "metadata_namespace": DC,
    "harvest_date": "2025-12-31T23:59:59Z",
    "altered": False,
}
CC_BY = "https://creativecommons.org/licenses/by/4.0/"


def records(**last: str) -> str:
    harvested = {"id": "h", "titles": [{"value": "Harvested"}], "rights": {"metadata_licence": CC_BY},
                 "record": {"provenance": [{**LAST, **last}, FIRST]}}  # fmt: skip
    broken = {
        "id": "b",
        "titles": [{"value": "Broken"}],
        "record": {"provenance": [LAST, {**FIRST, "datestamp": "2001"}]},
    }
    return "".join(json.dumps(one) + "\n" for one in (harvested, broken, {"id": "o", "titles": [{"value": "Own"}]}))


def abouts(server: Server, prefix: str) -> dict[str, list[etree._Element]]:
    """Return the containers of each record by its key, the same in lists and by themselves; all answers are valid."""
    found = {}
    answer = server.get(verb="ListRecords", metadataPrefix=prefix)
    assert_valid(answer.body)
    for one in etree.fromstring(answer.body).iter("{*}record"):
        identifier = one.findtext("{*}header/{*}identifier")
        alone = server.get(verb="GetRecord", metadataPrefix=prefix, identifier=identifier)
        assert_valid(alone.body)
        held = [container[0] for container in one.findall("{*}about")]
        [same] = etree.fromstring(alone.body).iter("{*}record")
        assert [*map(canonical, held)] == [canonical(about[0]) for about in same.findall("{*}about")]
        found[identifier.removeprefix(OAI)] = held
    return found


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n")


def test_records_say_where_they_come_from_and_whose_they_are(instance: Installation, tmp_path: Path):
    instance.settings["about"] = "provenance,rights"
    file = tmp_path / "records.jsonl"
    file.write_text(records())
    said = instance.run("import", file, "--report", tmp_path / "report").stdout
    assert said == "about left out: 1\nnew 3 · changed 0 · unchanged 0 · deleted 0 · rejected 0\n"
    [remark] = [json.loads(line) for line in (tmp_path / "report").read_text().splitlines() if "left out" in line]
    assert (remark["id"], remark["path"]) == ("b", "record.provenance")
    assert remark["value"].startswith("provenance is left out from hop 2 on: datestamp '2001'")
    with instance.serve() as server:
        for prefix, altered in (("oai_dc", "false"), ("mods", "true")):
            found = abouts(server, prefix)
            assert {key: [one.tag.rpartition("}")[2] for one in held] for key, held in found.items()} == {
                "h": ["provenance", "rights"], "b": ["provenance"], "o": [],
            }  # fmt: skip
            last, first = found["h"][0].iter("{*}originDescription")
            assert dict(last.attrib) == {"harvestDate": LAST["harvest_date"], "altered": altered}
            assert dict(first.attrib) == {"harvestDate": FIRST["harvest_date"], "altered": "false"}
            assert first.findtext("{*}identifier") == "oai:first.example.org:a%20b"
            assert found["h"][1][0].get("ref") == CC_BY
        before = {prefix: raw(server.base_url, metadataPrefix=prefix) for prefix in ("oai_dc", "mods")}
        time.sleep(1.1)
        # A harvest of what has not changed moves nothing; another setting moves what it says something about.
        file.write_text(records(harvest_date="2026-01-01T00:00:00Z", datestamp="2025-01-01"))
        assert "changed 0 · unchanged 3" in instance.run("import", file).stdout
        assert {prefix: raw(server.base_url, metadataPrefix=prefix) for prefix in before} == before
        assert "to render 3" in instance.run("status", about="rights").stdout
        assert instance.run("render", about="rights").stdout.endswith("changed 2 · unchanged 1 · rejected 0\n")
        assert {key: len(held) for key, held in abouts(server, "mods").items()} == {"h": 1, "b": 0, "o": 0}
        after = raw(server.base_url)
        assert {key for key in after if after[key] != before["oai_dc"][key]} == {f"{OAI}h", f"{OAI}b"}
        shown = instance.run("show", "h", "--prefix", "oai_dc").stdout
        assert "<oai_dc:dc" in shown
        assert "about" not in shown
        instance.run("delete", f"{OAI}h")
        assert abouts(server, "oai_dc")["h"] == []


def test_clients_read_an_identify_with_everything_in_it(new_installation, tmp_path: Path):
    installation: Installation = new_installation("sqlite")
    example = (installation.folder / "config.toml").read_text()
    tables = re.sub(
        r"^# (?!---)", "", example.partition("# --- Where records come from")[2].partition("\n")[2], flags=re.M
    )
    (installation.folder / "config.toml").write_text(tables)
    (tmp_path / "records.jsonl").write_text(records())
    installation.run("import", tmp_path / "records.jsonl")
    with installation.serve() as server:
        answer = server.get(verb="Identify")
        assert_valid(answer.body)
        root = etree.fromstring(answer.body)
        assert len(root.findall(".//{*}description")) == 6
        sample = root.findtext(".//{*}sampleIdentifier")
        assert server.get(verb="GetRecord", metadataPrefix="oai_dc", identifier=sample).text.count("<record>") == 1
        assert sickle.Sickle(server.base_url).Identify().repositoryName == "An OAI-PMH repository"
        with oaipmh_scythe.Scythe(server.base_url) as client:
            assert client.identify().baseURL == server.base_url
        assert_valid(server.get(verb="ListSets").body)
