"""Descriptions of a repository and of sets: each valid alone and with all others, whatever their words are."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import BASE, InMemory, get

from metadata_formats.record import clean_text
from oai_server.protocol import tokens
from oai_server.protocol.descriptions import Branding, Description, Friends, OfRepository, oai_identifier
from oai_server.protocol.provider import Provider
from oai_server.protocol.repository import Identity, Set

URL = "https://archive.example.org/a?b=1&c='2'"
ALL: dict[str, Any] = {
    "rights_manifest": {"licences": ["http://creativecommons.org/publicdomain/zero/1.0/", URL]},
    "friends": {"base_urls": ["http://other.example.org/oai", "http://[::1]:8000/oai"]},
    "branding": {
        "icon": URL, "link": URL, "title": "An <archive>", "width": 88, "height": 31,
        "renderings": [{"url": URL, "metadata_namespace": "urn:x"}, {"url": URL, "metadata_namespace": URL,
                                                                     "mime_type": "text/css"}],
    },
    "gateway": {"source": URL, "description": URL, "admins": ["a@b.org", "c@d.org"], "url": URL, "notes": URL},
    "eprints": {
        "content": {"text": "Theses"}, "metadata_policy": {"text": "Free", "url": URL}, "data_policy": {"url": URL},
        "submission_policy": {"text": "None"}, "comments": ["one", "two"],
    },
}  # fmt: skip
LEAST: dict[str, Any] = {
    "branding": {"icon": URL},
    "gateway": {"source": URL, "description": URL, "admins": ["a@b.org"]},
    "eprints": {"metadata_policy": {"text": ""}, "data_policy": {"text": ""}},
}
HOSTILE = "</description>]]><!-- & \"'\x00\x0b\x1b\ufffe \u202egnp.\u2066 \U0001f3db\ufe0f 档案 \r\n\t &amp; &#0;"


def serving(given: dict[str, Any], repository: InMemory | None = None, **of_sets: list[Description]) -> Provider:
    described = msgspec.convert(given, OfRepository).to_xml()
    identity = Identity(HOSTILE, BASE, ["admin@archive.example.org"], "archive.example.org")
    sets = {spec: [one.to_xml() for one in descriptions] for spec, descriptions in of_sets.items()}
    return Provider(repository or InMemory(), identity, tokens.Signer(["k"]), None, described, sets)


def kinds(answer) -> list[str]:
    [identify] = answer.body
    return [part[0].tag.rpartition("}")[2] for part in identify if part.tag.endswith("}description")]


@pytest.mark.parametrize("given", [{kind: ALL[kind]} for kind in ALL] + [{kind: LEAST[kind]} for kind in LEAST])
def test_each_alone_is_valid(given):
    [kind] = given
    names = {"rights_manifest": "rightsManifest"}
    assert kinds(get(serving(given), verb="Identify")) == ["oai-identifier", names.get(kind, kind)]


def test_all_together_are_valid_and_say_all_that_the_settings_say():
    answer = get(serving(ALL), verb="Identify")
    assert kinds(answer) == ["oai-identifier", "rightsManifest", "friends", "branding", "gateway", "eprints"]
    assert [found.get("ref") for found in answer.root.iter("{*}rightsReference")] == ALL["rights_manifest"]["licences"]
    assert answer.texts("baseURL") == [BASE, *ALL["friends"]["base_urls"]]
    assert [answer.texts(name) for name in ("url", "link", "title", "width", "height")] == [
        [URL], [URL], ["An <archive>"], ["88"], ["31"],
    ]  # fmt: skip
    assert [(dict(found.attrib), found.text) for found in answer.root.iter("{*}metadataRendering")] == [
        ({"metadataNamespace": "urn:x", "mimeType": "text/xsl"}, URL),
        ({"metadataNamespace": URL, "mimeType": "text/css"}, URL),
    ]
    assert answer.texts("gatewayAdmin") == ["a@b.org", "c@d.org"]
    assert [answer.texts(f"gateway{name}") for name in ("Description", "URL", "Notes")] == [[URL]] * 3
    eprints = answer.root.find(".//{http://www.openarchives.org/OAI/1.1/eprints}eprints")
    assert [(part.tag.rpartition("}")[2], "".join(part.itertext()).strip()) for part in eprints] == [
        ("content", "Theses"), ("metadataPolicy", f"{URL}\nFree"), ("dataPolicy", URL), ("submissionPolicy", "None"),
        ("comment", "one"), ("comment", "two"),
    ]  # fmt: skip


def test_hostile_words_stay_words():
    given = {
        "branding": {"icon": URL, "title": HOSTILE},
        "eprints": {name: {"text": HOSTILE} for name in ("content", "metadata_policy", "data_policy")}
        | {"comments": [HOSTILE]},
    }
    answer = get(serving(given), verb="Identify")
    assert {
        *answer.texts("title"),
        *answer.texts("text"),
        *answer.texts("comment"),
        *answer.texts("repositoryName"),
    } == {clean_text(HOSTILE)}


def test_a_set_says_what_it_is_in_whatever_words():
    repository = InMemory(sets_offered=[Set("a", HOSTILE, HOSTILE), Set("b", "B"), Set("c", "C", "\x00 ")])
    manifest = msgspec.convert(ALL, OfRepository).rights_manifest
    oai = serving({}, repository, a=[manifest, Branding(icon=URL, title=HOSTILE)], nowhere=[manifest])
    answer = get(oai, verb="ListSets")
    assert [[part.tag.rpartition("}")[2] for part in one.iter()][3:] for one in answer.root.iter("{*}set")] == [
        ["setDescription", "dc", "description",
         "setDescription", "rightsManifest", "rights", "rightsReference", "rights", "rightsReference",
         "setDescription", "branding", "collectionIcon", "url", "title"],
        [],
        ["setDescription", "dc", "description"],
    ]  # fmt: skip
    assert (
        answer.texts("setName")[0] == answer.texts("description")[0] == answer.texts("title")[0] == clean_text(HOSTILE)
    )


def test_the_sample_is_an_identifier_that_is_there():
    repository = InMemory()
    oai = serving({}, repository)
    assert get(oai, verb="Identify").texts("sampleIdentifier") == ["oai:archive.example.org:1"]
    repository.put(7, deleted=True)
    repository.put(8)
    row = repository.records["oai_dc", 8]
    repository.records["oai_dc", 8] = row._replace(identifier="oai:elsewhere.example.org:8")
    assert get(oai, verb="Identify").texts("sampleIdentifier") == ["oai:archive.example.org:1"]
    repository.put(9)
    assert get(oai, verb="Identify").texts("sampleIdentifier") == ["oai:archive.example.org:9"]
    assert b">oai:a.org:1<" in oai_identifier("a.org", ["oai:a.org:é", "oai:a.org:"])


@settings(max_examples=200, deadline=None)
@given(st.from_regex(r"https?://[\[\]:@a-z0-9%#?&'\\/ é.]{0,14}", fullmatch=True))
def test_an_address_that_is_taken_is_valid(url):
    try:
        friends = msgspec.convert({"base_urls": [url]}, Friends)
    except msgspec.ValidationError:
        return
    answer = get(Provider(InMemory(), Identity("A", BASE, ["a@b.org"], "a.org"), tokens.Signer(["k"]), None,
                          [friends.to_xml(), Branding(icon=url).to_xml()]), verb="Identify")  # fmt: skip
    assert answer.texts("url") == [url]
