"""Faults on demand: a file with things that go wrong in real ones, exactly listed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from contracts.errors import ConfigurationError, WrongSchemaError
from spymaster_resources.dbn.stream import open_dbn
from spymaster_resources.simulator.order_faults import OrderPlanter
from spymaster_resources.simulator.planter import Fault, FaultKind, Planted, Planter
from spymaster_resources.simulator.quote_faults import QuotePlanter
from spymaster_resources.simulator.rewriting import writer_like

_F_SNAPSHOT = 32


def fault_kinds(schema: str | None, path: Path) -> tuple[FaultKind, ...]:
    """Return what can be planted in a file of `schema`; raises WrongSchemaError for others."""
    planters: dict[str | None, type[Planter]] = {"mbo": OrderPlanter, "cmbp-1": QuotePlanter}
    if schema not in planters:
        raise WrongSchemaError(str(path), f"expected schema mbo or cmbp-1, found {schema}")
    return planters[schema].KINDS


def spread(
    kinds: Iterable[FaultKind], live_records: int, *, seed: int, count: int = 50
) -> list[Fault]:
    """Return one fault of each kind at seeded places, each in its own stretch of the file."""
    wanted = list(kinds)
    random = np.random.default_rng([seed, 7])
    step = live_records // (len(wanted) + 1)
    if step < 4 * count:
        raise ConfigurationError(
            f"{live_records} live records are too few for {len(wanted)} faults of {count} records"
        )
    return [
        Fault(kind, (n + 1) * step - int(random.integers(step // 4)), count)
        for n, kind in enumerate(wanted)
    ]


def plant_faults(
    source: Path, target: Path, faults: Sequence[Fault], *, tick_int: int
) -> list[Planted]:
    """Write `source` to `target` with faults, list them beside it, and return the list.

    tick_int: price step of orders, 1e-9 dollars. The list is `<target>.faults.json`. Raises
    ConfigurationError for a fault that no event of the file was there for and for one that its
    schema cannot have, WrongSchemaError for a file of another schema than mbo and cmbp-1.
    """
    dbn = open_dbn(source)
    schema = dbn.metadata.schema
    planter = OrderPlanter(faults, tick_int) if schema == "mbo" else QuotePlanter(faults)
    fault_kinds(schema, source)
    with writer_like(dbn, target) as writer:
        for chunk in dbn.records(schema=str(schema)):
            for part in planter.through(chunk):
                writer.write(part)
        planter.finish()
    beside = target.with_name(f"{target.name}.faults.json")
    beside.write_text(json.dumps([asdict(row) for row in planter.planted], indent=2), "utf-8")
    return planter.planted


def truncate(source: Path, target: Path, size: int) -> None:
    """Write the first `size` bytes of a file."""
    with source.open("rb") as reader, target.open("wb") as writer:
        writer.write(reader.read(size))


def flip_bits(source: Path, target: Path, places: Sequence[int]) -> None:
    """Write a file with the lowest bit of some bytes flipped."""
    shutil.copyfile(source, target)
    with target.open("r+b") as file:
        for place in places:
            file.seek(place)
            byte = file.read(1)
            if not byte:
                raise ConfigurationError(f"byte {place} lies behind the end of {source}")
            file.seek(place)
            file.write(bytes([byte[0] ^ 1]))


def cut_start(source: Path, target: Path, from_ns: int) -> int:
    """Write the records that arrived from a time on and no snapshot; return how many.

    So begins a capture in mid-day: orders that entered before are unknown to its reader.
    """
    dbn = open_dbn(source)
    with writer_like(dbn, target) as writer:
        for chunk in dbn.records():
            live = (chunk["flags"] & _F_SNAPSHOT) == 0
            writer.write(chunk[live & (chunk["ts_recv"] >= from_ns)])
    return writer.records_written
