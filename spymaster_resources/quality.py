"""The thresholds of data quality, read from `quality.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from contracts.errors import ConfigurationError
from spymaster_resources.instruments import PRICE_SCALE, Instrument
from spymaster_resources.trading_calendar import SessionWindow

QUALITY_FILE: Final = Path(__file__).with_name("quality.yaml")
NO_BOUND: Final = 2**63 - 1

Tiers = tuple[tuple[int, float], ...]
"""(prices below, 1e-9 dollars; greatest share of the trailing median), in ascending order."""

GAP_S: Final = 60
"""Seconds of silence of a stream that is otherwise busy."""
BUSY_RECORDS: Final = 1_000
"""Records an hour from which a stream is busy."""
FAR_SIZE_FACTOR: Final = 10
"""A size above this many times the largest order that is believed is no order and no auction."""
USUAL_SIZE_CAP: Final = 1_000_000
"""The largest order that is believed of a root for which `quality.yaml` names none."""


@dataclass(frozen=True)
class QualityRules:
    """The thresholds of one instrument; the file says what each is."""

    price_windows: int
    z_limit: float
    deviation_floor_int: int
    """1e-9 dollars: one tick where the file says nothing else."""
    tiers: Tiers
    outside_tiers: Tiers
    spread_windows: int
    spread_factor: float
    spread_floor_share: float
    min_samples: int
    size_windows: int
    size_share: float
    size_factor: int
    size_median_floor: int
    min_orders: int
    size_cap: int | None
    regular_hours: SessionWindow
    settlement: time
    lowest_volatility: float
    highest_volatility: float
    underlying_share: float
    quote_windows: int
    max_premium_int: int
    """1e-9 dollars."""

    def parameters(self) -> dict[str, Any]:
        """Return the thresholds as a manifest records them."""
        texts = {"regular_hours": str(self.regular_hours), "settlement": str(self.settlement)}
        return {**asdict(self), **texts}


@cache
def quality_rules(instrument: Instrument, file: Path = QUALITY_FILE) -> QualityRules:
    """Return the thresholds of an instrument; raises ConfigurationError for a file without them."""
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
        rules = content["rules"] | content["products"].get(instrument.product_type, {})
        tiers = content["price_tiers"].get(instrument.product_type, {})
        return QualityRules(
            tiers=_tiers(tiers.get("regular", ())),
            outside_tiers=_tiers(tiers.get("outside", ())),
            size_cap=content["size_caps"].get(instrument.root),
            regular_hours=SessionWindow.parse(rules.pop("regular_hours")),
            max_premium_int=_dollars(rules.pop("max_premium")),
            settlement=time.fromisoformat(rules.pop("settlement")),
            deviation_floor_int=max(
                instrument.tick_int, _dollars(rules.pop("deviation_floor", "0"))
            ),
            **rules,
        )
    except OSError as error:
        raise ConfigurationError(f"quality rules {file}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, ArithmeticError, yaml.YAMLError) as error:
        raise ConfigurationError(f"quality rules {file.name}: {error!r}") from error


def _tiers(rows: Sequence[Sequence[Any]]) -> Tiers:
    return tuple(
        (NO_BOUND if below == "none" else _dollars(below), float(share)) for below, share in rows
    )


def _dollars(text: str) -> int:
    return int(Decimal(text) * PRICE_SCALE)
