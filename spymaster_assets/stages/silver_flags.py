"""The flags of silver rows, by the instrument's thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from book_engines import quote_windows as q
from book_engines.flags import SnapshotFlagger, SnapshotFlags
from book_engines.option_flags import OptionFlagger, OptionRules
from book_engines.quote_records import CALL
from book_engines.size_flags import SizeFlagger, SizeRules
from book_engines.snapshot_rules import PriceTier, SnapshotRules
from book_engines.strike_output import QuoteBlock
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.underlying_spot import underlying_prices
from spymaster_resources.quality import Tiers, quality_rules
from spymaster_resources.trading_calendar import SECOND_NS, utc_ns


class SizeFlags:
    """Marks the rows of depth whose largest order was unlike those of the half hour before."""

    def __init__(self, ctx: StageContext, tables: Sequence[str]) -> None:
        found = quality_rules(ctx.instrument)
        rules = SizeRules(
            found.size_windows,
            found.size_share,
            found.size_factor,
            found.size_median_floor,
            found.min_orders,
            found.size_cap,
        )
        self._flaggers = {table: SizeFlagger(rules) for table in tables}
        self._flagged = dict.fromkeys(tables, 0)

    def flag(
        self,
        table: str,
        window_end_ns: NDArray[np.int64],
        sizes: NDArray[Any],
        rows_a_window: NDArray[np.int64],
        largest: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Return the flag of a block's rows.

        sizes: the orders of each window by bin. largest: the largest order that each row added.
        """
        limits = self._flaggers[table].limits(window_end_ns, sizes, rows_a_window, largest)
        flags: NDArray[np.bool_] = largest > np.repeat(limits, rows_a_window)
        self._flagged[table] += int(np.count_nonzero(flags))
        return flags

    @property
    def counters(self) -> dict[str, int]:
        """Return how many rows of each table carry the flag."""
        names = {table: table.rsplit(".", 1)[1] for table in self._flagged}
        wide, *fine = names
        counted = {"flag_size_outlier": self._flagged[wide]}
        return counted | {f"flag_size_outlier_{names[t]}": self._flagged[t] for t in fine}


class OptionSnapshotFlags:
    """Marks quotes of options; each option is a series of its own."""

    def __init__(self, ctx: StageContext, symbol: str, dt: date) -> None:
        rules = quality_rules(ctx.instrument)
        early = ctx.calendar.early_close(dt)
        settlement = min(rules.settlement, early) if early else rules.settlement
        self._prices = snapshot_flagger(ctx, dt)
        self._options = OptionFlagger(
            OptionRules(
                settlement_ns=utc_ns(dt, settlement),
                tick_int=ctx.instrument.tick_int,
                underlying_share=rules.underlying_share,
                lowest_volatility=rules.lowest_volatility,
                highest_volatility=rules.highest_volatility,
                max_premium_int=rules.max_premium_int,
                quote_windows=rules.quote_windows,
            )
        )
        self._first_end_ns = ctx.window_ends(dt).first_ns
        self._underlying = underlying_prices(ctx, symbol, dt)
        self._flagged = {"iv_anomaly": 0, "arbitrage_violation": 0}

    def flag(self, block: QuoteBlock, instruments: NDArray[np.void]) -> dict[str, pa.Array]:
        """Return the flag columns of a block's snapshots."""
        windows, quotes = block.windows, block.quotes
        window = (windows["end"] - self._first_end_ns) // SECOND_NS
        end = np.repeat(windows["end"], windows["quotes"])
        right, strike = (np.ascontiguousarray(instruments[n]) for n in ("right", "strike"))
        series = quotes[q.NUMBER].astype(np.int32)
        plain = self._prices.flag(series, end, quotes[q.BID], quotes[q.ASK])
        option = self._options.flag(
            window_end_ns=end,
            is_call=(right == CALL)[series],
            series=series,
            strike_int=strike[series],
            bid_int=quotes[q.BID],
            ask_int=quotes[q.ASK],
            underlying_int=np.repeat(self._underlying[window], windows["quotes"]),
        )
        self._flagged["iv_anomaly"] += int(np.count_nonzero(option.iv_anomaly))
        self._flagged["arbitrage_violation"] += int(np.count_nonzero(option.arbitrage_violation))
        return {
            **flag_columns(plain),
            "iv_anomaly_flag": pa.array(option.iv_anomaly, mask=~option.two_sided),
            "arbitrage_violation_flag": pa.array(option.arbitrage_violation),
        }

    @property
    def counters(self) -> dict[str, int]:
        """Return how many quotes carry each flag."""
        return self._prices.counters | {f"flag_{k}": v for k, v in self._flagged.items()}


def flag_columns(flags: SnapshotFlags) -> dict[str, pa.Array]:
    """Return the flags that every snapshot has as columns."""
    return {f"{name}_flag": pa.array(flag) for name, flag in flags._asdict().items()}


def snapshot_flagger(ctx: StageContext, dt: date) -> SnapshotFlagger:
    """Return what flags the snapshots of `dt`: an early close ends the regular hours."""
    rules = quality_rules(ctx.instrument)
    regular = ctx.calendar.clip(rules.regular_hours, dt)
    return SnapshotFlagger(
        SnapshotRules(
            tick_int=rules.deviation_floor_int,
            tiers=_tiers(rules.tiers),
            outside_tiers=_tiers(rules.outside_tiers),
            regular_ns=(utc_ns(dt, regular.open), utc_ns(dt, regular.close)),
            price_windows=rules.price_windows,
            z_limit=rules.z_limit,
            spread_windows=rules.spread_windows,
            spread_factor=rules.spread_factor,
            spread_floor_share=rules.spread_floor_share,
            min_samples=rules.min_samples,
        )
    )


def _tiers(tiers: Tiers) -> tuple[PriceTier, ...]:
    return tuple(PriceTier(below, share) for below, share in tiers)
