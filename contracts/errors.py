"""Every error of Spymaster that a person may have to act on.

    SpymasterError
    ├── ConfigurationError          a setting, symbol, date or option that cannot be used
    ├── ContractError               a table or schema that breaks its contract
    │   └── ContractVersionError    a file written under a contract that cannot be read
    ├── RawFileError                a vendor file that cannot be read; has path and position
    │   ├── EmptyFileError          no byte at all
    │   ├── BadMagicError           not DBN (nor zstd-compressed DBN)
    │   ├── UnknownVersionError     a DBN version that is not known
    │   ├── TruncatedFileError      ends inside a frame, the header or a record
    │   ├── CorruptFileError        fails decompression, a checksum or a header's inner limits
    │   ├── WrongSchemaError        holds records of another schema
    │   ├── WrongDayError           holds another UTC day than its place or name says
    │   └── UnknownSymbolError      a record or request names a symbol the file has no mapping for
    ├── DataQualityError            a blocking check is red; nothing was published
    ├── LakeError
    │   ├── PartitionMissingError   a partition that should be read is not there
    │   ├── PartitionCorruptError   bytes differ from the manifest
    │   ├── PublicationConflictError  another writer published this partition meanwhile
    │   └── StorageError            the disk or the store refused (full, denied)
    ├── VendorError                 the vendor or its gateway refused or failed
    │   ├── VendorRefusedError      a definite no: the request, or the key
    │   ├── VendorBusyError         asked to come back later; nothing was taken
    │   ├── VendorUnclearError      no answer, so it is not known whether the request was taken
    │   └── VendorFileError         a file that arrived otherwise than announced
    └── ProtocolError               a client of the streaming service broke its protocol

The book engines raise `book_engines.errors.BookIntegrityError`: they import nothing of ours.
Each message says what was expected, what was found, where, and the next step where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence


class SpymasterError(Exception):
    """Base of all errors above."""


class ConfigurationError(SpymasterError):
    """A setting, symbol, date or option that cannot be used."""


class ContractError(SpymasterError):
    """A table or schema that breaks its contract."""

    def __init__(self, contract: str, problems: Sequence[str]) -> None:
        self.contract = contract
        self.problems = tuple(problems)
        super().__init__(f"contract {contract} is broken: " + "; ".join(self.problems))


class ContractVersionError(ContractError):
    """A file written under a contract version that this code cannot read."""


class RawFileError(SpymasterError):
    """A vendor file that cannot be read."""

    def __init__(self, path: str, message: str, *, position: str | None = None) -> None:
        self.path = path
        self.position = position
        where = path if position is None else f"{path}, {position}"
        super().__init__(f"{where}: {message}")


class EmptyFileError(RawFileError):
    """A file without a single byte."""


class BadMagicError(RawFileError):
    """A file that is neither DBN nor zstd-compressed DBN."""


class UnknownVersionError(RawFileError):
    """A DBN version that is not known."""


class TruncatedFileError(RawFileError):
    """A file that ends inside a frame, the header or a record."""


class CorruptFileError(RawFileError):
    """A file whose bytes fail decompression, a checksum or the header's inner limits."""


class WrongSchemaError(RawFileError):
    """A file that holds records of another schema than asked for."""


class WrongDayError(RawFileError):
    """A file that holds another UTC day than its place or name says."""


class UnknownSymbolError(RawFileError):
    """A record or a request names a symbol for which the file has no mapping."""


class DataQualityError(SpymasterError):
    """A blocking check is red; nothing was published."""

    def __init__(self, dataset: str, failed: Sequence[str]) -> None:
        self.dataset = dataset
        self.failed = tuple(failed)
        super().__init__(f"{dataset}: blocking checks failed: " + "; ".join(self.failed))


class LakeError(SpymasterError):
    """The lake could not serve or keep a partition."""

    def __init__(self, partition: str, message: str) -> None:
        self.partition = partition
        super().__init__(f"{partition}: {message}")


class PartitionMissingError(LakeError):
    """A partition that should be read is not there."""


class PartitionCorruptError(LakeError):
    """Bytes of a partition differ from its manifest."""


class PublicationConflictError(LakeError):
    """Another writer published this partition meanwhile."""


class StorageError(LakeError):
    """The disk or the store refused (full, denied)."""


class VendorError(SpymasterError):
    """The vendor or its gateway refused or failed."""


class VendorRefusedError(VendorError):
    """A definite no of the vendor; `status` is its HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        self.status = status
        super().__init__(message)

    @property
    def is_key_refused(self) -> bool:
        """Return whether the key itself was refused, so that nothing else can succeed."""
        return self.status in (401, 403)


class VendorBusyError(VendorError):
    """The vendor asks to come back later, after `retry_after_s` seconds if it says so."""

    def __init__(self, message: str, *, retry_after_s: float | None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class VendorUnclearError(VendorError):
    """No answer, or a failure on the vendor's side: whether the request was taken is not known."""


class VendorFileError(VendorError):
    """A file that arrived otherwise than announced: checksum, size, name or header."""


class ProtocolError(SpymasterError):
    """A client of the streaming service broke its protocol."""
