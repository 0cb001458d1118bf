"""The raw folder of a product: which vendor file holds which UTC day, and how one gets there.

Raw files are never changed or deleted. The decoder is imported when a file is opened: listing a
folder must be quick.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from contracts.errors import (
    ConfigurationError,
    PartitionMissingError,
    StorageError,
    UnknownSymbolError,
    WrongDayError,
    WrongSchemaError,
)
from spymaster_resources.instruments import EQUITY, FUTURE, is_ticker, parse_contract
from spymaster_resources.lake import Lake, RawInput
from spymaster_resources.lake.filesystem import LocalFolder, make_folder, sync_folder
from spymaster_resources.vendor import products

if TYPE_CHECKING:
    from spymaster_resources.dbn.header import DbnMetadata
    from spymaster_resources.dbn.stream import DbnFile

_NAME: Final = re.compile(
    r"(?P<stem>(?:.*[-_.])?)(?P<day>\d{8})(?:\.(?P<schema>[a-z0-9-]+?))?"
    r"(?:\.dbn(?:\.zst)?|(?:\.dbn(?:\.zst)?)?\.parquet)"
)
_PART: Final = re.compile(r"(?P<stem>.*)-part(?P<part>[1-9]\d*)-")
_HASH_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class RawFile:
    """One vendor file of the raw folder."""

    path: str
    """Relative to the lake root."""
    dt: date
    size: int
    part: int = 1
    """Place among the requests that the day was split into, from 1."""
    version: str = field(default="", compare=False)
    """A mark that changes with each replacement of the file, as the listing told it."""

    @property
    def name(self) -> str:
        """Return the vendor's file name."""
        return self.path.rpartition("/")[2]

    @property
    def is_compressed(self) -> bool:
        """Return whether the file is zstd-compressed by its name."""
        return self.name.endswith(".zst")

    @property
    def is_parquet(self) -> bool:
        """Return whether the file is Parquet of the vendor's client by its name."""
        return self.name.endswith(".parquet")


@dataclass(frozen=True)
class RawDay:
    """The files of one UTC day: those that are read, and their other forms if there are some."""

    dt: date
    files: tuple[RawFile, ...]
    """One file, or the parts of a day that was requested in several, in order."""
    ignored: tuple[RawFile, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the first file."""
        return self.files[0].name

    @property
    def size(self) -> int:
        """Return the bytes of all files that are read."""
        return sum(file.size for file in self.files)

    @property
    def version(self) -> str:
        """Return a mark that changes with each replacement of a file or number of parts."""
        return "+".join(file.version for file in self.files)


@dataclass(frozen=True)
class RawListing:
    """What a raw folder holds: days in order, and what cannot be used."""

    days: tuple[RawDay, ...]
    unrecognised: tuple[str, ...]
    """Names that tell no day."""
    disputed: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    """Names of files that claim one day and are neither one request's forms nor its parts."""


def raw_folder(product_type: str, root: str, schema: str = "mbo") -> str:
    """Return the folder of raw files, relative to the lake root."""
    return products.raw_folder(product_type, root, schema)


def date_of_name(name: str, schema: str = "mbo") -> date | None:
    """Return the UTC date in a vendor file name, None without one.

    Names are `…-YYYYMMDD.mbo.dbn[.zst]`, and `…-YYYYMMDD[.mbo].parquet` for what the vendor's
    client wrote.
    """
    match = _NAME.fullmatch(name)
    if match is None or (match["schema"] or (name.endswith(".parquet") and schema)) != schema:
        return None
    try:
        return datetime.strptime(match["day"], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def list_raw(lake: Lake, product_type: str, root: str, schema: str = "mbo") -> RawListing:
    """Return the raw days of a product.

    Of a file's two forms the compressed one is read, because it carries a checksum, and Parquet
    only where the day has no DBN file; the others are reported. A day that was requested in several
    parts (`…-part2-YYYYMMDD…`) is all of them. A day that different files claim, or of which a part
    is missing before the last one, is disputed, which leaves the other days as they are.
    """
    folder = raw_folder(product_type, root, schema)
    found: dict[date, list[RawFile]] = {}
    unrecognised = []
    for entry in lake.file_system.entries(folder):
        day = date_of_name(entry.name, schema)
        if entry.is_folder or entry.name.startswith(".") or entry.name.endswith(".json"):
            continue  # what lies beside the files: partial downloads, the vendor's manifests
        if day is None:
            unrecognised.append(entry.name)
        else:
            path, part = f"{folder}/{entry.name}", _split_name(entry.name)[1]
            file = RawFile(path, day, entry.size, part, entry.version)
            found.setdefault(day, []).append(file)
    days, disputed = [], {}
    for dt, files in sorted(found.items()):
        ordered = sorted(files, key=_preference)
        if (raw := _raw_day(dt, ordered)) is not None:
            days.append(raw)
        else:
            disputed[dt] = tuple(file.name for file in ordered)
    return RawListing(tuple(days), tuple(unrecognised), disputed)


def raw_day(lake: Lake, product_type: str, root: str, dt: date, schema: str = "mbo") -> RawDay:
    """Return the raw files of one day.

    Raises PartitionMissingError where there is none, ConfigurationError where two different files
    claim the day.
    """
    listing = list_raw(lake, product_type, root, schema)
    for day in listing.days:
        if day.dt == dt:
            return day
    if dt in listing.disputed:
        raise ConfigurationError(
            f"raw files of {dt}: expected one file or its two forms, or all parts of one request, "
            f"found {', '.join(listing.disputed[dt])}; keep the one that holds the whole day"
        )
    folder = raw_folder(product_type, root, schema)
    raise PartitionMissingError(
        f"raw {product_type} {root} {dt}",
        f"expected a file …-{dt:%Y%m%d}.{schema}.dbn[.zst] or .parquet in {folder}, found none; "
        "download the day or put its file there",
    )


def raw_inputs(lake: Lake, day: RawDay) -> list[RawInput]:
    """Return name, size and SHA-256 of a day's files, one pass over their bytes."""
    return [raw_input(lake, file) for file in day.files]


@contextmanager
def raw_inputs_beside(lake: Lake, day: RawDay) -> Iterator[Future[list[RawInput]]]:
    """Find what `raw_inputs` returns in a thread of its own while the block runs."""
    with ThreadPoolExecutor(1, "raw-hash") as pool:
        yield pool.submit(raw_inputs, lake, day)


def raw_input(lake: Lake, file: RawFile) -> RawInput:
    """Return name, size and SHA-256 of a raw file, one pass over its bytes."""
    digest = hashlib.sha256()
    size = 0
    with lake.file_system.open(file.path) as source:
        while block := source.read(_HASH_BYTES):
            digest.update(block)
            size += len(block)
    return RawInput(file.name, size, digest.hexdigest())


def open_raw(lake: Lake, file: RawFile) -> DbnFile:
    """Return the opened raw file, its header read."""
    from spymaster_resources.dbn.stream import open_dbn

    return open_dbn(
        lake.file_system.url(file.path),
        opener=lambda _: cast("BinaryIO", lake.file_system.open(file.path)),
    )


def covered_day(metadata: DbnMetadata, path: str) -> date:
    """Return the one UTC date of the header's range; raises WrongDayError where it spans more."""
    start = metadata.start_date
    end_ns = metadata.start_ns if metadata.end_ns is None else metadata.end_ns - 1
    end = datetime.fromtimestamp(max(end_ns, metadata.start_ns) // 1_000_000_000, tz=UTC).date()
    if end != start:
        raise WrongDayError(
            path,
            f"expected one UTC day, the header says {start} to {end}; "
            "ask the vendor to split by day",
            position="metadata byte 26",
        )
    return start


def adopt_raw_file(lake: Lake, path: str | os.PathLike[str]) -> tuple[str, RawFile]:
    """Put a user's file of a future or an equity into its raw folder; return root and file there.

    The file is hard-linked where it can be and copied where not; it keeps the vendor's name when
    that tells the date, and gets `<dataset>-YYYYMMDD.<schema>.dbn[.zst]` when it does not. Putting
    the same file again changes nothing.

    Raises ConfigurationError for another file of that name, WrongDayError where name and header
    differ, UnknownSymbolError where no root can be told, and what `open_dbn` raises.
    """
    from spymaster_resources.dbn.stream import open_dbn

    source = Path(path)
    try:
        dbn = open_dbn(source)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{source}: no such file") from error
    schema = dbn.metadata.schema
    if schema != "mbo":
        raise WrongSchemaError(str(source), f"expected schema mbo, found {schema}")
    day = covered_day(dbn.metadata, str(source))
    named = date_of_name(source.name, schema)
    if named is not None and named != day:
        raise WrongDayError(
            str(source), f"the name says {named}, the header {day}; give the file of that day"
        )
    product_type, root = product_of(dbn)
    name = source.name
    if named is None:
        suffix = ".zst" if dbn.is_compressed else ""
        dataset = dbn.metadata.dataset.lower().replace(".", "-")
        name = f"{dataset}-{day:%Y%m%d}.{schema}.dbn{suffix}"
    target = RawFile(f"{raw_folder(product_type, root, schema)}/{name}", day, source.stat().st_size)
    _place(lake, source, target)
    return root, target


def product_of(dbn: DbnFile) -> tuple[str, str]:
    """Return product type and root of a file of outright futures, or of one equity's ticker.

    Raises UnknownSymbolError for symbols of several roots or tickers, and of none.
    """
    names = {mapping.raw_symbol for mapping in dbn.metadata.mappings}
    contracts = [parse_contract(name) for name in names]
    roots = sorted({contract.root for contract in contracts if contract is not None})
    if len(roots) == 1:
        return FUTURE, roots[0]
    tickers = sorted(name for name in names if is_ticker(name))
    if not roots and len(tickers) == len(names) == 1:
        return EQUITY, tickers[0]
    found = ", ".join(roots or sorted(names)[:5]) or "none"
    raise UnknownSymbolError(
        dbn.path,
        f"expected the outright futures of one root, or one equity, found {found} among "
        f"{len(names)} mapped symbols; files of options go beside their underlying's in the lake",
    )


def _split_name(name: str) -> tuple[str, int]:
    """Return what the names of a request's files share, and the part that this one is."""
    match = _NAME.fullmatch(name)
    stem = match["stem"] if match else ""
    part = _PART.fullmatch(stem)
    return (f"{part['stem']}-", int(part["part"])) if part else (stem, 1)


def _preference(file: RawFile) -> tuple[bool, bool, int, str]:
    """Return the sort key that puts what is read first, its parts in order."""
    return file.is_parquet, not file.is_compressed, file.part, file.name


def _raw_day(dt: date, ordered: Sequence[RawFile]) -> RawDay | None:
    """Return the day of some files, the preferred ones first, None where they are not one."""
    form = [file for file in ordered if file.is_parquet == ordered[0].is_parquet]
    read: dict[int, RawFile] = {}
    for file in form:
        read.setdefault(file.part, file)
    files = tuple(read[part] for part in sorted(read))
    one_request = len({_split_name(file.name)[0] for file in form}) == 1
    if not one_request or sorted(read) != list(range(1, len(read) + 1)):
        return None
    return RawDay(dt, files, tuple(file for file in ordered if file not in files))


def _place(lake: Lake, source: Path, target: RawFile) -> None:
    store = lake.file_system
    if store.version(target.path) is not None:
        if raw_input(lake, target).sha256 != RawInput.of_file(source).sha256:
            raise ConfigurationError(
                f"{source}: the lake holds another {target.name}; raw files are never replaced, "
                "move the old one away first"
            )
        return
    try:
        if isinstance(store, LocalFolder):
            _link_or_copy(source.resolve(), store.path(target.path))
        else:
            store.upload(source, target.path)
    except OSError as error:
        raise StorageError(target.path, f"cannot be written: {error}") from error


def _link_or_copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    beside = target.with_name(f".{secrets.token_hex(8)}.adopting")
    try:
        try:
            beside.hardlink_to(source)
        except OSError:  # another device, or a file system or owner that forbids links
            shutil.copyfile(source, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(target.parent)
