"""Bronze's hard rejects: records that mean nothing whatever they were, put beside the partition.

Books see the stream without them. What merely looks odd stays, and silver flags it: a record of the
top of the book (TOB) without a price or size, for one, says that the side is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.registry import dataset
from spymaster_assets.stages.context import StageContext
from spymaster_assets.stages.recipe import Recipe
from spymaster_resources.lake import PartitionWriter, RawInput
from spymaster_resources.quality import quality_rules

NULL_TIMESTAMP, PRICE, SIZE, PREMIUM, NEGATIVE_SIZE = range(1, 6)
REASONS: Final = ("null_timestamp", "price", "size", "premium", "negative_size")

_F_TOB: Final = 64
_SIGN_BIT: Final = 31  # sizes have 32 bits: a negative one arrives with the highest set
_PREMIUMS: Final = ("price", "bid_px_00", "ask_px_00")
_QUOTE_SIZES: Final = ("bid_sz_00", "ask_sz_00")


def rejects_of(table: str) -> str:
    """Return the dataset of what bronze `table` rejects."""
    return f"{table.rsplit('.', 1)[0]}.rejects"


def max_premium_int(ctx: StageContext) -> int | None:
    """Return the highest price that is believed of an option, None for what is no option."""
    is_option = ctx.instrument.underlying_product is not None
    return quality_rules(ctx.instrument).max_premium_int if is_option else None


def reject_parameters(ctx: StageContext) -> dict[str, Any]:
    """Return what a manifest records of the rules."""
    limit = max_premium_int(ctx)
    return {} if limit is None else {"max_premium_int": limit}


def reasons(batch: pa.RecordBatch, max_premium: int | None) -> NDArray[np.uint8]:
    """Return why each row is rejected, the first of REASONS counting from 1, 0 for sound rows."""
    found = np.zeros(batch.num_rows, np.uint8)
    names = set(batch.schema.names)
    if "bid_px_00" in names:
        for name in _QUOTE_SIZES:
            if _most(batch[name]) >> _SIGN_BIT:
                found[batch[name].to_numpy() >> _SIGN_BIT != 0] = NEGATIVE_SIZE
    if max_premium is not None:
        for name in _PREMIUMS:
            if name in names and _most(batch[name]) > max_premium:
                found[_values(batch[name], 0) > max_premium] = PREMIUM
    if "order_id" in names and _may_lack_price_or_size(batch):
        changes = _is_add_or_modify(batch["action"])
        top = batch["flags"].to_numpy() & _F_TOB != 0
        price, size = batch["price"], batch["size"].to_numpy()
        no_price = price.is_null().to_numpy(zero_copy_only=False)
        found[changes & ~top & no_price] = PRICE
        found[changes & ~top & (size == 0)] = SIZE
        found[changes & ~(top & no_price) & (size >> _SIGN_BIT != 0)] = SIZE
        found[changes & (_values(price, 1) <= 0)] = PRICE
    for name in ("ts_event", "ts_recv"):
        if batch[name].null_count:
            found[batch[name].is_null().to_numpy(zero_copy_only=False)] = NULL_TIMESTAMP
    return found


def _may_lack_price_or_size(batch: pa.RecordBatch) -> bool:
    """Return whether any price is null or a price or size not above 0, without looking at rows."""
    price, size = batch["price"], batch["size"]
    if price.null_count or _least(price) <= 0:
        return True
    return bool(_least(size) == 0 or _most(size) >> _SIGN_BIT)


def _least(column: pa.Array) -> int:
    least = pc.min(column).as_py()
    return 1 if least is None else int(least)


def _most(column: pa.Array) -> int:
    most = pc.max(column).as_py()
    return 0 if most is None else int(most)


def _values(column: pa.Array, null: int) -> NDArray[Any]:
    values: NDArray[Any] = (column.fill_null(null) if column.null_count else column).to_numpy()
    return values


def _is_add_or_modify(actions: pa.DictionaryArray) -> NDArray[np.bool_]:
    changes = np.array([letter in "AM" for letter in actions.dictionary.to_pylist()], np.bool_)
    found: NDArray[np.bool_] = changes[actions.indices.to_numpy()]
    return found


class RejectFiling:
    """Takes the rejected rows out of a day's partitions and keeps them beside.

    A partition of rejects is written only where there are some, or where an earlier run left some.
    """

    def __init__(
        self, ctx: StageContext, made_of: Recipe, dt: date, actions: str, stack: ExitStack
    ) -> None:
        self._ctx = ctx
        self._made_of = made_of
        self._table = rejects_of(made_of.tables[0])
        self._dt = dt
        self._actions = actions
        self._stack = stack
        self._max_premium = max_premium_int(ctx)
        self._writers: dict[str, PartitionWriter] = {}
        self._counts: dict[str, NDArray[np.int64]] = {}
        self._by_action: dict[str, NDArray[np.int64]] = {}

    def sift(self, symbol: str, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the sound rows of a batch of `symbol`; the others are kept and counted."""
        why = reasons(batch, self._max_premium)
        rejected = why != 0
        if not rejected.any():
            return batch
        counts = np.bincount(why, minlength=len(REASONS) + 1)[1:]
        self._counts[symbol] = self.counts(symbol) + counts
        out = batch.filter(pa.array(rejected))
        letters = pc.value_counts(out["action"].dictionary_decode()).to_pylist()
        by_action = self.by_action(symbol)
        for row in letters:
            by_action[self._actions.index(row["values"])] += row["counts"]
        self._by_action[symbol] = by_action
        self._write(symbol, out, why[rejected])
        return batch.filter(pa.array(~rejected))

    def counts(self, symbol: str) -> NDArray[np.int64]:
        """Return how many rows of `symbol` were rejected, by reason."""
        return self._counts.get(symbol, np.zeros(len(REASONS), np.int64))

    def by_action(self, symbol: str) -> NDArray[np.int64]:
        """Return how many rows of `symbol` were rejected, by action."""
        return self._by_action.get(symbol, np.zeros(len(self._actions), np.int64))

    def counters(self, symbol: str) -> dict[str, int]:
        """Return the counters of the partition's manifest."""
        counted = zip(REASONS, self.counts(symbol).tolist(), strict=True)
        return {f"rejected_{reason}": count for reason, count in counted}

    def publish(self, symbols: Sequence[str], raw: Sequence[RawInput]) -> None:
        """Publish what was rejected of `symbols`; an earlier run's rejects become empty.

        raw: the files that were read.
        """
        for symbol in symbols:
            left = self._ctx.lake.manifest(self._table, symbol, self._dt)
            if left is not None and left.row_count:
                self._writer(symbol)
        for _, writer in sorted(self._writers.items()):
            writer.seal(inputs=raw)
            writer.publish()

    def _write(self, symbol: str, rows: pa.RecordBatch, why: NDArray[np.uint8]) -> None:
        schema = dataset(self._table).schema
        reason = pa.DictionaryArray.from_arrays(
            pa.array(why.astype(np.int32) - 1), pa.array(REASONS, pa.utf8())
        )
        columns = {name: rows[name] for name in rows.schema.names} | {"reason": reason}
        self._writer(symbol).write(
            pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)
        )

    def _writer(self, symbol: str) -> PartitionWriter:
        if symbol not in self._writers:
            writer = self._made_of.writer(self._ctx.lake, self._table, symbol, self._dt)
            self._writers[symbol] = self._stack.enter_context(writer)
        return self._writers[symbol]
