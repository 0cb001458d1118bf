"""Checks of the forecasts."""

from __future__ import annotations

from collections.abc import Iterator

from spymaster_assets.checks.check import Check, row_check, sql_check


def forecast_checks(key: str) -> Iterator[Check]:
    """Yield the checks of `forecast_1s`."""
    yield row_check(
        "horizons",
        key,
        "every window holds the horizons 0 to 30, diagnostics only at 0, predictions only after",
        "horizon_s <> file_row_number % 31 OR (horizon_s = 0 AND predicted_delta IS NOT NULL) "
        "OR (horizon_s > 0 AND (RunScore_up IS NOT NULL OR D_up IS NOT NULL))",
        columns="file_row_number, window_end_ts_ns, horizon_s, predicted_delta, RunScore_up",
    )
    yield row_check(
        "finite",
        key,
        "predictions are finite, within ±80 ticks, and bands are ordered",
        "NOT isfinite(predicted_delta) OR abs(predicted_delta) > 80 OR NOT "
        "isfinite(RunScore_up) OR NOT isfinite(RunScore_down) OR confidence NOT BETWEEN 0 AND "
        "1 OR NOT (band_lo_90 <= band_lo_50 AND band_lo_50 <= band_hi_50 AND band_hi_50 <= "
        "band_hi_90)",
    )
    yield sql_check(
        "confidence_by_horizon",
        key,
        "in no window a longer horizon is more certain than a shorter one",
        "SELECT window_end_ts_ns, horizon_s, confidence, of_shorter FROM "
        "(SELECT window_end_ts_ns, horizon_s, confidence, "
        "lag(confidence) OVER () AS of_shorter FROM {table}) "
        "WHERE horizon_s > 1 AND confidence > of_shorter",
        numbers_sql="SELECT coalesce(avg(confidence), 0) AS mean_confidence, "
        "count(confidence) AS confidences FROM {table}",
    )
    yield row_check(
        "rounded_delta",
        key,
        "predicted_tick_delta is predicted_delta rounded, and one is null when the other is",
        "(predicted_delta IS NULL) <> (predicted_tick_delta IS NULL) OR (predicted_delta IS "
        "NULL) <> (predicted_spot_tick IS NULL) OR abs(predicted_tick_delta - predicted_delta) "
        "> 0.5",
        columns="window_end_ts_ns, horizon_s, predicted_delta, predicted_tick_delta",
        numbers={
            "predicted_share": "count(*) FILTER (predicted_delta IS NOT NULL) "
            "/ greatest(count(*) FILTER (horizon_s > 0), 1)"
        },
    )
