"""METS holds the description in MODS, the files by their use, and the order that they make up the item in."""

import itertools
from base64 import b64decode

import places
import pytest
from lxml import etree
from validation import assert_valid

from metadata_formats import record, registry
from metadata_formats.mets import Mets
from metadata_formats.mods import Mods
from oai_server.ingest.files import sources
from oai_server.ingest.reader import Found
from oai_server.ingest.readers import Job

NS = {"m": "http://www.loc.gov/METS/", "x": "http://www.w3.org/1999/xlink", "dv": "http://dfg-viewer.de/"}
MODS = "{http://www.loc.gov/mods/v3}mods"


def mets(options=None, **fields):
    item = record.from_builtins({"id": "1", "titles": [{"value": "T"}]} | fields)
    document = registry.rendition(Mets(), item, registry.Context(options=options or {}))
    assert_valid(document)
    return etree.fromstring(document)


def file(role, number=1, **more):
    return {"role": role, "url": f"https://example.org/{role}/{number}", **more}


def groups(root):
    """Return the addresses of the files of each group."""
    return {
        group.get("USE"): group.xpath("m:file/m:FLocat/@x:href", namespaces=NS)
        for group in root.iterfind(".//m:fileGrp", NS)
    }


def divisions(root):
    """Return type, label and addresses of each part of the physical sequence, the whole before the parts."""
    href = {each.get("ID"): each.xpath("string(m:FLocat/@x:href)", namespaces=NS) for each in root.iter("{*}file")}
    found = root.xpath("m:structMap[@TYPE='PHYSICAL']//m:div", namespaces=NS)
    return [
        (each.get("TYPE"), each.get("LABEL"), [href[pointer.get("FILEID")] for pointer in each.iterfind("m:fptr", NS)])
        for each in found
    ]


def test_the_description_is_that_of_mods_to_the_letter():
    memorandum = record.from_yaml((places.expected() / "165251.yaml").read_bytes())
    wrapped = etree.fromstring(registry.rendition(Mets(), memorandum, registry.Context())).find(f".//{MODS}")
    alone = etree.fromstring(registry.rendition(Mods(), memorandum, registry.Context()))
    assert [(each.tag, dict(each.attrib), (each.text or "").strip()) for each in wrapped.iter()] == [
        (each.tag, dict(each.attrib), (each.text or "").strip()) for each in alone.iter()
    ]


def test_creator_roles_are_those_of_the_description():
    agents = [{"name": "A", "roles": ["aut"]}, {"name": "B", "roles": ["edt"]}]
    primary = mets({"creator_roles": ["edt"]}, agents=agents).find(".//{*}name[@usage='primary']")
    assert primary.findtext("{*}namePart") == "B"


def test_an_item_without_files_is_still_one_whole():
    root = mets(resource_type="still image")
    assert root.find("m:fileSec", NS) is None
    whole = root.find("m:structMap[@TYPE='LOGICAL']/m:div", NS)
    assert (whole.get("TYPE"), whole.get("LABEL")) == ("still image", "T")
    assert root.find(f".//m:dmdSec[@ID='{whole.get('DMDID')}']//{MODS}", NS) is not None
    assert len(root.findall("m:structMap", NS)) == 1


def test_no_id_comes_twice_in_a_page_of_many_records():
    provider = {"data_provider": "Archive"}
    files = {
        "media": [file("object", mime="image/tiff"), file("landing")],
        "full_text": [{"kind": "ocr", "value": "Text"}],
    }
    roots = [mets(id=id_, provider=provider, **files) for id_ in ("1", "2")]
    ids = [each.get("ID") for root in roots for each in root.iter("{*}*") if each.get("ID")]
    assert len(ids) == len(set(ids)) == 2 * 9


def test_files_are_grouped_by_use_and_pages_are_none():
    roles = "landing", "object", "view", "thumbnail", "iiif_manifest", "iiif_image", "transcript", "download"
    media = [file(role) for role in roles]
    pdf = file("object", 2, mime="application/pdf")
    assert {use: [url.split("/")[3] for url in urls] for use, urls in groups(mets(media=[*media, pdf])).items()} == {
        "DEFAULT": ["object", "view"],
        "IIIF": ["iiif_image"],
        "THUMBS": ["thumbnail"],
        "FULLTEXT": ["transcript"],
        "DOWNLOAD": ["download", "object"],
    }


def test_equal_numbers_of_files_make_pages_and_others_belong_to_the_whole():
    media = [file("view", 1, label="1r"), file("thumbnail", 1), file("view", 2, label="1v"), file("thumbnail", 2)]
    root = mets(media=[file("download"), *media])
    base = "https://example.org"
    assert divisions(root) == [
        ("physSequence", None, [f"{base}/download/1"]),
        ("page", "1r", [f"{base}/view/1", f"{base}/thumbnail/1"]),
        ("page", "1v", [f"{base}/view/2", f"{base}/thumbnail/2"]),
    ]
    link = root.find(".//m:smLink", NS)
    ends = [link.get(f"{{{NS['x']}}}{end}") for end in ("from", "to")]
    assert [root.find(f".//m:div[@ID='{end}']", NS).get("TYPE") for end in ends] == ["item", "physSequence"]


def test_sounds_are_tracks():
    assert divisions(mets(media=[file("object", mime="audio/mpeg")]))[1][0] == "track"


@pytest.mark.parametrize(
    ("checksum", "expected"),
    [
        ("md5:" + "aB" * 16, ("MD5", "ab" * 16)),
        ("SHA-256=" + "0" * 64, ("SHA-256", "0" * 64)),
        ("sha512: " + "f" * 128, ("SHA-512", "f" * 128)),
        ("0" * 32, (None, None)),
        ("md5:" + "0" * 31, (None, None)),
        ("md5:" + "x" * 32, (None, None)),
        ("blake2:" + "0" * 64, (None, None)),
    ],
)
def test_a_checksum_is_given_where_it_names_an_algorithm_that_mets_knows(checksum, expected):
    found = mets(media=[file("object", checksum=checksum, bytes=7, mime="image/png")]).find(".//m:file", NS)
    assert (found.get("CHECKSUMTYPE"), found.get("CHECKSUM")) == expected
    assert (found.get("SIZE"), found.get("MIMETYPE")) == ("7", "image/png")


def test_a_size_that_no_file_has_is_left_out():
    assert mets(media=[file("object", bytes=2**63)]).find(".//m:file", NS).get("SIZE") is None


def test_what_is_no_address_of_the_web_is_another_place():
    found = mets(media=[{"role": "object", "url": "ark:/12345/x"}]).find(".//m:FLocat", NS)
    assert (found.get("LOCTYPE"), found.get("OTHERLOCTYPE")) == ("OTHER", "URI")


def test_full_text_keeps_its_lines_and_its_language():
    text = "One\n\n  two, ž\n"
    (found,) = mets(full_text=[{"kind": "ocr", "lang": "sl", "value": text}]).iterfind(".//m:file", NS)
    assert b64decode(found.findtext(".//m:binData", namespaces=NS)).decode() == text
    assert (found.get("USE"), found.get("MIMETYPE"), found.get("{http://www.w3.org/XML/1998/namespace}lang")) == (
        "ocr",
        "text/plain",
        "sl",
    )


@pytest.mark.parametrize(("options", "expected"), [({}, 1), ({"full_text_limit": 7}, 1), ({"full_text_limit": 6}, 0)])
def test_a_longer_text_than_the_limit_is_left_out(options, expected):
    texts = [{"kind": "ocr", "value": "seven ž"[1:]}, {"kind": "ocr", "path": "a.txt"}, {"kind": "ocr", "value": " "}]
    root = mets(options, full_text=texts)
    assert len(root.findall(".//m:file", NS)) == expected


def test_the_viewer_is_told_who_owns_it_and_where_it_is_shown():
    root = mets(
        provider={"data_provider": "City Archive", "data_provider_uri": "https://example.org/archive"},
        rights={"uri": "http://creativecommons.org/licenses/by/4.0/"},
        media=[file("landing"), file("iiif_manifest")],
    )
    assert [(each.tag.rpartition("}")[2], each.text) for each in root.iterfind(".//dv:*", NS) if not len(each)] == [
        ("owner", "City Archive"),
        ("ownerSiteURL", "https://example.org/archive"),
        ("license", "http://creativecommons.org/licenses/by/4.0/"),
        ("presentation", "https://example.org/landing/1"),
        ("iiif", "https://example.org/iiif_manifest/1"),
    ]
    assert root.find("m:structMap/m:div", NS).get("ADMID") == root.find("m:amdSec", NS).get("ID")


@pytest.mark.parametrize(("original", "owner"), [(False, "Library"), (True, None)])
def test_who_keeps_the_item_owns_it_unless_it_keeps_the_original_of_it(original, owner):
    root = mets(holding={"repository": "Library", "original": original})
    assert root.findtext(".//dv:owner", namespaces=NS) == owner


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2001-02-03", "2001-02-03T00:00:00"),
        ("2001-02-03T10:11:12Z", "2001-02-03T10:11:12Z"),
        ("2001-02-31", None),
        ("2001-02-03T25:00:00Z", None),
        ("2001-02-03T10:11:12+18:00", None),
        ("0000-01-01", None),
        ("2001", None),
        (None, None),
    ],
)
def test_the_header_has_the_dates_of_the_source_and_no_others(created, expected):
    header = mets(record={"created": created, "changed": created, "source": "Us"}).find("m:metsHdr", NS)
    assert (header.get("CREATEDATE"), header.get("LASTMODDATE")) == (expected, expected)


SETS = {
    "marc": ("marc/bu_bibs.mrc.gz", None),
    "tate": ("tate/tate-artworks.csv.gz", places.EXAMPLES / "tate.toml"),
    "memorandum": ("memorandum/165251.txt", places.EXAMPLES / "memorandum.toml"),
}


@pytest.mark.parametrize("name", SETS)
def test_records_of_real_data_are_valid(name):
    path, profile = SETS[name]
    (source,) = sources([places.data() / path])
    found = (each.record for each in Job(profile=profile).read(source) if isinstance(each, Found))
    for item in itertools.islice(found, 100):
        assert_valid(registry.rendition(Mets(), item, registry.Context()))
