"""The table as a picture: CPU against the peer and the floor, page times by their position in the list."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "bench"
from matplotlib import pyplot as plt  # noqa: E402

MOST = 500
"""Pages of a list that are drawn, at regular distances."""


def draw(said: dict[str, Any], pages: dict[str, list[float]], file: Path) -> None:
    """Draw the figures of a run and the times of its pages (seconds) into an SVG file."""
    values = {figure["what"]: figure["value"] for figure in said["figures"]}
    figure, (bars, lines) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    names = {"oai-repo": "ListRecords, 250 a page, oai-repo", "this server": "ListRecords, 250 a page",
             "bare Flask": "ListRecords, 250 a page, bare Flask and sqlite3"}  # fmt: skip
    bars.barh(list(names), [values[what] for what in names.values()], color=["#999", "#06c", "#ccc"])
    for row, what in enumerate(names.values()):
        bars.text(values[what], row, f" {values[what]:.1f}", va="center")
    bars.set_title("CPU ms per 1,000 records, ListRecords, 250 a page")
    for name, times in pages.items():
        if len(times) > 8:
            shown = range(0, len(times), -(-len(times) // MOST))
            places = [100 * index / (len(times) - 1) for index in shown]
            lines.plot(places, [times[index] * 1000 for index in shown], linewidth=0.7, label=name)
    lines.set(title="milliseconds a page, by its place in the list (%)", ylim=(0, None))
    lines.legend(fontsize=7)
    figure.suptitle(f"{said['items']:,} items · {said['machine']} · {said['date']}", fontsize=9)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
