"""Naive twin of the silver flags: every row against lists of all that came before it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from book_engines.flags import MAD_TO_DEVIATION
from book_engines.snapshot_rules import PriceTier, SnapshotRules


class Row(NamedTuple):
    """One snapshot: its series, window number and best prices, None where a side is empty."""

    series: int
    window: int
    bid: int | None
    ask: int | None

    @property
    def prices(self) -> tuple[int, int] | None:
        return None if self.bid is None or self.ask is None else (self.bid, self.ask)

    @property
    def spread(self) -> int:
        assert self.bid is not None
        assert self.ask is not None
        return self.ask - self.bid

    @property
    def mid(self) -> float:
        assert self.prices is not None
        return sum(self.prices) / 2


class Flags(NamedTuple):
    price_outlier: bool
    crossed_market: bool
    spread_anomaly: bool


def snapshot_flags(rules: SnapshotRules, rows: Sequence[Row]) -> list[Flags]:
    """Return the flags of `rows`, which are in the order of their windows."""
    flags: list[Flags] = []
    for row in rows:
        if row.prices is None:
            flags.append(Flags(False, False, False))
            continue
        before = [
            (old, found)
            for old, found in zip(rows, flags, strict=False)
            if old.series == row.series and old.prices is not None and old.spread > 0
        ]
        crossed = row.spread <= 0
        outlier = not crossed and is_price_outlier(rules, row, before)
        spreads = [
            old.spread for old, _ in before if old.window >= row.window - rules.spread_windows
        ]
        wide = (
            not crossed
            and len(spreads) >= rules.min_samples
            and row.spread > rules.spread_factor * median(spreads)
            and row.spread > rules.spread_floor_share * row.mid
        )
        flags.append(Flags(outlier, crossed, wide))
    return flags


def is_price_outlier(rules: SnapshotRules, row: Row, before: Sequence[tuple[Row, Flags]]) -> bool:
    recent = trailing_mids(rules, row, before)
    if len(recent) < rules.min_samples:
        return False
    usual = median(recent)
    tier = share_of(rules, row, usual)
    if tier is not None and abs(row.mid - usual) > tier * usual:
        return True
    earlier = [
        abs(old.mid - median(mids))
        for n, (old, _) in enumerate(before)
        if old.window >= row.window - rules.spread_windows
        and len(mids := trailing_mids(rules, old, before[:n])) >= rules.min_samples
    ]
    spread_out = median(abs(x - usual) for x in recent)
    deviation = MAD_TO_DEVIATION * max(spread_out, median(earlier) if earlier else 0.0)
    reach = rules.z_limit * max(deviation, rules.tick_int)
    # windows without enough history before them count as clean, as nothing speaks against them
    clean = [old.mid for old, found in before if not found.price_outlier]
    return abs(row.mid - usual) > reach and abs(row.mid - clean[-1]) > reach


def trailing_mids(
    rules: SnapshotRules, row: Row, before: Sequence[tuple[Row, Flags]]
) -> list[float]:
    return [old.mid for old, _ in before if old.window >= row.window - rules.price_windows]


def share_of(rules: SnapshotRules, row: Row, usual: float) -> float | None:
    after, until = rules.regular_ns
    regular = after < row.window * 1_000_000_000 <= until
    tiers: Sequence[PriceTier] = rules.tiers if regular else rules.outside_tiers
    return next((tier.share for tier in tiers if usual < tier.below_int), None)
