"""What stands in description containers (OAI-PMH 2.0 sections 4.2 and 4.6) and comes with the server."""

from __future__ import annotations

from oai_server.protocol.envelope import element, escape

_XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_OAI = "http://www.openarchives.org/OAI/2.0"


def oai_identifier(domain: str) -> bytes:
    """Return what Identify says of the identifiers: the oai-identifier scheme with this domain."""
    name = escape(domain)
    return (
        f'<oai-identifier xmlns="{_OAI}/oai-identifier" {_XSI}'
        f' xsi:schemaLocation="{_OAI}/oai-identifier {_OAI}/oai-identifier.xsd">'
        "<scheme>oai</scheme>"
        f"<repositoryIdentifier>{name}</repositoryIdentifier>"
        "<delimiter>:</delimiter>"
        f"<sampleIdentifier>oai:{name}:1</sampleIdentifier>"
        "</oai-identifier>"
    ).encode()


def description_of_set(description: str) -> str:
    """Return the setDescription of a set: its description as oai_dc, as is the custom."""
    return (
        f'<setDescription><oai_dc:dc xmlns:oai_dc="{_OAI}/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/" {_XSI}'
        f' xsi:schemaLocation="{_OAI}/oai_dc/ {_OAI}/oai_dc.xsd">'
        f"{element('dc:description', description).rstrip()}</oai_dc:dc></setDescription>\n"
    )
