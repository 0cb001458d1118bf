"""What an evaluation looks like: reliability, skill by horizon, coverage of the bands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from spymaster_assets.figure import DOWN, FRAME, INK, UP, dark_figure, png

Evaluation = Mapping[str, Any]

_BY_HORIZON: Final = ("#f2c14e", "#e8945a", UP, "#4fa3d1", "#9b7ede", DOWN)


def evaluation_plots(evaluation: Evaluation) -> dict[str, bytes]:
    """Return the PNG files of an entry of `physics_beta_gamma_eval.json` by name."""
    horizons = evaluation["horizons"]
    return {
        "reliability": _reliability(horizons),
        "skill": _skill(horizons),
        "coverage": _coverage(horizons),
    }


def _reliability(horizons: Sequence[Evaluation]) -> bytes:
    figure, (axes,) = dark_figure(1, inches=(4.6, 4.2))
    axes.plot([0, 1], [0, 1], color=FRAME, linewidth=1)
    shown = [0.5]
    for row, colour in zip(horizons, _BY_HORIZON, strict=True):
        said = [pool["mean_confidence"] for pool in row["reliability"]]
        right = [pool["hit_rate"] for pool in row["reliability"]]
        label = f"{row['horizon_s']} s"
        axes.plot(said, right, "o-", color=colour, markersize=3, linewidth=1, label=label)
        shown += said + right
    limits = max(0.0, min(shown) - 0.03), min(1.0, max(shown) + 0.03)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set_xlabel("confidence")
    axes.set_ylabel("share of signs that were right")
    _legend(axes)
    return png(figure)


def _skill(horizons: Sequence[Evaluation]) -> bytes:
    figure, (axes,) = dark_figure(1, inches=(7.2, 2.8))
    series = {
        "forecast against zero change": (UP, [row["skill"]["zero_change"] for row in horizons]),
        "regression against zero change": (INK, [row["regression_skill"] for row in horizons]),
        "forecast against regression": (DOWN, [row["skill"]["regression"] for row in horizons]),
    }
    _by_horizon(axes, horizons, series)
    axes.axhline(0.0, color=FRAME, linewidth=1)
    axes.set_ylabel("skill, mean squared error")
    _legend(axes)
    return png(figure)


def _coverage(horizons: Sequence[Evaluation]) -> bytes:
    levels = list(horizons[0]["coverage"])
    figure, panels = dark_figure(1, len(levels), inches=(7.2, 2.8))
    for axes, level in zip(panels, levels, strict=True):
        nominal = int(level) / 100
        axes.axhspan(nominal - 0.02, nominal + 0.02, color=FRAME)
        found = [row["coverage"][level] for row in horizons]
        _by_horizon(axes, horizons, {"held-out days": (UP, found)})
        axes.set_title(f"{level} % band", fontsize=8)
        axes.set_ylabel("share of moves within")
    return png(figure)


def _by_horizon(
    axes: Any,
    horizons: Sequence[Evaluation],
    series: Mapping[str, tuple[str, Sequence[Mapping[str, float | None]]]],
) -> None:
    """Draw estimates with their intervals; what was not measurable stays out."""
    names = ("estimate", "low", "high")
    for offset, (label, (colour, found)) in enumerate(series.items()):
        rows = [[each[name] for name in names] for each in found]
        estimate, low, high = np.array(rows, dtype=np.float64).T  # None becomes NaN
        places = np.arange(len(found)) + 0.12 * (offset - (len(series) - 1) / 2)
        reach = np.nan_to_num(np.abs(np.array([low, high]) - estimate))
        axes.errorbar(
            places, estimate, reach, fmt="o", color=colour, markersize=3, linewidth=1, label=label
        )
    axes.set_xticks(range(len(horizons)), [f"{row['horizon_s']} s" for row in horizons])


def _legend(axes: Any) -> None:
    axes.legend(fontsize=6, facecolor="none", edgecolor=FRAME, labelcolor=INK)
