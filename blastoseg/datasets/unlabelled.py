"""Frames without labels, found and read as a run does it, one after another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Frame, FrameRef
from blastoseg.settings import Naming
from blastoseg.sources import IsolatedReaders, SourceOptions, discover_frames

OPTIONS = SourceOptions(Naming())


@dataclass(slots=True)
class UnlabelledSet:
    """The frames that were chosen, of how many; ``left_out`` says of what could not be read why not."""

    refs: list[FrameRef]
    found: int
    left_out: list[str] = field(default_factory=list)

    def read(self) -> Iterator[Frame]:
        """Every frame that can be read; what cannot joins ``left_out``."""
        with IsolatedReaders(OPTIONS, 1) as readers:
            for ref in self.refs:
                try:
                    frame = readers.read(ref)
                except UnreadableFrameError as error:
                    self.left_out.append(str(error))
                    continue
                yield frame


def find_unlabelled(paths: Sequence[Path], most: int, seed: int) -> UnlabelledSet:
    """At most ``most`` of the frames below the paths, chosen by ``seed``, in their order.

    Raises InputNotFoundError for a path that is missing or holds no frames.
    """
    found = discover_frames(paths, OPTIONS)
    refs = found.refs
    if len(refs) > most:
        chosen = np.random.default_rng(seed).choice(len(refs), most, replace=False)
        refs = [refs[index] for index in sorted(chosen)]
    return UnlabelledSet(refs, len(found.refs), [problem.reason for problem in found.problems])
