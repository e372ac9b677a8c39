"""Hostile files that lead on: those that reach code which none before them reached are changed further.

Coverage is told by the interpreter's own tracing, of the lines of blastoseg and of the decoders that are
written in Python. What lies in C is not seen.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from .fuzz import hostile_file
from .mutation import mutant

WATCHED = ("blastoseg", "tifffile", "PIL", "safetensors")
MOST_KEPT = 300
"""Files a door: the oldest give way, their successors are among the others."""
FROM_KEPT = 0.6
"""Share of the files that are made from those that led on; the others come from the corpus."""


class Explorer:
    """The files of each door that reached new lines, in the life of one process."""

    def __init__(self) -> None:
        self._kept: dict[str, list[tuple[bytes, str]]] = defaultdict(list)
        self._reached: set[tuple[CodeType, int]] = set()
        origins = [spec.origin for spec in map(find_spec, WATCHED) if spec and spec.origin]
        self._folders = tuple(str(Path(origin).parent) for origin in origins)
        self._is_watched: dict[CodeType, bool] = {}

    @property
    def lines(self) -> int:
        """How many lines were reached."""
        return len(self._reached)

    @property
    def kept(self) -> int:
        """How many files lead on."""
        return sum(map(len, self._kept.values()))

    def file(self, door: str, seed: int) -> tuple[bytes, str]:
        """The next file of a door, and its suffix: it depends on the files before it too."""
        chance = random.Random(seed)
        kept = self._kept[door]
        if not kept or chance.random() > FROM_KEPT:
            return hostile_file(door, seed)
        data, suffix = chance.choice(kept)
        kin = [other for other, its_suffix in kept if its_suffix == suffix]
        return mutant(seed, [data, data, *kin[-10:]]), suffix

    @contextmanager
    def watching(self, door: str, data: bytes, suffix: str) -> Iterator[None]:
        """Keeps the file where the block reaches lines that none reached before."""
        before = len(self._reached)
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(None)
            if len(self._reached) > before:
                kept = self._kept[door]
                kept.append((data, suffix))
                del kept[:-MOST_KEPT]

    def _enter(self, frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        if code not in self._is_watched:
            self._is_watched[code] = code.co_filename.startswith(self._folders)
        return self._step if self._is_watched[code] else None

    def _step(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self._reached.add((frame.f_code, frame.f_lineno))
        return self._step
