"""Fit and evaluation over published days: what is written, from what, and when nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from book_engines.baselines import order_flow_imbalance
from contracts.errors import ConfigurationError, ContractError
from spymaster_assets.checks.calibration import breaches
from spymaster_assets.stages.calibration import (
    evaluate_calibration,
    fit_calibration,
)
from spymaster_assets.stages.calibration_record import (
    EVALUATION_DOCUMENT,
    FIT_DOCUMENT,
    entry_sha256,
    publish_entry,
    published_calibration,
)
from spymaster_assets.stages.calibration_text import (
    evaluation_numbers,
    evaluation_text,
    fit_numbers,
)
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.sessions import finished_sessions, read_session
from spymaster_assets.stages.trust_record import trust_entry
from spymaster_resources.selection_map import Selection, write_selection
from spymaster_resources.trading_calendar import SessionWindow
from tests.spymaster_assets.stages.gold_days import (
    SNAPSHOT,
    SURFACE,
    SYMBOL,
    publish_day,
    publish_snapshots,
    random_day,
    small_context,
)

DAYS = [date(2026, 1, n) for n in (5, 6, 7)]


def publish_random_day(ctx: StageContext, dt: date, symbol: str = SYMBOL) -> None:
    """Publish 400 seconds whose mid walks at random."""
    fields, touch = random_day(dt.day, 400)
    steps = np.random.default_rng(dt.day).integers(-1, 2, 400)
    spot = np.cumsum(steps).astype(np.float64) + 20_000.0
    publish_day(ctx, dt, fields, touch._replace(spot_tick=spot), symbol=symbol)


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    context = small_context(tmp_path)
    for dt in DAYS:
        publish_random_day(context, dt)
    return context


def test_the_last_quarter_of_the_days_is_held_out_and_all_lineage_is_recorded(
    ctx: StageContext,
) -> None:
    entry = fit_calibration(ctx)
    assert entry["train_dates"] == ["2026-01-05", "2026-01-06"]
    assert entry["held_out_dates"] == ["2026-01-07"]
    assert json.loads(ctx.lake.document(FIT_DOCUMENT) or b"")["ES"] == entry
    hashes = {ref["manifest_sha256"] for ref in entry["lineage"]}
    expected = {
        ctx.lake.input(table, SYMBOL, dt).manifest_sha256
        for table in (SURFACE, SNAPSHOT)
        for dt in DAYS
    }
    assert hashes == expected
    assert min(entry["beta"].values()) >= 0
    assert entry["samples"]["1"] > entry["samples"]["30"] > 300
    assert "too few to resample" in entry["bootstrap"]["note"]
    copy = f"calibration/runs/ES/{entry_sha256(entry)[:16]}/physics_beta_gamma.json"
    assert json.loads(ctx.lake.document(copy) or b"") == entry
    assert published_calibration(ctx.lake, "ES").parameters.gamma == entry["gamma"]


def test_noise_is_called_no_skill_in_plain_words(ctx: StageContext) -> None:
    fitted = fit_calibration(ctx)
    published = evaluate_calibration(ctx)
    entry = json.loads(ctx.lake.document(EVALUATION_DOCUMENT) or b"")["ES"]
    assert entry == published
    assert entry["held_out_dates"] == ["2026-01-07"]
    assert entry["calibration_sha256"] == entry_sha256(fitted)
    assert [row["horizon_s"] for row in entry["horizons"]] == [1, 2, 5, 10, 20, 30]
    for row in entry["horizons"][:3]:
        assert row["verdict"] in ("no skill", "worse than zero change")
        assert f"{row['verdict']} at " in entry["verdict"]
    assert entry["verdict"] in evaluation_text(entry)
    assert fit_numbers(fitted)["held_out_sessions"] == 1
    assert isinstance(evaluation_numbers(entry)["skill_1s"], float)


def test_the_label_is_what_the_rules_say_and_plots_lie_beside_the_numbers(
    ctx: StageContext,
) -> None:
    fit_calibration(ctx)
    assert published_calibration(ctx.lake, "ES").uncalibrated_because == (
        "the fit is not evaluated yet"
    )
    entry = evaluate_calibration(ctx)
    assert entry["breaches"] == breaches(entry)
    assert (entry["label"] == "calibrated") == (not entry["breaches"])
    assert published_calibration(ctx.lake, "ES").calibrated == (not entry["breaches"])
    run = f"calibration/runs/ES/{entry_sha256(entry)[:16]}"
    for name in ("reliability", "skill", "coverage"):
        image = ctx.lake.document(f"{run}/{name}.png")
        assert image is not None
        assert image.startswith(b"\x89PNG")
        assert ctx.lake.document(f"calibration/physics_beta_gamma_eval.ES.{name}.png") == image


def test_published_trust_is_read_back_as_it_was(ctx: StageContext) -> None:
    entry = fit_calibration(ctx)
    trust = published_calibration(ctx.lake, "ES").trust
    assert trust is not None
    assert trust_entry(trust) == {name: entry[name] for name in trust_entry(trust)}
    moves = [each.moves for each in trust.maps if each is not None]
    assert len(moves) == 30
    assert min(moves) > 100
    assert (trust.reach[:, 0] <= trust.reach[:, 1]).all()


def test_the_same_days_give_the_same_bytes(ctx: StageContext) -> None:
    fit_calibration(ctx)
    evaluate_calibration(ctx)
    before = ctx.lake.document(FIT_DOCUMENT), ctx.lake.document(EVALUATION_DOCUMENT)
    fit_calibration(ctx)
    evaluate_calibration(ctx)
    assert (ctx.lake.document(FIT_DOCUMENT), ctx.lake.document(EVALUATION_DOCUMENT)) == before


def test_other_roots_keep_their_calibration(ctx: StageContext) -> None:
    publish_entry(ctx.lake, FIT_DOCUMENT, "NQ", {"beta": {}})
    fit_calibration(ctx)
    assert set(json.loads(ctx.lake.document(FIT_DOCUMENT) or b"")) == {"ES", "NQ"}


def test_held_out_days_do_not_touch_the_fit(ctx: StageContext) -> None:
    before = fit_calibration(ctx)
    fields, touch = random_day(99, 400)
    publish_day(ctx, DAYS[-1], fields, touch)
    after = fit_calibration(ctx)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"lineage"}


def test_one_day_is_too_few_and_nothing_is_written(ctx: StageContext) -> None:
    with pytest.raises(ConfigurationError, match=r"at least 2 sessions.*found 1.*uncalibrated"):
        fit_calibration(ctx, DAYS[:1])
    assert ctx.lake.document(FIT_DOCUMENT) is None


def test_days_without_a_move_cannot_be_fitted_and_nothing_is_written(tmp_path: Path) -> None:
    ctx = small_context(tmp_path)
    for dt in DAYS:
        fields, touch = random_day(dt.day, 100)
        still = touch._replace(
            spot_tick=np.full(100, 20_000.0),
            bid_rel=np.zeros(100, np.int64),
            ask_rel=np.ones(100, np.int64),
        )
        publish_day(ctx, dt, fields, still)
    with pytest.raises(ConfigurationError, match="no sample whose price moved"):
        fit_calibration(ctx)
    assert ctx.lake.document(FIT_DOCUMENT) is None


def publish_blind_day(ctx: StageContext, dt: date) -> None:
    """Publish a day without one valid window."""
    fields, touch = random_day(dt.day, 100)
    publish_day(ctx, dt, fields, touch._replace(valid=np.zeros(100, np.bool_)))


def test_days_without_a_valid_second_cannot_be_fitted_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    ctx = small_context(tmp_path)
    for dt in DAYS:
        publish_blind_day(ctx, dt)
    with pytest.raises(ConfigurationError, match="no sample whose price moved"):
        fit_calibration(ctx)
    assert ctx.lake.document(FIT_DOCUMENT) is None
    assert not published_calibration(ctx.lake, "ES").calibrated


def test_a_held_out_day_without_a_valid_second_gives_no_figures_and_no_label(
    ctx: StageContext,
) -> None:
    publish_blind_day(ctx, DAYS[-1])
    fit_calibration(ctx)
    entry = evaluate_calibration(ctx)
    assert entry["label"] == "uncalibrated"
    assert "1 s: too few moves to judge a confidence" in entry["breaches"]
    assert entry["verdict"].startswith("Against zero change on held-out days: not measurable at")
    for row in entry["horizons"]:
        assert row["samples"] == 0
        assert row["coverage"]["50"]["estimate"] is None


def test_evaluation_refuses_training_days_and_days_that_are_not_there(ctx: StageContext) -> None:
    with pytest.raises(ConfigurationError, match="no calibration is published"):
        evaluate_calibration(ctx)
    fit_calibration(ctx)
    with pytest.raises(ConfigurationError, match="found training day 2026-01-06"):
        evaluate_calibration(ctx, DAYS[1:])
    with pytest.raises(ConfigurationError, match="no held-out session in gold among 2026-02-02"):
        evaluate_calibration(ctx, [date(2026, 2, 2)])
    assert ctx.lake.document(EVALUATION_DOCUMENT) is None


def test_a_damaged_document_is_named(ctx: StageContext) -> None:
    ctx.lake.put_document(FIT_DOCUMENT, b'{"ES": {"beta": 1}}')
    with pytest.raises(ConfigurationError, match=r"physics_beta_gamma\.json, ES"):
        published_calibration(ctx.lake, "ES")
    ctx.lake.put_document(FIT_DOCUMENT, b"{")
    with pytest.raises(ConfigurationError, match="expected JSON"):
        published_calibration(ctx.lake, "ES")


def test_of_two_contracts_of_a_date_the_selected_one_is_taken(ctx: StageContext) -> None:
    publish_random_day(ctx, DAYS[0], "ESM6")
    with pytest.raises(ConfigurationError, match="holds ESH6, ESM6"):
        finished_sessions(ctx, None)
    chosen = Selection(DAYS[0], "ESM6", date(2026, 6, 19), None, None, None, False, "override")
    write_selection(ctx.lake, [chosen], inputs=[], code_version="1")
    assert [ref.symbol for ref in finished_sessions(ctx, None)] == ["ESM6", SYMBOL, SYMBOL]


def test_only_days_of_the_configured_session_window_are_fitted(ctx: StageContext) -> None:
    evening = replace(ctx, session=SessionWindow.parse("18:00-19:00"))
    publish_random_day(evening, date(2026, 1, 8))
    assert [ref.dt for ref in finished_sessions(ctx, None)] == DAYS
    assert [ref.dt for ref in finished_sessions(evening, None)] == [date(2026, 1, 8)]
    with pytest.raises(ConfigurationError, match=r"2 sessions 18:00-19:00.*found 1"):
        fit_calibration(evening)
    assert fit_calibration(ctx)["session"] == "09:30-09:35"
    with pytest.raises(ConfigurationError, match="the fit is of 09:30-09:35"):
        evaluate_calibration(evening)
    assert evaluate_calibration(ctx)["session"] == "09:30-09:35"


def test_two_roots_that_are_fitted_at_once_both_stay(ctx: StageContext) -> None:
    """The second publishes after the first has read the document and before it writes."""
    lake, update = ctx.lake, ctx.lake.update_document

    def overtaken(path: str, change: Callable[[bytes | None], bytes]) -> None:
        update(FIT_DOCUMENT, lambda content: b'{"NQ": {}}' if content is None else content)
        update(path, change)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake, "update_document", overtaken)
        publish_entry(lake, FIT_DOCUMENT, "ES", {"gamma": 1.0})
    assert json.loads(lake.document(FIT_DOCUMENT) or b"") == {"NQ": {}, "ES": {"gamma": 1.0}}


def test_other_roots_are_no_sessions_of_this_one(ctx: StageContext) -> None:
    publish_random_day(ctx, date(2026, 1, 8), "NQH6")
    assert [ref.dt for ref in finished_sessions(ctx, None)] == DAYS


def test_baseline_features_come_from_the_snapshots(ctx: StageContext) -> None:
    session = read_session(ctx, finished_sessions(ctx, DAYS[:1])[0])
    table = ctx.lake.read(SNAPSHOT, SYMBOL, DAYS[0])
    names = ("best_bid_price_int", "best_bid_qty", "best_ask_price_int", "best_ask_qty")
    both = np.ones(400, dtype=np.bool_)
    bid_price, bid, ask_price, ask = (table[name].to_numpy() for name in names)
    expected = order_flow_imbalance(bid_price, bid, ask_price, ask, both)
    np.testing.assert_array_equal(session.order_flow, expected)
    np.testing.assert_array_equal(session.queue, (bid - ask) / (bid + ask))


def test_snapshots_of_other_windows_are_refused(ctx: StageContext) -> None:
    publish_snapshots(ctx, DAYS[0], SYMBOL, 1_000_000_000 * np.arange(7, 407), {})
    with pytest.raises(ContractError, match="expected the windows of gold"):
        read_session(ctx, finished_sessions(ctx, DAYS[:1])[0])
