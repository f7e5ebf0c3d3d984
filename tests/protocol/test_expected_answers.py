"""Answers compared, element by element, with those written down before there was a server."""

from __future__ import annotations

import pytest
from lxml import etree
from places import expected
from rig import BEGIN, MODS, OAI_DC, Held, InMemory, get, provider

from metadata_formats import about
from metadata_formats.record import Provenance, Record, RecordInfo, Title
from oai_server.protocol import datestamps
from oai_server.protocol import provider as provider_module
from oai_server.protocol.repository import MetadataFormat, Set

EDM = MetadataFormat(
    "edm", "http://www.europeana.eu/schemas/edm/EDM.xsd", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
)
IDENTIFIER = "oai:archive.example.org:165251"
NOW = datestamps.parse("2026-01-02T03:04:05Z").first + 1


def read(name: str) -> etree._Element:
    parser = etree.XMLParser(remove_blank_text=True, remove_comments=True)
    return etree.parse(expected() / "oai" / name, parser).getroot()


def same(ours: bytes, theirs: etree._Element) -> None:
    """Compare names, attributes, text and order; the words of errors are free."""
    parser = etree.XMLParser(remove_blank_text=True)
    assert _plain(etree.fromstring(ours, parser)) == _plain(theirs)


def _plain(element: etree._Element) -> tuple:
    text = (element.text or "").strip() if not element.tag.endswith("}error") else "…"
    return element.tag, dict(element.attrib), text, [_plain(child) for child in element]


def serving(
    name: str = "", prefix: str = "oai_dc", *, deleted: bool = False, about: bytes = b""
) -> provider_module.Provider:
    """A provider of the one record of an expected answer, whose payload it takes from there."""
    repository = InMemory((OAI_DC, MODS, EDM), (Set("wilson", "Wilson Center"),), now=NOW)
    if name:
        metadata = read(name).find(".//{*}metadata")
        body = None if deleted else etree.tostring(metadata[0])
        stamp = BEGIN + 86_400 if deleted else BEGIN
        repository.records[prefix, 165251] = Held(165251, stamp, IDENTIFIER, "wilson", deleted, body, about or None)
    return provider(repository)


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("getrecord_oai_dc.xml", "oai_dc"), ("getrecord_mods.xml", "mods"), ("getrecord_edm.xml", "edm"),
        ("getrecord_deleted.xml", "oai_dc"),
    ],
)  # fmt: skip
def test_records(name, prefix):
    oai = serving(name, prefix, deleted="deleted" in name)
    answer = get(oai, verb="GetRecord", identifier=IDENTIFIER, metadataPrefix=prefix)
    same(answer.document, read(name))


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("identify.xml", "verb=Identify"),
        ("error_badverb.xml", "verb=nonsense"),
        ("error_badargument.xml", "verb=ListRecords&metadataPrefix=oai_dc&from=2026-01-02&until=2026-01-01"),
        ("error_norecordsmatch.xml", "verb=ListRecords&metadataPrefix=oai_dc&until=1990-01-01"),
    ],
)
def test_answers_without_records(name, query):
    theirs = read(name)
    ours = get(serving(), query)
    if name == "identify.xml":  # the example's sample is an item of that archive, ours is of any
        assert ours.texts("sampleIdentifier") == ["oai:archive.example.org:1"]
        theirs.find(".//{*}sampleIdentifier").text = "oai:archive.example.org:1"
    same(ours.document, theirs)


def test_the_last_page():
    """As written down, but for the token: bare, since a client goes on for ever where it has attributes."""
    theirs = read("listidentifiers_last_page.xml")
    repository = InMemory(sets_offered=(Set("wilson", "Wilson Center"),), now=NOW)
    repository.records.update(
        (("oai_dc", number), Held(number, BEGIN, f"oai:archive.example.org:{number}", "wilson", False, None))
        for number in (165250, 165251)
    )
    oai = provider(repository, identifiers_page_size=1)
    token = get(oai, verb="ListIdentifiers", metadataPrefix="oai_dc").token
    theirs.find("{*}request").set("resumptionToken", token)
    assert theirs[-1][-1].attrib
    theirs[-1][-1].attrib.clear()
    same(get(oai, verb="ListIdentifiers", resumptionToken=token).document, theirs)


def test_provenance():
    name = "getrecord_provenance.xml"
    theirs = read(name)
    origin = Provenance(
        base_url="http://origin.example.org/oai", identifier="oai:origin.example.org:165251", datestamp="2017-08-14",
        metadata_namespace=OAI_DC.namespace, harvest_date="2025-12-31T23:59:59Z",
    )  # fmt: skip
    item = Record(id="165251", titles=[Title(value="T")], record=RecordInfo(provenance=[origin]))
    oai = serving(name, about=about.containers(["provenance"], item, OAI_DC.namespace))
    answer = get(oai, verb="GetRecord", identifier=IDENTIFIER, metadataPrefix="oai_dc")
    same(answer.document, theirs)
    assert _canonical(answer.document) == _canonical(etree.tostring(theirs))


def _canonical(document: bytes) -> bytes:
    return etree.tostring(etree.fromstring(document, etree.XMLParser(remove_blank_text=True)), method="c14n")
