"""What a model is held against: labelled images, or synthetic ones with their true measures."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from blastoseg.columns import Measures
from blastoseg.datasets import Case, open_dataset, select_split
from blastoseg.errors import counted
from blastoseg.records import Image, Labels
from blastoseg.simulate import View, draw_frame

HELD_BACK_OFFSET = 2_000_000_000
"""Synthetic images from this number on are neither trained on nor used to watch a training."""
SHOWN_PROBLEMS = 5
SIMULATED_SIDE = 500

SIMULATED_FILL = (0.55, 0.95)
"""Widest extent of an embryo over the frame: diameters then spread about as those of real blastocysts do."""


@dataclass(frozen=True, slots=True)
class EvaluationCase:
    """One image with its reference labels, both ``(y, x)`` of one shape.

    ``truth`` holds true measures in pixels by column name of a synthetic image, and ``is_blastocyst``
    says what it shows (None: judged by the reference labels). ``um_per_px`` is NaN where it is not known.
    """

    name: str
    group: str
    image: Image
    labels: Labels
    um_per_px: float = math.nan
    truth: Measures | None = None
    is_blastocyst: bool | None = None


CaseReader = Callable[[], EvaluationCase]
"""Reads or draws one case when it is needed, so that no more than some batches are in memory."""


def draw_case(number: int, preset: str, seed: int) -> EvaluationCase:
    """One synthetic image: every second is a whole frame, the others a closer view, all with neighbours.

    Raises UsageError for an unknown preset.
    """
    rng = np.random.default_rng([seed, HELD_BACK_OFFSET + number])
    view = View(
        height=SIMULATED_SIDE,
        width=SIMULATED_SIDE,
        fill=SIMULATED_FILL,
        scene="field" if number % 2 else "crop",
        preset=preset,
    )
    frame = draw_frame(rng, view)
    return EvaluationCase(
        name=f"{preset}-{seed}-{number:05d}-{frame.kind}",
        group=frame.kind,
        image=frame.image,
        labels=frame.labels,
        truth={**frame.truth},
        is_blastocyst=frame.is_blastocyst,
    )


@dataclass(frozen=True, slots=True)
class CaseSource:
    """Cases to be read, their number, and what there is to say about where they come from."""

    total: int
    readers: Iterator[CaseReader]
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SyntheticCases:
    """Held-out synthetic images: how many, a preset of the optics, a seed."""

    count: int
    preset: str
    seed: int

    def __str__(self) -> str:
        return f"{counted(self.count, 'synthetic image')}, preset {self.preset}, seed {self.seed}"

    def open(self) -> CaseSource:
        """The cases; each depends on preset, seed and its number only."""
        readers = (partial(draw_case, number, self.preset, self.seed) for number in range(self.count))
        return CaseSource(self.count, readers, (("Data", str(self)),))


@dataclass(frozen=True, slots=True)
class LabelledFolder:
    """Labelled images in a folder; ``split`` names one of its lists, which may lie in a folder ``lists``.

    ``pairs`` names the images of each mask, as a recipe does, where the folder has no known layout.
    """

    path: Path
    split: str | None = None
    lists: Path | None = None
    pairs: Mapping[str, Sequence[str]] | None = None

    def __str__(self) -> str:
        return f"{self.path}" + (f", list {self.split}" if self.split else "")

    def open(self) -> CaseSource:
        """The cases, none of them read yet. Raises the data set's errors."""
        dataset = open_dataset(self.path, self.pairs)
        left_out = [f"{problem.file}: {problem.message}" for problem in dataset.problems]
        if self.split is not None:
            dataset = select_split(dataset, self.split, self.lists)
        facts = (
            ("Data", str(self)),
            ("Layout", dataset.layout),
            ("Files left out", f"{len(left_out)}" + "".join(f"; {one}" for one in left_out[:SHOWN_PROBLEMS])),
        )
        readers = (partial(_read_labelled, case) for case in dataset.cases)
        return CaseSource(len(dataset.cases), readers, facts)


def _read_labelled(case: Case) -> EvaluationCase:
    labelled = case.read()
    return EvaluationCase(case.name, case.group, labelled.image, labelled.labels)
