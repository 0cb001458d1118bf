"""Forecast: where the price is expected 1–30 seconds after every window of a session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from book_engines.bands import LEVELS
from book_engines.dynamics import LAST_HORIZON_S
from book_engines.forces import Forces, velocity
from book_engines.obstacles import OPTIONS_WEIGHT
from book_engines.trust import Forecast, forecast_of
from contracts.registry import dataset
from spymaster_assets.stages import versions
from spymaster_assets.stages.calibration_record import (
    Calibration,
    calibration_for,
    constants_entry,
)
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.fields import field_inputs, forecast_surface, read_forces
from spymaster_assets.stages.recipe import Recipe
from spymaster_assets.stages.trust_record import level_name
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Manifest

CODE_VERSION: Final = versions.FORECAST
STAGE: Final = "forecast"

_HORIZONS: Final = LAST_HORIZON_S + 1  # rows a window, horizon 0 included
_WINDOWS_AT_ONCE: Final = 4096


def forecast_dataset(instrument: Instrument) -> str:
    """Return the table that an instrument's forecasts are published in."""
    return f"gold.{instrument.product_type}.forecast_1s"


def recipe(ctx: StageContext, symbol: str, dt: date) -> Recipe:
    """Return what the forecast of `symbol` and `dt` is made of: surfaces and a calibration.

    The option surface on the symbol is one where it is published and current.
    Raises PartitionMissingError without a surface, ConfigurationError for a damaged calibration.
    """
    return _recipe(ctx, symbol, dt, _calibration(ctx, symbol, dt))


def build_forecast(ctx: StageContext, symbol: str, dt: date) -> list[Manifest]:
    """Publish `forecast_1s` of a session from its surface and the published calibration.

    Without a calibration of the root on the partition's session window the default parameters
    are used, confidence and bands are null, and the manifest says `calibrated: false`; it says so
    too where the evaluation refused the label, but the numbers are there. Raises the lake's
    errors, and whatever `ctx.audit` raises.
    """
    calibration = _calibration(ctx, symbol, dt)
    made_of = _recipe(ctx, symbol, dt, calibration)
    forces = read_forces(ctx, symbol, dt, STAGE)
    forecast = forecast_of(forces, calibration.parameters, calibration.trust)
    (key,) = made_of.tables
    with made_of.writer(ctx.lake, key, symbol, dt) as writer:
        for table in forecast_tables(key, forces, forecast):
            writer.write(table)
        ctx.audit([writer.seal(_counters(forces, forecast))])
        return [writer.publish()]


def forecast_tables(key: str, forces: Forces, forecast: Forecast) -> Iterator[pa.Table]:
    """Yield the rows of the dataset `key`, a `forecast_1s`: 31 a window."""
    schema = dataset(key).schema
    for start in range(0, forces.valid.size, _WINDOWS_AT_ONCE):
        stop = start + _WINDOWS_AT_ONCE
        yield _table(schema, forces.rows(start, stop), forecast.rows(start, stop))


def _table(schema: pa.Schema, forces: Forces, forecast: Forecast) -> pa.Table:
    windows = forces.valid.size
    shape = (windows, _HORIZONS)
    delta = np.where(forces.valid[:, None], forecast.delta, np.nan)
    mid = np.where(forces.valid, forces.mid_tick, 0.0)
    diagnosed = np.zeros(shape, dtype=np.bool_)
    diagnosed[:, 0] = forces.valid

    def prediction(values: npt.NDArray[np.float64], arrow_type: pa.DataType) -> pa.Array:
        """Return a column from the values of horizons 1…30, (windows, 30), NaN where unknown."""
        full = np.full(shape, np.nan)
        full[:, 1:] = values
        unknown = np.isnan(full).ravel()
        known = np.where(unknown, 0.0, full.ravel())
        return pa.array(known.astype(arrow_type.to_pandas_dtype()), mask=unknown)

    def diagnostic(values: npt.NDArray[Any]) -> pa.Array:
        full = np.zeros(shape, dtype=values.dtype)
        full[:, 0] = np.where(forces.valid, values, 0)
        return pa.array(full.ravel(), mask=~diagnosed.ravel())

    found = forces.diagnostics
    columns = {
        "window_end_ts_ns": pa.array(np.repeat(forces.window_end_ts_ns, _HORIZONS)),
        "horizon_s": pa.array(np.tile(np.arange(_HORIZONS, dtype=np.int32), windows)),
        "predicted_delta": prediction(delta, pa.float64()),
        "predicted_tick_delta": prediction(_half_away(delta), pa.int64()),
        "predicted_spot_tick": prediction(np.floor(mid[:, None] + delta + 0.5), pa.int64()),
        "confidence": prediction(forecast.confidence, pa.float64()),
        "RunScore_up": diagnostic(found.run_up),
        "RunScore_down": diagnostic(found.run_down),
        "D_up": diagnostic(found.d_up),
        "D_down": diagnostic(found.d_down),
    }
    for k, level in enumerate(LEVELS):
        width = forecast.half_width[:, :, k]
        columns[f"band_lo_{level_name(level)}"] = prediction(delta - width, pa.float64())
        columns[f"band_hi_{level_name(level)}"] = prediction(delta + width, pa.float64())
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _half_away(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Round to whole numbers, halves away from zero, so that up and down are treated alike."""
    return np.asarray(np.copysign(np.floor(np.abs(values) + 0.5), values))


def _calibration(ctx: StageContext, symbol: str, dt: date) -> Calibration:
    """Return the calibration for the session window that the surface was built for."""
    surface = ctx.lake.manifest(forecast_surface(ctx.instrument).gold, symbol, dt)
    session = surface.parameters.get("session") if surface else None
    return calibration_for(ctx.lake, ctx.instrument.root, session)


def _recipe(ctx: StageContext, symbol: str, dt: date, calibration: Calibration) -> Recipe:
    inputs = field_inputs(ctx, symbol, dt)
    parameters = {
        "calibrated": calibration.calibrated,
        "uncalibrated_because": calibration.uncalibrated_because,
        "calibration_sha256": calibration.sha256,
        "role_in_calibration": calibration.role(dt),
        **constants_entry(calibration.parameters),
        "options_weight": 0.0 if inputs.options is None else OPTIONS_WEIGHT,
    }
    table = forecast_dataset(ctx.instrument)
    return Recipe((table,), CODE_VERSION, parameters, inputs.references)


def _counters(forces: Forces, forecast: Forecast) -> dict[str, int | float]:
    windows = int(forces.valid.size)
    valid = int(np.count_nonzero(forces.valid))
    at_rest = int(np.count_nonzero(forces.valid & np.isnan(velocity(forces))))
    counters: dict[str, int | float] = {
        "windows": windows,
        "forecast_windows": valid,
        "started_at_rest": at_rest,
    }
    if valid:
        counters["valid_share"] = valid / windows
    for horizon in (10, 30):
        delta, confidence = forecast.delta[:, horizon - 1], forecast.confidence[:, horizon - 1]
        if valid:
            counters[f"mean_abs_delta_{horizon}s"] = float(np.abs(delta[forces.valid]).mean())
        if np.isfinite(confidence).any():
            counters[f"mean_confidence_{horizon}s"] = float(np.nanmean(confidence))
    return counters
