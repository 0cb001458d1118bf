"""What a published partition says of itself: the content of `_MANIFEST.json`."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

from spymaster_resources.lake.layout import PartitionKey

FORMAT_VERSION: Final = 1
_BLOCK_BYTES: Final = 1 << 20

Scalar: TypeAlias = "int | float | str | bool | None"
Json: TypeAlias = "Scalar | Sequence[Json] | Mapping[str, Json]"


@dataclass(frozen=True, order=True)
class RawInput:
    """A file outside the lake's tables that a partition was made of."""

    name: str
    size: int
    sha256: str

    @classmethod
    def of_file(cls, path: Path) -> RawInput:
        """Return name, size and hash of the file at `path`; its folder is left out."""
        size, sha256 = hash_file(path)
        return cls(path.name, size, sha256)


@dataclass(frozen=True)
class InputRef:
    """A partition, in the exact state in which it was read."""

    dataset: str
    symbol: str | None
    dt: datetime.date | None
    manifest_sha256: str

    @property
    def key(self) -> PartitionKey:
        """Return the partition's key."""
        return PartitionKey(self.dataset, self.symbol, self.dt)


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a partition.

    `footer_sha256` covers the file's tail (metadata, its length and the magic), which Parquet's
    page checksums do not.
    """

    name: str
    size: int
    sha256: str
    row_count: int
    footer_sha256: str


@dataclass(frozen=True)
class ContractRef:
    """The contract a partition was written under."""

    name: str
    version: int
    sha256: str


class ManifestError(ValueError):
    """Bytes that are no manifest, or no longer the manifest they were."""


@dataclass(frozen=True)
class Manifest:
    """A published partition: its files, what is in them and everything they were made of.

    `sort_key_min` and `sort_key_max` are the first and last row's sort key by column, None when
    there is no row. Nothing here depends on the machine, the place or the hour.
    """

    dataset: str
    symbol: str | None
    dt: datetime.date | None
    row_count: int
    sort_key_min: Mapping[str, Scalar] | None
    sort_key_max: Mapping[str, Scalar] | None
    contract: ContractRef
    code_version: str
    parameters: Mapping[str, Any]
    files: tuple[DataFile, ...]
    inputs: tuple[InputRef, ...]
    raw_inputs: tuple[RawInput, ...]
    counters: Mapping[str, Scalar]

    @property
    def key(self) -> PartitionKey:
        """Return the partition's key."""
        return PartitionKey(self.dataset, self.symbol, self.dt)

    @property
    def size(self) -> int:
        """Return the bytes of all data files."""
        return sum(file.size for file in self.files)

    @cached_property
    def sha256(self) -> str:
        """Return the hash of everything the manifest says."""
        return hashlib.sha256(_canonical(self._body())).hexdigest()

    @property
    def reference(self) -> InputRef:
        """Return the reference that a table made of this partition records."""
        return InputRef(self.dataset, self.symbol, self.dt, self.sha256)

    def to_bytes(self) -> bytes:
        """Return the content of `_MANIFEST.json`."""
        document = {**self._body(), "manifest_sha256": self.sha256}
        return (json.dumps(document, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Manifest:
        """Read `_MANIFEST.json`; raises ManifestError when a byte of it has changed."""
        try:
            document = json.loads(content)
            recorded = document.pop("manifest_sha256")
            found = document["format"]
            if found != FORMAT_VERSION:
                raise ManifestError(f"expected manifest format {FORMAT_VERSION}, found {found!r}")
            manifest = cls._from_document(document)
            if _canonical(document) != _canonical(manifest._body()):
                raise ManifestError("expected the fields of a manifest, found others")
        except ManifestError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ManifestError(f"expected a manifest, found {error!r}") from error
        if manifest.sha256 != recorded:
            raise ManifestError(f"expected hash {recorded}, found {manifest.sha256}")
        return manifest

    def _body(self) -> dict[str, Any]:
        return {
            "format": FORMAT_VERSION,
            "dataset": self.dataset,
            "symbol": self.symbol,
            "dt": _date_text(self.dt),
            "row_count": self.row_count,
            "sort_key_min": self.sort_key_min,
            "sort_key_max": self.sort_key_max,
            "contract": vars(self.contract),
            "code_version": self.code_version,
            "parameters": self.parameters,
            "files": [vars(file) for file in self.files],
            "inputs": [
                {
                    "dataset": ref.dataset,
                    "symbol": ref.symbol,
                    "dt": _date_text(ref.dt),
                    "manifest_sha256": ref.manifest_sha256,
                }
                for ref in self.inputs
            ],
            "raw_inputs": [vars(raw) for raw in self.raw_inputs],
            "counters": self.counters,
        }

    @classmethod
    def _from_document(cls, document: Mapping[str, Any]) -> Manifest:
        return cls(
            dataset=document["dataset"],
            symbol=document["symbol"],
            dt=_date(document["dt"]),
            row_count=document["row_count"],
            sort_key_min=document["sort_key_min"],
            sort_key_max=document["sort_key_max"],
            contract=ContractRef(**document["contract"]),
            code_version=document["code_version"],
            parameters=document["parameters"],
            files=tuple(DataFile(**file) for file in document["files"]),
            inputs=tuple(
                InputRef(ref["dataset"], ref["symbol"], _date(ref["dt"]), ref["manifest_sha256"])
                for ref in document["inputs"]
            ),
            raw_inputs=tuple(RawInput(**raw) for raw in document["raw_inputs"]),
            counters=document["counters"],
        )


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` as JSON gives them back (tuples become lists, keys text).

    Raises ManifestError for a value that JSON cannot hold, NaN and infinity included.
    """
    try:
        result: dict[str, Any] = json.loads(json.dumps(values, sort_keys=True, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ManifestError(f"expected plain values, found {dict(values)!r}: {error}") from error
    return result


def sorted_inputs(
    inputs: Sequence[InputRef | RawInput],
) -> tuple[tuple[InputRef, ...], tuple[RawInput, ...]]:
    """Return partitions and raw files apart, each in an order that the caller's cannot change."""
    references = {ref for ref in inputs if isinstance(ref, InputRef)}
    raw = {ref for ref in inputs if isinstance(ref, RawInput)}
    return (
        tuple(sorted(references, key=lambda ref: (*map(str, ref.key), ref.manifest_sha256))),
        tuple(sorted(raw)),
    )


def hash_file(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of the file at `path`."""
    digest = hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _canonical(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _date_text(dt: datetime.date | None) -> str | None:
    return None if dt is None else dt.isoformat()


def _date(text: str | None) -> datetime.date | None:
    return None if text is None else datetime.date.fromisoformat(text)
