"""What a run came to: a line for each figure, a JSON file, a picture, and a table in the documentation."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_BEGIN, _END = "<!-- {name}: written by make {name} -->", "<!-- end of {name} -->"


@dataclass
class Figure:
    """One line of the table. ``aim`` is what the figure should be at most, or at ``least``."""

    what: str
    value: float
    unit: str
    aim: float | None = None
    least: bool = False

    @property
    def holds(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.least else self.value <= self.aim

    @property
    def aimed(self) -> str:
        """The aim in words; nothing where there is none."""
        return "" if self.aim is None else f"{'≥' if self.least else '≤'} {self.aim:,g}"

    def __str__(self) -> str:
        mark = {True: "holds", False: "MISSED", None: ""}[self.holds]
        return f"{self.what:<72} {shown(self.value):>10} {self.unit:<18} {self.aimed:<9} {mark}"


def shown(value: float) -> str:
    """Write a number with as many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def said(figures: Sequence[Figure], items: int) -> dict[str, Any]:
    """Return a run as plain data, with its machine and date."""
    cores = os.cpu_count()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{cores} cores, {_processor()}, Python {platform.python_version()}",
        "items": items,
        "figures": [{**asdict(figure), "holds": figure.holds} for figure in figures],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def write(
    out: Path, name: str, run: Mapping[str, Any], pages: Mapping[str, Sequence[float]], page: Path | None
) -> None:
    """Write a run as ``name.json`` and ``name.svg``, and its table into a page of the documentation."""
    from benchmarks import plot  # matplotlib takes seconds to load

    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps(run, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    plot.draw(run, pages, out / f"{name}.svg")
    if page is not None:
        beside = os.path.relpath(out / name, page.parent)
        files = f"![CPU beside others, and page times]({beside}.svg)\n\nThe same as [JSON]({beside}.json)."
        page.write_text(with_table(page.read_text(encoding="utf-8"), name, f"{table(run)}\n\n{files}"), "utf-8")


def table(run: Mapping[str, Any]) -> str:
    """Return the table of a run in Markdown."""
    about = f"{run['items']:,} items · {run['machine']} · {run['date']}"
    lines = [about, "", "| what | figure | aim | |", "|---|---|---|---|"]
    for saved in run["figures"]:
        figure = Figure(**{name: value for name, value in saved.items() if name != "holds"})
        mark = {True: "", False: "missed", None: ""}[figure.holds]
        lines.append(f"| {figure.what} | {shown(figure.value)} {figure.unit} | {figure.aimed} | {mark} |")
    return "\n".join(lines)


def with_table(text: str, name: str, inner: str) -> str:
    """Return a page with what stands between the marks of a run replaced.

    Raises:
        ValueError: the page has no such marks.
    """
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    before, opened, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"the page has no place for it: {begin} … {end}")
    return f"{before}{begin}\n{inner}\n{end}{after}"
