"""Fields: a session's gold surface read in blocks and reduced to the forces on the price.

Forces stand on an instrument's finest surface. The obstacles of the options on it are added where
their surface is published and current.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from book_engines.forces import (
    SPECIFIED_KERNELS,
    Fields,
    Forces,
    Kernels,
    join_forces,
    window_forces,
)
from book_engines.obstacles import add_obstacles
from book_engines.surface_params import SIDES
from contracts.errors import ContractError
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.option_obstacles import current_options, read_obstacles
from spymaster_assets.stages.surface_tables import SurfaceTable, surface_tables
from spymaster_assets.stages.touch import (
    SNAPSHOT_COLUMNS,
    SURFACE_COLUMNS,
    TouchReader,
    no_touch,
)
from spymaster_assets.stages.window_rows import whole_windows
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import InputRef
from spymaster_resources.trading_calendar import SECOND_NS

_OMEGA: Final = "Omega"


@dataclass(frozen=True)
class FieldInputs:
    """The partitions that the forces of a session are read from.

    `snapshot` is None where the surface itself knows best prices to the price step, `options`
    where no option surface is published and current.
    """

    surface: InputRef
    snapshot: InputRef | None
    options: InputRef | None

    @property
    def references(self) -> list[InputRef]:
        """Return the partitions there are, to be recorded as inputs."""
        return [r for r in (self.surface, self.snapshot, self.options) if r is not None]


@dataclass(frozen=True)
class Reading:
    """One way to reduce a surface to forces; the specified one unless told otherwise."""

    kernels: Kernels = SPECIFIED_KERNELS
    u_p: str = "u_p"
    """The column that the flow is made of; u_ema_8 leaves out how much of the depth has rested."""
    with_options: bool = True


def forecast_surface(instrument: Instrument) -> SurfaceTable:
    """Return the surface that an instrument's forces stand on."""
    return surface_tables(instrument)[-1]


def field_inputs(ctx: StageContext, symbol: str, dt: date) -> FieldInputs:
    """Return what `read_forces` reads; raises PartitionMissingError where it is not published."""
    table = forecast_surface(ctx.instrument)
    is_exact = table.params.cell_int == table.params.tick_int
    return FieldInputs(
        surface=ctx.lake.input(table.gold, symbol, dt),
        snapshot=None if is_exact else ctx.lake.input(table.snapshot, symbol, dt),
        options=current_options(ctx, symbol, dt),
    )


def read_forces(ctx: StageContext, symbol: str, dt: date, stage: str) -> Forces:
    """Return forces and diagnostics of every window of a session's surface.

    Only the columns that forces need are read, one row group at a time, so memory is bounded by a
    row group. `stage` names the work to `ctx.progress`. Raises the lake's errors, and
    ContractError when the grid is not dense or a second is missing.
    """
    (forces,) = read_forces_by(ctx, symbol, dt, stage, [Reading()])
    return forces


def read_forces_by(
    ctx: StageContext, symbol: str, dt: date, stage: str, readings: Sequence[Reading]
) -> list[Forces]:
    """Return the forces of each reading, all of them from one pass over the surface.

    Raises as `read_forces` does.
    """
    table = forecast_surface(ctx.instrument)
    cells = table.params.cells
    inputs = field_inputs(ctx, symbol, dt)
    strikes = None if inputs.options is None else read_obstacles(ctx, inputs.options)
    quotes = (
        None
        if inputs.snapshot is None
        else ctx.lake.read(table.snapshot, symbol, dt, list(SNAPSHOT_COLUMNS))
    )
    touches = TouchReader(table, quotes)
    others = {reading.u_p for reading in readings} | ({_OMEGA} if strikes is not None else set())
    names = [*Fields._fields, *sorted(others - set(Fields._fields))]
    manifest = ctx.lake.manifest(table.gold, symbol, dt)
    total = manifest.row_count // (cells * SIDES) if manifest else None
    batches = ctx.lake.batches(table.gold, symbol, dt, [*SURFACE_COLUMNS, *names], prefetch=True)
    buffers: dict[str, npt.NDArray[np.float32]] = {}
    parts: list[list[Forces]] = [[] for _ in readings]
    done = 0
    for block in whole_windows(table.gold, batches, cells * SIDES):
        windows = block.num_rows // (cells * SIDES)
        if not buffers or buffers[names[0]].shape[0] < windows:
            buffers = {name: np.empty((windows, cells, SIDES), np.float32) for name in names}
        for name, buffer in buffers.items():
            buffer[:windows] = block[name].to_numpy().reshape(windows, cells, SIDES)
        bare = Fields._make(buffers[name][:windows] for name in Fields._fields)
        placement, touch = touches.read(block)
        obstructed = bare
        if strikes is not None:
            Omega = buffers[_OMEGA][:windows]
            obstructed = add_obstacles(
                table.params, touch.window_end_ts_ns, placement, Omega, bare, strikes
            )
        for part, reading in zip(parts, readings, strict=True):
            fields = obstructed if reading.with_options else bare
            fields = fields._replace(u_p=buffers[reading.u_p][:windows])
            part.append(window_forces(fields, touch, reading.kernels))
        done += windows
        ctx.progress(stage, done, total)
    nothing = Fields._make(np.empty((0, cells, SIDES), np.float32) for _ in Fields._fields)
    found = [join_forces(part or [window_forces(nothing, no_touch())]) for part in parts]
    for forces in found:
        if (np.diff(forces.window_end_ts_ns) != SECOND_NS).any():
            raise ContractError(table.gold, [f"{symbol} {dt}: expected a window every second"])
    return found
