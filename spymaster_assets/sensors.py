"""The sensors on the raw folders: complete new files are told, and request what comes of them."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Self

import dagster as dg

from spymaster_assets.assets.keys import table_key
from spymaster_assets.assets.product import options_on
from spymaster_assets.assets.raw import RawProduct, raw_products
from spymaster_assets.jobs import session_job_name
from spymaster_assets.partitions import daily_partitions
from spymaster_assets.pipeline import SELECTION, Pipeline, made_of
from spymaster_assets.products import PIPELINES, bronze_dataset, snapshot_of
from spymaster_assets.resources import Surroundings
from spymaster_assets.stages.raw import RawDay, RawListing, list_raw
from spymaster_resources.instruments import Instrument
from spymaster_resources.lake import Lake
from spymaster_resources.settings import Settings
from spymaster_resources.vendor.products import DEFINITION, STATISTICS

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
    watch: Watch,
    states: Mapping[str, str],
    held: Callable[[Sequence[str]], set[str]] = lambda _: set(),
    most: int = MOST_FILES,
) -> tuple[Watch, list[str]]:
    """Return the watch after a tick that finds `states`, and the files that became ready.

    A file is ready once, when its state (size, time) is the same as a tick before and was not
    acted on yet; a growing file waits, a replaced one is ready again, a deleted one is forgotten.
    Of those that are ready `held` names the ones that wait for something else. Of more than
    `most` the first ones are ready now, the others at the next ticks.
    """
    complete = [
        name
        for name, state in states.items()
        if watch.seen.get(name) == state and watch.done.get(name) != state
    ]
    waits = held(complete) if complete else set()
    ready = [name for name in complete if name not in waits][:most]
    done = {name: state for name, state in watch.done.items() if name in states}
    done |= {name: states[name] for name in ready}
    return Watch(dict(states), done), ready


@dataclass(frozen=True)
class Found:
    """A raw file as a tick finds it."""

    product: RawProduct
    schema: str
    day: RawDay

    @property
    def dataset(self) -> str:
        """Return the bronze dataset that is made of it."""
        return bronze_dataset(self.product.product_type, self.schema)


def raw_file_sensor(settings: Settings, row: Instrument) -> dg.SensorDefinition:
    """Return the sensor that watches all raw folders of a root or ticker, its options' too.

    It tells of complete files as events of their assets and requests everything downstream of
    them, one run a date. Options wait until their underlying's snapshot is published or can be
    built in the same run.
    """
    partitions = daily_partitions(settings.calendar or row.calendar)
    products = [p for p in raw_products(settings) if p.root == row.root]
    built_types = [r.product_type for r in (row, *options_on(settings, row))]
    pipelines = [PIPELINES[product_type] for product_type in built_types]

    @dg.sensor(
        name=f"raw_files_{row.root}",
        job_name=session_job_name(row.root),
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"New raw files of {row.name} and of options on it build what comes of them.",
    )
    def raw_files(
        context: dg.SensorEvaluationContext, surroundings: Surroundings
    ) -> dg.SensorResult:
        lake = Lake(surroundings.lake)
        listings = {
            (product, schema): list_raw(lake, product.product_type, row.root, schema)
            for product in products
            for schema in product.schemas
        }
        files = dict(_newest_first(listings))
        published = _Published(lake, row)

        def held(complete: Sequence[str]) -> set[str]:
            return _waiting([(name, files[name]) for name in complete], published)

        states = {name: found.day.version for name, found in files.items()}
        before = Watch.from_cursor(context.cursor)
        watch, ready = advance(before, states, held)
        events: list[dg.AssetMaterialization] = []
        changed: dict[date, list[str]] = {}
        for name in ready:
            found = files[name]
            dt = found.day.dt
            if not partitions.has_partition_key(dt.isoformat()):
                context.log.info(f"{found.day.name}: {dt} is no trading day; it stays raw")
                continue
            events.append(_raw_event(found))
            is_new = name not in before.done
            if found.product.product_type in built_types and not (
                is_new and published.is_made_of(found)
            ):
                changed.setdefault(dt, []).append(name)
        raw = {(found.dataset, found.day.dt) for found in files.values()}
        requests = [
            request
            for dt, names in changed.items()
            if (
                request := _request(
                    pipelines, dt, {n: files[n] for n in names}, states, published, raw
                )
            )
        ]
        return dg.SensorResult(
            run_requests=requests,
            asset_events=events,
            cursor=watch.to_cursor(),
            skip_reason=None if requests else _nothing_new(watch, listings.values()),
        )

    return raw_files


@dataclass
class _Published:
    """Which tables of a root are published, looked up once a tick and only where asked."""

    lake: Lake
    row: Instrument
    _symbols: dict[str, dict[date, list[str]]] = field(default_factory=dict)

    def has(self, dataset: str, dt: date) -> bool:
        """Return whether any symbol of the root has a partition of `dt`."""
        return dt in self._by_date(dataset)

    def is_made_of(self, found: Found) -> bool:
        """Return whether bronze of the day was made of the very files in the raw folder."""
        wanted = {(file.name, file.size) for file in found.day.files}
        for symbol in self._by_date(found.dataset).get(found.day.dt, ()):
            manifest = self.lake.manifest(found.dataset, symbol, found.day.dt)
            if manifest and wanted == {(raw.name, raw.size) for raw in manifest.raw_inputs}:
                return True
        return False

    def _by_date(self, dataset: str) -> dict[date, list[str]]:
        if dataset not in self._symbols:
            found: dict[date, list[str]] = {}
            for _, symbol, dt in self.lake.partitions(dataset):
                if symbol and dt and self.row.is_filed_under(symbol):
                    found.setdefault(dt, []).append(symbol)
            self._symbols[dataset] = found
        return self._symbols[dataset]


def _waiting(complete: Sequence[tuple[str, Found]], published: _Published) -> set[str]:
    """Return the names of the options' streams that something they need is missing for.

    What is published is there, and what is complete at this tick can be built in the same run.
    """
    arriving = {(found.dataset, found.day.dt) for _, found in complete}
    waits = set()
    for name, found in complete:
        pipeline = PIPELINES.get(found.product.product_type)
        if pipeline is None or pipeline.underlying is None:
            continue
        stage = next(s for s in pipeline.stages if found.schema in s.raw_schemas)
        if found.schema in (DEFINITION, STATISTICS):
            continue
        dt = found.day.dt
        is_there = {dataset: (dataset, dt) in arriving for dataset in stage.needs}
        is_there[snapshot_of(pipeline.underlying)] = (
            bronze_dataset(pipeline.underlying, "mbo"),
            dt,
        ) in arriving
        if not all(here or published.has(dataset, dt) for dataset, here in is_there.items()):
            waits.add(name)
    return waits


def _request(
    pipelines: Sequence[Pipeline],
    dt: date,
    changed: Mapping[str, Found],
    states: Mapping[str, str],
    published: _Published,
    raw: Collection[tuple[str, date]],
) -> dg.RunRequest | None:
    """Return the request for everything downstream of a date's changed files, None for nothing."""
    datasets = made_of(
        pipelines,
        {found.dataset for found in changed.values()},
        has_raw=lambda dataset: (dataset, dt) in raw,
        is_published=lambda dataset: published.has(dataset, dt),
    )
    if not datasets:
        return None
    keys = [table_key(dataset, published.row.root) for dataset in datasets]
    if pipelines[0].selects and pipelines[0].stages[0].datasets[0] in datasets:
        keys.append(table_key(SELECTION, published.row.root))
    mark = ";".join(f"{name}:{states[name]}" for name in sorted(changed)).encode()
    return dg.RunRequest(
        run_key=f"{dt}:{hashlib.sha256(mark).hexdigest()[:16]}",
        partition_key=dt.isoformat(),
        asset_selection=keys,
    )


def _newest_first(
    listings: Mapping[tuple[RawProduct, str], RawListing],
) -> Iterator[tuple[str, Found]]:
    """Yield every file under a name that is short in the cursor, those of the last date first."""
    found = [
        (f"{product.product_type}/{day.name}", Found(product, schema, day))
        for (product, schema), listing in listings.items()
        for day in listing.days
    ]
    yield from sorted(found, key=lambda item: item[1].day.dt, reverse=True)


def _nothing_new(watch: Watch, listings: Iterable[RawListing]) -> str:
    """Return why a tick requests nothing, with the files that nobody will ever read."""
    waiting = sum(watch.done.get(name) != state for name, state in watch.seen.items())
    parts = [
        f"{len(watch.seen)} raw files, {waiting} not yet seen twice unchanged "
        "or waiting for their underlying"
    ]
    for listing in listings:
        if listing.unrecognised:
            parts.append(f"no day in the name of {', '.join(listing.unrecognised)}")
        parts += [f"{dt} is claimed by {', '.join(n)}" for dt, n in listing.disputed.items()]
    return "; ".join(parts)


def _raw_event(found: Found) -> dg.AssetMaterialization:
    day = found.day
    return dg.AssetMaterialization(
        asset_key=found.product.key(found.schema),
        partition=day.dt.isoformat(),
        metadata={
            "file": ", ".join(file.name for file in day.files),
            "bytes": day.size,
            "ignored": ", ".join(other.name for other in day.ignored) or "none",
        },
    )
