"""Description containers (OAI-PMH 2.0 sections 4.2 and 4.6): what a repository and its sets say of themselves.

Each kind is a class of the settings that are checked when they are read, and writes itself as one element that stands
by itself. ``rightsManifest`` and ``branding`` describe a repository or a set, the others a repository. The kinds are
those of the implementation guidelines for repositories (guidelines-rights, -friends, -branding, -gateway, -eprints and
-oai-identifier).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from metadata_formats.xml import is_uri
from oai_server.protocol.envelope import attributes, element, escape

_EMAIL = re.compile(r"[^\s@]+@([^\s@.]+\.)+[^\s@.]+")
_MEDIA_TYPE = re.compile(r"[\w.+\-]+/[\w.+\-]+", re.ASCII)
_LOCAL = re.compile(r"[a-zA-Z0-9\-_.!~*'();/?:@&=+$,%]+")  # behind the domain (oai-identifier.xsd)

_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_OAI = "http://www.openarchives.org/OAI/2.0"

Pixels = Annotated[int, Meta(ge=1, le=100_000)]


def is_mail_address(text: str) -> bool:
    """Tell whether text is a bare mail address of a domain with a dot, as OAI-PMH's schema wants."""
    return text.isprintable() and _EMAIL.fullmatch(text) is not None


class _Checked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Settings whose addresses are addresses. Refusals name the key."""

    urls: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for key in self.urls:
            given = getattr(self, key)
            for url in given if isinstance(given, list) else [given]:
                if url is not None and not (is_uri(url) and url.startswith(("http://", "https://"))):
                    raise ValueError(f"{key}: {url!r} is not an address like https://archive.example.org/page")


class Description(_Checked):
    """One kind of description."""

    name: ClassVar[str]
    namespace: ClassVar[str]
    schema: ClassVar[str]

    def to_xml(self) -> bytes:
        """Return the description as an element that stands by itself."""
        return _standing(self.name, self.namespace, self.schema, self._content(), self._attributes())

    def _content(self) -> str:
        """Return what stands in the element."""
        raise NotImplementedError

    def _attributes(self) -> str:
        """Return the attributes of the element, each with a space before it."""
        return ""


class RightsManifest(Description):
    """The licences of the metadata: each is that of some records at least."""

    name = "rightsManifest"
    namespace = f"{_OAI}/rights/"
    schema = f"{_OAI}/rightsManifest.xsd"
    urls = ("licences",)

    licences: Annotated[list[str], Meta(min_length=1)]

    def _content(self) -> str:
        """Return the licences."""
        return "".join(f"<rights><rightsReference{attributes({'ref': url})}/></rights>" for url in self.licences)

    def _attributes(self) -> str:
        """Say that it is the metadata that they are for."""
        return attributes({"appliesTo": f"{_OAI}/entity#metadata"})


class Friends(Description):
    """Other repositories that harvesters of this one may like."""

    name = "friends"
    namespace = f"{_OAI}/friends/"
    schema = f"{_OAI}/friends.xsd"
    urls = ("base_urls",)

    base_urls: Annotated[list[str], Meta(min_length=1)]

    def _content(self) -> str:
        """Return their base URLs."""
        return "".join(element("baseURL", url) for url in self.base_urls)


class Rendering(_Checked):
    """A stylesheet that shows metadata of a namespace as they are meant."""

    urls = ("url",)

    url: str
    metadata_namespace: str
    mime_type: str = "text/xsl"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_uri(self.metadata_namespace):
            raise ValueError(f"metadata_namespace: {self.metadata_namespace!r} is not a URI")
        if not _MEDIA_TYPE.fullmatch(self.mime_type):
            raise ValueError(f"mime_type: {self.mime_type!r} is not a media type like text/xsl")

    def to_xml(self) -> str:
        """Return it as an element of branding."""
        given = attributes({"metadataNamespace": self.metadata_namespace, "mimeType": self.mime_type})
        return f"<metadataRendering{given}>{escape(self.url)}</metadataRendering>"


class Branding(Description):
    """How a harvester's own pages may show whose records these are: an icon and stylesheets."""

    name = "branding"
    namespace = f"{_OAI}/branding/"
    schema = f"{_OAI}/branding.xsd"
    urls = ("icon", "link")

    icon: str | None = None
    link: str | None = None
    title: str | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    renderings: list[Rendering] = []

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.icon is None and (
            not self.renderings or (self.link, self.title, self.width, self.height) != (None,) * 4
        ):
            raise ValueError("icon is missing: the address of a picture")

    def _content(self) -> str:
        """Return the icon and the stylesheets."""
        if self.icon is None:
            return "".join(rendering.to_xml() for rendering in self.renderings)
        icon = (
            element("url", self.icon)
            + _optional("link", self.link)
            + _optional("title", self.title)
            + _optional("width", self.width)
            + _optional("height", self.height)
        )
        return f"<collectionIcon>{icon}</collectionIcon>{''.join(rendering.to_xml() for rendering in self.renderings)}"


class Gateway(Description):
    """That this server speaks for a source that does not speak OAI-PMH itself."""

    name = "gateway"
    namespace = f"{_OAI}/gateway/"
    schema = f"{_OAI}/gateway.xsd"
    urls = ("source", "description", "url", "notes")

    source: str
    description: str
    admins: Annotated[list[str], Meta(min_length=1)]
    url: str | None = None
    notes: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for address in self.admins:
            if not is_mail_address(address):
                raise ValueError(f"admins: {address!r} is not a bare mail address like admin@archive.example.org")

    def _content(self) -> str:
        """Return the addresses."""
        return (
            element("source", self.source)
            + element("gatewayDescription", self.description)
            + "".join(element("gatewayAdmin", address) for address in self.admins)
            + _optional("gatewayURL", self.url)
            + _optional("gatewayNotes", self.notes)
        )


class Policy(_Checked):
    """A policy in words, on a page, or both."""

    urls = ("url",)

    text: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.text is None and self.url is None:
            raise ValueError("text or url is missing")

    def to_xml(self, name: str) -> str:
        """Return it as an element of this name."""
        return f"<{name}>{_optional('URL', self.url)}{_optional('text', self.text)}</{name}>"


class Eprints(Description):
    """What an archive of papers holds, and by which policies."""

    name = "eprints"
    namespace = "http://www.openarchives.org/OAI/1.1/eprints"
    schema = "http://www.openarchives.org/OAI/1.1/eprints.xsd"

    metadata_policy: Policy
    data_policy: Policy
    content: Policy | None = None
    submission_policy: Policy | None = None
    comments: list[str] = []

    def _content(self) -> str:
        """Return what there is, in the order of the schema."""
        policies = {
            "content": self.content,
            "metadataPolicy": self.metadata_policy,
            "dataPolicy": self.data_policy,
            "submissionPolicy": self.submission_policy,
        }
        return "".join(policy.to_xml(name) for name, policy in policies.items() if policy is not None) + "".join(
            element("comment", text) for text in self.comments
        )


class OfRepository(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The descriptions of a repository that the settings give."""

    rights_manifest: RightsManifest | None = None
    friends: Friends | None = None
    branding: Branding | None = None
    gateway: Gateway | None = None
    eprints: Eprints | None = None

    def to_xml(self) -> list[bytes]:
        """Return those that there are."""
        found = (self.rights_manifest, self.friends, self.branding, self.gateway, self.eprints)
        return [description.to_xml() for description in found if description is not None]


def oai_identifier(domain: str, identifiers: Iterable[str] = ()) -> bytes:
    """Return what Identify says of the identifiers: the oai-identifier scheme with this domain.

    The sample is the first of these identifiers that is of the scheme, else none that exists.
    """
    of_domain = f"oai:{domain}:"
    samples = (one for one in identifiers if one.startswith(of_domain) and _LOCAL.fullmatch(one, len(of_domain)))
    return _standing(
        "oai-identifier",
        f"{_OAI}/oai-identifier",
        f"{_OAI}/oai-identifier.xsd",
        element("scheme", "oai")
        + element("repositoryIdentifier", domain)
        + element("delimiter", ":")
        + element("sampleIdentifier", next(samples, f"{of_domain}1")),
    )


def description_of_set(description: str) -> bytes:
    """Return what a set says of itself: its description as oai_dc, as is the custom."""
    return (
        f'<oai_dc:dc xmlns:oai_dc="{_OAI}/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/" {_XSI}'
        f' xsi:schemaLocation="{_OAI}/oai_dc/ {_OAI}/oai_dc.xsd">'
        f"{element('dc:description', description).rstrip()}</oai_dc:dc>"
    ).encode()


def _standing(name: str, namespace: str, schema: str, content: str, more: str = "") -> bytes:
    """Return an element that declares its namespace and names its schema."""
    declared = f'xmlns="{namespace}" {_XSI} xsi:schemaLocation="{namespace} {schema}"'
    return f"<{name} {declared}{more}>{content}</{name}>".encode()


def _optional(name: str, value: str | int | None) -> str:
    return element(name, str(value)) if value is not None else ""
