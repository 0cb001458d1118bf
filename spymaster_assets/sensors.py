"""The sensor on the raw folder: a complete new file requests its day of everything downstream."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

import dagster as dg

from spymaster_assets.assets.keys import MBO, Keys
from spymaster_assets.jobs import session_job_name
from spymaster_assets.partitions import daily_partitions
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages.raw import RawDay, RawListing, list_raw
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings

INTERVAL_S = 15
"""A file counts as complete when two ticks this far apart find it unchanged."""


@dataclass(frozen=True)
class Watch:
    """What the ticks so far saw: the state of every raw file, and which states were acted on."""

    seen: Mapping[str, str]
    done: Mapping[str, str]

    @classmethod
    def from_cursor(cls, cursor: str | None) -> Self:
        """Return the watch that a cursor holds; an empty one at first."""
        content = json.loads(cursor) if cursor else {}
        return cls(content.get("seen", {}), content.get("done", {}))

    def to_cursor(self) -> str:
        """Return the watch as a cursor."""
        return json.dumps({"seen": self.seen, "done": self.done}, sort_keys=True)


def advance(watch: Watch, states: Mapping[str, str]) -> tuple[Watch, list[str]]:
    """Return the watch after a tick that finds `states`, and the files that became ready.

    A file is ready once, when its state (size, time) is the same as a tick before and was not
    acted on yet; a growing file waits, a replaced one is ready again, a deleted one is forgotten.
    """
    ready = [
        path
        for path, state in states.items()
        if watch.seen.get(path) == state and watch.done.get(path) != state
    ]
    done = {path: state for path, state in watch.done.items() if path in states}
    done |= {path: states[path] for path in ready}
    return Watch(dict(states), done), ready


def raw_file_sensor(settings: Settings, row: Instrument) -> dg.SensorDefinition:
    """Return the sensor that watches the raw folder of `row`."""
    partitions = daily_partitions(settings.calendar or row.calendar)
    raw = Keys(row.root).raw

    @dg.sensor(
        name=f"raw_{row.product_type}_{row.root}",
        job_name=session_job_name(row),
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"New raw files of {row.name} build their session.",
    )
    def raw_files(
        context: dg.SensorEvaluationContext, surroundings: Surroundings
    ) -> dg.SensorResult:
        lake = Lake(surroundings.lake)
        listing = list_raw(lake, row.product_type, row.root)
        days = {day.file.path: day for day in listing.days}
        states = {path: state for path in days if (state := lake.file_system.version(path))}
        before = Watch.from_cursor(context.cursor)
        watch, ready = advance(before, states)
        built = _built(lake, row, [days[path] for path in ready if path not in before.done])
        requests, events = [], []
        for path in ready:
            day, key = days[path], days[path].dt.isoformat()
            if not partitions.has_partition_key(key):
                context.log.info(f"{day.file.name}: {key} is no trading day; the file stays raw")
                continue
            events.append(_raw_event(raw, day))
            if day.dt not in built:
                mark = hashlib.sha256(f"{path}:{states[path]}".encode()).hexdigest()[:16]
                requests.append(dg.RunRequest(run_key=f"{key}:{mark}", partition_key=key))
        return dg.SensorResult(
            run_requests=requests,
            asset_events=events,
            cursor=watch.to_cursor(),
            skip_reason=None if requests else _nothing_new(watch, listing),
        )

    return raw_files


def _built(lake: Lake, row: Instrument, days: Iterable[RawDay]) -> set[date]:
    """Return the days whose bronze is of the very file that lies in the raw folder."""
    files = {day.dt: (day.file.name, day.file.size) for day in days}
    built: set[date] = set()
    for dataset, symbol, dt in lake.partitions(MBO) if files else ():
        if dt in files and dt not in built and symbol is not None and row.is_outright(symbol):
            manifest = lake.manifest(dataset, symbol, dt)
            if manifest and files[dt] in {(raw.name, raw.size) for raw in manifest.raw_inputs}:
                built.add(dt)
    return built


def _nothing_new(watch: Watch, listing: RawListing) -> str:
    """Return why a tick requests nothing, with the files that nobody will ever read."""
    waiting = sum(watch.done.get(path) != state for path, state in watch.seen.items())
    parts = [f"{len(watch.seen)} raw files, {waiting} not yet seen twice unchanged"]
    if listing.unrecognised:
        parts.append(f"no day in the name of {', '.join(listing.unrecognised)}")
    parts += [f"{dt} is claimed by {', '.join(n)}" for dt, n in listing.disputed.items()]
    return "; ".join(parts)


def _raw_event(asset: dg.AssetKey, day: RawDay) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        asset_key=asset,
        partition=day.dt.isoformat(),
        metadata={
            "file": day.file.name,
            "bytes": day.file.size,
            "ignored": ", ".join(other.name for other in day.ignored) or "none",
        },
    )
