"""The tiers of Europeana, line by line of the tables of the publishing framework."""

from __future__ import annotations

import places
import pytest
from items import GOOD, INC, PAGE, item
from lxml import etree

from oai_server.readiness import tiers
from oai_server.readiness.edm_rules import NAMESPACES

PAGE_ALONE = [GOOD["media"][0]]
CC0, BY_NC = "http://creativecommons.org/publicdomain/zero/1.0/", "http://creativecommons.org/licenses/by-nc/4.0/"
THUMBNAIL = {"role": "thumbnail", "url": PAGE + ".jpg"}


def file(mime: str | None = None, width: int | None = None, height: int | None = None, **more: object):
    return {"role": "object", "url": PAGE + "/file", "mime": mime, "width": width, "height": height, **more}


def image(pixels: int, **more: object):
    return file("image/jpeg", pixels // 100, 100, **more)


TEXT, IMAGE, SOUND, VIDEO = "text", "still image", "sound recording", "moving image"
THING = "three dimensional object"


@pytest.mark.parametrize(
    ("kind", "media", "tier"),
    [
        (TEXT, [file("application/pdf")], 4),
        (TEXT, [image(950_000)], 4),
        (TEXT, [image(949_900)], 2),
        (TEXT, [image(420_000)], 2),
        (TEXT, [image(419_900)], 1),
        (TEXT, [image(100_000)], 1),
        (TEXT, [image(99_900)], 0),
        (TEXT, [*PAGE_ALONE, image(99_900)], 1),
        (TEXT, PAGE_ALONE, 1),
        (TEXT, [file("text/plain", 5000, 5000)], 0),
        (TEXT, [image(100_000), image(950_000, url=PAGE + "/2", role="view")], 4),
        (IMAGE, [image(950_000)], 4),
        (IMAGE, [image(420_000)], 2),
        (IMAGE, [image(100_000)], 1),
        (IMAGE, [*PAGE_ALONE, THUMBNAIL, image(99_900)], 0),
        (IMAGE, [*PAGE_ALONE, THUMBNAIL], 0),
        (IMAGE, PAGE_ALONE, 0),
        (IMAGE, [file("image/jpeg")], 0),
        (IMAGE, [file("application/pdf")], 0),
        (VIDEO, [file("video/mp4", 640, 480)], 4),
        (VIDEO, [file("video/mp4", 640, 479)], 0),
        (VIDEO, [*PAGE_ALONE, file("video/mp4")], 1),
        (VIDEO, [file(url="https://www.youtube.com/watch?v=x")], 4),
        (VIDEO, [file(url="https://youtube.example.net/watch?v=x")], 0),
        (VIDEO, PAGE_ALONE, 1),
        (SOUND, [file("audio/mpeg")], 4),
        (SOUND, [file(url="https://soundcloud.com/x/y")], 4),
        (SOUND, [*PAGE_ALONE, file("video/mp4", 640, 480)], 1),
        (SOUND, [file()], 0),
        (THING, [file("model/gltf-binary")], 4),
        (THING, [*PAGE_ALONE, file("model/gltf-binary"), image(100, url=PAGE + "/2", role="view")], 4),
    ],
)
def test_the_content_tier_is_that_of_the_best_file_or_of_the_page(kind: str, media: list[object], tier: int):
    root = item(resource_type=kind, media=media, rights={"uri": CC0}).root("edm")
    assert tiers.content(root).tier == tier


@pytest.mark.parametrize(
    ("uri", "own", "tier"),
    [
        (CC0, None, 4),
        ("http://creativecommons.org/licenses/by-sa/3.0/", None, 4),
        (BY_NC, None, 3),
        ("http://rightsstatements.org/vocab/NoC-NC/1.0/", None, 3),
        ("http://rightsstatements.org/vocab/InC-EDU/1.0/", None, 3),
        (INC, None, 2),
        ("http://rightsstatements.org/vocab/CNE/1.0/", None, 2),
        (INC, CC0, 4),
        (CC0, BY_NC, 3),
    ],
)
def test_a_licence_caps_the_tier_of_its_file(uri: str, own: str | None, tier: int):
    root = item(media=[file("application/pdf", rights_uri=own)], rights={"uri": uri}).root("edm")
    assert tiers.content(root).tier == tier
    assert ("licence" in tiers.content(root).because) == (tier < 4)


def test_a_page_counts_whatever_the_licence():
    assert tiers.content(item(media=PAGE_ALONE, rights={"uri": INC}).root("edm")).tier == 1


def test_a_page_of_a_model_counts_while_there_is_no_file():
    for media, tier in ((PAGE_ALONE, 1), ([*PAGE_ALONE, image(950_000)], 0)):
        root = item(resource_type=THING, media=media).root("edm")
        root.find("edm:ProvidedCHO/edm:type", NAMESPACES).text = "3D"
        assert tiers.content(root).tier == tier


# The metadata tier, on documents of just what is counted.


def document(cho: str, things: str = "") -> etree._Element:
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    return etree.fromstring(
        f'<rdf:RDF {declared}><edm:ProvidedCHO rdf:about="#cho">{cho}</edm:ProvidedCHO>{things}</rdf:RDF>'
    )


def link(tag: str, target: str) -> str:
    return f'<{tag} rdf:resource="{target}"/>'


def thing(tag: str, about: str, inside: str) -> str:
    return f'<{tag} rdf:about="{about}">{inside}</{tag}>'


IN_ENGLISH = '<skos:prefLabel xml:lang="en">x</skos:prefLabel>'
IN = ' xml:lang="en"'
UNTAGGED = "<skos:prefLabel>x</skos:prefLabel>"
FOUR = ("dc:title", "dc:description", "dc:rights", "dcterms:medium")


def tagged(count: int) -> str:
    """Return four elements, so many of them in English."""
    return "".join(f"<{tag}{IN * (place < count)}>x</{tag}>" for place, tag in enumerate(FOUR))


@pytest.mark.parametrize(
    ("cho", "things", "share", "tier"),
    [
        (tagged(0), "", (0, 4), "0"),
        (tagged(1), "", (1, 4), "A"),
        (tagged(2), "", (2, 4), "B"),
        (tagged(3), "", (3, 4), "C"),
        ("<dc:title>x</dc:title><dc:title xml:lang='en'>x</dc:title>", "", (1, 1), "C"),
        ("<dc:title xml:lang='en'> </dc:title>", "", (0, 1), "0"),
        ("<dc:creator xml:lang='en'>x</dc:creator><dc:identifier xml:lang='en'>x</dc:identifier>", "", (0, 0), "0"),
        (link("dc:type", "#c"), thing("skos:Concept", "#c", IN_ENGLISH), (1, 1), "C"),
        (link("dc:type", "#c"), thing("skos:Concept", "#c", UNTAGGED), (0, 1), "0"),
        (link("dc:subject", "#a"), thing("edm:Agent", "#a", IN_ENGLISH), (0, 1), "0"),
        (link("dcterms:spatial", "#p"), thing("edm:Place", "#other", IN_ENGLISH), (0, 1), "0"),
    ],
)
def test_languages_are_counted_by_property(cho: str, things: str, share: tuple[int, int], tier: str):
    found = tiers.metadata(document(cho, things))
    assert ((found.tagged, found.properties), found.language) == (share, tier)


TIME = "<dcterms:created>1</dcterms:created><dcterms:issued>1</dcterms:issued>"


@pytest.mark.parametrize(
    ("cho", "things", "counted", "tier"),
    [
        ("<dc:title>x</dc:title>", "", (0, 0), "0"),
        ("<dcterms:created>1</dcterms:created>", "", (1, 1), "A"),
        (TIME + "<dcterms:temporal>1</dcterms:temporal>", "", (3, 1), "A"),
        (TIME + "<dc:creator>x</dc:creator>", "", (3, 2), "B"),
        (TIME + "<dc:creator>x</dc:creator><dc:creator>y</dc:creator>", "", (3, 2), "B"),
        (TIME + "<dc:creator>x</dc:creator><dc:type>x</dc:type>", "", (4, 3), "C"),
        (TIME + "<dc:subject>x</dc:subject>", "", (2, 1), "A"),
        (TIME + link("dc:subject", "#c"), thing("skos:Concept", "#c", ""), (3, 2), "B"),
        (TIME + link("edm:hasMet", "#a"), thing("edm:Agent", "#a", ""), (3, 2), "B"),
        (TIME + link("edm:hasMet", "#a"), "", (2, 1), "A"),
        (
            link("dc:subject", "#a") + link("dc:subject", "#c"),
            thing("edm:Agent", "#a", "") + thing("skos:Concept", "#c", ""),
            (1, 2),
            "A",
        ),
    ],
)
def test_enabling_elements_are_counted_once_each(cho: str, things: str, counted: tuple[int, int], tier: str):
    found = tiers.metadata(document(cho, things))
    assert ((found.enabling, found.groups), found.enabling_tier) == (counted, tier)


AGENT = UNTAGGED + "<rdaGr2:professionOrOccupation>x</rdaGr2:professionOrOccupation>"
PLACE = UNTAGGED + "<wgs84_pos:lat>1</wgs84_pos:lat><wgs84_pos:long>1</wgs84_pos:long>"
PERIOD = "<edm:begin>1</edm:begin><edm:end>1</edm:end>"
CONCEPT = UNTAGGED + link("skos:exactMatch", "#x")


@pytest.mark.parametrize(
    ("tag", "inside", "is_complete"),
    [
        ("edm:Agent", AGENT, True),
        ("edm:Agent", UNTAGGED, False),
        ("edm:Agent", AGENT.removeprefix(UNTAGGED), False),
        ("edm:Agent", UNTAGGED + "<edm:begin> </edm:begin>", False),
        ("edm:Place", PLACE, True),
        ("edm:Place", UNTAGGED + "<wgs84_pos:lat>1</wgs84_pos:lat>", False),
        ("edm:TimeSpan", PERIOD, True),
        ("edm:TimeSpan", UNTAGGED + "<edm:begin>1</edm:begin>", False),
        ("skos:Concept", CONCEPT, True),
        ("skos:Concept", UNTAGGED + link("skos:inScheme", "#x"), False),
    ],
)
def test_a_thing_is_complete_or_not(tag: str, inside: str, is_complete: bool):
    found = tiers.metadata(document(link("dc:relation", "#t"), thing(tag, "#t", inside)))
    assert (found.classes, found.class_tier) == (((tag,), "B") if is_complete else ((), "A"))
    assert tiers.metadata(document("", thing(tag, "#t", inside))).classes == (), "nothing links to it"


def test_two_kinds_of_complete_things_are_enough():
    both = thing("edm:Agent", "#a", AGENT) + thing("edm:TimeSpan", "#t", PERIOD)
    assert tiers.metadata(document(link("dc:relation", "#a") + link("dc:date", "#t"), both)).class_tier == "C"
    agents = thing("edm:Agent", "#a", AGENT) + thing("edm:Agent", "#b", AGENT)
    assert tiers.metadata(document(link("dc:relation", "#a") + link("dc:date", "#b"), agents)).class_tier == "B"


def test_the_figures_of_the_memorandum():
    found = tiers.metadata(etree.parse(places.expected() / "edm.xml").getroot())
    assert (found.tier, found.tagged, found.properties, len(found.classes)) == ("C", 9, 9, 4)
    assert tiers.content(etree.parse(places.expected() / "edm.xml").getroot()).tier == 1
