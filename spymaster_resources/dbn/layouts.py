"""Record layouts and enumerations of Databento Binary Encoding (DBN), versions 1 to 3.

Source: https://databento.com/docs/standards-and-conventions/databento-binary-encoding; the tests
hold every constant equal to the vendor's `databento_dbn`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from spymaster_resources.dbn.definition_layouts import DEFINITION_FIELDS
from spymaster_resources.dbn.quote_layouts import CMBP1_FIELDS, STATISTICS_FIELDS

KNOWN_VERSIONS: Final = (1, 2, 3)
LENGTH_UNIT: Final = 4  # the length byte of a record header counts 4-byte words
RECORD_HEADER_BYTES: Final = 16
MAX_RECORD_BYTES: Final = 255 * LENGTH_UNIT
TS_OUT_BYTES: Final = 8

UNDEFINED_PRICE: Final = 2**63 - 1
UNDEFINED_TIMESTAMP: Final = 2**64 - 1

# Code in the metadata = place in the tuple.
SCHEMAS: Final = (
    "mbo", "mbp-1", "mbp-10", "tbbo", "trades", "ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d",
    "definition", "statistics", "status", "imbalance", "ohlcv-eod", "cmbp-1", "cbbo-1s", "cbbo-1m",
    "tcbbo", "bbo-1s", "bbo-1m",
)  # fmt: skip
STYPES: Final = (
    "instrument_id", "raw_symbol", "smart", "continuous", "parent", "nasdaq_symbol", "cms_symbol",
    "isin", "us_code", "bbg_comp_id", "bbg_comp_ticker", "figi", "figi_ticker", "listing_id",
    "issuer_id", "security_id",
)  # fmt: skip

RTYPES: Final = {
    0: "mbp-0", 1: "mbp-1", 10: "mbp-10", 17: "ohlcv-deprecated", 18: "status",
    19: "instrument-def", 20: "imbalance", 21: "error", 22: "symbol-mapping", 23: "system",
    24: "statistics", 32: "ohlcv-1s", 33: "ohlcv-1m", 34: "ohlcv-1h", 35: "ohlcv-1d",
    36: "ohlcv-eod", 160: "mbo", 177: "cmbp-1", 192: "cbbo-1s", 193: "cbbo-1m", 194: "tcbbo",
    195: "bbo-1s", 196: "bbo-1m",
}  # fmt: skip
# What the vendor's gateway says about the stream itself: no market data, in any schema's stream.
GATEWAY_RTYPES: Final = (21, 22, 23)

ACTIONS: Final = "ACMRTFN"  # add, cancel, modify, clear, trade, fill, none
SIDES: Final = "ABN"  # ask, bid, none

HEADER_FIELDS: Final = (
    ("length", "u1"),
    ("rtype", "u1"),
    ("publisher_id", "<u2"),
    ("instrument_id", "<u4"),
    ("ts_event", "<u8"),
)
# The 56 bytes of a market-by-order record: the same in every version. Packed on purpose: bodies
# start at any byte (metadata of versions 1 and 2 has odd lengths). Action and side are their
# ASCII codes, because a kernel compares integers.
MBO_DTYPE: Final = np.dtype(
    [
        *HEADER_FIELDS,
        ("order_id", "<u8"),
        ("price", "<i8"),
        ("size", "<u4"),
        ("flags", "u1"),
        ("channel_id", "u1"),
        ("action", "u1"),
        ("side", "u1"),
        ("ts_recv", "<u8"),
        ("ts_in_delta", "<i4"),
        ("sequence", "<u4"),
    ]
)
# The 80 bytes of a consolidated quote or trade: the same in every version.
CMBP1_DTYPE: Final = np.dtype([*HEADER_FIELDS, *CMBP1_FIELDS])


class RecordLayout(NamedTuple):
    """How the records of one schema lie in a file."""

    schema: str
    rtype: int
    dtype: np.dtype[np.void]

    def with_ts_out(self) -> RecordLayout:
        """Return the layout of the same records with the gateway's send time behind each."""
        fields = [(name, self.dtype[name]) for name in self.dtype.names or ()]
        return self._replace(dtype=np.dtype([*fields, ("ts_out", "<u8")]))


_LAYOUTS: Final = (
    {
        (schema, version): RecordLayout(schema, rtype, dtype)
        for schema, rtype, dtype in (("mbo", 160, MBO_DTYPE), ("cmbp-1", 177, CMBP1_DTYPE))
        for version in KNOWN_VERSIONS
    }
    | {
        ("definition", version): RecordLayout("definition", 19, np.dtype([*HEADER_FIELDS, *fields]))
        for version, fields in DEFINITION_FIELDS.items()
    }
    | {
        ("statistics", version): RecordLayout("statistics", 24, np.dtype([*HEADER_FIELDS, *fields]))
        for version, fields in STATISTICS_FIELDS.items()
    }
)


def layout_of(schema: str, version: int, *, ts_out: bool = False) -> RecordLayout:
    """Return the record layout of `schema` in DBN `version`; KeyError where none is known."""
    layout = _LAYOUTS[schema, version]
    return layout.with_ts_out() if ts_out else layout


def new_records(layout: RecordLayout, rows: int) -> NDArray[np.void]:
    """Return `rows` zeroed records with length and type set."""
    records = np.zeros(rows, layout.dtype)
    records["length"] = layout.dtype.itemsize // LENGTH_UNIT
    records["rtype"] = layout.rtype
    return records
