"""The files of a finished batch job: day files and the vendor's four JSON documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from spymaster_resources.gateway.archive import FileState
from spymaster_resources.gateway.extract import Extract
from spymaster_resources.gateway.query import DataQuery
from spymaster_resources.gateway.symbology import mapping_rows

_HASH_BYTES: Final = 1 << 20


class PackagedFile(NamedTuple):
    """One file that a job delivers; a whole day file stays where the archive has it."""

    name: str
    path: Path
    size: int
    sha256: str


class Package(NamedTuple):
    """What a job delivers, and how much of it there is."""

    files: tuple[PackagedFile, ...]
    record_count: int
    billed_size: int

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)


def data_name(query: DataQuery, day: date) -> str:
    """Return the vendor's name of a day's file."""
    dataset = query.dataset.lower().replace(".", "-")
    return f"{dataset}-{day:%Y%m%d}.{query.schema}.dbn{'.zst' if query.is_compressed else ''}"


def build_package(
    job_id: str,
    answer: Extract,
    customizations: Mapping[str, object],
    conditions: Iterable[tuple[date, str]],
    folder: Path,
) -> Package:
    """Write the files of a job into `folder`, its listing (`manifest.json`) apart."""
    folder.mkdir(parents=True, exist_ok=True)
    query = answer.query
    records, billed = answer.size()
    files = []
    for part in answer.by_day():
        source = part.parts[0]
        name = data_name(query, source.day)
        if source.is_whole_file:
            path = source.path
        else:
            path = folder / name
            with path.open("wb") as file:
                for piece in part.encoded():
                    file.write(piece)
        files.append(_packaged(name, path))
    documents = {
        "metadata.json": _metadata(job_id, query, customizations),
        "condition.json": condition_rows(conditions),
        "symbology.json": answer.resolution.document(
            mapping_rows(answer.resolution.mappings(query.stype_in)),
            query.stype_in,
            query.stype_out,
            query.first_day,
            query.last_day + timedelta(days=1),
        ),
    }
    for name, document in documents.items():
        files.append(write_document(folder / name, document))
    return Package(tuple(files), records, billed)


def condition_rows(conditions: Iterable[tuple[date, str]]) -> list[dict[str, str | None]]:
    """Return the quality of dates as the vendor lists it."""
    return [
        {
            "date": day.isoformat(),
            "condition": condition,
            "last_modified_date": (day + timedelta(days=1)).isoformat(),
        }
        for day, condition in conditions
    ]


def write_document(path: Path, document: object) -> PackagedFile:
    """Write a JSON document and return it as a file of the package."""
    path.write_text(json.dumps(document, indent=4), "utf-8")
    return _packaged(path.name, path)


def _metadata(
    job_id: str, query: DataQuery, customizations: Mapping[str, object]
) -> dict[str, Any]:
    fields = query.fields()
    return {
        "version": 1,
        "job_id": job_id,
        "query": {
            **{name: fields[name] for name in ("dataset", "schema")},
            "symbols": list(query.symbols),
            "stype_in": query.stype_in,
            "stype_out": query.stype_out,
            "start": query.start_ns,
            "end": query.end_ns,
            "limit": query.limit,
            "encoding": "dbn",
            "compression": fields["compression"],
        },
        "customizations": dict(customizations),
    }


def _packaged(name: str, path: Path) -> PackagedFile:
    state = FileState.of(path)
    return PackagedFile(name, path, state.size, _sha256(state))


@lru_cache(maxsize=1024)
def _sha256(state: FileState) -> str:
    with state.path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
