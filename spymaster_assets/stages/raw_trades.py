"""What was traded in a raw file, where no bronze of it is there to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from book_engines.records import TRADE
from spymaster_resources.instruments import Instrument
from spymaster_resources.trading_calendar import SECOND_NS

if TYPE_CHECKING:
    from spymaster_resources.dbn.parts import RecordFile


@dataclass(frozen=True)
class TradesOfFile:
    """Traded quantity of every symbol with records, and the seconds in which trades happened."""

    volume: dict[str, int]
    seconds: frozenset[int]
    """Seconds since the epoch."""


def trades_of_file(dbn: RecordFile, row: Instrument) -> TradesOfFile:
    """Return the trades of a future's every outright, or of the ticker, in one streaming pass.

    Raises the reader's errors.
    """
    names = {
        number: name
        for number, name in dbn.metadata.instruments(dbn.metadata.start_date).items()
        if row.is_filed_under(name)
    }
    volume: dict[str, int] = {}
    seconds: set[int] = set()
    for chunk in dbn.records(schema=row.schema):
        for number in np.unique(chunk["instrument_id"]).tolist():
            if number in names:
                volume.setdefault(names[number], 0)
        trades = chunk[(chunk["action"] == TRADE) & np.isin(chunk["instrument_id"], list(names))]
        seconds.update(np.unique(trades["ts_event"] // SECOND_NS).tolist())
        for number in np.unique(trades["instrument_id"]).tolist():
            of_one = trades["size"][trades["instrument_id"] == number]
            volume[names[number]] += int(of_one.sum(dtype=np.int64))
    return TradesOfFile(volume, frozenset(int(second) for second in seconds))
