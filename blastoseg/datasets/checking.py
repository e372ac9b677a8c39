"""Everything that is wrong with a labelled data set, with its files."""

import hashlib
from collections.abc import Callable

import cv2
import numpy as np

from blastoseg.datasets.annotation import CaseError, Problem, ProblemKind
from blastoseg.datasets.dataset import Case, LabelledDataset
from blastoseg.files import natural_key
from blastoseg.records import Image, Labels, Mask
from blastoseg.tissues import BLASTOCOEL, FOREGROUND, ICM, TE, ZP

OUTSIDE_SHARE = 0.05
"""Share of the ICM that may lie beyond the hull of the other tissues."""
CONTACT_REACH = 5
"""Side in pixels of the square by which the ICM is widened to see what it touches."""


def check_dataset(
    dataset: LabelledDataset, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Problem]:
    """Read every case and list what is wrong, by file in natural order; an empty list for sound data.

    ``progress`` is told the number of cases that are done, and of all.
    """
    problems = list(dataset.problems)
    pictures: dict[bytes, str] = {}
    seen: set[int] = set()
    readable = 0
    for done, case in enumerate(dataset.cases, 1):
        try:
            image, annotation = case.read_with_annotation()
        except CaseError as error:
            problems.append(error.as_problem())
        else:
            readable += 1
            first = pictures.setdefault(_digest(image), case.image_file)
            if first != case.image_file:
                what = f"shows the same picture as {first}: remove one of them"
                problems.append(Problem(case.image_file, ProblemKind.DUPLICATE, what))
            problems.extend(_overlaps(case, annotation.overlaps))
            problems.extend(_labels_problems(case, annotation.labels))
            seen.update(int(value) for value in np.unique(annotation.labels))
        progress(done, len(dataset.cases))
    problems.extend(_missing_tissues(seen) if readable else _no_case(dataset))
    return sorted(problems, key=lambda problem: (natural_key(problem.file), problem.kind, problem.message))


def _digest(image: Image) -> bytes:
    digest = hashlib.sha256(f"{image.shape} {image.dtype}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.digest()


def _overlaps(case: Case, overlaps: tuple[str, ...]) -> list[Problem]:
    advice = "draw the border between them again"
    return [Problem(case.annotation_file, ProblemKind.OVERLAP, f"{words}: {advice}") for words in overlaps]


def _labels_problems(case: Case, labels: Labels) -> list[Problem]:
    if not labels.any():
        what = "labels no tissue at all: label it, or remove it"
        return [Problem(case.annotation_file, ProblemKind.EMPTY, what)]
    what = _icm_outside(labels)
    return [Problem(case.annotation_file, ProblemKind.ICM_OUTSIDE, what)] if what else []


def _icm_outside(labels: Labels) -> str:
    """What is wrong with the place of the ICM; empty where it lies on the cavity, inside the rest."""
    icm = labels == ICM.label
    if not icm.any():
        return ""
    around = np.isin(labels, (BLASTOCOEL.label, TE.label, ZP.label))
    beyond = np.count_nonzero(icm & ~_hull(around)) / np.count_nonzero(icm)
    if beyond > OUTSIDE_SHARE:
        return f"{beyond:.0%} of the ICM lies outside the embryo: check which outline is which"
    near = cv2.dilate(icm.astype(np.uint8), np.ones((CONTACT_REACH, CONTACT_REACH), np.uint8)) != 0
    if not np.isin(labels[near], (BLASTOCOEL.label, TE.label)).any():
        return "the ICM touches neither the cavity nor the trophectoderm: check which outline is which"
    return ""


def _hull(mask: Mask) -> Mask:
    points = cv2.findNonZero(mask.astype(np.uint8))
    if points is None:
        return np.zeros(mask.shape, bool)
    filled = cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), cv2.convexHull(points), 1)
    return np.asarray(filled != 0)


def _missing_tissues(seen: set[int]) -> list[Problem]:
    return [
        Problem(".", ProblemKind.MISSING_TISSUE, f"no image has any {tissue.name}: nothing can learn it")
        for tissue in FOREGROUND
        if tissue.label not in seen
    ]


def _no_case(dataset: LabelledDataset) -> list[Problem]:
    what = f"no image with usable labels (read as {dataset.layout})"
    return [Problem(".", ProblemKind.EMPTY, what)]
