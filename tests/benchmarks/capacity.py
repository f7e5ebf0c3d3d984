"""Measure on PostgreSQL what docs/scale.md reckons with: ``python -m benchmarks.capacity ITEMS``.

Prints a Markdown table, and writes it into that page with all that follows from it: bytes, and milliseconds of CPU
(those of all processes, PostgreSQL's included), which are the same whatever else the machine does. PostgreSQL's
settings are its own, but that no disk is waited for and no checkpoint comes between.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from places import ROOT
from servers import Cluster, Installation, postgresql_binaries

from benchmarks import collection
from benchmarks.harvest import cpu, harvest
from oai_server.store.tables import FORMAT

SETTINGS = {"fsync": "off", "full_page_writes": "on", "synchronous_commit": "on", "max_wal_size": "8GB",
            "checkpoint_timeout": "1h", "shared_buffers": "256MB"}  # fmt: skip
PAGE = ROOT / "docs" / "scale.md"
PARTITION = re.search(r"^```sql\n(BEGIN;.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
"""The statements that partition bodies, as the page shows them."""
FORMULA = re.compile(r"^(\| [^|]+ \| `([^`|]+[×÷][^`|]+)`) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
"""A line of the plan: what and by which formula, the formula alone, what comes out for 100 and 1,000 million items."""
UNITS = {"TB": 1e12, "GB": 1e9, "MB": 1e6, "h": 3600, "min": 60, "s": 1}


def rewrite(page: str, figures: dict[str, float], lines: list[str]) -> str:
    """Return the page with these lines of figures in its first table, and its plan reckoned from them."""

    def reckoned(line: re.Match[str]) -> str:
        units = ("h", "min", "s") if line[3].split()[1] in ("h", "min", "s") else ("TB", "GB", "MB")
        return " | ".join([line[1], *(shown(value(line[2], items, figures), units) for items in (1e8, 1e9))]) + " |"

    page = re.sub(r"(^\| `\w+` \|.*\n)+", lambda _: "".join(lines), page, count=1, flags=re.MULTILINE)
    return FORMULA.sub(reckoned, page)


def value(formula: str, items: float, figures: dict[str, float]) -> float:
    """Return what a formula comes to, in bytes or seconds."""
    return float(eval(formula.replace("×", "*").replace("÷", "/"), {"items": items, **figures}))


def shown(number: float, units: tuple[str, ...]) -> str:
    """Return a number for people, in the largest unit that it fills."""
    unit = next((one for one in units if number >= UNITS[one]), units[-1])
    return f"{number / UNITS[unit]:,.{0 if number >= 20 * UNITS[unit] else 1}f} {unit}"


class Capacity:
    """One run: each figure is printed as it comes, with the name that formulas know it by."""

    def __init__(self, cluster: Cluster, folder: Path, items: int) -> None:
        self.cluster = cluster
        self.items = items
        self.figures: dict[str, float] = {}
        self.lines: list[str] = []
        url = cluster.new_database()
        self.database = url.rpartition("/")[2]
        self.address = ["-h", "127.0.0.1", "-p", str(cluster.port), "-U", "oai", "-d", self.database]
        self.installation = Installation(folder / "instance", {"database_url": url})
        self.folder = folder

    def sql(self, statement: str) -> str:
        return self.cluster.sql(statement, self.database).strip()

    def number(self, statement: str) -> float:
        return float(self.sql(statement))

    def say(self, name: str, what: str, value: float, unit: str) -> None:
        """Print a figure, and keep it as it is printed: the plan follows from what the page shows."""
        text = f"{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}"
        self.figures[name] = float(text.replace(",", ""))
        self.lines.append(f"| `{name}` | {what} | {text} | {unit} |\n")
        print(self.lines[-1], end="", flush=True)

    def measured(self, does: Callable[[], object]) -> tuple[float, float]:
        """Do something; return its milliseconds of CPU and the bytes of WAL that it wrote."""
        before, begun = self.sql("SELECT pg_current_wal_insert_lsn()"), self.cpu()
        does()
        used = (self.cpu() - begun) * 1000
        return used, self.number(f"SELECT pg_current_wal_insert_lsn() - '{before}'::pg_lsn")

    def command(self, *arguments: object) -> tuple[float, float]:
        """Run a command; return as :meth:`measured` does, without what starting it costs."""
        started, _ = self.measured(lambda: self.installation.run("formats"))
        used, wal = self.measured(lambda: self.installation.run(*arguments))
        return used - started, wal

    def cpu(self) -> float:
        """Return the seconds of CPU of PostgreSQL and of all commands that have ended."""
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cpu([self.cluster.pid]) + ended.ru_utime + ended.ru_stime

    def run(self) -> None:
        """Measure everything, in the order in which an installation grows."""
        print(f"\n| name | of {self.items:,} items | | |\n|---|---|---|---|")
        self.load()
        self.sizes()
        self.reading("cpu_read", "ListRecords, 250 a page")
        self.publishing()
        self.backups()
        self.partitions()

    def load(self) -> None:
        """Import the collection."""
        self.installation.run("init")
        file = self.folder / "records.jsonl"
        with file.open("wb") as out:
            out.writelines(collection.records(self.items))
        used, wal = self.command("import", file)
        self.say("cpu_import", "first import", used / self.items * 1000, "ms CPU per 1,000 items")
        self.say("wal_import", "WAL of the first import", wal / self.items, "bytes per item")

    def sizes(self) -> None:
        """Look at what stands on disk, after the dead rows of totals and the like are cleared away."""
        self.sql("VACUUM (ANALYZE)")
        # Of items there is one row in several tables, so these are taken together.
        for table, tables, name in (
            ("item", "c.relname !~ '^(record|entry)'", ""),
            ("record", "c.relname = 'record'", "records"),
            ("entry", "c.relname = 'entry'", "entries"),
        ):
            rows = self.number(f"SELECT count(*) FROM {table}") if name else self.items
            if name:
                self.say(name, f"rows of `{table}`", rows / self.items, "per item")
            whose = f"`{table}`" if name else "`item` and all other tables"
            for kind, what in (("table_size", "heap and TOAST"), ("indexes_size", "indexes")):
                size = self.number(
                    f"SELECT sum(pg_{kind}(c.oid)) FROM pg_class c "
                    f"WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND {tables}"
                )
                short = {"table_size": "bytes", "indexes_size": "index"}[kind]
                self.say(
                    f"{table}_{short}", f"{what} of {whose}", size / rows, "bytes per row" if name else "bytes per item"
                )
        bodies = self.number("SELECT sum(size) FROM record") / self.items
        self.say("bodies", "bodies in all formats, as they are served", bodies, "bytes per item")

    def reading(self, name: str, what: str) -> None:
        """Harvest everything three times: to warm up, as it is, and compressed."""
        with self.installation.serve(workers=1) as server:
            roots = [server.process.pid, self.cluster.pid]
            harvest(server.base_url, roots)
            plain = harvest(server.base_url, roots)
            packed = harvest(server.base_url, roots, gzip=True)
        self.say(name, what, plain.cpu_ms, "ms CPU per 1,000 records")
        self.say(f"{name}_gzip", f"{what}, compressed", packed.cpu_ms, "ms CPU per 1,000 records")
        self.say(
            f"{name.replace('cpu', 'wire')}",
            "of that on the wire",
            packed.received / packed.records,
            "bytes per record",
        )

    def publishing(self) -> None:
        """Move a tenth of the records to the end of their lists, as a change of a crosswalk does."""
        moved = self.number(
            f"SELECT count(*) FROM record r JOIN item i ON i.id = r.id % {FORMAT} "
            "WHERE 'shelf:3' = ANY (string_to_array(i.setspecs, ' '))"
        )
        before = self.number("SELECT pg_total_relation_size('entry')")
        used, wal = self.command("render", "--restamp", "--set", "shelf:3")
        self.say("cpu_move", "a new datestamp", used / moved * 1000, "ms CPU per 1,000 records")
        self.say("wal_move", "WAL of that", wal / moved, "bytes per record")
        growth = self.number("SELECT pg_total_relation_size('entry')") - before
        self.say("entry_growth", "growth of `entry` by it", growth / moved, "bytes per record")
        used, _ = self.measured(lambda: self.sql("VACUUM entry"))
        rows = self.number("SELECT count(*) FROM entry")
        self.say("cpu_vacuum", "VACUUM of `entry` after it", used / rows * 1e6, "ms CPU per million rows")

    def backups(self) -> None:
        """Write the database elsewhere, in two ways."""
        dump, backup = self.folder / "dump", self.folder / "backup.sqlite"
        command = [self.cluster.binaries / "pg_dump", *self.address, "-Fc", "-Z1", "-f", dump]
        used, _ = self.measured(lambda: subprocess.run(command, check=True))
        self.say("cpu_dump", "pg_dump -Z1", used / self.items * 1000, "ms CPU per 1,000 items")
        self.say("dump_bytes", "its file", dump.stat().st_size / self.items, "bytes per item")
        used, _ = self.command("backup", backup)
        self.say("cpu_backup", "oai-server backup", used / self.items * 1000, "ms CPU per 1,000 items")
        self.say("backup_bytes", "its file", backup.stat().st_size / self.items, "bytes per item")

    def partitions(self) -> None:
        """Partition the bodies, as the page says, and read again."""
        assert PARTITION
        command = [self.cluster.binaries / "psql", *self.address, "-Xq", "-v", "ON_ERROR_STOP=1"]
        script = PARTITION[1].encode()
        used, wal = self.measured(lambda: subprocess.run(command, input=script, check=True))
        records = self.number("SELECT count(*) FROM record")
        self.say("cpu_partition", "partitioning `record`", used / records * 1000, "ms CPU per 1,000 records")
        self.say("wal_partition", "WAL of that", wal / records, "bytes per record")
        self.sql("VACUUM (ANALYZE) record")
        self.reading("cpu_read_partitioned", "ListRecords, `record` in 16 partitions")


def main() -> None:
    """Run on a cluster of its own, which is gone at the end."""
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    binaries = postgresql_binaries()
    if binaries is None:
        sys.exit("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin and no initdb on the PATH")
    cluster = Cluster(binaries, **SETTINGS)
    try:
        with tempfile.TemporaryDirectory() as folder:
            capacity = Capacity(cluster, Path(folder), items)
            capacity.run()
            PAGE.write_text(rewrite(PAGE.read_text(), capacity.figures, capacity.lines))
    finally:
        cluster.remove()


if __name__ == "__main__":
    main()
