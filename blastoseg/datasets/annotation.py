"""What an annotation says of one image, whatever tool wrote it, and what can be wrong with it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np

from blastoseg.errors import DataError
from blastoseg.records import Labels, Mask
from blastoseg.tissues import BLASTOCOEL, ICM, TE, ZP, Tissue

PAINTING_ORDER = (ZP, TE, BLASTOCOEL, ICM)
"""From the outside in: where two tissues are drawn over each other, the inner one is what is seen."""

CROSSING_SHARE = 0.05
"""Nested outlines contain each other or keep apart, up to this share of the smaller: more is a crossing."""
SHARED_SHARE = 0.01
"""Separate masks exclude each other, up to this share of the smaller one and the line where they meet."""
LINE_PX = 3
"""Masks that meet may share a line less than this many pixels broad: the outline both were filled from."""


class ProblemKind(StrEnum):
    """What can be wrong with labelled data; the words are shown to the user."""

    MISSING_IMAGE = "missing image"
    MISSING_MASK = "missing mask"
    SIZE_MISMATCH = "size mismatch"
    UNKNOWN_VALUE = "unknown value"
    OVERLAP = "overlapping tissues"
    ICM_OUTSIDE = "ICM outside the embryo"
    EMPTY = "no tissue"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    MISSING_TISSUE = "missing tissue"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a file of the data set (``.`` is the whole of it), and what to do."""

    file: str
    kind: ProblemKind
    message: str


class CaseError(DataError):
    """One case cannot be used. The message begins with the file, which is ``file`` relative to the data."""

    def __init__(self, kind: ProblemKind, file: str, what: str) -> None:
        super().__init__(f"{file}: {what}")
        self.kind = kind
        self.file = file
        self.what = what

    def as_problem(self) -> Problem:
        return Problem(self.file, self.kind, self.what)

    def __reduce__(self) -> tuple[type["CaseError"], tuple[ProblemKind, str, str]]:
        # Loader processes send errors to their parent.
        return type(self), (self.kind, self.file, self.what)


@dataclass(frozen=True, slots=True)
class Annotation:
    """Labels ``(y, x)`` and the tissues that were drawn over each other, in words, where they should not."""

    labels: Labels
    overlaps: tuple[str, ...] = field(default=())


AnnotationReader = Callable[[tuple[int, int]], Annotation]
"""Reads the annotation of an image of the given height and width; CaseError for anything that is wrong."""


@dataclass(frozen=True, slots=True)
class FoundCase:
    """An image and its annotation, found by a layout; both ``_file`` are relative to the data."""

    name: str
    image_file: str
    image_path: Path
    annotation_file: str
    read_annotation: AnnotationReader


def paint(masks: Iterable[tuple[Tissue, Mask]], shape: tuple[int, int], are_nested: bool) -> Annotation:
    """Paint masks ``(y, x)`` from the outside in: zona, trophectoderm, blastocoel, inner cell mass.

    Masks of one tissue are joined. ``are_nested``: an outline may contain those further in, as when the
    trophectoderm is drawn by its outer border only; otherwise tissues must exclude each other.
    """
    joined: dict[int, Mask] = {}
    for tissue, mask in masks:
        # One after the other: hundreds of drawn shapes must not be in memory at once.
        joined[tissue.label] = joined[tissue.label] | mask if tissue.label in joined else mask
    labels = np.zeros(shape, np.uint8)
    drawn = [(tissue, joined[tissue.label]) for tissue in PAINTING_ORDER if tissue.label in joined]
    for tissue, mask in drawn:
        labels[mask] = tissue.label
    overlaps = [
        words
        for position, (outer, outer_mask) in enumerate(drawn)
        for inner, inner_mask in drawn[position + 1 :]
        if (words := _overlap((outer, outer_mask), (inner, inner_mask), are_nested))
    ]
    return Annotation(labels, tuple(overlaps))


def _overlap(outer: tuple[Tissue, Mask], inner: tuple[Tissue, Mask], are_nested: bool) -> str:
    smaller = min(np.count_nonzero(outer[1]), np.count_nonzero(inner[1]))
    shared = np.count_nonzero(outer[1] & inner[1])
    beyond = np.count_nonzero(inner[1]) - shared
    names = f"{outer[0].name} and {inner[0].name}"
    if not are_nested and shared > SHARED_SHARE * smaller:
        line = np.ones((LINE_PX, LINE_PX), np.uint8)
        broad = cv2.morphologyEx((outer[1] & inner[1]).astype(np.uint8), cv2.MORPH_OPEN, line)
        if np.count_nonzero(broad) > SHARED_SHARE * smaller:
            return f"{names} share {shared:,} pixels"
    if are_nested and min(shared, beyond) > CROSSING_SHARE * smaller:
        return f"the outlines of {names} cross: {shared:,} pixels are in both"
    return ""
