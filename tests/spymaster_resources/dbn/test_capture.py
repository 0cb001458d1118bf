"""Live captures tell their schemas and symbols by their records."""

from __future__ import annotations

from pathlib import Path

import databento_dbn
import numpy as np
import pytest

from spymaster_resources.dbn.capture import start_of, with_symbols
from spymaster_resources.dbn.header import DbnMetadata, encode_metadata
from spymaster_resources.dbn.stream import open_dbn
from tests.spymaster_resources.dbn.dbn_records import DAY, some_records

MAPPING = {1: databento_dbn.SymbolMappingMsgV1, 2: databento_dbn.SymbolMappingMsg}


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("left", [0, 30])
def test_mappings_name_the_instruments(tmp_path: Path, version: int, left: int) -> None:
    mappings = b"".join(mapping(version, number, name) for number, name in ((7, "ESH4"), (8, "Ü")))
    records = some_records(3).tobytes()
    path = tmp_path / "live.dbn"
    metadata = DbnMetadata(version, "GLBX.MDP3", None, 0, None, stype_in=None)
    path.write_bytes(encode_metadata(metadata) + mappings + records[: len(records) - left])
    dbn = open_dbn(path)
    capture = start_of(dbn)
    assert capture.kinds == ("mbo",)
    assert capture.symbols == {7: "ESH4", 8: "Ü"}
    named = with_symbols(dbn.metadata, capture.symbols)
    assert named.instruments(DAY) == capture.symbols
    assert named.numbers_of("Ü") == {8}


def mapping(version: int, number: int, name: str) -> bytes:
    """Return a symbol mapping as the gateway sends it."""
    record = np.zeros(1, MAPPING[min(version, 2)]._dtypes)
    record["length"], record["rtype"], record["instrument_id"] = record.itemsize // 4, 22, number
    record["stype_in_symbol"], record["stype_out_symbol"] = b"ES.FUT", name.encode()
    return record.tobytes()
