"""METS: the description of an item in MODS, its files, and how they make it up; for viewers and digital libraries.

The description is the rendition of ``mods``, untouched. Around it stand what METS has a place for: the files by their
use, the item as one logical whole and as a sequence of pages, who made the description. Uses, identifiers, and the
rights and links of the DFG Viewer (``http://dfg-viewer.de/``) are those of the METS application profile for digitised
media 2.3.1, which Kitodo, the DFG Viewer and the Deutsche Digitale Bibliothek read; other readers skip what they do
not know.

A landing page is no file: it is the presentation that ``dv:links`` names. Text that the record itself has is
embedded as base64, the one form in METS that keeps its lines and claims no markup.

IDs are those of the profile with a mark of the item behind them, for a page of many records is one document, in which
no ID may come twice.

Options (``[formats.mets]``): ``creator_roles``, as in ``mods``; ``full_text_limit`` (100000), the bytes up to which a
text is embedded. A longer one is left out whole.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

import msgspec

from metadata_formats.mods import Mods
from metadata_formats.oai_dc import full_title
from metadata_formats.record import FullText, Media, Record
from metadata_formats.registry import XSI, Context, Format, paths
from metadata_formats.xml import Document, attribute, branch, collapse, leaf, uri_attribute
from metadata_formats.xml import language as xml_lang

FULL_TEXT_LIMIT = 100_000
"""Bytes of UTF-8, unless the option of that name says otherwise."""

_USES = {
    "object": "DEFAULT", "view": "DEFAULT", "iiif_image": "IIIF", "thumbnail": "THUMBS", "transcript": "FULLTEXT",
    "download": "DOWNLOAD",
}  # fmt: skip
"""Role of a file -> use of its group; pages and manifests are no files."""
_ORDER = tuple(dict.fromkeys(_USES.values()))
_PAGES = "DEFAULT"
_DIVISIONS = {"": "page", "image": "page", "audio": "track", "video": "track"}
"""Type of media (none: not stated) -> the division of the item that a file of it makes; others are taken home whole."""

_CHECKSUMS = {
    "adler32": ("Adler-32", 8), "crc32": ("CRC32", 8), "md5": ("MD5", 32), "sha1": ("SHA-1", 40),
    "sha256": ("SHA-256", 64), "sha384": ("SHA-384", 96), "sha512": ("SHA-512", 128), "tiger": ("TIGER", 48),
    "whirlpool": ("WHIRLPOOL", 128),
}  # fmt: skip
"""Algorithm -> its name in METS, and the hexadecimal digits of its sums."""
_CHECKSUM = re.compile(r"([a-z0-9-]+) ?[:=] ?([0-9a-f]+)", re.IGNORECASE)
_LARGEST = 2**63 - 1  # xs:long
_STAMP = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)?)?")


class Mets(Format):
    """The Metadata Encoding and Transmission Standard of the Library of Congress."""

    prefix = "mets"
    namespace = "http://www.loc.gov/METS/"
    schema = "http://www.loc.gov/standards/mets/mets.xsd"
    version = "3"
    options: ClassVar[Mapping[str, Any]] = {"creator_roles": list[str], "full_text_limit": int}
    not_carried = (Mods.not_carried - paths("media.bytes media.checksum full_text provider")) | paths(
        "full_text.path provider.provider provider.intermediate provider.country"
    )

    _mods = Mods()
    _root = (
        f' xmlns:mets="{namespace}" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="{XSI}"'
        f' xsi:schemaLocation="{namespace} {schema}"'
    )

    def render(self, record: Record, context: Context) -> Document:
        """Return the record as METS, sections in the order of the schema."""
        title = next((full_title(title) for title in record.titles if title.type == "main"), None)
        mark = hashlib.sha256((context.identifier or record.id).encode("utf-8", "replace")).hexdigest()[:16]
        groups = _groups(record, context.options.get("full_text_limit", FULL_TEXT_LIMIT), mark)
        administration = _administration(record, mark)
        description = _wrapped(self._mods.render(record, context).markup, "MODS")
        sections = [
            _header(record),
            branch("mets:dmdSec", [description], f' ID="DMDLOG_0001_{mark}"'),
            administration,
            branch("mets:fileSec", (_group(use, files) for use, files in groups.items())),
            _logical(record, title, mark, administered=bool(administration)),
            *_physical(groups, mark),
        ]
        named = attribute("OBJID", record.id) + attribute("LABEL", title) + attribute("TYPE", record.resource_type)
        return Document(self.namespace, branch("mets:mets", sections, self._root + named))


def _wrapped(markup: str, kind: str, other: str | None = None) -> str:
    attributes = f' MIMETYPE="text/xml" MDTYPE="{kind}"' + attribute("OTHERMDTYPE", other)
    return branch("mets:mdWrap", [branch("mets:xmlData", [markup])], attributes)


# Who described and gives it, under which rights, and where it is shown.


def _header(record: Record) -> str:
    info, provider = record.record, record.provider
    dates = (
        attribute("CREATEDATE", _stamp(info.created)) + attribute("LASTMODDATE", _stamp(info.changed)) if info else ""
    )
    agents = (
        _agent("CREATOR", info.source if info else None),
        _agent("DISSEMINATOR", provider.data_provider if provider else None),
    )
    return branch("mets:metsHdr", agents, dates) or (f"<mets:metsHdr{dates}/>" if dates else "")


def _agent(role: str, name: str | None) -> str:
    return branch("mets:agent", [leaf("mets:name", name)], f' ROLE="{role}" TYPE="ORGANIZATION"')


def _stamp(text: str | None) -> str | None:
    """Return a day or time that the source states as xs:dateTime; None for all others."""
    stated = collapse(text)
    match = _STAMP.fullmatch(stated)
    try:
        return (stated if match[1] else f"{stated}T00:00:00") if match and datetime.fromisoformat(stated) else None
    except ValueError:
        return None


def _administration(record: Record, mark: str) -> str:
    dv = ' xmlns:dv="http://dfg-viewer.de/"'
    provider, holding, rights = record.provider, record.holding, record.rights
    keeper = holding if holding and not holding.original else None
    if provider and collapse(provider.data_provider):
        owner, site = provider.data_provider, provider.data_provider_uri
    else:
        owner, site = (keeper.repository, keeper.repository_uri) if keeper else (None, None)
    owned = branch(
        "dv:rights",
        [leaf("dv:owner", owner), leaf("dv:ownerSiteURL", site), leaf("dv:license", rights.uri if rights else None)],
        dv,
    )
    page, manifest = _first(record, "landing"), _first(record, "iiif_manifest")
    shown = branch("dv:links", [leaf("dv:presentation", page), leaf("dv:iiif", manifest)], dv)
    sections = (
        branch("mets:rightsMD", [_wrapped(owned, "OTHER", "DVRIGHTS")] if owned else [], f' ID="RIGHTS_0001_{mark}"'),
        branch(
            "mets:digiprovMD", [_wrapped(shown, "OTHER", "DVLINKS")] if shown else [], f' ID="DIGIPROV_0001_{mark}"'
        ),
    )
    return branch("mets:amdSec", sections, f' ID="AMD_0001_{mark}"')


def _first(record: Record, role: str) -> str | None:
    return next((media.url for media in record.media if media.role == role), None)


# Files.


class _File(NamedTuple):
    """A file: its ID, its element, what it is called, and which kind of division it makes, if any."""

    id: str
    markup: str
    label: str | None = None
    division: str | None = None


def _groups(record: Record, limit: int, mark: str) -> dict[str, list[_File]]:
    """Return the files by their use, in the order of the record, equal ones once."""
    groups: dict[str, list[_File]] = {use: [] for use in _ORDER}
    media = {msgspec.structs.astuple(each): each for each in record.media}
    for number, each in enumerate(media.values(), 1):
        use = _USES.get(each.role)
        if use:
            file = _linked(each, f"FILE_{number:04}_{mark}")
            groups["DOWNLOAD" if use == _PAGES and not file.division else use].append(file)
    texts = {msgspec.structs.astuple(each): each for each in record.full_text}
    for number, text in enumerate(texts.values(), 1):
        data = (text.value or "").encode("utf-8", "replace")
        if data.strip() and len(data) <= limit:
            groups["FULLTEXT"].append(_embedded(text, data, f"TEXT_{number:04}_{mark}"))
    return {use: files for use, files in groups.items() if files}


def _linked(media: Media, id_: str) -> _File:
    size = str(media.bytes) if media.bytes is not None and media.bytes <= _LARGEST else None
    kind = "URL" if media.url.lower().startswith(("http:", "https:", "ftp:")) else 'OTHER" OTHERLOCTYPE="URI'
    place = f'<mets:FLocat LOCTYPE="{kind}"{uri_attribute("xlink:href", media.url)}/>'
    mime = collapse(media.mime)
    attributes = (
        attribute("ID", id_) + attribute("MIMETYPE", mime) + attribute("SIZE", size) + _checksum(media.checksum)
    )
    division = _DIVISIONS.get(mime.partition("/")[0].lower())
    return _File(id_, branch("mets:file", [place], attributes), media.label, division)


def _checksum(text: str | None) -> str:
    """Return a checksum that names its algorithm (``sha256:…``) and has its length; nothing for all others."""
    match = _CHECKSUM.fullmatch(collapse(text))
    name, digits = _CHECKSUMS.get(match[1].lower().replace("-", ""), ("", 0)) if match else ("", 0)
    if match is None or len(match[2]) != digits:
        return ""
    return f' CHECKSUM="{match[2].lower()}" CHECKSUMTYPE="{name}"'


def _embedded(text: FullText, data: bytes, id_: str) -> _File:
    content = branch("mets:FContent", [leaf("mets:binData", b64encode(data).decode())])
    attributes = attribute("ID", id_) + attribute("MIMETYPE", text.media_type) + attribute("USE", text.kind)
    return _File(id_, branch("mets:file", [content], attributes + xml_lang(text.lang)))


def _group(use: str, files: Sequence[_File]) -> str:
    return branch("mets:fileGrp", [each.markup for each in files], f' USE="{use}"')


# How the files make up the item.


def _logical(record: Record, title: str | None, mark: str, *, administered: bool) -> str:
    admid = f' ADMID="AMD_0001_{mark}"' if administered else ""
    kind = attribute("TYPE", record.resource_type or "item") + attribute("LABEL", title)
    whole = f'<mets:div ID="LOG_0000_{mark}" DMDID="DMDLOG_0001_{mark}"{admid}{kind}/>'
    return branch("mets:structMap", [whole], ' TYPE="LOGICAL"')


def _physical(groups: Mapping[str, list[_File]], mark: str) -> Iterator[str]:
    """Give the sequence of pages, and the link of the whole to it; nothing where there are no files.

    A group of as many files as there are pages has one for each; all others belong to the whole.
    """
    if not groups:
        return
    pages = groups.get(_PAGES, [])
    paged = [files for files in groups.values() if len(files) == len(pages)]
    whole = [_pointer(each) for files in groups.values() if len(files) != len(pages) for each in files]
    divisions = [
        branch(
            "mets:div",
            [_pointer(files[at]) for files in paged],
            f' ID="PHYS_{at + 1:04}_{mark}" TYPE="{page.division}" ORDER="{at + 1}"' + attribute("LABEL", page.label),
        )
        for at, page in enumerate(pages)
    ]
    sequence = branch("mets:div", [*whole, *divisions], f' ID="PHYS_0000_{mark}" TYPE="physSequence"')
    yield branch("mets:structMap", [sequence], ' TYPE="PHYSICAL"')
    yield branch("mets:structLink", [f'<mets:smLink xlink:from="LOG_0000_{mark}" xlink:to="PHYS_0000_{mark}"/>'])


def _pointer(file: _File) -> str:
    return f'<mets:fptr FILEID="{file.id}"/>'
