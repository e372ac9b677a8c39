"""What makes a result reusable: the same frame, scored with the same weights, settings and stages."""

import hashlib
import io
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from blastoseg.records import FrameRef
from blastoseg.sources import files_of

MISSING = "missing"
"""The content of a file that cannot be seen."""


@dataclass(frozen=True, slots=True)
class ScoredWith:
    """What a result depends on besides the frame.

    ``settings_digest`` covers every option that changes a row, also a pixel size given on the command line;
    ``stages`` names the revision of each stage.
    """

    weights_sha256: str
    settings_digest: str
    stages: str


class KnownBy(StrEnum):
    """What tells a file from the one that lay there before.

    ``SAMPLE`` reads a few blocks besides, for hundredths of a millisecond: a picture of other pixels ends
    otherwise, and a database that was written to begins otherwise, whatever its time says.
    """

    TIME = "size and time"
    SAMPLE = "size, time and samples"
    BYTES = "all bytes"


SAMPLE_BYTES = 4096
MOST_SAMPLES = 16
BYTES_A_SAMPLE = 1_000_000
"""A sample at the start and the end, and one for every so many bytes in between, up to ``MOST_SAMPLES``."""


@dataclass(frozen=True, slots=True)
class FrameKey:
    """A frame (``source`` and its address's key) and ``content``, which changes when its file does."""

    source: str
    address: str
    content: str

    @property
    def content_before_samples(self) -> str:
        """The content as versions wrote it that knew files by size and time alone."""
        return " ".join(":".join(file.split(":")[:2]) for file in self.content.split(" "))

    @property
    def contents(self) -> tuple[str, str]:
        """How this version and earlier ones wrote the content."""
        return self.content, self.content_before_samples


class FrameKeys:
    """Keys of frames, from their files. Frames of one file that follow each other cost one look at it."""

    def __init__(self, known_by: KnownBy = KnownBy.SAMPLE) -> None:
        self._known_by = known_by
        self._last: tuple[list[Path], str] | None = None

    def of(self, ref: FrameRef) -> FrameKey:
        """The frame's key. A file that cannot be seen has a content of its own and raises nothing."""
        files = files_of(ref)
        if self._last is None or self._last[0] != files:
            self._last = (files, " ".join(self._content(file) for file in files))
        return FrameKey(ref.source, ref.address.key, self._last[1])

    def _content(self, path: Path) -> str:
        try:
            if self._known_by is KnownBy.TIME:
                return _size_and_time(path.stat())
            # A pipe that somebody put there must not hold the run.
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
            with open(os.open(path, flags), "rb", buffering=0) as file:  # noqa: PTH123 (a descriptor)
                if self._known_by is KnownBy.BYTES:
                    return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
                status = os.fstat(file.fileno())
                return f"{_size_and_time(status)}:{_sampled(file, status.st_size)}"
        except OSError:
            return MISSING


def _size_and_time(status: os.stat_result) -> str:
    return f"{status.st_size}:{status.st_mtime_ns}"


def _sampled(file: io.FileIO, size: int) -> str:
    digest = hashlib.sha256()
    count = min(2 + size // BYTES_A_SAMPLE, MOST_SAMPLES)
    for number in range(count):
        file.seek(max(0, size - SAMPLE_BYTES) * number // (count - 1))
        digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()[:16]
