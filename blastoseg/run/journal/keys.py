"""What makes a result reusable: the same frame, scored with the same weights, settings and stages."""

import hashlib
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class FrameKey:
    """A frame (``source`` and its address's key) and ``content``, which changes when its file does."""

    source: str
    address: str
    content: str


class FrameKeys:
    """Keys of frames, from their files' sizes and times; no pixel is read.

    ``with_content`` hashes the files instead, for shares whose times cannot be trusted. Frames of one file
    that follow each other cost one look at it.
    """

    def __init__(self, with_content: bool = False) -> None:
        self._with_content = with_content
        self._last: tuple[list[Path], str] | None = None

    def of(self, ref: FrameRef) -> FrameKey:
        """The frame's key. A file that cannot be seen has a content of its own and raises nothing."""
        files = files_of(ref)
        if self._last is None or self._last[0] != files:
            self._last = (files, " ".join(self._content(file) for file in files))
        return FrameKey(ref.source, ref.address.key, self._last[1])

    def _content(self, path: Path) -> str:
        try:
            if self._with_content:
                with path.open("rb") as file:
                    return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
            status = path.stat()
        except OSError:
            return MISSING
        return f"{status.st_size}:{status.st_mtime_ns}"
