"""Europeana's rules over the XML: each finds what breaks it, and nothing in what is right."""

import places
import pytest
from items import INC, PAGE, item
from lxml import etree

from oai_server.readiness.edm_rules import ABOUT, NAMESPACES, RESOURCE, breaches

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
ATTRIBUTES = {"about": ABOUT, "resource": RESOURCE, "lang": XML_LANG}


def root():
    return item().root("edm")


def put(path, text=None, **attributes):
    """Return a change that gives an element, made where there is none, this text and these attributes."""

    def change(root):
        found = root.find(path, NAMESPACES)
        if found is None:
            parent, _, tag = path.rpartition("/")
            prefix, name = tag.split(":")
            found = etree.SubElement(root.find(parent, NAMESPACES), f"{{{NAMESPACES[prefix]}}}{name}")
        found.text = text
        for name, value in attributes.items():
            found.set(ATTRIBUTES[name], value)

    return change


def drop(*paths):
    def change(root):
        for path in paths:
            for found in root.findall(path, NAMESPACES):
                found.getparent().remove(found)

    return change


def again(path, **attributes):
    """Return a change that repeats an element, with other attributes."""

    def change(root):
        found = root.find(path, NAMESPACES)
        found.addnext(copy := etree.fromstring(etree.tostring(found)))
        for name, value in attributes.items():
            copy.set(ATTRIBUTES[name], value)

    return change


def both(*changes):
    def change(root):
        for each in changes:
            each(root)

    return change


CHO, AGGREGATION, RESOURCES = "edm:ProvidedCHO", "ore:Aggregation", "edm:WebResource"
SUBJECTS = [f"{CHO}/{tag}" for tag in ("dc:subject", "dc:type", "dcterms:spatial", "dcterms:temporal")]
OTHER = INC.replace("InC", "UND")


@pytest.mark.parametrize(
    ("rule", "change", "path", "value"),
    [
        ("EU-1", again(CHO, about=PAGE + "#other"), CHO, ""),
        ("EU-1", put(f"{AGGREGATION}/edm:aggregatedCHO", resource="https://x.org/other"), None, ""),
        ("EU-1", drop(AGGREGATION), None, ""),
        ("EU-2", drop(f"{CHO}/dc:title", f"{CHO}/dc:description"), "dc:title", ""),
        ("EU-2", both(put(f"{CHO}/dc:title", " "), drop(f"{CHO}/dc:description")), "dc:title", ""),
        ("EU-3", drop(*SUBJECTS), "dc:subject", ""),
        ("EU-3", both(drop(*SUBJECTS), put(f"{CHO}/dc:type", " ")), "dc:subject", ""),
        ("EU-4", drop(f"{CHO}/edm:type"), "edm:type", ""),
        ("EU-4", put(f"{CHO}/edm:type", "text"), "edm:type", "text"),
        ("EU-5", drop(f"{CHO}/dc:language"), "dc:language", ""),
        ("EU-6", drop(f"{AGGREGATION}/edm:dataProvider"), "edm:dataProvider", ""),
        ("EU-6", again(f"{AGGREGATION}/edm:dataProvider"), "edm:dataProvider", ""),
        ("EU-6", put(f"{AGGREGATION}/edm:provider", " "), "edm:provider", ""),
        ("EU-7", drop(f"{AGGREGATION}/edm:isShownAt", f"{AGGREGATION}/edm:isShownBy"), "edm:isShownAt", ""),
        ("EU-7", again(f"{AGGREGATION}/edm:isShownAt"), "edm:isShownAt", PAGE),
        ("EU-7", put(f"{AGGREGATION}/edm:isShownAt", resource="urn:isbn:1"), "edm:isShownAt", "urn:isbn:1"),
        ("EU-7", put(f"{AGGREGATION}/edm:isShownAt", resource="httpx://x"), "edm:isShownAt", "httpx://x"),
        ("EU-8", drop(f"{AGGREGATION}/edm:rights"), "ore:Aggregation/edm:rights", ""),
        ("EU-8", again(f"{RESOURCES}/edm:rights"), "edm:rights", "http://creativecommons.org/licenses/by/4.0/"),
        ("EU-8", put(f"{AGGREGATION}/edm:rights", resource=INC.replace("http:", "https:")), "edm:rights", None),
        ("EU-8", put(f"{RESOURCES}/edm:rights", resource=OTHER), "edm:rights", OTHER),
        ("EU-9", put(f"{RESOURCES}/edm:rights", "words"), "edm:rights", None),
        ("EU-9", put(f"{CHO}/dc:title", "T", lang=""), "dc:title", "T"),
        ("EU-9", put("edm:Agent", about=" "), "edm:Agent", None),
        ("EU-10", put(f"{RESOURCES}/dcterms:hasPart", "words"), "dcterms:hasPart", "words"),
        ("EU-11", put(f"{CHO}/edm:ugc", "TRUE"), "edm:ugc", "TRUE"),
        ("EU-11", both(put(f"{CHO}/edm:currentLocation", "A"), again(f"{CHO}/edm:currentLocation")), None, "A"),
        ("EU-12", put(f"{AGGREGATION}/edm:intermediateProvider", " Land  library"), None, "Land  library"),
    ],
)
def test_a_rule_finds_what_breaks_it_and_no_other_does(rule, change, path, value):
    document = root()
    assert breaches(document) == []
    change(document)
    found = breaches(document)
    assert {breach.rule for breach in found} == {rule}
    assert path is None or found[0].path == path
    assert value is None or found[0].value == value


@pytest.mark.parametrize(
    "change",
    [
        drop(f"{CHO}/dc:title"),
        drop(f"{CHO}/dc:subject", f"{CHO}/dc:type"),
        both(put(f"{CHO}/edm:type", "IMAGE"), drop(f"{CHO}/dc:language")),
        drop(f"{AGGREGATION}/edm:isShownBy"),
        put(f"{AGGREGATION}/edm:isShownBy", resource="HTTPS://archive.example.net/1.pdf"),
        put(f"{CHO}/edm:ugc", "true"),
        put(f"{AGGREGATION}/edm:intermediateProvider", "Another"),
        put(f"{RESOURCES}/dcterms:hasPart", resource=PAGE),
        drop(f"{RESOURCES}/edm:rights"),
    ],
)
def test_what_looks_like_a_breach_and_is_none(change):
    document = root()
    change(document)
    assert breaches(document) == []


@pytest.mark.parametrize(("base", "is_right"), [(INC, True), (OTHER, False)])
def test_a_licence_of_the_document_may_stand_for_one_of_the_list(base, is_right):
    document = root()
    own = "https://archive.example.net/licence"
    licence = etree.SubElement(document, f"{{{NAMESPACES['cc']}}}License", {ABOUT: own})
    etree.SubElement(licence, f"{{{NAMESPACES['odrl']}}}inheritFrom", {RESOURCE: base})
    put(f"{AGGREGATION}/edm:rights", resource=own)(document)
    assert [breach.value for breach in breaches(document)] == ([] if is_right else [own])


def test_the_expected_document_breaks_nothing():
    assert breaches(etree.parse(places.expected() / "edm.xml").getroot()) == []


def test_what_is_no_edm_breaks_rules_and_nothing_else():
    assert breaches(etree.fromstring("<x/>"))[0].rule == "EU-1"
