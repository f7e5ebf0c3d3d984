"""Finding aids come in component by component, and a full import of one says nothing of the others."""

from __future__ import annotations

import gzip
import io
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import places
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import Installation
from test_importer import Desk
from validation import assert_valid

from metadata_formats import registry
from oai_server.ingest import readers
from oai_server.ingest.ead import EadReader
from oai_server.ingest.files import HEAD, plain
from oai_server.ingest.reader import Found, ReaderError, Rejected, in_scope
from oai_server.store.repository import Store

HEADER = '<eadheader><eadid mainagencycode="SI-1">{eadid}</eadid></eadheader>'


def component(number: object, *inside: str, level: str = "file", more: str = "") -> str:
    """Make a component that is called by its number."""
    did = f"<did><unittitle>T{number}</unittitle><unitid>{number}</unitid></did>"
    return f'<c level="{level}"{more}>{did}{"".join(inside)}</c>'


def aid(*components: str, eadid: str = "f1", before: str = "", behind: str = "", root: str = "<ead>") -> bytes:
    """Make a finding aid."""
    did = f"<did><unittitle>Papers {eadid}</unittitle><unitid>F</unitid></did>"
    head = f'{root}{HEADER.format(eadid=eadid)}<archdesc level="fonds">{did}{before}<dsc>'
    return f"{head}{''.join(components)}</dsc>{behind}</archdesc></ead>".encode()


def read(data: bytes, **profile: Any) -> list[Found | Rejected]:
    return list(EadReader(profile=profile, profile_name="p.toml").read(plain(io.BytesIO(data)), "a.xml"))


def keys(findings: Iterable[Found | Rejected]) -> list[str]:
    """Return what was found by key, and behind a minus sign what was rejected."""
    return [each.key if isinstance(each, Found) else f"-{each.key or ''}" for each in findings]


def found(findings: Iterable[Found | Rejected]) -> list[Found]:
    return [each for each in findings if isinstance(each, Found)]


def ending(data: bytes, **profile: Any) -> Rejected:
    """Return why a file could not be read to its end."""
    last = read(data, **profile)[-1]
    assert isinstance(last, Rejected)
    assert last.ends
    assert "\n" not in last.message
    assert len(last.message) < 200
    return last


# Real finding aids.

REAL = {
    "eadafc.af006002.2": 249, "eadafc.af006003.2": 6, "eadafc.af010004.2": 142, "eadafc.af011006.2": 36,
    "eadafc.af011009.2": 41, "eadafc.af011010.2": 42, "eadafc.af013005.2": 120, "eadafc.af013009.2": 177,
    "eadgmd.gm001001.2": 248, "eadmbrs.rs004004.2": 10, "eadmss.ms007107.2": 3, "eadmss.ms009031.2": 546,
    "eadmss.ms009043.2": 38, "eadmss.ms009116.2": 16, "eadmss.ms009154.2": 23, "eadmss.ms010030.2": 56,
    "eadmss.ms010275.2": 91, "eadmss.ms011066.2": 272, "eadmss.ms011110.2": 412, "eadmss.ms011190.2": 143,
    "eadmus.mu009011.2": 670, "eadmus.mu010007.2": 31, "eadmus.mu012019.2": 620, "eadmus.mu013009.2": 107,
}  # fmt: skip
EUROPEANA = {
    "rights": {"uri": "http://rightsstatements.org/vocab/CNE/1.0/"},
    "genres": [{"label": "archival materials"}],
    "provider": {"data_provider": "Library of Congress", "provider": "Archives", "country": "United States"},
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_finding_aid_comes_in_whole_and_is_valid_in_each_format(name: str) -> None:
    data = gzip.decompress((places.data() / "ead" / f"{name}.xml.gz").read_bytes())
    profile = {
        "ids": ["id"],
        "url_template": "{url}#{c}",
        "defaults": {**EUROPEANA, "resource_type": "text", "languages": [{"code": "eng"}]},
    }
    findings = read(data, **profile)
    records = found(findings)
    assert len(records) == len(findings) == REAL[name]
    assert len({each.key for each in records}) == len(records)
    assert {remark.kind for each in records for remark in each.remarks} <= {"date not read", "element not carried"}
    assert all(each.record.holding.repository == "Library of Congress" for each in records)
    assert all(each.record.holding.hierarchy for each in records[:-1])
    assert records[-1].record.collection
    formats = registry.load(["oai_dc", "mods", "edm"])
    for each in [*records[:-1:20], records[-1]]:
        for made in formats.values():
            payload = registry.rendition(made, each.record, registry.Context(f"oai:a.org:{each.key}"))
            assert payload or (made.prefix == "edm" and each.record.resource_type == "mixed material")
            if payload:
                assert_valid(payload)


def test_a_letter_of_the_arthur_family_is_what_a_librarian_would_say() -> None:
    findings = read((places.EXAMPLES / "arthur-papers.xml").read_bytes(), ids=["id"])
    record = found(findings)[0].record
    assert record.id == "US-DLC:hdl.loc.gov:loc.mss:eadmss.ms011190/mferd349e487"
    assert (record.titles[0].value, record.titles[0].supplied) == ("Diaries, 1887-1890", True)
    assert [(date.edtf, date.key) for date in record.dates] == [("1887/1890", True)]
    assert [(agent.name, agent.roles) for agent in record.agents] == [("Arthur family", ["cre"])]
    assert record.physical.extent == ["3 folders"]
    assert (record.holding.repository, record.holding.sublocation, record.holding.shelfmark) == (
        "Library of Congress", "Manuscript Division", "Box 1"
    )  # fmt: skip
    assert [step.title for step in record.holding.hierarchy] == [
        "Arthur Family Papers", "Chester Alan Arthur II Papers", "Diaries"
    ]  # fmt: skip
    whole = found(findings)[-1].record
    assert [(date.edtf, date.key) for date in whole.dates] == [("1817/1972", True), ("1874/1972", False)]
    assert whole.media[0].url == "http://hdl.loc.gov/loc.mss/eadmss.ms011190"


EAD3 = b"""<?xml version="1.0" encoding="UTF-8"?>
<ead xmlns="http://ead3.archivists.org/schema/" audience="external">
  <control><recordid instanceurl="https://archive.example.org/f7">f7</recordid><filedesc><titlestmt>
    <titleproper>Papers of Ana Novak</titleproper></titlestmt></filedesc><maintenancestatus value="revised"/>
    <maintenanceagency><agencycode>SI-7</agencycode><agencyname>City Archive</agencyname></maintenanceagency>
    <languagedeclaration><language langcode="eng">English</language><script scriptcode="Latn">Latin</script>
    </languagedeclaration><maintenancehistory><maintenanceevent><eventtype value="created"/>
    <eventdatetime standarddatetime="2019-05-02"/></maintenanceevent></maintenancehistory></control>
  <archdesc level="fonds"><did><unittitle>Papers of Ana Novak</unittitle><unitid>NOV</unitid>
    <unitdatestructured><daterange><fromdate standarddate="1890">1890</fromdate><todate standarddate="1941">1941
    </todate></daterange></unitdatestructured><origination><persname relator="cre"><part>Novak, Ana</part>
    <part>1870-1941</part></persname></origination>
    <repository><corpname><part>City Archive</part></corpname></repository>
    <langmaterial><languageset><language langcode="slv">Slovene</language><script scriptcode="Latn">Latin</script>
    </languageset></langmaterial></did>
    <dsc dsctype="combined"><c01 level="series"><did><unittitle>Letters</unittitle><unitid>1</unitid></did>
      <c02 level="item"><did><unittitle>To the mayor</unittitle><unitid>1.1</unitid>
        <unitdatestructured><datesingle standarddate="1907-05-04">4 May 1907</datesingle></unitdatestructured>
        <physdescstructured coverage="whole" physdescstructuredtype="spaceoccupied"><quantity>2</quantity>
        <unittype>pages</unittype></physdescstructured><daoset><dao daotype="derived" linkrole="image/jpeg"
        href="https://archive.example.org/f7/1"/></daoset></did></c02></c01></dsc></archdesc></ead>"""


def test_ead3_comes_in_as_ead_2002_does() -> None:
    item, whole = found(read(EAD3))
    assert (item.key, whole.key) == ("SI-7:f7/1/1.1", "SI-7:f7")
    record = item.record
    assert record.titles[0].value == "To the mayor"
    assert [(date.edtf, date.text) for date in record.dates] == [("1907-05-04", "4 May 1907")]
    assert [(agent.name, agent.roles) for agent in record.agents] == [("Novak, Ana, 1870-1941", ["cre"])]
    assert [(spoken.code, spoken.script) for spoken in record.languages] == [("slv", "Latn")]
    assert record.physical.extent == ["2 pages"]
    assert [(media.role, media.mime) for media in record.media] == [("object", "image/jpeg")]
    assert [step.id for step in record.holding.hierarchy] == ["NOV", "1"]
    assert (record.record.language, record.record.created) == ("eng", "2019-05-02")
    assert [date.edtf for date in whole.record.dates] == ["1890/1941"]


def test_finding_aids_that_their_archive_withdraws_are_withdrawn() -> None:
    gone = read(EAD3.replace(b'"revised"', b'"deleted"'))
    assert [(each.key, each.record.deleted) for each in found(gone)] == [("SI-7:f7/1/1.1", True), ("SI-7:f7", True)]


def test_each_file_finds_its_reader() -> None:
    doctype = b'<?xml version="1.0"?>\n<!-- <x> -->\n<!DOCTYPE ead PUBLIC "+//ISBN" "ead.dtd" [<!ENTITY a "b">]>\n'
    for head in (aid(), doctype + aid(), EAD3, (places.EXAMPLES / "arthur-papers.xml").read_bytes()):
        assert readers.choose(None, "a.xml", head[:HEAD]) is EadReader
    for other in (
        b'<ead xmlns="http://example.org/other"/>',
        b"<eadgroup/>",
        b"<!-- <ead> -->" * 4000,
        b"<!--" * 16000,
    ):
        assert not EadReader.recognises("a.xml", other)


# Levels and identifiers.

NESTED = aid(
    component("S1", component("1", component("1a", level="item")), component("2"), level="series"),
    component(
        "S2",
        "<c><did><unittitle>x</unittitle><unitid>3</unitid></did></c>",
        level="otherlevel",
        more=' otherlevel="Box"',
    ),
)


@pytest.mark.parametrize(
    ("levels", "wanted"),
    [
        (["file", "item"], ["S1/1/1a", "S1/1", "S1/2", "S2/3"]),
        (["series"], ["S1", "S2/3"]),
        (["box"], ["S2/3", "S2"]),
        ("*", ["S1/1/1a", "S1/1", "S1/2", "S1", "S2/3", "S2"]),
    ],
)
def test_the_chosen_levels_are_records_and_who_names_none_where_nothing_is_in_it(
    levels: Any, wanted: list[str]
) -> None:
    assert keys(read(NESTED, levels=levels)) == [*(f"SI-1:f1/{key}" for key in wanted), "SI-1:f1"]
    assert keys(read(NESTED, levels=levels, collection=False)) == [f"SI-1:f1/{key}" for key in wanted]


def test_a_component_is_identified_by_the_first_that_it_has() -> None:
    bare = '<c level="file"><did><unittitle>x</unittitle></did></c>'
    data = aid(component("1", more=' id="i1"'), component("S", bare, bare.replace("<c ", '<c id="i2" ')))
    assert keys(read(data))[:3] == ["SI-1:f1/1", "-", "-"]
    rejected = read(data)[1]
    assert (rejected.message, rejected.where) == (
        'no identifier: the component has no unitid; it has a position: ids = ["unitid", "position"] in a profile',
        "component 2.1, line 1",
    )
    assert read(data)[2].message.endswith('no unitid; it has an id: ids = ["unitid", "id"] in a profile')
    several = read(data, ids=["id", "unitid", "position"])
    assert keys(several)[:4] == ["SI-1:f1/i1", "SI-1:f1/~2.1", "SI-1:f1/i2", "SI-1:f1/S"]
    assert [[(remark.kind, remark.value) for remark in each.remarks] for each in found(several)][:4] == [
        [], [("identified by position", "~2.1")], [], [("identified by unitid", "S")]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("eadid", "scope"),
    [
        ("f 1", "SI-1:f 1"), ("http://x.org/a/b", "SI-1:x.org:a:b"), ("GB/12/A", "SI-1:GB:12:A"), (" f1\n", "SI-1:f1")
    ],
)  # fmt: skip
def test_the_identifier_of_the_finding_aid_is_one_step(eadid: str, scope: str) -> None:
    findings = read(aid(component("a/b"), eadid=eadid))
    assert keys(findings) == [f"{scope}/a/b", scope]
    assert {each.scope for each in findings} == {scope}


def test_without_an_identifier_nothing_can_be_taken() -> None:
    last = ending(aid(component(1), eadid=" "))
    assert last.message.startswith("the finding aid has no identifier")
    assert last.scope == ""


def test_pages_are_made_as_the_profile_says() -> None:
    dao = component("2", '<dao href="http://x.org/2"/>')
    data = aid(component("a 1", more=' id="i/1"'), dao, eadid="http://x.org/f")
    urls = [
        [media.url for media in each.record.media] for each in found(read(data, url_template="{url}?u={unitid}#{c}"))
    ]
    assert urls == [["http://x.org/f?u=a%201#i%2F1"], ["http://x.org/2"], ["http://x.org/f"]]
    (page, *_) = found(read(data, url_template="https://a.org/{eadid}/{id}"))
    assert page.record.media[0].url == "https://a.org/http%3A%2F%2Fx.org%2Ff/SI-1:x.org:f/a%201"


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"level": ["file"]}, "p.toml: Object contains unknown field `level`, did you mean 'levels'?"),
        ({"ids": ["uniteid"]}, "p.toml: ids[0]: Invalid enum value 'uniteid'"),
        ({"ids": []}, "p.toml: ids: name at least one of unitid, id, position"),
        ({"url_template": "{unit}"}, "p.toml: url_template: there is no {unit}, did you mean 'unitid'?"),
        (
            {"defaults": {"title": "x"}},
            "p.toml: defaults: Object contains unknown field `title`, did you mean 'title'?",
        ),
    ],
)
def test_a_profile_that_is_wrong_is_refused(profile: dict[str, Any], message: str) -> None:
    with pytest.raises(ReaderError) as caught:
        read(aid(), **profile)
    assert str(caught.value) == message


def test_defaults_and_what_is_ignored() -> None:
    data = aid(component(1, "<index><p>x</p></index>"))
    (first, _) = found(read(data))
    assert [(remark.kind, remark.path) for remark in first.remarks] == [("element not carried", "index")]
    (first, _) = found(read(data, ignore=["index"], defaults={"rights": {"uri": "http://x.org/{id}"}}))
    assert first.remarks == ()
    assert first.record.rights.uri == "http://x.org/SI-1:f1/1"


def test_what_is_internal_stays_at_home() -> None:
    data = aid(component(1), component("S", component(2), level="series", more=' audience="internal"'))
    findings = read(data)
    assert keys(findings) == ["SI-1:f1/1", "SI-1:f1"]
    assert [(each.kind, each.value) for each in findings[-1].remarks] == [("internal, left out", "component 2, line 1")]
    assert "no record" in ending(aid(component(1), root='<ead audience="internal">')).message
    assert keys(read(aid(component(1)).replace(b"<dsc>", b'<dsc audience="internal">'))) == ["SI-1:f1"]


def test_what_stands_behind_the_components_is_remarked() -> None:
    late = read(aid(component(1), behind="<userestrict><p>Ask.</p></userestrict>"))
    assert late[0].record.rights is None
    assert late[1].record.rights.statement == "Ask."
    assert [each.kind for each in late[1].remarks] == ["behind the components, not inherited"]


# Bad input.


def test_a_document_type_is_passed_over_and_characters_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("nothing may be fetched")

    monkeypatch.setattr(socket, "create_connection", refuse)
    doctype = (
        '<!DOCTYPE ead PUBLIC "+//ISBN 1-931666-00-8//DTD ead.dtd (EAD) Version 2002)//EN" '
        '"http://localhost:9/ead.dtd" ['
        '<!ENTITY % more SYSTEM "http://localhost:9/more.ent"> %more; <!ENTITY lc "Library">'
        '<!ENTITY pw SYSTEM "file:///etc/passwd"> <!NOTATION gif SYSTEM "gif"> <!ENTITY pic SYSTEM "a.gif" NDATA gif>]>'
    )
    title = "Caf&eacute; &mdash; &amp; &lc;&pw;&nope;&#233;"
    (first, _) = found(read(doctype.encode() + aid(component(1).replace("T1", title))))
    assert first.record.titles[0].value == "Café — & é"
    assert [(remark.kind, remark.value) for remark in first.remarks] == [("entity left out", "&lc;")]


LAUGHS = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (f"<!DOCTYPE ead [{LAUGHS}]>".encode() + aid(component("&l9;")), "the entity 'l1' is made of entities"),
        (f"<!DOCTYPE ead [{LAUGHS}]>".encode() + aid(component(1, more=' id="&l9;"')), "the entity 'l1' is made of"),
        (f'<!DOCTYPE ead [<!ENTITY a "{"x" * 5000}">]>'.encode() + aid(), "the entity 'a' is made of"),
        (aid(component("&eacute;")), "not well-formed XML: Entity 'eacute' not defined, line 1, column "),
        (aid('<c level="file">' * 100_000), "not well-formed XML: Excessive depth in document: 256, line 1"),
        (aid(component(1, "<odd><p>" + "x" * 11_000_000 + "</p></odd>")), "not well-formed XML: Resource limit"),
        (aid(component(1, "<odd>" + "<p>x</p>" * 700_000 + "</odd>")), "more than 16 MiB that are not parted"),
        (b"<x>" + b"<y/>" * 1_100_000 + b"</x>", "no finding aid: no ead element in the first 4 MiB"),
        (b"<x/>", "there is no finding aid in the file"),
        (b"", "not well-formed XML: "),
        (aid(root='<ead xmlns="http://example.org/">'), "not a finding aid: ead in the namespace http://example.org/"),
        (aid(component("\xe9"))[:-1] + b"\xff", "not well-formed XML: "),
        (aid()[:-6], "not well-formed XML: "),
    ],
    ids=["laughs", "laughs in an attribute", "long entity", "undeclared", "deep", "huge text", "many elements",
         "no root", "other root", "empty", "other namespace", "not UTF-8", "cut off"],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_one_line(data: bytes, message: str) -> None:
    started = time.monotonic()
    assert message in ending(data).message
    assert time.monotonic() - started < 15


def test_what_came_before_the_damage_is_taken() -> None:
    whole = aid(*map(component, range(40)))
    for cut in (whole.index(b"</archdesc>"), len(whole) // 2, len(whole) // 3):
        findings = read(whole[:cut])
        complete = whole[:cut].count(b"</c>")
        assert keys(findings) == [*(f"SI-1:f1/{number}" for number in range(complete)), "-"]
    last = ending(gzip.compress(whole)[:-30])
    assert last.message == "the gzip file is cut off: what came behind is lost"


def test_a_component_that_is_too_deep_is_rejected_by_its_identifier() -> None:
    nested = ""
    for number in range(53, 0, -1):
        nested = component(number, nested)
    deep = "/".join(map(str, range(1, 54)))
    findings = read(aid(nested))
    assert [each.key for each in findings if isinstance(each, Rejected)] == [
        f"SI-1:f1/{deep}", f"SI-1:f1/{deep[:-3]}", f"SI-1:f1/{deep[:-6]}"
    ]  # fmt: skip
    assert len(found(findings)) == 51


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=3))
def test_a_mutated_file_costs_nothing_before_the_damage(mutations: list[tuple[int, bytes, int]]) -> None:
    whole = (places.EXAMPLES / "arthur-papers.xml").read_bytes()
    data, first = whole, len(whole)
    for place, inserted, removed in mutations:
        at = place % len(data)
        data = data[:at] + inserted + data[at + removed :]
        first = min(first, at)
    sound = found(read(whole, ids=["id"]))
    before = whole[: first - 100 if first > 100 else 0]
    ended = [each for each in sound if f'id="{each.key.rpartition("/")[2]}"'.encode() in before]
    findings = found(read(data, ids=["id"]))
    complete = [each for each in ended if _ends_before(whole, each, len(before))]
    assert [each.record for each in findings[: len(complete)]] == [each.record for each in complete]


def _ends_before(whole: bytes, each: Found, place: int) -> bool:
    start = whole.find(f'id="{each.key.rpartition("/")[2]}"'.encode())
    tag = whole[whole.rfind(b"<", 0, start) + 1 : start].split()[0]
    return tag != b"archdesc" and 0 <= whole.find(b"</" + tag + b">", start) < place - 10


ENDLESS = """
import io, resource, sys
from oai_server.ingest.ead import EadReader
from oai_server.ingest.reader import Found

class Aid(io.RawIOBase):
    def __init__(self, head, component, tail, count):
        self.parts = iter([head, *[component] * count, tail])
        self.number, self.rest = 0, b""
    def readable(self):
        return True
    def readinto(self, buffer):
        self.rest = self.rest or next(self.parts, b"").replace(b"NUMBER", str(self.number).encode())
        self.number += 1
        count = min(len(buffer), len(self.rest))
        buffer[:count], self.rest = self.rest[:count], self.rest[count:]
        return count

head, component, tail = (part.encode() for part in sys.argv[1:])
for count in (200, 10_000):
    stream = io.BufferedReader(Aid(head, component, tail, count), 65536)
    assert sum(isinstance(each, Found) for each in EadReader().read(stream, "a.xml")) == count + 1
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file() -> None:
    one = component("NUMBER", f"<scopecontent><p>{'word ' * 300}</p></scopecontent>")
    head, _, tail = aid("|").decode().partition("|")
    words = [sys.executable, "-c", ENDLESS, head, one, tail]
    few, many = map(int, subprocess.run(words, capture_output=True, check=True, text=True).stdout.split())
    assert many - few < 10 * 1024, "KiB, for a finding aid of 16 MB"


# Updates: a finding aid is the whole of its own components.


def many(*numbers: int, eadid: str = "f1", more: str = "") -> str:
    return aid(*map(component, numbers), more, eadid=eadid).decode()


class Shelf(Desk):
    """A source with three finding aids of ten components, whose names begin alike, and a record beside them."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        super().__init__(installation, folder)
        self.file = folder / "in.xml"
        self.beside = folder / "beside"
        self.beside.mkdir()
        for name in ("f1/2", "f12"):
            (self.beside / f"{name.replace('/', '-')}.xml").write_text(many(*range(10), eadid=name))
        (self.beside / "loose.jsonl").write_text('{"id": "SI-1:f1x", "titles": [{"value": "Loose"}]}\n')
        self.file.write_text(many(*range(10)))
        self.call("import", self.beside, self.file)

    def live(self) -> set[str]:
        """Return the keys of the items that live."""
        with closing(Store(self.url)) as store:
            return {key for batch in store.live_keys("default") for key in batch}


@pytest.fixture
def shelf(instance: Installation, tmp_path: Path) -> Shelf:
    return Shelf(instance, tmp_path)


def test_full_deletes_what_the_finding_aid_no_longer_has_and_nothing_of_others(shelf: Shelf) -> None:
    before = shelf.live()
    assert len(before) == 34
    content = many(*range(1, 10), 11)
    assert shelf.take("--mode", "full", content=content) == "new 1 · changed 0 · unchanged 10 · deleted 1 · rejected 0"
    assert shelf.live() == before - {"SI-1:f1/0"} | {"SI-1:f1/11"}
    assert shelf.take("--mode", "full") == "new 0 · changed 0 · unchanged 11 · deleted 0 · rejected 0"
    # Its share is weighed against the finding aid, not against the source.
    said = shelf.refused("--mode", "full", content=many(*range(3, 10), 11))
    assert "would delete 2 of 11 items of SI-1:f1 in the source default, more than --max-deletes allows (1)" in said
    assert shelf.take("--mode", "full", "--max-deletes", "2").endswith("deleted 2 · rejected 0")
    # Together with a file that speaks for the whole source, it does so too.
    with_record = shelf.call("import", shelf.file, shelf.beside / "loose.jsonl", "--mode", "full", "--force")
    assert with_record.stdout == "new 0 · changed 0 · unchanged 10 · deleted 22 · rejected 0\n"


def test_a_finding_aid_that_is_broken_deletes_nothing(shelf: Shelf) -> None:
    before = shelf.live()
    nameless = '<c level="file"><did><unittitle>?</unittitle></did></c>'
    for content, why in (
        (many(*range(10))[:-8], "could not be read to its end"),
        (many(*range(9), more=nameless), "rejected record without an identifier"),
    ):
        assert why in shelf.refused("--mode", "full", content=content)
    # What names no finding aid is the whole of nothing, even by force.
    done = shelf.run("--mode", "full", "--force", content=many(eadid=" "), check=False)
    assert (done.returncode, "has no identifier" in done.stderr) == (2, True)
    assert shelf.live() == before
    # And a file that cannot be read at all makes nothing more of one that can.
    (shelf.beside / "broken.xml").write_text("<nothing/>")
    words = ("import", shelf.file, shelf.beside / "broken.xml", "--mode", "full", "--report", shelf.report)
    shelf.file.write_text(many(*range(9)))
    assert "could not be read to its end" in shelf.call(*words, check=False).stderr
    shelf.call(*words, "--force", check=False)
    assert shelf.live() == before - {"SI-1:f1/9"}


def test_two_components_with_one_identifier_are_told(shelf: Shelf) -> None:
    shelf.file.write_text(many(20, 21, 20, eadid="f9"))
    done = shelf.run(check=False)
    assert done.stdout == "new 3 · changed 0 · unchanged 0 · deleted 0 · rejected 1\n"
    assert "SI-1:f9/20 was there before" in done.stderr
    assert "component 1, line 1" in done.stderr


def test_a_scope_is_a_step_and_not_a_beginning() -> None:
    assert in_scope("a", {"a"})
    assert in_scope("a/b/c", {"a"})
    assert in_scope("a/b/c", {"a/b"})
    assert not in_scope("ab/c", {"a"})
    assert not in_scope("a", {"a/b"})
    assert not in_scope("a", {""})
    assert not in_scope("a", set())
