"""A lab's frames without labels, read and cut as a run does it; their pixels stay in memory."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from blastoseg.errors import DataError, UnreadableFrameError
from blastoseg.model.card import ListCard
from blastoseg.model.segmenter import Segmenter
from blastoseg.records import Frame, FrameRef, Image
from blastoseg.settings import Naming
from blastoseg.sources import IsolatedReaders, SourceOptions, discover_frames
from blastoseg.stages import crop_frames
from blastoseg.training.recipe import Job
from blastoseg.training.recipe_unlabelled import Unlabelled
from blastoseg.wording import counted


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
    options = SourceOptions(Naming())
    found = discover_frames(paths, options)
    refs = _some_of(found.refs, job.unlabelled or Unlabelled())
    told = [problem.reason for problem in found.problems]
    crops: list[Image] = []
    embryos: set[str] = set()
    digest = hashlib.sha256()
    with IsolatedReaders(options, 1) as readers:
        frames = _read_all(refs, readers, told)
        while batch := list(islice(frames, segmenter.batch_size)):
            for one in crop_frames(batch, segmenter, job.input_size):
                if one.crop is not None:
                    crops.append(_as_bytes(one.crop))
                    embryos.add(one.frame.ref.embryo_id)
                    digest.update(np.ascontiguousarray(crops[-1]).data)
    empty = len(refs) + len(found.problems) - len(told) - len(crops)
    if empty:
        told.append(f"{counted(empty, 'frame')} in which no embryo was found")
    for reason in told:
        tell(f"left out: {reason}")
    if not crops:
        raise DataError(
            f"{paths[0]}: in none of {counted(len(refs), 'frame')} was an embryo found: look at them with "
            " blastoseg run"
        )
    chosen = f", chosen from {len(found.refs):,}" if len(refs) < len(found.refs) else ""
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


def _some_of(refs: list[FrameRef], settings: Unlabelled) -> list[FrameRef]:
    """At most ``max_frames`` of the frames, chosen by the seed, in their order."""
    if len(refs) <= settings.max_frames:
        return refs
    chosen = np.random.default_rng(settings.seed).choice(len(refs), settings.max_frames, replace=False)
    return [refs[index] for index in sorted(chosen)]


def _read_all(refs: list[FrameRef], readers: IsolatedReaders, told: list[str]) -> Iterator[Frame]:
    for ref in refs:
        try:
            yield readers.read(ref)
        except UnreadableFrameError as error:
            told.append(str(error))
