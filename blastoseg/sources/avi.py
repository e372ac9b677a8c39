"""Where the frames lie in a Motion JPEG AVI: each is a whole JPEG, so any frame can be read by itself.

The RIFF chunks are walked, not the index at the file's end, which a cut-off export lacks.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MOST_FRAMES = 1_000_000
_LISTS_TO_ENTER = frozenset({b"hdrl", b"strl", b"movi", b"rec "})


class AviError(ValueError):
    """The file is no AVI that can be read; the message says why."""


@dataclass(slots=True)
class AviFrames:
    """``frames`` holds offset and length in bytes of every frame, in order."""

    frames: list[tuple[int, int]]
    is_cut_short: bool = False


def index_frames(path: str | Path) -> AviFrames:
    """Find all frames of the first video stream. Raises AviError, or OSError where the system refuses."""
    with open(path, "rb") as file:  # noqa: PTH123
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"AVI ":
            raise AviError("is no AVI video" if size else "is empty (0 bytes)")
        walk = _Walk(file, size)
        walk.run()
    if walk.codec is None:
        raise AviError("has no video stream")
    if walk.codec.upper() not in (b"MJPG", b"JPEG"):
        shown = walk.codec.decode("ascii", "replace").strip("\0 ") or "none"
        raise AviError(f"is compressed as {shown}, not as Motion JPEG")
    if not walk.frames:
        raise AviError("holds no frames")
    return AviFrames(walk.frames, walk.is_cut_short)


class _Walk:
    """One pass over the chunk headers; the pictures themselves are skipped."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.codec: bytes | None = None
        self.frames: list[tuple[int, int]] = []
        self.is_cut_short = False
        self._streams = 0
        self._video_stream = -1

    def run(self) -> None:
        position = 0
        while position + 8 <= self._size:
            self._file.seek(position)
            name, length = struct.unpack("<4sI", self._file.read(8))
            content = position + 8
            if name == b"RIFF" or (name == b"LIST" and self._peek(content) in _LISTS_TO_ENTER):
                # What is inside a list follows directly: entering it is going on.
                position = content + 4
                continue
            if content + length > self._size:
                self.is_cut_short = True
                length = self._size - content
            self._take(name, content, length)
            position = content + length + length % 2
        if len(self.frames) > MOST_FRAMES:
            raise AviError(f"has more than {MOST_FRAMES:,} frames")

    def _peek(self, position: int) -> bytes:
        self._file.seek(position)
        return self._file.read(4)

    def _take(self, name: bytes, content: int, length: int) -> None:
        if name == b"strh":
            if self._video_stream < 0 and self._peek(content) == b"vids":
                self._video_stream = self._streams
                self.codec = self._peek(content + 4)
            self._streams += 1
        elif name == b"strf" and self._video_stream == self._streams - 1 and length >= 20:
            # The bitmap header's compression is what decoders go by; strh's handler may be empty.
            self.codec = self._peek(content + 16)
        elif name[2:] in (b"dc", b"db") and name[:2].isdigit() and int(name[:2]) == self._video_stream:
            self.frames.append((content, length))
