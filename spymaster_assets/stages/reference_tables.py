"""Records of definitions and statistics as batches of their bronze contracts."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.errors import CorruptFileError
from contracts.registry import Dataset
from contracts.schema import Field

Records = NDArray[np.void]

# The vendor's undefined value of a number, by its type in the file.
_UNDEFINED: Final = {
    kind: np.iinfo(kind).max for kind in (np.int64, np.uint64, np.int32, np.uint32, np.uint16)
}


def reference_batch(
    records: Records, feed_seq: NDArray[np.int64], dataset: Dataset, path: str, **given: pa.Array
) -> pa.RecordBatch:
    """Return `records` of a file as a batch of the contract.

    feed_seq: place of each in the file; path: named in errors; given: columns that the records do
    not hold. A number at its type's maximum is null where the contract allows it. Raises
    CorruptFileError for text that is none.
    """
    columns = {"feed_seq": pa.array(feed_seq), **given}
    for field in dataset.contract.fields:
        if field.name not in columns:
            columns[field.name] = _column(records[field.name], field, path)
    return pa.RecordBatch.from_arrays(
        [columns[name] for name in dataset.schema.names], schema=dataset.schema
    )


def _column(values: NDArray[Any], field: Field, path: str) -> pa.Array:
    if pa.types.is_dictionary(field.type):
        return _text(values, field, path)
    missing = values == _UNDEFINED[values.dtype.type] if field.nullable else None
    filled = values if missing is None else np.where(missing, 0, values)
    if values.dtype == np.uint64 and (most := int(filled.max(initial=0))) >= 2**63:
        raise CorruptFileError(
            path,
            f"field {field.name}: expected a time before 2262, found {most}; fetch the file again",
        )
    return pa.array(filled.astype(field.type.to_pandas_dtype()), mask=missing)


def _text(values: NDArray[Any], field: Field, path: str) -> pa.DictionaryArray:
    """Return zero-padded text, or the character of an ASCII code, as a dictionary of its values."""
    kinds, codes = np.unique(values, return_inverse=True)
    raw = [bytes([kind]) if values.dtype.kind == "u" else bytes(kind) for kind in kinds]
    try:
        texts = [text.rstrip(b"\0").decode() for text in raw]
    except UnicodeDecodeError as error:
        raise CorruptFileError(
            path, f"field {field.name}: expected text, found {error.object!r}; fetch the file again"
        ) from error
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(texts, pa.utf8())
    )
