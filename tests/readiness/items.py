"""Items for the tests of readiness: records that portals take as they are, and what becomes of them."""

from __future__ import annotations

from metadata_formats import record, registry
from oai_server.readiness.item import Item

FORMATS = registry.load(["oai_dc", "mods", "edm", "oai_openaire"])
INC = "http://rightsstatements.org/vocab/InC/1.0/"
PAGE = "https://archive.example.net/1"
LONG = "A letter in which the mayor of the town is asked for a new bridge over the river."

GOOD = {
    "id": "1-a",
    "identifiers": [{"value": "10.1000/1", "type": "doi"}],
    "titles": [{"value": "Letter to the mayor"}],
    "agents": [
        {"name": "Novak, Ana", "type": "person", "dates": "1870/1941", "roles": ["aut"]},
        {"name": "Kos, Jan", "roles": ["trl"]},
        {"name": "Town archive", "type": "organization", "roles": ["pbl"]},
    ],
    "resource_type": "text",
    "genres": [{"label": "letters", "uri": "http://vocab.getty.edu/aat/300026879", "note": "Correspondence"}],
    "dates": [{"type": "issued", "edtf": "1907-05-01"}],
    "languages": [{"code": "eng"}],
    "abstracts": [LONG],
    "subjects": [
        {"type": "place", "label": "Ljubljana", "lat": 46.05, "long": 14.5},
        {"label": "Bridges"},
    ],
    "relations": [
        {"type": "original", "title": "The letter itself"},
        {"type": "references", "uri": "https://archive.example.net/2"},
    ],
    "rights": {"uri": "http://creativecommons.org/licenses/by/4.0/", "access": "open"},
    "media": [
        {"role": "landing", "url": PAGE},
        {"role": "object", "url": PAGE + ".pdf", "mime": "application/pdf"},
    ],
    "funding": [{"funder": "The town"}],
    "provider": {"data_provider": "Town archive", "provider": "Land library"},
    "record": {"description_lang": "en"},
}
"""A record of which no portal has anything to say."""


def item_of(made: record.Record, **renditions: bytes | None) -> Item:
    """Return an item as the server would keep it; ``renditions`` stand in for what its formats make."""
    context = registry.Context(f"oai:archive.example.org:{made.id}")
    rendered = {prefix: registry.rendition(one, made, context) for prefix, one in FORMATS.items()}
    return Item(context.identifier, made, rendered | renditions)


def item(**fields: object) -> Item:
    """Return the good item with other fields."""
    return item_of(record.from_builtins(GOOD | fields))
