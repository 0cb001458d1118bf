"""The sensors on the raw folders: a complete new file is told, and requests its session."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

import dagster as dg

from spymaster_assets.assets.keys import MBO, PRODUCT
from spymaster_assets.assets.raw import RawProduct
from spymaster_assets.jobs import session_job_name
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages.raw import RawDay, RawListing, list_raw
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings

INTERVAL_S = 15
"""A file counts as complete when two ticks this far apart find it unchanged."""
MOST_FILES = 50
"""Acted on in one tick: a tick that meets a folder of old files must end in time."""


@dataclass(frozen=True)
class Watch:
    """What the ticks so far saw: the state of every raw file, and which states were acted on."""

    seen: Mapping[str, str]
    done: Mapping[str, str]

    @classmethod
    def from_cursor(cls, cursor: str | None) -> Self:
        """Return the watch that a cursor holds; an empty one at first."""
        content = json.loads(cursor) if cursor else {}
        seen, waiting = content.get("seen", {}), content.get("waiting", {})
        done = {name: state for name, state in seen.items() if name not in waiting}
        return cls(seen, done | {name: state for name, state in waiting.items() if state})

    def to_cursor(self) -> str:
        """Return the watch as a cursor: the files that wait are few, so only they are told."""
        waiting = {
            name: self.done.get(name)
            for name, state in self.seen.items()
            if self.done.get(name) != state
        }
        return json.dumps({"seen": self.seen, "waiting": waiting}, separators=(",", ":"))


def advance(
    watch: Watch, states: Mapping[str, str], most: int = MOST_FILES
) -> tuple[Watch, list[str]]:
    """Return the watch after a tick that finds `states`, and the files that became ready.

    A file is ready once, when its state (size, time) is the same as a tick before and was not
    acted on yet; a growing file waits, a replaced one is ready again, a deleted one is forgotten.
    Of more than `most` the first ones are ready now, the others at the next ticks.
    """
    ready = [
        name
        for name, state in states.items()
        if watch.seen.get(name) == state and watch.done.get(name) != state
    ][:most]
    done = {name: state for name, state in watch.done.items() if name in states}
    done |= {name: states[name] for name in ready}
    return Watch(dict(states), done), ready


def raw_file_sensor(settings: Settings, product: RawProduct) -> dg.SensorDefinition:
    """Return the sensor that watches the raw folders of a product.

    It tells of complete files as events of their assets, and requests the sessions of a future;
    nothing is built out of the other products' files.
    """
    partitions = product.partitions(settings)
    is_built = product.product_type == PRODUCT
    row = settings.instrument(product.root, PRODUCT) if is_built else None

    @dg.sensor(
        name=f"raw_{product.name}",
        job_name=session_job_name(row) if row else None,
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"New raw files of {row.name} build their session."
        if row
        else f"New raw files of {product.root}, {product.product_type}, become known.",
    )
    def raw_files(
        context: dg.SensorEvaluationContext, surroundings: Surroundings
    ) -> dg.SensorResult:
        lake = Lake(surroundings.lake)
        listings = {
            schema: list_raw(lake, product.product_type, product.root, schema)
            for schema in product.schemas
        }
        files = dict(_newest_first(listings))
        states = {name: day.version for name, (_, day) in files.items()}
        before = Watch.from_cursor(context.cursor)
        watch, ready = advance(before, states)
        new = [files[name][1] for name in ready if name not in before.done]
        built = _built(lake, row, new) if row else set()
        requests, events = [], []
        for name in ready:
            schema, day = files[name]
            key = day.dt.isoformat()
            if not partitions.has_partition_key(key):
                context.log.info(f"{day.name}: {key} is no trading day; the file stays raw")
                continue
            events.append(_raw_event(product.key(schema), day))
            if row and day.dt not in built:
                mark = f"{day.files[0].path}:{states[name]}".encode()
                run_key = f"{key}:{hashlib.sha256(mark).hexdigest()[:16]}"
                requests.append(dg.RunRequest(run_key=run_key, partition_key=key))
        return dg.SensorResult(
            run_requests=requests,
            asset_events=events,
            cursor=watch.to_cursor(),
            skip_reason=None if requests else _nothing_new(watch, listings.values()),
        )

    return raw_files


def _newest_first(
    listings: Mapping[str, RawListing],
) -> Iterator[tuple[str, tuple[str, RawDay]]]:
    """Yield schema and day of every file, by a name that is short in the cursor."""
    for schema, listing in listings.items():
        for day in reversed(listing.days):
            yield f"{schema}/{day.name}", (schema, day)


def _built(lake: Lake, row: Instrument, days: Iterable[RawDay]) -> set[date]:
    """Return the days whose bronze is of the very files that lie in the raw folder."""
    files = {day.dt: {(file.name, file.size) for file in day.files} for day in days}
    built: set[date] = set()
    for dataset, symbol, dt in lake.partitions(MBO) if files else ():
        if dt in files and dt not in built and symbol is not None and row.is_outright(symbol):
            manifest = lake.manifest(dataset, symbol, dt)
            if manifest and files[dt] == {(raw.name, raw.size) for raw in manifest.raw_inputs}:
                built.add(dt)
    return built


def _nothing_new(watch: Watch, listings: Iterable[RawListing]) -> str:
    """Return why a tick requests nothing, with the files that nobody will ever read."""
    waiting = sum(watch.done.get(name) != state for name, state in watch.seen.items())
    parts = [f"{len(watch.seen)} raw files, {waiting} not yet seen twice unchanged"]
    for listing in listings:
        if listing.unrecognised:
            parts.append(f"no day in the name of {', '.join(listing.unrecognised)}")
        parts += [f"{dt} is claimed by {', '.join(n)}" for dt, n in listing.disputed.items()]
    return "; ".join(parts)


def _raw_event(asset: dg.AssetKey, day: RawDay) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        asset_key=asset,
        partition=day.dt.isoformat(),
        metadata={
            "file": ", ".join(file.name for file in day.files),
            "bytes": day.size,
            "ignored": ", ".join(other.name for other in day.ignored) or "none",
        },
    )
