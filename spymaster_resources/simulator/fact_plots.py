"""The stylised facts of one or two files as one picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from spymaster_resources.simulator.facts import Fact


class Panel(NamedTuple):
    """Facts that belong together: their names match `pattern`, whose groups label them."""

    title: str
    pattern: str
    log: bool = False


PANELS: Final = (
    Panel("Records by action, share", r"share of (\w)"),
    Panel("Spread, share of events", r"(spread of [^,]+).*"),
    Panel("Depth by ticks behind the touch, lots", r"depth (\d+) ticks behind the touch"),
    Panel("Order lifetime by quantile (%), s", r"order lifetime, (\d+) % quantile", log=True),
    Panel("Time between events by quantile (%), ms", r"time between events, (\d+) % .*", log=True),
    Panel("Sizes", r"(order|trade) size, (\S+ ?\S* ?\S*).*", log=True),
    Panel("Autocorrelation of trade signs by lag", r"autocorrelation of trade signs, lag (\d+)"),
    Panel("Variance ratio by samples", r"variance over (\d+) samples .*"),
    Panel("Filled of added quantity", r"(filled) of added quantity"),
)
_COLUMNS: Final = 3


def plot_facts(columns: Mapping[str, Sequence[Fact]], target: Path) -> None:
    """Draw each panel with a bar for each file, and save it in the format of the file's name.

    Facts that a file lacks (too short to have them) leave their bar out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    values = {name: {fact.name: fact.value for fact in rows} for name, rows in columns.items()}
    rows = -(-len(PANELS) // _COLUMNS)
    figure = Figure(figsize=(5 * _COLUMNS, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    width = 0.8 / len(columns)
    for place, panel in enumerate(PANELS, start=1):
        axes = figure.add_subplot(rows, _COLUMNS, place)
        labels = panel_labels(panel, values)
        for n, (name, found) in enumerate(values.items()):
            there = [(x, found[fact]) for x, fact in enumerate(labels) if fact in found]
            axes.bar(
                [x + (n - (len(columns) - 1) / 2) * width for x, _ in there],
                [value for _, value in there],
                width,
                label=name,
            )
        axes.set_title(panel.title, fontsize=10)
        axes.set_xticks(range(len(labels)), list(labels.values()), fontsize=7)
        if panel.log:
            axes.set_yscale("log")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center")
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)


def panel_labels(panel: Panel, values: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Return the facts of a panel and their labels, in the order of the first file."""
    names = dict.fromkeys(name for found in values.values() for name in found)
    matches = {name: re.fullmatch(panel.pattern, name) for name in names}
    return {name: "\n".join(match.groups()) for name, match in matches.items() if match}
