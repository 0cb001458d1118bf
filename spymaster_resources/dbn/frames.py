"""Walk of the frames in a zstd file: where each block ends, so that a cut is seen.

A decompressor that is given no more bytes cannot tell a whole file from one cut short. The frame
format can (RFC 8878, section 3.1): every frame announces its blocks, and the last of them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from contracts.errors import CorruptFileError

MAGIC: Final = 0xFD2FB528
_SKIPPABLE: Final = 0x184D2A50  # low four bits are free
_DICTIONARY_BYTES: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES: Final = (0, 2, 4, 8)
_CHECKSUM_BYTES: Final = 4
_RLE_BLOCK: Final = 1  # one byte, repeated
_RESERVED_BLOCK: Final = 3


def is_frame(magic: int) -> bool:
    """Tell whether a file with these first four bytes (little-endian) is made of zstd frames."""
    return magic == MAGIC or magic & ~0xF == _SKIPPABLE


class FrameWalk:
    """Follows the frames of a file whose bytes are fed to it piece by piece.

    `frame_start` is the byte where the latest frame began. Raises CorruptFileError where a byte
    cannot be part of a frame.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.position = 0
        self.frame_start = 0
        self._between_frames = True
        self._pending = bytearray()
        self._skip = 0
        self._fields = self._frames()
        self._need = next(self._fields)

    @property
    def at_end(self) -> bool:
        """Tell whether the bytes so far end with a whole frame."""
        return self._between_frames and not self._skip and not self._pending

    def feed(self, piece: bytes) -> None:
        """Follow the next bytes of the file."""
        at, end = 0, len(piece)
        while at < end:
            if self._skip:
                step = min(self._skip, end - at)
                self._skip -= step
            else:
                step = min(self._need - len(self._pending), end - at)
                self._pending += piece[at : at + step]
            at += step
            self.position += step
            if len(self._pending) == self._need:
                field = int.from_bytes(self._pending, "little")
                self._pending.clear()
                self._need = self._fields.send(field)

    def _frames(self) -> Generator[int, int, None]:
        """Yield the size of each field to read, in bytes; what has no meaning goes to `_skip`."""
        while True:
            self._between_frames = True
            magic = yield 4
            self._between_frames = False
            self.frame_start = self.position - 4
            if magic & ~0xF == _SKIPPABLE:
                self._skip = yield 4
            elif magic == MAGIC:
                yield from self._blocks()
            else:
                raise CorruptFileError(
                    self.path,
                    f"expected a zstd frame, found 0x{magic:08x}; fetch the file again",
                    position=f"byte {self.frame_start}",
                )

    def _blocks(self) -> Generator[int, int, None]:
        descriptor = yield 1
        single_segment = descriptor >> 5 & 1
        window = 1 - single_segment
        content_size = _CONTENT_SIZE_BYTES[descriptor >> 6] or single_segment
        self._skip = window + _DICTIONARY_BYTES[descriptor & 3] + content_size
        last = 0
        while not last:
            block = yield 3
            last, kind, size = block & 1, block >> 1 & 3, block >> 3
            if kind == _RESERVED_BLOCK:
                raise CorruptFileError(
                    self.path,
                    "found a zstd block of the reserved kind; fetch the file again",
                    position=f"byte {self.position - 3}",
                )
            self._skip = 1 if kind == _RLE_BLOCK else size
        if descriptor >> 2 & 1:
            self._skip += _CHECKSUM_BYTES
