"""Small dark figures, as the pages and Dagster show them."""

from __future__ import annotations

import io
from typing import Any, Final

BACKGROUND: Final = "#10141b"
INK: Final = "#c9d3e0"
FRAME: Final = "#2b3442"
UP: Final = "#3fb68b"
DOWN: Final = "#e0705f"


def dark_figure(
    rows: int, columns: int = 1, *, inches: tuple[float, float], ratios: list[int] | None = None
) -> tuple[Any, list[Any]]:
    """Return a figure and its axes, row by row; `ratios` are the heights of the rows."""
    from matplotlib.figure import Figure  # 0.3 s of import, only where something is drawn

    figure = Figure(figsize=inches, facecolor=BACKGROUND)
    grid = {"height_ratios": ratios or [1] * rows}
    axes = list(figure.subplots(rows, columns, squeeze=False, gridspec_kw=grid).ravel())
    for each in axes:
        each.set_facecolor(BACKGROUND)
        each.tick_params(colors=INK, labelsize=7)
        each.title.set_color(INK)
        each.yaxis.label.set_color(INK)
        each.xaxis.label.set_color(INK)
        for spine in each.spines.values():
            spine.set_color(FRAME)
    figure.set_layout_engine("constrained")
    return figure, axes


def png(figure: Any) -> bytes:
    """Return the figure as a PNG file."""
    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=100)
    return image.getvalue()
