"""Checks of the liquidity surfaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from contracts.registry import dataset
from spymaster_assets.checks.check import Check, Finding, offenders, row_check, sql_check
from spymaster_assets.checks.subject import Subject

_SAMPLED_WINDOWS: Final = 64
_ROUNDING: Final = 2.4e-7
"""Two units in the last place of float32 near one."""


def surface_checks(key: str, snapshot: str, depth: str) -> Iterator[Check]:
    """Yield the checks of a surface around the instrument's own spot."""
    yield sql_check(
        "dense_grid",
        key,
        "every window holds every cell of the grid once on each side",
        "SELECT window_end_ts_ns, count(*) AS rows, min(rel_ticks) AS lowest, "
        "max(rel_ticks) AS highest, count(*) FILTER (side = 'A') AS asks FROM {table} "
        "GROUP BY window_end_ts_ns "
        "HAVING rows <> 2 * (highest - lowest + 1) OR lowest <> -highest OR 2 * asks <> rows",
    )
    yield from physics_checks(key)
    yield sql_check(
        "windows_of_silver",
        key,
        "the surface has exactly the seconds of silver's snapshots, with their spot reference",
        "SELECT window_end_ts_ns, g.lowest_spot, g.highest_spot, g.without_spot, "
        "s.spot_ref_price_int FROM (SELECT window_end_ts_ns, min(spot_ref_price_int) "
        "AS lowest_spot, max(spot_ref_price_int) AS highest_spot, count(*) FILTER "
        "(spot_ref_price_int IS NULL) AS without_spot, count(*) AS rows "
        "FROM {table} GROUP BY window_end_ts_ns) g "
        "FULL JOIN {snapshot} s USING (window_end_ts_ns) "
        "WHERE g.window_end_ts_ns IS NULL OR s.window_end_ts_ns IS NULL "
        "OR g.lowest_spot <> g.highest_spot "
        "OR g.without_spot <> CASE WHEN s.spot_ref_price_int IS NULL THEN g.rows ELSE 0 END",
        others={"snapshot": snapshot},
    )
    yield sql_check(
        "clean_windows",
        key,
        "a window is valid exactly when silver's is and no flag of its snapshot is set, "
        "and an invalid one contributes no flow",
        "WITH silver AS (SELECT s.window_end_ts_ns, coalesce(d.valid, false) "
        "AND NOT s.price_outlier_flag AND NOT s.crossed_market_flag AND NOT s.spread_anomaly_flag "
        "AS clean FROM {snapshot} s LEFT JOIN (SELECT window_end_ts_ns, "
        "bool_and(window_valid) AS valid FROM {depth} GROUP BY window_end_ts_ns) d "
        "USING (window_end_ts_ns)) "
        "SELECT window_end_ts_ns, g.valid, g.flow, silver.clean FROM (SELECT window_end_ts_ns, "
        "bool_or(window_valid) AS valid, sum(abs(liquidity_velocity)) AS flow FROM {table} "
        "GROUP BY window_end_ts_ns) g JOIN silver USING (window_end_ts_ns) "
        "WHERE g.valid <> silver.clean OR (NOT g.valid AND g.flow <> 0)",
        numbers_sql="SELECT count(*) FILTER (window_valid) / greatest(count(*), 1) "
        "AS valid_share FROM {table}",
        others={"snapshot": snapshot, "depth": depth},
    )
    yield sample_check(key, depth)


def sample_check(key: str, depth: str, suffix: str = "") -> Check:
    """Return the check of a random sample of seconds against formulas of one row of silver."""
    return Check(
        "naive_sample",
        key,
        "intensities, depth and rest of a random sample of seconds are what silver's rows give by "
        "the formulas",
        lambda subject: _sample(subject, depth, suffix),
    )


def physics_checks(
    key: str, suffix: str = "", u: str = "u", omega: str = "Omega"
) -> Iterator[Check]:
    """Yield the checks that hold within a row of any surface.

    suffix, u and omega: how the product's columns are named (`_opt`, `u_opt`, `Omega_opt`).
    """
    physics = [f.name for f in dataset(key).contract.fields if str(f.type) == "float"]
    strange = " OR ".join(f'NOT isfinite("{name}")' for name in physics)
    yield row_check(
        "finite",
        key,
        "no physics column holds a NaN or an infinity",
        strange,
    )
    nu, kappa = f"nu{suffix}", f"kappa{suffix}"
    near, prom = f"{omega}_near::DOUBLE", f"{omega}_prom::DOUBLE"
    yield row_check(
        "permeability",
        key,
        "nu is 1 + Omega_near + 2 · max(0, Omega_prom), and kappa · nu = 1, within the rounding of "
        "float32",
        f"{nu} < 1 OR abs({kappa}::DOUBLE * {nu}::DOUBLE - 1) > {_ROUNDING} "
        f"OR abs(1 + {near} + 2 * greatest(0, {prom}) - {nu}) > 1e-6 * {nu}",
        columns=f"window_end_ts_ns, rel_ticks, side, {nu}, {kappa}, {omega}_near, {omega}_prom",
    )
    bands = {"fast": (2, 8), "mid": (8, 32), "slow": (32, 128)}
    wrong = " OR ".join(
        f"abs({u}_ema_{fast}::DOUBLE - {u}_ema_{slow} - {u}_band_{name}) > 1e-6"
        for name, (fast, slow) in bands.items()
    )
    length = " + ".join(f"{u}_band_{name}::DOUBLE ** 2" for name in bands)
    yield row_check(
        "bands",
        key,
        "each band is the difference of its two averages, and the wave energy is their length",
        f"{wrong} OR abs(sqrt({length}) - {u}_wave_energy) > 1e-6",
        columns=(
            f"window_end_ts_ns, rel_ticks, side, {u}_ema_2, {u}_ema_8, {u}_ema_32, {u}_ema_128, "
            f"{u}_band_fast, {u}_band_mid, {u}_band_slow, {u}_wave_energy"
        ),
    )
    rest = f"phi_rest{suffix}"
    yield row_check(
        "pressure_sign",
        key,
        "u_p and u_p_slow are phi_rest times their averages, and pressure_grad is +u_p for bids "
        "and −u_p for asks",
        f"pressure_grad{suffix} <> CASE side WHEN 'B' THEN {u}_p ELSE -{u}_p END "
        f"OR abs({rest}::DOUBLE * {u}_ema_8 - {u}_p) > 1e-6 "
        f"OR abs({rest}::DOUBLE * {u}_ema_32 - {u}_p_slow) > 1e-6",
        columns=(
            f"window_end_ts_ns, rel_ticks, side, {u}_ema_8, {u}_ema_32, {rest}, {u}_p, "
            f"{u}_p_slow, pressure_grad{suffix}"
        ),
    )
    add, pull, fill = (f"{name}_intensity{suffix}" for name in ("add", "pull", "fill"))
    velocity = f"liquidity_velocity{suffix}"
    yield row_check(
        "velocity",
        key,
        "intensities lie within [0, 1), and the velocity is add − pull − fill, within (−1, 1)",
        f"least({add}, {pull}, {fill}) < 0 OR greatest({add}, {pull}, {fill}, abs({velocity})) "
        f"> 1 OR abs({add}::DOUBLE - {pull}::DOUBLE - {fill}::DOUBLE - {velocity}) > {_ROUNDING}",
        columns=f"window_end_ts_ns, rel_ticks, side, {add}, {pull}, {fill}, {velocity}",
    )
    rho = f"rho{suffix}"
    yield row_check(
        "obstacles",
        key,
        "Omega is rho · (½ + ½ phi_rest) · (1 + max(0, u_p_slow)), with phi_rest within [0, 1)",
        f"NOT {rest} BETWEEN 0 AND 1 OR {rho} < 0 OR abs({rho}::DOUBLE * (0.5 + 0.5 * "
        f"{rest}::DOUBLE) * (1 + greatest(0, {u}_p_slow::DOUBLE)) - {omega}) > 1e-6 * (1 + "
        f"{omega})",
        columns=f"window_end_ts_ns, rel_ticks, side, {rho}, {rest}, {u}_p_slow, {omega}",
    )


def sampled_windows(subject: Subject, rows_sql: str) -> str:
    """Return a list of windows for SQL, chosen by the partition's name so that it repeats."""
    ends = [row["ts"] for row in subject.query(rows_sql)]
    name = f"{subject.partition.dataset}|{subject.partition.symbol}|{subject.partition.dt}"
    random = np.random.default_rng(np.frombuffer(name.encode(), np.uint8))
    chosen = random.permutation(len(ends))[:_SAMPLED_WINDOWS]
    return ", ".join(str(ends[i]) for i in sorted(chosen)) or "-1"


_VALID_WINDOWS: Final = (
    "SELECT DISTINCT window_end_ts_ns AS ts FROM {table} WHERE window_valid ORDER BY ts"
)


def _sample(subject: Subject, depth: str, suffix: str) -> Finding:
    chosen = sampled_windows(subject, _VALID_WINDOWS)
    cell = 'strike_price_int, "right"' if suffix else "rel_ticks"
    whole = "(coalesce(d.depth_qty_start, 0) + coalesce(d.add_qty, 0) + 1)"
    columns = dataset(depth).contract.column_names
    add, pull = (  # what was only quoted at another price is no flow
        f"{n}_qty - {n}_reprice_qty" if f"{n}_reprice_qty" in columns else f"{n}_qty"
        for n in ("add", "pull")
    )
    formulas = {
        "add_intensity": f"coalesce({add}, 0) / {whole}",
        "pull_intensity": f"coalesce({pull}, 0) / {whole}",
        "fill_intensity": f"coalesce(d.fill_qty, 0) / {whole}",
        "rho": "ln(1 + coalesce(d.depth_qty_end, 0))",
        "phi_rest": "coalesce(d.depth_qty_rest, 0) / (coalesce(d.depth_qty_end, 0) + 1)",
    }
    wrong = " OR ".join(
        f"abs(g.{name}{suffix} - {formula}) > 1e-6 * (1 + abs({formula}))"
        for name, formula in formulas.items()
    )
    shown = ", ".join(f"g.{n}{suffix}, {f} AS naive_{n}" for n, f in formulas.items())
    found = offenders(
        subject,
        f"SELECT window_end_ts_ns, {cell}, side, {shown} FROM {{table}} g LEFT JOIN "
        f"(SELECT * FROM {subject.other(depth)} WHERE window_end_ts_ns IN ({chosen})) d "
        f"USING (window_end_ts_ns, {cell}, side) "
        f"WHERE window_end_ts_ns IN ({chosen}) AND g.window_valid AND ({wrong})",
    )
    return Finding(found.count, rows=found.first)
