"""The best levels of a file's books as rows, one after each event or record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from spymaster_assets.cli.book_file import QUOTES
from spymaster_assets.cli.mbo_records import mbo_chunks
from spymaster_assets.cli.quote_records import quote_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from spymaster_resources.dbn.stream import DbnFile


class BookRows(NamedTuple):
    """R rows in the order of the file. Times are ns UTC, -1 where the vendor gives none.

    price, qty, orders: int64 (2·N, R), row 2·level + side, side 0 bid and 1 ask; price is
    UNDEF_PRICE where there is no such level. Of quotes nobody tells the number of orders, 0.
    """

    record_index: NDArray[np.int64]
    """Place in the file of the last record that the row has seen."""
    ts_event: NDArray[np.int64]
    ts_recv: NDArray[np.int64]
    sequence: NDArray[np.uint32]
    publisher_id: NDArray[np.uint16]
    instrument_id: NDArray[np.uint32]
    live: NDArray[np.bool_]
    """False for a snapshot's record, whose time is the order's and moves no clock."""
    price: NDArray[np.int64]
    qty: NDArray[np.int64]
    orders: NDArray[np.int64]

    def part(self, rows: Any) -> BookRows:
        """Return some rows: a slice, an index array or a mask."""
        return BookRows._make(column[..., rows] for column in self)

    @staticmethod
    def joined(parts: list[BookRows]) -> BookRows:
        """Return the rows of all parts in order."""
        return BookRows._make(
            np.concatenate(columns, axis=-1) for columns in zip(*parts, strict=True)
        )


@dataclass(frozen=True)
class Choice:
    """Whose rows are wanted; None stands for all."""

    instruments: NDArray[np.uint32] | None = None
    publishers: NDArray[np.uint16] | None = None

    def places(
        self, instrument_id: NDArray[np.uint32], publisher_id: NDArray[np.uint16]
    ) -> NDArray[np.int64] | None:
        """Return the places of what is wanted, None where all is."""
        wanted = None
        for values, chosen in (
            (instrument_id, self.instruments),
            (publisher_id, self.publishers),
        ):
            if chosen is not None:
                found = np.isin(values, chosen)
                wanted = found if wanted is None else wanted & found
        return None if wanted is None else np.flatnonzero(wanted)


def book_rows(
    dbn: DbnFile,
    schema: str,
    levels: int,
    choice: Choice,
    *,
    every_record: bool = False,
    sum_publishers: bool = False,
) -> Iterator[BookRows]:
    """Yield the rows of a file; raises the reader's errors, BookIntegrityError at the end."""
    if schema == QUOTES:
        return _of_quotes(dbn, choice, every_record=every_record)
    return _of_orders(dbn, levels, choice, every_record=every_record, sum_publishers=sum_publishers)


def _of_orders(
    dbn: DbnFile, levels: int, choice: Choice, *, every_record: bool, sum_publishers: bool
) -> Iterator[BookRows]:
    from book_engines.records import F_SNAPSHOT, MboColumns
    from book_engines.tops import TopsEngine

    engine = TopsEngine(levels, every_record=every_record, sum_publishers=sum_publishers)
    for chunk in mbo_chunks(dbn, "levels"):
        records, batch = chunk.records, chunk.batch
        places = choice.places(records.instrument_id, records.publisher_id)
        if places is not None:
            records = MboColumns._make(column[places] for column in records)
        for tops in engine.feed(records):
            at = tops.record if places is None else places[tops.record]
            yield BookRows(
                at + chunk.first,
                batch.ts_event_ns[at],
                batch.ts_recv_ns[at],
                batch.sequence[at],
                batch.publisher_id[at],
                batch.instrument_id[at],
                batch.flags[at] & F_SNAPSHOT == 0,
                tops.price,
                tops.qty,
                tops.orders,
            )
    engine.finish()


def _of_quotes(dbn: DbnFile, choice: Choice, *, every_record: bool) -> Iterator[BookRows]:
    """Yield the quotes, which are those of all publishers, after records of the wanted ones."""
    from book_engines.quote_records import QuoteColumns
    from book_engines.quote_tape import QuoteTapeEngine
    from book_engines.records import F_SNAPSHOT

    of_instruments = Choice(instruments=choice.instruments)
    of_publishers = Choice(publishers=choice.publishers)
    engine = QuoteTapeEngine(every_record=every_record)
    for chunk in quote_chunks(dbn, "levels"):
        records, publishers = chunk.records, chunk.publisher_id
        places = of_instruments.places(records.instrument_id, publishers)
        if places is not None:
            records = QuoteColumns._make(column[places] for column in records)
            publishers = publishers[places]
        for tops in engine.feed(records, publishers):
            at = tops.record if places is None else places[tops.record]
            told = chunk.records
            rows = BookRows(
                at + chunk.first,
                told.ts_event_ns[at],
                chunk.raw["ts_recv"][at].astype(np.int64),
                np.zeros(at.size, np.uint32),
                chunk.publisher_id[at],
                told.instrument_id[at],
                told.flags[at] & F_SNAPSHOT == 0,
                tops.price,
                tops.qty,
                tops.orders,
            )
            wanted = of_publishers.places(rows.instrument_id, rows.publisher_id)
            yield rows if wanted is None else rows.part(wanted)
    engine.finish()


def key_of_books(*, of_instrument: bool) -> Callable[[BookRows], NDArray[np.uint64]]:
    """Return what tells the books of rows apart: the instrument, with the publisher or without."""

    def key(rows: BookRows) -> NDArray[np.uint64]:
        instrument = rows.instrument_id.astype(np.uint64)
        if of_instrument:
            return instrument
        return (rows.publisher_id.astype(np.uint64) << np.uint64(32)) | instrument

    return key
