"""A lab's frames without labels, read and cut as a run does it; their pixels stay in memory."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from blastoseg.datasets import find_unlabelled
from blastoseg.errors import DataError, counted
from blastoseg.model.card import ListCard
from blastoseg.model.segmenter import Segmenter
from blastoseg.records import Image
from blastoseg.stages import crop_frames
from blastoseg.training.recipe import Job
from blastoseg.training.recipe_unlabelled import Unlabelled


@dataclass(frozen=True, slots=True)
class UnlabelledFrames:
    """Crops, all of one side, and what the card says of them."""

    crops: tuple[Image, ...]
    card: ListCard


def read_unlabelled(
    paths: Sequence[Path], job: Job, segmenter: Segmenter, tell: Callable[[str], None]
) -> UnlabelledFrames:
    """The crops around the embryos of the frames below the paths, as the job's network takes them.

    Each frame is let go once it is cut. Frames that cannot be read, or in which the locator finds no embryo,
    are left out, and said to be. Raises InputNotFoundError for a path without frames, DataError where not one
    crop is left.
    """
    settings = job.unlabelled or Unlabelled()
    found = find_unlabelled(paths, settings.max_frames, settings.seed)
    crops: list[Image] = []
    embryos: set[str] = set()
    digest = hashlib.sha256()
    empty = 0
    frames = found.read()
    while batch := list(islice(frames, segmenter.batch_size)):
        for one in crop_frames(batch, segmenter, job.input_size):
            if one.crop is None:
                empty += 1
                continue
            crops.append(_as_bytes(one.crop))
            embryos.add(one.frame.ref.embryo_id)
            digest.update(np.ascontiguousarray(crops[-1]).data)
    for reason in found.left_out:
        tell(f"left out: {reason}")
    if empty:
        tell(f"left out: {counted(empty, 'frame')} in which no embryo was found")
    if not crops:
        raise DataError(
            f"{paths[0]}: in none of {counted(len(found.refs), 'frame')} was an embryo found: look at them "
            "with  blastoseg run"
        )
    chosen = f", chosen from {found.found:,}" if len(found.refs) < found.found else ""
    tell(f"unlabelled: {counted(len(crops), 'frame')} of {counted(len(embryos), 'embryo')}{chosen}")
    return UnlabelledFrames(
        tuple(crops), ListCard(images=len(crops), groups=len(embryos), sha256=digest.hexdigest())
    )


def _as_bytes(crop: Image) -> Image:
    """Sixteen bits as eight, stretched over the crop's own range: the network sees it standardised anyway."""
    if crop.dtype == np.uint8:
        return crop
    low, high = int(crop.min()), int(crop.max())
    return np.asarray((crop.astype(np.float32) - low) * (255 / max(1, high - low)), np.uint8)
