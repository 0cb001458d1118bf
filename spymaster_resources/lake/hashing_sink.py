"""A new file that is hashed while it is written."""

from __future__ import annotations

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pyarrow as pa

# Parquet writes a header and a page at a time, and waits for the interpreter's lock each time.
CHUNK_BYTES: Final = 1 << 20


class HashingSink:
    """A new file that knows size and SHA-256 of everything written to its `stream`.

    With `threaded` one chunk is hashed and stored while the next is made. Once the disk has refused
    a chunk, `write` or `finish` says so.
    """

    def __init__(self, path: Path, *, threaded: bool) -> None:
        self._file = path.open("xb", buffering=0)
        self._digest = hashlib.sha256()
        self._abandoned = False
        self._thread = ThreadPoolExecutor(1, "lake-hash") if threaded else None
        self._storing: Future[None] | None = None
        self.size = 0
        self.stream = pa.BufferedOutputStream(pa.PythonFile(self, mode="w"), CHUNK_BYTES)

    @property
    def closed(self) -> bool:
        """Return whether the file is closed."""
        return self._file.closed

    @property
    def sha256(self) -> str:
        """Return the hash of all bytes; after `finish`."""
        return self._digest.hexdigest()

    def write(self, data: bytes | pa.Buffer) -> int:
        """Take a chunk from the stream; after `abandon` do nothing."""
        if not self._abandoned:
            if self._thread is None:
                self._store(data)
            else:
                self._finish_storing()
                # a buffer of Arrow's own may be filled again
                self._storing = self._thread.submit(self._store, bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: the file is unbuffered."""

    def finish(self) -> None:
        """Store what the stream still holds and close the file."""
        self.stream.flush()
        self._finish_storing()
        self.close()

    def abandon(self) -> None:
        """Close the file and ignore whatever an unfinished Parquet writer still says."""
        self._abandoned = True
        self.close()

    def close(self) -> None:
        """Close the file, once no chunk is under way."""
        if self._thread is not None:
            self._thread.shutdown()
        self._file.close()

    def _store(self, data: bytes | pa.Buffer) -> None:
        view = memoryview(data).cast("B")
        written = 0
        while written < len(view):
            written += self._file.write(view[written:])
        self._digest.update(view)
        self.size += len(view)

    def _finish_storing(self) -> None:
        """Wait for the chunk that is under way and raise what went wrong with it."""
        if self._storing is not None:
            storing, self._storing = self._storing, None
            storing.result()
