"""Each reader against files that somebody made to do harm: refused or contained in one line, beside good ones.

Every command has a gigabyte of address space and a minute of the processor: what grows with the harm dies of it.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import hostile
import pytest
from servers import PROGRAM, Installation

MIB = 1024 * 1024
DC = 'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/"'
LIDO = 'xmlns:lido="http://www.lido-schema.org"'
BOUNDED = ("prlimit", f"--as={1024 * MIB}", "--cpu=60", str(PROGRAM))
as_bounded = pytest.mark.skipif(shutil.which("prlimit") is None, reason="MISSING prlimit (util-linux), to bound memory")
pytestmark = as_bounded


class Case(NamedTuple):
    """A hostile file; ``refused`` are words of the rejection that it must cost, else its second record comes in."""

    name: str
    content: bytes
    refused: str = ""


@pytest.fixture(scope="module")
def installation(new_installation: Callable[..., Installation]) -> Installation:
    made = new_installation("sqlite")
    made.program = BOUNDED
    return made


def run(installation: Installation, *arguments: object, **more: Any) -> tuple[int, list[str]]:
    """Run a command that is refused or rejects something; returns its status and what it says, line by line."""
    said = installation.run(*arguments, check=False, timeout=200, **more)
    assert said.returncode in (1, 2), said.stdout + said.stderr
    assert "Traceback" not in said.stderr, said.stderr
    assert "out of memory" not in said.stderr, said.stderr
    lines = said.stderr.removesuffix("\n").split("\n")
    assert all(line.startswith(("rejected: ", "oai-server: ")) and line.isprintable() for line in lines), lines
    return said.returncode, lines


def live(installation: Installation, source: str) -> int:
    rows = [row.split() for row in installation.run("status").stdout.splitlines()]
    return next((int(row[3]) for row in rows if row[:2] == ["source", source]), 0)


# XML


def dc(title: str, key: str) -> str:
    def one(title: str, key: str) -> str:
        return f"<oai_dc:dc><dc:title>{title}</dc:title><dc:identifier>http://e.org/{key}</dc:identifier></oai_dc:dc>"

    return f"<list {DC}>{one(title, 'hostile-' + key)}{one('Beside', key)}</list>"


def lido(title: str, key: str) -> str:
    def one(title: str, key: str) -> str:
        return (
            f'<lido:lido><lido:lidoRecID lido:type="local">{key}</lido:lidoRecID>'
            '<lido:descriptiveMetadata xml:lang="en"><lido:objectIdentificationWrap><lido:titleWrap><lido:titleSet>'
            f"<lido:appellationValue>{title}</lido:appellationValue></lido:titleSet></lido:titleWrap>"
            "</lido:objectIdentificationWrap></lido:descriptiveMetadata></lido:lido>"
        )

    return f"<lido:lidoWrap {LIDO}>{one(title, 'hostile-' + key)}{one('Beside', key)}</lido:lidoWrap>"


def mods(title: str, key: str) -> str:
    def one(title: str, key: str) -> str:
        return (
            f"<mods><titleInfo><title>{title}</title></titleInfo>"
            f"<recordInfo><recordIdentifier>{key}</recordIdentifier></recordInfo></mods>"
        )

    around = '<modsCollection xmlns="http://www.loc.gov/mods/v3">'
    return f"{around}{one(title, 'hostile-' + key)}{one('Beside', key)}</modsCollection>"


def ead(title: str, key: str) -> str:
    def one(title: str, key: str) -> str:
        return f'<c level="file" id="{key}"><did><unittitle>{title}</unittitle><unitid>{key}</unitid></did></c>'

    head = '<archdesc level="fonds"><did><unittitle>P</unittitle><unitid>F</unitid></did><dsc>'
    inside = one("Beside", key) + one(title, f"hostile-{key}")
    return f"<ead><eadheader><eadid>aid-{key}</eadid></eadheader>{head}{inside}</dsc></archdesc></ead>"


def marcxml(title: str, key: str) -> str:
    return f'<collection xmlns="{hostile.MARC}">{hostile.marc("hostile-" + key, title)}{hostile.marc(key)}</collection>'


def oai(title: str, key: str) -> str:
    records = [hostile.record(f"hostile-{key}", hostile.marc("1", title)), hostile.record(key)]
    return hostile.envelope(hostile.page("ListRecords", records)).partition("\n")[2]


XML: dict[str, Callable[[str, str], str]] = {
    "oai_dc": dc,
    "mods": mods,
    "lido": lido,
    "ead": ead,
    "marc": marcxml,
    "oai": oai,
}
"""By reader: what makes a file of two records, of which one has this title, and the other this key."""

LAUGHS = '<!DOCTYPE l [<!ENTITY a0 "ha">' + "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11)
) + "]>"  # fmt: skip
OUTSIDE = '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
# What stands before the root, the title, and whether the whole file is refused.
MARKUP: dict[str, tuple[str, str, bool]] = {
    "laughs": (LAUGHS, "&a10;", True),
    "undeclared": ("", "&a10;", False),
    "outside": (OUTSIDE, "&x;", True),
    "parameter": ('<!DOCTYPE l [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]>', "T", True),
    "quadratic": ('<!DOCTYPE l [<!ENTITY x "' + "A" * 60_000 + '">]>', "&x;" * 60_000, True),
    "deep": ("", "<i>" * 100_000 + "</i>" * 100_000, False),
    "attributes": ("", "<i " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>", False),
    "ampersands": ("", "&" * 200_000, False),
    "included": (
        '<?xml-stylesheet href="file:///etc/passwd" type="text/xsl"?>',
        '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text" xml:base="file:///"/>T',
        False,
    ),
    "escape": ("", "\x1b[31mred\x9b0m\u202etxt", False),
}
STRICT = {"ead": ("outside", "parameter", "undeclared", "deep", "ampersands", "attributes", "escape")}
"""Where a reader reads a file as one document, so that what is not well-formed costs what is behind it."""
REFUSALS = {
    ("ead", "laughs"): "made of entities", ("ead", "quadratic"): "a long text", ("oai", "quadratic"): "no reader",
}  # fmt: skip
ENCODINGS = ("x-martian", "hex", "rot13", "idna", "punycode", "undefined", "cp037", "utf-7")


def xml_cases(reader: str) -> Iterator[Case]:
    make = XML[reader]
    for name, (before, title, refused) in MARKUP.items():
        # The document type of a finding aid may have entities; what is long or made of others is refused.
        words = (
            ""
            if not refused or (reader == "ead" and name in STRICT["ead"])
            else REFUSALS.get((reader, name), "declaration")
        )
        yield Case(f"{name}.xml", (before + make(title, f"{reader}-{name}")).encode(), words)
    for encoding in ENCODINGS if reader not in ("oai", "ead") else ():
        text = f'<?xml version="1.0" encoding="{encoding}"?>{make("T", f"{reader}-{encoding}")}'
        yield Case(f"{encoding}.xml", text.encode(), "encoding")
    text = make("\u00e4", f"{reader}-coded")
    yield Case("utf-16.xml", text.encode("utf-16"), "no reader" if reader == "oai" else "")
    yield Case("utf-16-bare.xml", text.encode("utf-16-le"), "binary data")
    yield Case("utf-32.xml", text.encode("utf-32"), "UTF-16 text")
    yield Case("around.xml", b"<i>" * 100_000 + make("T", "z").encode() + b"</i>" * 100_000, "no reader recognises it")
    for name, (begin, end) in {"text": ("", ""), "comment": ("<!--", "-->"), "tag": ('<i a="', '"/>')}.items():
        words = {"oai": "larger than 64 MiB", "ead": "more than 16 MiB" if begin else "too long"}.get(reader, "")
        around = lambda title, key, begin=begin, end=end: make(begin + title + end, key)  # noqa: E731
        yield Case(f"bomb-{name}.xml.gz", filled(around, f"{reader}-bomb-{name}"), words)


MEMBER = gzip.compress(b"x" * 64 * MIB, 1)
"""A gzip file may have many of them."""


def filled(make: Callable[[str, str], str], key: str) -> bytes:
    """Return a file whose title has 256 MiB, packed."""
    before, after = make("@@", key).encode().split(b"@@")
    return gzip.compress(before) + MEMBER * 4 + gzip.compress(after)


# Others


def jsonl(*titles: str, key: str) -> bytes:
    lines = [{"id": f"hostile-{key}-{number}", "titles": [{"value": title}]} for number, title in enumerate(titles)]
    return b"".join(json.dumps(each).encode() + b"\n" for each in [*lines, record(key)])


def record(key: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "titles": [{"value": "Beside"}], **more}


def extra(value: bytes, key: str) -> bytes:
    """Return a record with a hostile value that is none of the model."""
    return b'{"id":"%s","titles":[{"value":"T"}],"extra":{"p":%s}}' % (key.encode(), value)


def array(*records: bytes, key: str) -> bytes:
    return b"[" + b",".join([*records, json.dumps(record(key)).encode()]) + b"]"


DEEP = b"[" * 100_000 + b"]" * 100_000
MANY = b"[" + b"[]," * 500_000 + b"1]"
ALIASES = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)
)
SURROUNDED = b"---\n%s\n---\n{id: %s, titles: [{value: Beside}]}\n"


def canonical_cases() -> Iterator[Case]:
    yield Case("deep.jsonl", extra(DEEP, "d1") + b"\n" + jsonl(key="canonical-deep"))
    yield Case("deep.json", array(extra(DEEP, "d2"), key="x"), "not JSON")
    yield Case("zeros.json", array(*[b"0"] * 20_000, key="canonical-zeros"))
    yield Case("many.jsonl", extra(MANY, "m1") + b"\n" + jsonl(key="canonical-many"))
    yield Case("sets.jsonl", json.dumps(record("s1", sets=list(map(str, range(100_000))))).encode() + b"\n"
               + jsonl(key="canonical-sets"))  # fmt: skip
    yield Case("number.jsonl", extra(b"9" * 1_000_000, "n1") + b"\n" + jsonl(key="canonical-number"))
    yield Case("aliases.yaml", SURROUNDED % (ALIASES, b"canonical-aliases"))
    yield Case("object.yaml", SURROUNDED % (b"id: !!python/object/apply:os.getcwd []", b"canonical-object"))
    yield Case("values.yaml", SURROUNDED % (b"- a\n" * 200_000, b"canonical-values"))
    yield Case("long.yaml", SURROUNDED % (b"id: " + b"a\n  " * 5_000_000, b"canonical-long"))
    yield Case("signs.jsonl", json.dumps(record("a\nb\x1b[31m\u202e\x00\x85c" + "k" * 600)).encode() + b"\n"
               + jsonl(key="canonical-signs"))  # fmt: skip
    yield Case("huge.jsonl", jsonl("x" * MIB, key="canonical-huge"))
    before, after = jsonl("@@", key="canonical-bomb").split(b"@@")
    yield Case("bomb.jsonl.gz", gzip.compress(before) + MEMBER * 32 + gzip.compress(after))  # 2 GiB in one string
    yield Case("utf-16.jsonl", jsonl(key="x").decode().encode("utf-16"), "UTF-16")


def datacite_cases() -> Iterator[Case]:
    def doi(key: str, more: bytes = b"1") -> bytes:
        return (
            b'{"id":"10.5072/%s","type":"dois","attributes":{"doi":"10.5072/%s","titles":[{"title":"T"}],'
            b'"creators":[{"name":"N"}],"other":%s}}' % (key.encode(), key.encode(), more)
        )

    yield Case("deep.jsonl", doi("d1", DEEP) + b"\n" + doi("datacite-deep"))
    yield Case("many.json", b'{"data":[%s,%s]}' % (doi("m1", MANY), doi("datacite-many")))
    yield Case("zeros.json", b'{"data":[%s%s]}' % (doi("datacite-zeros") + b",", b",".join([b"0"] * 20_000)))
    yield Case("deep.json", b'{"data":[%s]}' % doi("x", DEEP), "not JSON")


def binary(key: bytes, title: bytes = b"Beside", length: int | None = None, base: int | None = None) -> bytes:
    """Return a record of ISO 2709; what its leader says may be a lie."""
    fields, directory = b"", b""
    for tag, content in ((b"001", key + b"\x1e"), (b"245", b"00\x1fa" + title + b"\x1e")):
        directory += tag + b"%04d%05d" % (len(content) % 10_000, len(fields))
        fields += content
    directory += b"\x1e"
    start = 24 + len(directory)
    total = start + len(fields) + 1
    leader = b"%05dnam a22%05d a 4500" % (length if length is not None else total % 100_000, base or start)
    return leader + directory + fields + b"\x1d"


def marc_cases() -> Iterator[Case]:
    for name, lie in {"longer": {"length": 99_999}, "shorter": {"length": 1}, "base": {"base": 99_999}}.items():
        yield Case(f"{name}.mrc", binary(b"h-" + name.encode(), **lie) + binary(b"marc-" + name.encode()))
    yield Case("separators.mrc", binary(b"h1", b"\x1e" * MIB) + binary(b"marc-separators"))
    yield Case("subfields.mrc", binary(b"h2", b"\x1fab" * MIB) + binary(b"marc-subfields"))
    yield Case("open.mrc", binary(b"marc-open") + binary(b"h3", b"x" * 20 * MIB)[:-1], "longer than 16 MiB")
    yield Case("leaders.mrc", binary(b"h4")[:40] * 2_000 + binary(b"marc-leaders"))
    yield Case("nothing.mrc", b"\x1d" * 5_000 + binary(b"marc-nothing"))
    before, after = (binary(b"h5", b"@@") + binary(b"marc-bomb")).split(b"@@")
    yield Case("bomb.mrc.gz", gzip.compress(before) + MEMBER * 4 + gzip.compress(after), "longer than 16 MiB")


def document_cases() -> Iterator[Case]:
    foot = "Document Information\nRecord ID\n"
    yield Case("spaces.txt", ("T" + " " * 5_000_000 + f"x\n\nBody\n\n{foot}document-spaces\n").encode())
    yield Case("lines.txt", ("T\n\n" + "( / \n" * 200_000 + f"\n\n{foot}document-lines\n").encode())
    yield Case("source.txt", (f"T\n\nBody\n\n{foot}document-source\nSource\n" + "p. 1, (Fond " * 100_000).encode())
    yield Case("long.txt", b"x" * 17 * MIB, "larger than 16 MiB")
    yield Case("nul.txt", b"T\0\x1b[31m\n\n" + foot.encode() + b"document-nul\n")


PROFILE = 'reader = "table"\nid = "id"\n[[fields]]\nto = "titles"\ncolumn = "title"\n'


def table_cases() -> Iterator[Case]:
    yield Case("quotes.csv", b"id,title\ntable-quotes,Beside\n" + b'",x","\n' * 150_000)
    yield Case("columns.csv", b"id,title" + b",a" * 1_000_000 + b"\n1,T\n", "columns")
    yield Case("commas.csv", b"id,title\n" + b"," * 5_000_000 + b"\ntable-commas,Beside\n")
    yield Case("open.csv", b'id,title\n1,"never\ntable-open,Beside\n')
    yield Case("nul.csv", b"id,title\n1,a\0b\x1b[31m\ntable-nul,Beside\n")
    rows = gzip.compress(b"id,title\n1,"), MEMBER * 32, gzip.compress(b"\ntable-bomb,Beside\n")
    yield Case("bomb.csv.gz", b"".join(rows))  # one line of 2 GiB
    for name, parts in WORKBOOKS.items():
        yield Case(f"{name}.xlsx", workbook(parts), "workbook")
    yield Case("row.xlsx", workbook({SHEET: sheet(b'<row r="5000000000"/>')}), "rows")
    yield Case("wide.xlsx", workbook({SHEET: sheet(b'<row><c r="ZZZ3"><v>1</v></c></row>' * 100, b"table-wide")}))


SHEET = "xl/worksheets/sheet1.xml"
_MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet(inside: bytes, key: bytes = b"1") -> bytes:
    cell = b'<c t="inlineStr"><is><t>%s</t></is></c>'
    rows = [b"<row>" + cell % a + cell % b + b"</row>" for a, b in ((b"id", b"title"), (key, b"Beside"))]
    return b"<worksheet %s><sheetData>%s%s</sheetData></worksheet>" % (_MAIN, b"".join(rows), inside)


WORKBOOKS: dict[str, Mapping[str, bytes]] = {
    "laughs": {SHEET: LAUGHS.encode() + sheet(b"<row><c><v>&a10;</v></c></row>")},
    "strings": {"xl/sharedStrings.xml": b"<sst %s>%s</sst>" % (_MAIN, b"<si/>" * 5_000_000)},
    "styles": {"xl/styles.xml": b"<styleSheet %s>%s</styleSheet>" % (_MAIN, b"<x/>" * 5_000_000)},
    "cells": {SHEET: sheet(b"<row>" + b"<c/>" * 5_000_000 + b"</row>")},
    "rows": {SHEET: sheet(b'<row r="1"/>' * 2_000_000)},
    "unknown": {"xl/workbook.xml": b"<workbook %s>%s</workbook>" % (_MAIN, b"<x/>" * 5_000_000)},
    "bomb": {SHEET: b" " * (80 * MIB)},
    "coded": {SHEET: sheet(b"").decode().encode("utf-16")},
}


def workbook(parts: Mapping[str, bytes]) -> bytes:
    """Return a workbook in which these parts stand instead of those that belong there."""
    from openpyxl import Workbook

    plain, made = io.BytesIO(), io.BytesIO()
    Workbook().save(plain)
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as after:
        for name in {**dict.fromkeys(before.namelist()), **parts}:
            after.writestr(name, parts[name] if name in parts else before.read(name))
    return made.getvalue()


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    **{reader: lambda reader=reader: xml_cases(reader) for reader in XML},  # type: ignore[misc]
    "marc binary": marc_cases,
    "canonical": canonical_cases,
    "datacite": datacite_cases,
    "document": document_cases,
    "table": table_cases,
}


@pytest.mark.parametrize("reader", CASES)
def test_hostile_files_are_refused_or_contained(installation: Installation, tmp_path: Path, reader: str) -> None:
    source, kind = reader.replace(" ", "-"), reader.partition(" ")[0]
    folder, report = tmp_path / "in", tmp_path / "report.jsonl"
    folder.mkdir()
    cases = list(CASES[reader]())
    for case in cases:
        (folder / case.name).write_bytes(case.content)
    (tmp_path / "p.toml").write_text(PROFILE if kind == "table" else f'reader = "{kind}"\n')
    options = ["--source", source, "--report", report] + (["--profile", tmp_path / "p.toml"] if kind == "table" else [])

    run(installation, "import", folder, *options)
    events = [json.loads(line) for line in report.read_text(encoding="utf-8").split("\n") if line]
    for case in cases:
        own = [event for event in events if event["file"].endswith(f"/{case.name}")]
        rejected = [event["message"] for event in own if event["outcome"] == "rejected"]
        taken = [event["id"] for event in own if event["outcome"] == "new"]
        assert not any("please report it" in message for message in rejected), (case.name, rejected)
        if case.refused:
            assert any(case.refused in message for message in rejected), (case.name, rejected[:3], taken)
        elif case.name.partition(".")[0] not in STRICT.get(reader, ()):
            assert any(kind in key for key in taken), (case.name, rejected[:3], taken)
    before = live(installation, source)
    assert before

    run(installation, "import", folder, *options, "--mode", "full")
    assert live(installation, source) == before
    with closing(sqlite3.connect(installation.folder / "repository.sqlite")) as database:
        assert not database.execute("SELECT 1 FROM canonical WHERE json LIKE '%root:x:0%'").fetchall()
