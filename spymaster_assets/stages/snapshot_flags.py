"""The flags of a session's snapshots, by the instrument's thresholds."""

from __future__ import annotations

from datetime import date

from book_engines.flags import PriceTier, SnapshotFlagger, SnapshotRules
from spymaster_assets.stages.context import StageContext
from spymaster_resources.quality import QualityRules, Tiers, quality_rules
from spymaster_resources.trading_calendar import utc_ns


def snapshot_flagger(ctx: StageContext, dt: date, n_series: int = 1) -> SnapshotFlagger:
    """Return what flags the snapshots of `dt`; one series an instrument."""
    return SnapshotFlagger(snapshot_rules(ctx, quality_rules(ctx.instrument), dt), n_series)


def snapshot_rules(ctx: StageContext, rules: QualityRules, dt: date) -> SnapshotRules:
    """Return the thresholds of `dt`: an early close ends the regular hours."""
    regular = ctx.calendar.clip(rules.regular_hours, dt)
    return SnapshotRules(
        tick_int=ctx.instrument.tick_int,
        tiers=_tiers(rules.tiers),
        outside_tiers=_tiers(rules.outside_tiers),
        regular_ns=(utc_ns(dt, regular.open), utc_ns(dt, regular.close)),
        price_windows=rules.price_windows,
        z_limit=rules.z_limit,
        spread_windows=rules.spread_windows,
        spread_factor=rules.spread_factor,
        min_samples=rules.min_samples,
    )


def _tiers(tiers: Tiers) -> tuple[PriceTier, ...]:
    return tuple(PriceTier(below, share) for below, share in tiers)
