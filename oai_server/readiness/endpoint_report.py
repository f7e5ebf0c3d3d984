"""What the examination of a server came to, as text for people, as JSON or as CSV."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from oai_server.readiness.endpoint import Broken
from oai_server.readiness.finding import Severity, counted
from oai_server.readiness.report import printable, without_formula

COLUMNS = ("rule", "severity", "request", "seen", "times", "demand", "why")


def write(kind: str, out: TextIO, url: str, broken: Sequence[Broken], requests: int, notes: Sequence[str]) -> None:
    """Write what a server breaks, after so many requests: as ``text``, ``json`` (one document) or ``csv``."""
    rows = [
        dict(zip(COLUMNS, (each.name, each.rule.severity.value, each.request, each.seen, each.times, each.rule.says,
                           each.rule.why), strict=True))
        for each in broken
    ]  # fmt: skip
    if kind == "json":
        summary = {"endpoint": url, "requests": requests, "rules": _counts(broken), "notes": list(notes)}
        json.dump({"findings": rows, "summary": summary}, out, ensure_ascii=False, indent=1)
        out.write("\n")
    elif kind == "csv":
        table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows({key: without_formula(str(value)) for key, value in row.items()} for row in rows)
    else:
        out.writelines(f"note: {note}\n" for note in notes)
        out.write(f"{sum_line(url, broken, requests)}\n")
        for row in rows:
            times = f", {row['times']} times" if row["times"] != 1 else ""
            out.write(f"\n  {row['rule']} {row['severity']}{times}: {row['demand']}\n    why: {row['why']}\n")
            out.write(f"    {printable(str(row['request']))}\n    seen: {printable(str(row['seen']))}\n")


def sum_line(url: str, broken: Sequence[Broken], requests: int) -> str:
    """Return all in one line."""
    counts = " · ".join(counted(count, name) for name, count in _counts(broken).items())
    return f"{url}: {counted(requests, 'request')} · rules broken: {counts}"


def _counts(broken: Sequence[Broken]) -> dict[str, int]:
    found = Counter(each.rule.severity for each in broken)
    return {severity.value: found[severity] for severity in Severity}
