"""A lab's labelled images as training samples: found, split, and cut as the pipeline cuts them."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from blastoseg.datasets import (
    SPLIT_NAMES,
    Case,
    list_path,
    open_dataset,
    select_split,
    split_dataset,
    write_split,
)
from blastoseg.errors import DataError, counted
from blastoseg.model.card import ListCard
from blastoseg.model.locating import MARGIN_FRAC, crop_embryo, fit_square
from blastoseg.records import Box, Image, Labels
from blastoseg.tissues import FOREGROUND
from blastoseg.training.recipe_data import LabelledData
from blastoseg.training.sample import Sample, Target

log = logging.getLogger(__name__)

SMALLEST_SIDE = 16


@dataclass(frozen=True, slots=True)
class LabelledSplits:
    """The cases of the three splits, and what the card says of each. ``folder`` is where their files lie."""

    root: Path
    folder: Path
    train: tuple[Case, ...]
    val: tuple[Case, ...]
    test: tuple[Case, ...]
    cards: dict[str, ListCard]


def read_splits(
    path: Path, settings: LabelledData, lists: Path | None, own: Path, tell: Callable[[str], None] = log.info
) -> LabelledSplits:
    """The splits of a labelled data set, every image and mask of them read once.

    They are read from the folder ``lists``, or from the data's own; where the data have none they are made
    with the recipe's seed and written to ``own``. Raises DataError for an empty split, for a file that cannot
    be used, and for a tissue that no training mask shows.
    """
    dataset = open_dataset(path, settings.pairs)
    for problem in dataset.problems:
        log.warning("%s: left out: %s", problem.file, problem.message)
    if dataset.problems:
        tell(f"left out: {counted(len(dataset.problems), 'file')}: see  blastoseg data check {path}")
    folder = lists or dataset.root
    if lists is None and not any((dataset.root / f"{name}.txt").is_file() for name in SPLIT_NAMES):
        folder = own
        if not (own / "train.txt").is_file():
            write_split(split_dataset(dataset, settings.seed, settings.test, settings.val), own)
            tell(f"the data have no splits: made with seed {settings.seed}, in {own}")
    shares = {"train": 1.0, "val": settings.val, "test": settings.test}
    chosen = {
        name: tuple(select_split(dataset, name, folder).cases)
        if share or _names_any(list_path(folder, name))
        else ()
        for name, share in shares.items()
    }
    cards = {}
    for name, cases in chosen.items():
        card, seen = _read_through(cases)
        cards[name] = card
        missing = [tissue.name for tissue in FOREGROUND if tissue.label not in seen]
        if missing and name == "train":
            raise DataError(
                f"{folder / 'train.txt'}: none of its {card.images} masks shows any {' or '.join(missing)}: "
                "nothing can learn it; label it, or check the names and values in the masks"
            )
    return LabelledSplits(
        root=dataset.root,
        folder=folder,
        train=chosen["train"],
        val=chosen["val"],
        test=chosen["test"],
        cards=cards,
    )


def _names_any(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _read_through(cases: tuple[Case, ...]) -> tuple[ListCard, set[int]]:
    """What the card says of a split, and the label values in its masks. Every file is read to its end."""
    seen: set[int] = set()
    digest = hashlib.sha256()
    for case in cases:
        labelled = case.read()
        seen.update(int(value) for value in np.unique(labelled.labels))
        digest.update(f"{case.name}\n{labelled.labels.shape}\n".encode())
        digest.update(np.ascontiguousarray(labelled.image).data)
        digest.update(np.ascontiguousarray(labelled.labels).data)
    groups = len({case.group for case in cases})
    return ListCard(images=len(cases), groups=groups, sha256=digest.hexdigest()), seen


def embryo_box(labels: Labels) -> Box:
    """The square around all labelled tissue with the margin that ``locate_embryo`` leaves.

    The middle of the whole frame where no tissue is labelled.
    """
    rows, columns = np.nonzero(labels)
    if not rows.size:
        height, width = labels.shape
        side = min(height, width)
        return Box((height - side) // 2, (width - side) // 2, side)
    y0, y1, x0, x1 = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    side = max(SMALLEST_SIDE, round(max(y1 - y0, x1 - x0) * (1 + 2 * MARGIN_FRAC)))
    return Box(round((y0 + y1 - side) / 2), round((x0 + x1 - side) / 2), side)


def cut_sample(image: Image, labels: Labels, size: int, target: Target) -> Sample:
    """A labelled frame as a network is given it, with its truth.

    tissues: the crop around the embryo and its labels. embryos: the whole frame in a square, and the masks
    of the labelled embryo and of others (of which labels say nothing: empty).
    """
    if target == "tissues":
        box = embryo_box(labels)
        return Sample(crop_embryo(image, box, size), crop_labels(labels, box, size))
    square, fit = fit_square(image, size)
    masks = np.zeros((size, size, 2), np.uint8)
    inside = fit.inside()
    height, width = masks[inside].shape[:2]
    whole = (labels > 0).astype(np.float32)
    masks[(*inside, 0)] = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA) > 0.5
    return Sample(square, masks)


def crop_labels(labels: Labels, box: Box, size: int) -> Labels:
    """The labels in a box at another side: each pixel takes the tissue that covers most of it."""
    shares = [crop_embryo((labels == value).astype(np.uint8) * 255, box, size) for value in range(5)]
    return np.asarray(np.argmax(shares, axis=0), np.uint8)


def cut_samples(cases: tuple[Case, ...], size: int, target: Target) -> list[Sample]:
    """Every case cut; they stay in memory (two bytes a pixel of the network's input)."""
    samples = []
    for case in cases:
        labelled = case.read()
        samples.append(cut_sample(labelled.image, labelled.labels, size, target))
    return samples
