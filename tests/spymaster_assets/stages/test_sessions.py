"""Which sessions calibration finds: a root's contracts, or a ticker, with the options on them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from spymaster_assets.stages.sessions import finished_sessions, read_session
from tests.spymaster_assets.stages.gold_days import (
    publish_day,
    publish_options,
    random_day,
    small_context,
)

DAYS = (date(2026, 1, 5), date(2026, 1, 6))


@pytest.mark.parametrize(
    ("name", "product_type", "symbol", "other", "options"),
    [
        ("ES", "future_mbo", "ESH6", "NQH6", "gold.future_option_mbo.physics_surface_1s"),
        ("QQQ", "equity_mbo", "QQQ", "SPY", "gold.equity_option_cmbp_1.physics_surface_1s"),
    ],
)
def test_a_root_s_sessions_name_the_options_that_their_forces_take_in(
    tmp_path: Path, name: str, product_type: str, symbol: str, other: str, options: str
) -> None:
    ctx = small_context(tmp_path, name, product_type)
    fields, touch = random_day(1, 30)
    for dt in DAYS:
        publish_day(ctx, dt, fields, touch, symbol=symbol)
        publish_day(ctx, dt, fields, touch, symbol=other)
    low, omega = np.full(30, 950_000_000_000), np.ones((30, 5, 4), np.float32)
    publish_options(ctx, DAYS[1], touch.window_end_ts_ns, low, omega, symbol=symbol)

    without, with_options = finished_sessions(ctx, None)
    assert [(ref.dt, ref.symbol) for ref in (without, with_options)] == [(d, symbol) for d in DAYS]
    assert without.options is None
    assert len(without.inputs) == 2
    assert with_options.options is not None
    assert with_options.options.dataset == options
    assert with_options.inputs[-1] == with_options.options
    session = read_session(ctx, without)
    assert session.forces.valid.size == session.queue.size == 30
