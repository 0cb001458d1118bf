"""Files made of other files: the same metadata, other records."""

from __future__ import annotations

from pathlib import Path

from spymaster_resources.dbn.stream import DbnFile
from spymaster_resources.dbn.writer import DbnWriter


def writer_like(dbn: DbnFile, target: Path) -> DbnWriter:
    """Return the writer of a file with the metadata and mappings of `dbn`."""
    metadata = dbn.metadata
    return DbnWriter(
        target,
        version=metadata.version,
        dataset=metadata.dataset,
        schema=metadata.schema,
        start_ns=metadata.start_ns,
        end_ns=metadata.end_ns,
        symbols=metadata.symbols,
        stype_in=metadata.stype_in,
        mappings={
            mapping.raw_symbol: [(s, e, symbol) for s, e, symbol in mapping.intervals]
            for mapping in metadata.mappings
        },
    )
