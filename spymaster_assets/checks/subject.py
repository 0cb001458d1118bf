"""What a check looks at: one partition, the partitions beside it and those it was made of."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from contracts.errors import ConfigurationError, LakeError
from spymaster_assets.checks.rows import Counted, RowRule, count_rules
from spymaster_assets.checks.unavailable import UnavailableError
from spymaster_resources.lake import Lake, Manifest, StagedPartition
from spymaster_resources.lake.filesystem import LocalFolder

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from spymaster_assets.stages.context import StageContext
    from spymaster_resources.instruments import Instrument
    from spymaster_resources.trading_calendar import WindowEnds

Result = TypeVar("Result")

Kept = dict[tuple[str, str], Any]
"""What was worked out of partitions, by its name and the partition's manifest."""

_COPY_BYTES: Final = 1 << 20


class Subject:
    """A partition under check.

    Files of an object store are fetched into `scratch` first, because DuckDB reads local files.
    kept: what was worked out of a partition, for the checks of the tables made of it. rules: those
    that are worth a pass over the rows together.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        partition: StagedPartition,
        *,
        ctx: StageContext | None = None,
        siblings: Sequence[StagedPartition] = (),
        scratch: Path | None = None,
        kept: Kept | None = None,
        rules: Sequence[RowRule] = (),
    ) -> None:
        self.connection = connection
        self.partition = partition
        self.lake = None if ctx is None else ctx.lake
        self._ctx = ctx
        self._siblings = {p.dataset: p for p in siblings}
        self._scratch = scratch
        self._kept = {} if kept is None else kept
        self._rules = rules
        self._counted: dict[RowRule, Counted] = {}

    @property
    def manifest(self) -> Manifest:
        """Return the partition's manifest."""
        return self.partition.manifest

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Return the parameters that shaped the partition."""
        return self.manifest.parameters

    @property
    def instrument(self) -> Instrument:
        """Return the catalogue row; raises UnavailableError when the caller gave none."""
        return self._surroundings.instrument

    def session(self, dt: date) -> WindowEnds:
        """Return the window ends of the session of `dt`; raises UnavailableError likewise."""
        try:
            return self._surroundings.window_ends(dt)
        except ConfigurationError as error:
            raise UnavailableError(str(error)) from error

    @property
    def _surroundings(self) -> StageContext:
        if self._ctx is None:
            raise UnavailableError("the instrument of the partition is not known")
        return self._ctx

    @cached_property
    def table(self) -> str:
        """Return the SQL expression that scans the partition in row order."""
        return relation(self.partition.files)

    def other(self, dataset: str) -> str:
        """Return the SQL expression that scans the partition of `dataset` beside or before this."""
        return relation(self.other_partition(dataset).files)

    def other_partition(self, dataset: str) -> StagedPartition:
        """Return the partition of `dataset` that was staged with this one or that this was made of.

        Raises UnavailableError when it is missing or another one than was read.
        """
        if dataset in self._siblings:
            return self._siblings[dataset]
        if self.lake is None:
            raise UnavailableError(f"{dataset}: there is no lake to read it from")
        symbol, dt = self.partition.symbol, self.partition.dt
        recorded = next((ref for ref in self.manifest.inputs if ref.dataset == dataset), None)
        if recorded is not None:
            symbol, dt = recorded.symbol, recorded.dt
        manifest = self.lake.manifest(dataset, symbol, dt)
        if manifest is None:
            raise UnavailableError(f"{dataset} {symbol} {dt} is not published")
        if recorded is not None and manifest.sha256 != recorded.manifest_sha256:
            raise UnavailableError(f"{dataset} {symbol} {dt} was replaced since it was read")
        return published(self.lake, manifest, self._scratch)

    def batches(
        self, partition: StagedPartition, columns: Sequence[str]
    ) -> Iterator[pa.RecordBatch]:
        """Yield the row groups of a partition."""
        import pyarrow.parquet as pq

        for file in partition.files:
            with pq.ParquetFile(file) as parquet:
                for group in range(parquet.num_row_groups):
                    table = parquet.read_row_group(group, columns=list(columns)).combine_chunks()
                    yield from table.select(list(columns)).to_batches()

    def keep(self, name: str, partition: StagedPartition, make: Callable[[], Result]) -> Result:
        """Return what `make` makes of a partition, made once for all tables that are checked."""
        key = name, partition.manifest.sha256
        if key not in self._kept:
            self._kept[key] = make()
        kept: Result = self._kept[key]
        return kept

    def counted(self, rule: RowRule) -> Counted:
        """Return in how many rows a rule is broken; all rules are counted in one pass.

        Raises UnavailableError where the values of the rule cannot be had.
        """
        if not self._counted:
            self._counted = count_rules(self, [*self._rules, rule])
        if rule not in self._counted:
            rule.filled(self, rule.condition)  # raises
        return self._counted[rule]

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query as dictionaries; `{table}` stands for the partition."""
        cursor = self.connection.execute(sql.replace("{table}", self.table))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def one(self, sql: str) -> dict[str, Any]:
        """Return the only row of a query."""
        (row,) = self.query(sql)
        return row


def relation(files: Sequence[str]) -> str:
    """Return the SQL expression that scans Parquet files in row order."""
    quoted = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    return f"read_parquet([{quoted}], file_row_number = true, hive_partitioning = false)"


def published(lake: Lake, manifest: Manifest, scratch: Path | None = None) -> StagedPartition:
    """Return a published partition in the form of a staged one.

    Raises UnavailableError for an object store when there is no `scratch` folder.
    """
    key = manifest.key
    try:
        files = lake.files(*key)
    except LakeError as error:
        raise UnavailableError(str(error)) from error
    if not isinstance(lake.file_system, LocalFolder):
        files = [_fetched(lake, manifest, url, scratch) for url in files]
    return StagedPartition(*key, tuple(files), manifest)


def _fetched(lake: Lake, manifest: Manifest, url: str, scratch: Path | None) -> str:
    if scratch is None:
        raise UnavailableError(f"{url} is in an object store and there is no folder to fetch it to")
    target = scratch / manifest.sha256[:16] / Path(url).name
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        path = url.removeprefix(lake.file_system.url("")).lstrip("/")
        with lake.file_system.open(path) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, _COPY_BYTES)
    return str(target)
