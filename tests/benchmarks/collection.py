"""A made-up archive: canonical records of about 1.7 kB as oai_dc, the same for the same number."""

# ruff: noqa: SIM905 - words are read more easily without a hundred quotes

import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oai_server.store.tables import FORMAT

WORDS = (
    "letters regarding the administration of estates and parish registers minutes council report on railway harbour "
    "fisheries survey Akte Nachlass Urkunde Protokoll Stadtarchiv Königsberg Straße über Größe lettres reçues comité "
    "d'études théâtre información histórica español příspěvek dějinám města история архив документы письма R&D x<y "
    "日本語の文書 Αθήνα ιστορία مخطوطات"
).split()
NAMES = "Müller García Dvořák Østergaard Kowalski O'Brien Lefèvre Иванов Tanaka Nguyễn Åkesson Çelik".split()
SUBJECTS = "history maps schools law music physics migration botany photography philosophy genealogy medicine".split()
LANGUAGES = "ger eng fre spa cze pol rus lat".split()
TYPES = ["text", "still image", "cartographic", "mixed material"]


def records(count: int, first: int = 1) -> Iterator[bytes]:
    """Yield canonical records, one a line; one in fifty is withdrawn.

    Sets: ``half`` has every second item, ``rare`` one of a thousand, ``shelf:0`` to ``shelf:9`` a tenth each.
    """
    for number in range(first, first + count):
        yield json.dumps(record(number), ensure_ascii=False).encode() + b"\n"


def large_records(count: int) -> Iterator[bytes]:
    """Yield records whose abstract alone has 4 MB."""
    for number in range(1, count + 1):
        large = {**record(number * 50 + 1), "abstracts": ["word " * 800_000]}
        yield json.dumps(large, ensure_ascii=False).encode() + b"\n"


def live(connection: sqlite3.Connection, source: Path, most: int) -> Iterator[tuple[int, str, str, bytes]]:
    """Return number, identifier, sets and body of the first live records in oai_dc of a repository's SQLite file."""
    connection.execute("ATTACH ? AS source", (str(source),))
    return connection.execute(
        "SELECT i.id, i.identifier, i.setspecs, r.body FROM source.item i JOIN source.format f ON f.prefix = 'oai_dc' "
        "JOIN source.record r ON r.id = f.id * ? + i.id WHERE r.body IS NOT NULL ORDER BY i.id LIMIT ?",
        (FORMAT, most),
    )


def record(number: int) -> dict[str, Any]:
    """Return one of the records."""
    chance = random.Random(number)

    def words(least: int, most: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(least, most)))

    key = f"obj-{number:09}"
    sets = [f"shelf:{number % 10}", *(["half"] if number % 2 else []), *(["rare"] if number % 1000 == 1 else [])]
    if number % 50 == 0:
        return {"id": key, "record": {"status": "deleted"}}
    page = f"https://archive.example.org/objects/{key}?view=full&lang=de"
    return {
        "id": key,
        "titles": [{"value": words(4, 14)}],
        "agents": [
            *({"name": f"{chance.choice(NAMES)}, {chance.choice(NAMES)}", "type": "person", "roles": ["cre"]}
              for _ in range(chance.randint(1, 3))),
            {"name": f"Archive {chance.choice(NAMES)}", "type": "organization", "roles": ["pbl"]},
        ],
        "subjects": [{"label": label} for label in chance.sample(SUBJECTS, chance.randint(1, 5))],
        "abstracts": [words(40, 110)],
        "resource_type": chance.choice(TYPES),
        "dates": [{"type": "issued", "edtf": str(chance.randint(1650, 2024)), "key": True}],
        "languages": [{"code": chance.choice(LANGUAGES)}],
        "identifiers": [{"type": "doi", "value": f"10.5555/{key}"}],
        "physical": {"extent": ["320 pages"]},
        "rights": {"uri": "http://creativecommons.org/licenses/by/4.0/"},
        "media": [{"role": "landing", "url": page}],
        "sets": sets,
    }  # fmt: skip
