"""What a model is held against: labelled images, or drawn ones with their true measures."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from blastoseg.columns import Measures
from blastoseg.records import Image, Labels
from blastoseg.simulate import View, draw_frame

HELD_BACK_OFFSET = 2_000_000_000
"""Drawings from this number on are neither trained on nor used to watch a training."""
SIMULATED_SIDE = 500
SIMULATED_FILL = (0.55, 0.95)
"""Widest extent of an embryo over the frame: diameters then spread about as those of real blastocysts do."""


@dataclass(frozen=True, slots=True)
class EvaluationCase:
    """One image with its reference labels, both ``(y, x)`` of one shape.

    ``truth`` holds true measures in pixels by column name where the image was drawn, and ``is_blastocyst``
    says what was drawn (None: judged by the reference labels). ``um_per_px`` is NaN where it is not known.
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


def simulated_cases(count: int, preset: str, seed: int) -> Iterator[CaseReader]:
    """``count`` drawings of a preset's optics; each depends on preset, seed and its number only."""
    for number in range(count):
        yield partial(draw_case, number, preset, seed)


def draw_case(number: int, preset: str, seed: int) -> EvaluationCase:
    """One drawing: every second a whole incubator frame, the others a closer view, both with neighbours.

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


def dataset_cases(path: Path, split: str | None) -> list[CaseReader]:
    """A reader for each case of a labelled data set, or of one of its lists.

    Raises the data set's own errors, and DataError for an unknown list.
    """
    from blastoseg.datasets import open_dataset  # noqa: PLC0415

    dataset = open_dataset(path)
    return [partial(_read_labelled, case) for case in dataset.cases]


def _read_labelled(case: Any) -> EvaluationCase:
    labelled = case.read()
    return EvaluationCase(case.name, case.group, labelled.image, labelled.labels)
