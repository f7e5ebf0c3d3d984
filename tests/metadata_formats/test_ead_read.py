"""A level of a finding aid, in EAD 2002 and in EAD3, as a record: with what it says and what it inherits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from metadata_formats import ead_read, edtf_dates
from metadata_formats import record as model
from metadata_formats.ead_read import Header, Level
from metadata_formats.reading import Left, NotReadable
from metadata_formats.record import Record
from oai_server.ingest import dates

PAPERS = Level(title="Papers")


def read_date(text: str) -> str | None:
    return dates.read(text).edtf


def element(text: str) -> etree._Element:
    return etree.fromstring(text, etree.XMLParser(resolve_entities=False, remove_comments=True))


def reading(body: str, above: Level | None = None, level: str = "file", header: Header | None = None) -> Any:
    tag = "archdesc" if above is None else "c"
    made = element(f'<{tag} level="{level}" xmlns:xlink="http://www.w3.org/1999/xlink">{body}</{tag}>')
    return ead_read.read(made, above, "k", header or Header(), read_date)


def record(body: str, above: Level | None = PAPERS, **more: Any) -> Record:
    return model.from_builtins(reading(body, above, **more).values)


def left(body: str) -> list[Left]:
    return reading(f"<did><unittitle>T</unittitle></did>{body}", Level()).left


def did(body: str) -> Record:
    return record(f"<did><unittitle>T</unittitle>{body}</did>")


def above(body: str, upper: Level | None = None, level: str = "collection") -> Level:
    made = element(f'<archdesc level="{level}">{body}<dsc><c/></dsc></archdesc>')
    return ead_read.level(made, upper, made[-1][0], read_date)


# Titles and dates.


@pytest.mark.parametrize(
    ("written", "title", "edtf"),
    [
        ("Diaries, <unitdate normal='1887/1913'>1887-1913</unitdate>", "Diaries", "1887/1913"),
        ("<unitdate>1887</unitdate>", "Papers, 1887", "1887"),
        ("1886-1957", "Papers, 1886-1957", "1886/1957"),
        ("Events (#33), <unitdate>1994 and</unitdate>undated", "Events (#33)", "1994"),
        ("Letters, <unitdate>1842</unitdate>, with a note of 1864", "Letters, 1842, with a note of 1864", "1842"),
        ("Salem <lb/><unitdate>6/1991</unitdate><lb/><unitdate>2002</unitdate>", "Salem", "1991-06"),
        ("Script for <title>The <emph>Show</emph></title>, <unitdate>undated</unitdate>", "Script for The Show", None),
        ("Guide.", "Guide", None),
        ("Letters to J. F.", "Letters to J. F.", None),
    ],
)
def test_dates_at_the_end_of_a_title_are_no_part_of_it(written: str, title: str, edtf: str | None) -> None:
    made = record(f"<did><unittitle>{written}</unittitle></did>")
    assert made.titles[0].value == title
    assert made.titles[0].supplied == title.startswith("Papers, ")
    assert [date.edtf for date in made.dates][:1] == ([edtf] if edtf else [])


def test_what_has_no_title_is_named_after_what_it_is_in() -> None:
    made = record('<did><container type="box">7</container></did>')
    assert (made.titles[0].value, made.titles[0].supplied) == ("Papers, Box 7", True)
    with pytest.raises(NotReadable, match="gives it a title"):
        reading("<did/>", Level())


@pytest.mark.parametrize(
    ("attributes", "edtf"),
    [
        ('normal="1817/1972"', "1817/1972"),
        ('normal="18170304/18170401"', "1817-03-04/1817-04-01"),
        ('normal="189901"', "1899-01"),
        ('normal="1899/1899"', "1899"),
        ('normal="1850/9999"', "1850/.."),
        ('normal="1850/1860" certainty="approximate"', "1850~/1860~"),
        ('normal="1900" certainty="circa"', "1900~"),
    ],
)
def test_dates_for_machines_are_taken_as_they_are(attributes: str, edtf: str) -> None:
    made = did(f"<unitdate {attributes}>long ago</unitdate>")
    assert [(date.edtf, date.text, date.key) for date in made.dates] == [(edtf, "long ago", True)]


def test_the_span_is_the_key_date_and_not_the_bulk() -> None:
    made = did('<unitdate type="bulk" normal="1874/1900">(bulk 1874-1900)</unitdate><unitdate>1817-1972</unitdate>')
    assert [(date.edtf, date.key, date.label) for date in made.dates] == [
        ("1874/1900", False, "bulk"), ("1817/1972", True, None)
    ]  # fmt: skip


def test_a_date_that_is_not_read_stays_as_it_is_written() -> None:
    found = reading(
        '<did><unittitle>T</unittitle><unitdate normal="1998/1992">1998</unitdate><unitdate>at Easter</unitdate></did>',
        Level(),
    )
    made = model.from_builtins(found.values)
    assert [(date.edtf, date.text) for date in made.dates] == [("1998", None), (None, "at Easter")]
    assert found.left == [
        Left("date not read", "did/unitdate@normal", "1998/1992"), Left("date not read", "did/unitdate", "at Easter")
    ]  # fmt: skip


def test_dates_of_ead3_are_read_from_their_parts() -> None:
    made = did("""<unitdatestructured unitdatetype="inclusive" certainty="circa"><dateset>
      <daterange><fromdate standarddate="1950">1950</fromdate><todate standarddate="1955">55</todate></daterange>
      <datesingle standarddate="1960-05">May 1960</datesingle></dateset></unitdatestructured>
      <unitdatestructured><datesingle notbefore="1900" notafter="1910">about 1905</datesingle></unitdatestructured>
      <unitdatestructured><daterange><fromdate standarddate="1999">1999</fromdate><todate/></daterange>
      </unitdatestructured>""")
    assert [(date.edtf, date.text) for date in made.dates] == [
        ("1950~/1955~", "1950–55"), ("1960-05~", "May 1960"), ("[1900..1910]", "about 1905"), ("1999/..", "1999")
    ]  # fmt: skip


# What it is, how much, where.


def test_extents_are_given_part_by_part_or_as_they_are_written() -> None:
    made = did("""<physdesc><extent>(3 folders)</extent> <dimensions>20 x 30 cm</dimensions><physfacet>ink</physfacet>
      <extent unit="linear feet">2</extent></physdesc><physdesc>about <extent>4 items</extent> and a box</physdesc>
      <physdescstructured physdescstructuredtype="carrier" coverage="whole"><quantity>12</quantity>
      <unittype>boxes</unittype><dimensions>1 m</dimensions></physdescstructured>
      <materialspec>Scale 1:500</materialspec>""")
    assert made.physical.extent == [
        "3 folders", "20 x 30 cm", "2 linear feet", "about 4 items and a box", "12 boxes", "1 m"
    ]  # fmt: skip
    assert made.physical.notes == ["ink", "Scale 1:500"]


def test_a_repository_is_its_name_its_department_and_its_town() -> None:
    made = did("""<repository><corpname><subarea>Manuscript Division</subarea> Library of Congress</corpname>
      <address><addressline>Washington, D.C.</addressline><addressline>Phone: 1</addressline>
      <addressline>http://www.loc.gov</addressline></address></repository>
      <unitid countrycode="US" repositorycode="US-DLC" label="Call No.">MSS1</unitid>
      <container type="box">3</container><container type="folder">12</container>""")
    holding = made.holding
    assert (holding.repository, holding.sublocation, holding.place, holding.isil, holding.shelfmark) == (
        "Library of Congress", "Manuscript Division", "Washington, D.C.", "US-DLC", "MSS1, Box 3, Folder 12"
    )  # fmt: skip
    assert [(one.value, one.label) for one in made.identifiers] == [("MSS1", "Call No.")]


def test_a_box_above_is_the_box_of_a_folder_unless_it_is_a_range() -> None:
    for box, shelf in (("2", "Box 2, Folder 9"), ("1-17", "Folder 9"), ("1, 3", "Folder 9")):
        upper = above(f'<did><unittitle>S</unittitle><container type="box">{box}</container></did>')
        made = record('<did><unittitle>T</unittitle><container type="folder">9</container></did>', upper)
        assert made.holding.shelfmark == shelf
        own = record('<did><unittitle>T</unittitle><container type="box">4</container></did>', upper)
        assert own.holding.shelfmark == "Box 4"


def test_languages_are_their_codes() -> None:
    made = did("""<langmaterial>In <language langcode="ger">German</language> and
      <language langcode="cu" scriptcode="Cyrl">Church Slavonic</language></langmaterial>""")
    assert [(one.code, one.script) for one in made.languages] == [("ger", None), ("chu", "Cyrl")]
    assert made.notes == []
    ead3 = did("""<langmaterial><languageset><language langcode="srp">Serbian</language><script scriptcode="Cyrl"/>
      </languageset></langmaterial>""")
    assert [(one.code, one.script) for one in ead3.languages] == [("srp", "Cyrl")]
    words = did("<langmaterial>In German.</langmaterial>")
    assert [(note.value, note.type) for note in words.notes] == [("In German.", "language")]
    assert words.languages == []


# Inheritance.

COLLECTION = """<did><unittitle>Papers of X</unittitle><unitid repositorycode="SI-1">F1</unitid>
  <origination><persname source="viaf" authfilenumber="123">X, Ana.</persname></origination>
  <repository><corpname>City Archive</corpname></repository>
  <langmaterial><language langcode="slv">Slovene</language></langmaterial><physloc>Store 2</physloc></did>
  <accessrestrict><head>Access</head><p>Open.</p></accessrestrict><userestrict><p>Ask.</p></userestrict>
  <descgrp><prefercite><p>Cite F1.</p></prefercite></descgrp><bioghist><p>Born.</p></bioghist>"""


def test_a_component_inherits_from_the_nearest_level_that_says_it() -> None:
    top = above(COLLECTION)
    series = above(
        """<did><unittitle>Letters</unittitle><unitid>A</unitid>
        <langmaterial><language langcode="ita">Italian</language></langmaterial></did>
        <accessrestrict><p>Closed.</p></accessrestrict>""",
        top,
        "series",
    )
    made = record("<did><unittitle>To Y</unittitle><unitid>A1</unitid></did>", series)
    assert [(agent.name, agent.roles, agent.uri) for agent in made.agents] == [
        ("X, Ana", ["cre"], "http://viaf.org/viaf/123")
    ]
    assert [spoken.code for spoken in made.languages] == ["ita"]
    assert (made.rights.access_note, made.rights.statement) == ("Closed.", "Ask.")
    assert [(note.type, note.value) for note in made.notes] == [("preferred citation", "Cite F1.")]
    holding = made.holding
    assert (holding.repository, holding.isil, holding.sublocation) == ("City Archive", "SI-1", "Store 2")
    assert [(step.level, step.id, step.title) for step in holding.hierarchy] == [
        ("collection", "F1", "Papers of X"), ("series", "A", "Letters")
    ]  # fmt: skip
    assert [(one.type, one.title, one.identifiers[0].value) for one in made.relations] == [
        ("host", "Papers of X", "F1")
    ]
    assert not made.collection


def test_own_words_win_and_nothing_else_is_inherited() -> None:
    made = record(
        "<did><unittitle>To Y</unittitle><origination><corpname>Z Ltd.</corpname></origination></did>"
        "<userestrict><p>Free.</p></userestrict>",
        above(COLLECTION),
    )
    assert [agent.name for agent in made.agents] == ["Z Ltd."]
    assert made.rights.statement == "Free."
    assert all(note.type == "preferred citation" for note in made.notes), "the life of X is told once"
    assert made.identifiers == []


def test_what_stands_behind_the_first_component_is_not_what_it_inherits() -> None:
    whole = element(
        "<archdesc><did><unittitle>T</unittitle></did><dsc><c/></dsc><userestrict><p>No</p></userestrict></archdesc>"
    )
    assert "userestrict" not in ead_read.level(whole, None, whole[1][0], read_date).said


# Notes.


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bioghist", "biographical/historical"), ("custodhist", "ownership"), ("acqinfo", "acquisition"),
        ("processinfo", "action"), ("arrangement", "arrangement"), ("altformavail", "additional physical form"),
        ("originalsloc", "original location"), ("relatedmaterial", "related material"),
        ("separatedmaterial", "separated material"), ("bibliography", "bibliography"),
        ("prefercite", "preferred citation"), ("phystech", "system details"), ("accruals", "accrual method"),
        ("odd", None),
    ],
)  # fmt: skip
def test_notes_have_their_types(name: str, kind: str | None) -> None:
    made = record(f"<did><unittitle>T</unittitle></did><{name}><head>H</head><p>One.</p><p>Two.</p></{name}>")
    assert [(note.type, note.value) for note in made.notes] == [(kind, "One.\n\nTwo.")]


def test_the_scope_is_the_abstract_where_there_is_none() -> None:
    scope = "<scopecontent><p>Letters.</p></scopecontent>"
    assert record(f"<did><unittitle>T</unittitle></did>{scope}").abstracts == ["Letters."]
    both = record(f"<did><unittitle>T</unittitle><abstract>Short.</abstract></did>{scope}")
    assert both.abstracts == ["Short."]
    assert [(note.type, note.value) for note in both.notes] == [("content", "Letters.")]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<p>A <emph>b</emph>, c<lb/>d.</p>\n\n<p>E\n\nf.</p>", "A b, c d.\n\nE f."),
        ("<list><head>Of</head><item>one</item><item>two;</item><item>three.</item></list>", "Of: one; two; three."),
        ("<list><defitem><label>a</label><item>b</item></defitem></list>", "a: b"),
        (
            "<chronlist><listhead><head01>D</head01></listhead><chronitem><date>1900</date><eventgrp>"
            "<event>Born</event><event>Moved</event></eventgrp></chronitem><chronitem><datesingle>1990</datesingle>"
            "<event>Died.</event></chronitem></chronlist>",
            "1900: Born, Moved; 1990: Died.",
        ),
        (
            "<table><tgroup><colspec/><thead><row><entry>No</entry><entry>What</entry></row></thead><tbody><row>"
            "<entry>1</entry><entry/><entry>x</entry></row></tbody></tgroup></table>",
            "No, What; 1, x",
        ),
        ("<odd><head>Early</head><p>Life.</p></odd>", "Early:\n\nLife."),
        ("<address><addressline>Street 1</addressline><addressline>Town</addressline></address>", "Street 1, Town"),
        (
            '<p>See <extref xlink:href="http://x.org/a">the list</extref> or '
            '<extref xlink:href="http://x.org/">http://x.org/</extref></p>',
            "See the list (http://x.org/a) or http://x.org/",
        ),
        ('<p>Seal <extptr xlink:show="embed" xlink:href="http://x.org/a.gif"/>here</p>', "Seal here"),
        ("<p>Known <note audience='internal'><p>secret</p></note>to all</p>", "Known to all"),
    ],
)
def test_text_is_flattened_readably(written: str, text: str) -> None:
    made = record(f"<did><unittitle>T</unittitle></did><odd>{written}</odd>")
    assert [note.value for note in made.notes] == [text]


@pytest.mark.parametrize(
    "written",
    [
        "<chronlist><chronitem><date>1</date><eventgrp {}><event>Paid</event></eventgrp></chronitem></chronlist>",
        "<table><row><entry>a</entry><entry {}>Paid</entry></row></table>",
        "<list><defitem><label>a</label><item {}>Paid</item></defitem></list>",
        "<physdesc><extent {}>Paid</extent><extent>1 box</extent></physdesc>",
        "<repository>Archive<address {}><addressline>Paid</addressline></address></repository>",
        "<origination><persname>X<emph {}>Paid</emph></persname></origination>",
        "<unitdatestructured><dateset {}><datesingle>Paid</datesingle></dateset></unitdatestructured>",
        "<relations><relation><relationentry {}>Paid</relationentry></relation></relations>",
        "<langmaterial {}><language>Paid</language></langmaterial>",
    ],
)
def test_what_is_internal_is_not_read_wherever_it_stands(written: str) -> None:
    for body in (
        f"<did><unittitle>T</unittitle>{written}</did>",
        f"<did><unittitle>T</unittitle></did><odd>{written}</odd>",
    ):
        assert "Paid" in str(reading(body.format(""), Level()))
        assert "Paid" not in str(reading(body.format('audience="internal"'), Level()))


def test_what_is_internal_is_never_read() -> None:
    found = reading(
        '<did><unittitle>T</unittitle><unitid audience="internal">old</unitid></did>'
        '<acqinfo audience="internal"><p>Paid 100</p></acqinfo><controlaccess><subject audience="internal">s</subject>'
        "</controlaccess>",
        Level(),
    )
    assert "Paid" not in str(found)
    assert "old" not in str(found)
    assert "subjects" not in found.values
    assert [(each.kind, each.path) for each in found.left] == [
        ("internal, left out", "did/unitid"), ("internal, left out", "acqinfo")
    ]  # fmt: skip


# Names, terms, files.


def test_terms_are_subjects_of_their_kinds_with_their_vocabularies() -> None:
    made = record("""<did><unittitle>T</unittitle></did><controlaccess><head>Terms</head><controlaccess>
      <subject source="lcsh" authfilenumber="sh85012345">Agriculture--Slovenia.</subject>
      <persname source="lcnaf" role="subject">Agar, Herbert, 1897-1980--Correspondence.</persname>
      <corpname source="ingest" authfilenumber="7">Society</corpname>
      <corpname source="lcnaf" authfilenumber="79006930">Club</corpname><famname>Arthur family</famname>
      <geogname source="tgn" authfilenumber="http://vocab.getty.edu/tgn/1">Bled</geogname>
      <occupation>Bakers</occupation><function>Baking</function><title>Iliad</title></controlaccess>
      <genreform source="aat" identifier="300026816"><part>letters</part></genreform>
      <subject><part>Towns</part><part>History</part></subject></controlaccess>""")
    assert [(one.type, one.label, one.scheme, one.uri) for one in made.subjects if one.label] == [
        ("topic", "Agriculture--Slovenia", "lcsh", "http://id.loc.gov/authorities/subjects/sh85012345"),
        ("organization", "Society", None, None),
        ("organization", "Club", "lcnaf", None),
        ("family", "Arthur family", None, None),
        ("place", "Bled", "tgn", "http://vocab.getty.edu/tgn/1"),
        ("occupation", "Bakers", None, None),
        ("topic", "Baking", None, None),
        ("title", "Iliad", None, None),
        ("topic", "Towns--History", None, None),
    ]
    (compound,) = [one for one in made.subjects if not one.label]
    assert [(part.type, part.label) for part in compound.parts] == [
        ("person", "Agar, Herbert, 1897-1980"), ("topic", "Correspondence")
    ]  # fmt: skip
    assert [(one.label, one.uri) for one in made.genres] == [("letters", "http://vocab.getty.edu/aat/300026816")]


def test_added_entries_are_who_had_a_part_in_it() -> None:
    made = record("""<did><unittitle>T</unittitle><origination label="Creator"><persname>Stover, Don</persname>
      </origination></did><controlaccess><persname encodinganalog="700">Stover, Don, performer, interviewee.</persname>
      <persname role="pht">Wiesand, Stephanie</persname>
      <corpname encodinganalog="710">Band (Group) performer.</corpname>
      <persname encodinganalog="700">Lee, Art</persname><persname encodinganalog="700">Novak, Singer</persname>
      <persname encodinganalog="700">Arthur, A., 1864-1937. Papers. 1874-1937.</persname>
      <title encodinganalog="246">Other title.</title></controlaccess>""")
    assert [(agent.name, agent.roles) for agent in made.agents] == [
        ("Stover, Don", ["cre", "prf", "ive"]), ("Wiesand, Stephanie", ["pht"]), ("Band (Group)", ["prf"]),
        ("Lee, Art", []), ("Novak, Singer", []),
    ]  # fmt: skip
    assert [one.title for one in made.relations] == ["Arthur, A., 1864-1937. Papers. 1874-1937"]
    assert [(title.value, title.type) for title in made.titles] == [("T", "main"), ("Other title", "alternative")]
    assert made.subjects == []


@pytest.mark.parametrize(
    ("written", "role", "mime"),
    [
        ('<dao xlink:href="http://x.org/1"/>', "landing", None),
        ('<dao href="http://x.org/1.jpg"/>', "object", "image/jpeg"),
        ('<dao href="http://x.org/1.jpg" xlink:role="thumbnail"/>', "thumbnail", "image/jpeg"),
        ('<dao href="http://x.org/1" role="reference" show="embed"/>', "object", None),
        ('<dao href="http://x.org/1" role="reference"/>', "landing", None),
        ('<dao href="http://x.org/1.tif" label="Page 1, manifest"/>', "object", "image/tiff"),
        ('<dao href="http://x.org/iiif/1/manifest.json"/>', "iiif_manifest", None),
        ('<dao href="http://x.org/1" linkrole="video/mp4" daotype="borndigital"/>', "object", "video/mp4"),
    ],
)
def test_the_role_of_a_file_is_what_is_said_or_its_ending(written: str, role: str, mime: str | None) -> None:
    (media,) = record(f"<did><unittitle>T</unittitle>{written}</did>").media
    assert (media.role, media.mime) == (role, mime)


def test_files_come_in_groups_and_have_labels() -> None:
    made = record("""<did><unittitle>T</unittitle></did><daogrp><daodesc><p>The letter</p></daodesc>
      <daoloc xlink:href="http://x.org/t.gif" xlink:role="thumbnail"/>
      <daoloc xlink:href="http://x.org/a.tif" xlink:title="Page 1"/></daogrp>
      <daoset><dao href="http://x.org/v" linktitle="Viewer"/><descriptivenote><p>All</p></descriptivenote></daoset>""")
    assert [(one.role, one.label) for one in made.media] == [
        ("thumbnail", "The letter"), ("object", "Page 1"), ("landing", "Viewer")
    ]  # fmt: skip
    assert left('<dao entityref="pic1"/><dao href="file.jpg"/>') == [Left("not an address on the web", "dao", "pic1")]


def test_relations_of_ead3_are_relations() -> None:
    made = record("""<did><unittitle>T</unittitle></did><relations><relation relationtype="resourcerelation"
      href="http://x.org/b"><relationentry>Letters of Y</relationentry></relation></relations>""")
    assert [(one.type, one.title, one.uri) for one in made.relations] == [("related", "Letters of Y", "http://x.org/b")]


def test_what_has_no_place_is_named_once() -> None:
    assert left("<index><p>a</p></index><index><p>b</p></index>") == [Left("element not carried", "index", "a")]
    assert left("<controlaccess><foo>x</foo></controlaccess>") == [
        Left("element not carried", "controlaccess/foo", "x")
    ]


# The header.


def test_the_header_of_each_edition_is_read() -> None:
    old = ead_read.header(
        element("""<eadheader><eadid mainagencycode="US-DLC" url="http://x.org/f">
      ms1 </eadid><profiledesc><creation>By X, <date normal="2011">2011</date></creation><langusage>
      <language langcode="ger">German</language></langusage><descrules>DACS</descrules></profiledesc><revisiondesc>
      <change><date normal="20120301">1 March</date><item>x</item></change></revisiondesc></eadheader>""")
    )
    assert (old.eadid, old.agency, old.url, old.deleted) == ("ms1", "US-DLC", "http://x.org/f", False)
    assert old.info == {
        "source": "US-DLC", "identifier_source": "US-DLC", "language": "ger", "description_lang": "de",
        "standard": "DACS", "created": "2011", "changed": "2012-03-01",
    }  # fmt: skip
    new = ead_read.header(
        element("""<control><recordid instanceurl="http://x.org/f">ms1</recordid>
      <maintenancestatus value="deleted"/><maintenanceagency><agencycode>US-DLC</agencycode></maintenanceagency>
      <languagedeclaration><language langcode="ger"/></languagedeclaration><conventiondeclaration><abbr>DACS</abbr>
      <citation>Describing</citation></conventiondeclaration><maintenancehistory><maintenanceevent>
      <eventtype value="created"/><eventdatetime standarddatetime="2011"/></maintenanceevent><maintenanceevent>
      <eventtype value="revised"/><eventdatetime standarddatetime="2012-03-01T10:00"/></maintenanceevent>
      </maintenancehistory></control>""")
    )
    assert (new.eadid, new.agency, new.url, new.deleted) == ("ms1", "US-DLC", "http://x.org/f", True)
    assert new.info == old.info


def test_the_finding_aid_as_a_whole_is_a_collection_with_a_page() -> None:
    made = record(
        COLLECTION, None, level="fonds", header=Header("f1", "SI-1", "http://x.org/f1", info={"source": "SI-1"})
    )
    assert (made.collection, made.resource_type, made.record.source) == (True, "mixed material", "SI-1")
    assert [(one.role, one.url) for one in made.media] == [("landing", "http://x.org/f1")]
    assert [(one.value, one.label) for one in made.identifiers] == [("F1", None), ("f1", "finding aid")]
    assert made.holding.hierarchy == []


# Whatever is written.

NAMES = [
    "did", "unittitle", "unitdate", "unitid", "physdesc", "extent", "controlaccess", "persname", "subject", "odd", "p",
    "list", "item", "chronlist", "chronitem", "table", "row", "entry", "dao", "daogrp", "daoloc", "repository",
    "langmaterial", "language", "origination", "unitdatestructured", "daterange", "fromdate", "head", "lb", "container",
    "scopecontent", "relations", "relation", "descgrp", "c01", "dsc", "physdescstructured", "genreform", "note",
]  # fmt: skip
TEXTS = st.sampled_from(
    ["", " ", "A", "1900", "--", "a--b.", "(x)", "http://x.org/a.jpg", "eng", "undated", "1900/1800", "Ž", "performer"]
) | st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=6)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["normal", "type", "label", "href", "role", "source", "authfilenumber", "langcode", "level", "standarddate",
         "encodinganalog", "repositorycode", "countrycode", "unit", "lang", "certainty"]
    ),
    TEXTS,
    max_size=3,
)  # fmt: skip


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> etree._Element:
    made = etree.Element(draw(st.sampled_from(NAMES)), draw(ATTRIBUTES))
    made.text = draw(TEXTS)
    for _ in range(draw(st.integers(0, 3)) if depth else 0):
        child = draw(trees(depth - 1))
        child.tail = draw(TEXTS)
        made.append(child)
    return made


@settings(max_examples=60, deadline=None)
@given(st.lists(trees(), max_size=5))
def test_whatever_is_written_makes_a_record(children: list[etree._Element]) -> None:
    made = etree.Element("c", level="file")
    made.extend(children)
    found = ead_read.read(made, Level(title="Above"), "k", Header(), read_date)
    record = model.from_builtins(found.values)
    assert record.titles[0].value.strip()
    assert all(edtf_dates.is_valid(date.edtf) for date in record.dates if date.edtf)
    assert all(len(each.value) <= ead_read.LONGEST for each in found.left)
