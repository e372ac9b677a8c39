"""Stages 1 to 6 for one frame: located, segmented, cleaned, measured, judged. No threads, no files."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from blastoseg import columns
from blastoseg.anatomy import clean_labels
from blastoseg.errors import BlastosegError
from blastoseg.measure import measure_labels
from blastoseg.model.locating import (
    WORKING_SIDE,
    crop_embryo,
    fit_square,
    locate_embryo,
    place_labels,
    resample_labels,
    resample_probabilities,
)
from blastoseg.quality import Findings, assess_frame, border_contact, judge_image, tissue_confidence
from blastoseg.records import (
    Flag,
    Frame,
    FrameRef,
    FrameResult,
    Image,
    Labels,
    Location,
    Probabilities,
    Segmentation,
    Status,
)
from blastoseg.settings import Quality

log = logging.getLogger(__name__)

UNMEASURED: dict[str, float | int | bool | None] = {
    column.name: float("nan") if column.dtype == "float" else None
    for column in columns.MEASURE_COLUMNS + columns.CONFIDENCE_COLUMNS
}
"""The measures of a frame in which there is nothing to measure."""


class Networks(Protocol):
    """What the stages need of ``model.segmenter.Segmenter``."""

    locator_side: int
    locator_threshold: float
    input_side: int
    batch_size: int

    def locate_batch(self, squares: list[Image]) -> np.ndarray[Any, Any]: ...

    def segment_batch(self, crops: list[Image]) -> np.ndarray[Any, Any]: ...

    def side_by_side(self) -> AbstractContextManager[int]: ...


@dataclass(frozen=True, slots=True)
class Segmented:
    """A frame between the network and the measuring; without a segmentation where no embryo was found."""

    frame: Frame
    location: Location
    crop: Image | None = None
    segmentation: Segmentation | None = None


def segment_frames(frames: list[Frame], networks: Networks) -> list[Segmented]:
    """Locate and segment a batch: two passes of small networks, one a frame, one a crop."""
    if not frames:
        return []
    squares, fits = zip(*(fit_square(frame.image, networks.locator_side) for frame in frames), strict=True)
    maps = networks.locate_batch(list(squares))
    threshold = networks.locator_threshold
    locations = [locate_embryo(map_, fit, threshold) for map_, fit in zip(maps, fits, strict=True)]
    crops = {
        index: crop_embryo(frames[index].image, location.box, networks.input_side)
        for index, location in enumerate(locations)
        if location.box is not None
    }
    answers = dict(zip(crops, networks.segment_batch(list(crops.values())), strict=True)) if crops else {}
    return [
        Segmented(
            frame,
            location,
            crops.get(index),
            Segmentation(answers[index], location.box) if location.box is not None else None,
        )
        for index, (frame, location) in enumerate(zip(frames, locations, strict=True))
    ]


def measure_frame(
    segmented: Segmented, thresholds: Quality, um_per_px: float, um_per_px_source: str
) -> tuple[Labels | None, FrameResult]:
    """Clean, measure and judge one frame: its labels ``(y, x)``, None without an embryo, and its row."""
    ref = segmented.frame.ref
    measures = dict(UNMEASURED)
    border: set[int] = set()
    labels: Labels | None = None
    image_quality = judge_image(segmented.frame.image, np.zeros(segmented.frame.image.shape, bool))
    if segmented.segmentation is not None and segmented.crop is not None:
        crop_labels, labels = label_frame(segmented.segmentation, segmented.frame.image.shape)
        measures |= columns.calibrate(measure_labels(labels), um_per_px)
        probabilities = segmented.segmentation.probabilities
        at_input = resample_labels(crop_labels, probabilities.shape[1])
        measures |= tissue_confidence(probabilities, at_input)
        image_quality = judge_image(segmented.crop, at_input > 0)
        border = border_contact(labels)
    verdict = assess_frame(
        Findings(segmented.location, image_quality, border, measures, um_per_px), thresholds
    )
    if verdict.status is Status.EXCLUDED:
        measures = dict(UNMEASURED)
    return labels, FrameResult(
        ref, verdict.status, verdict.flags, verdict.reason, um_per_px, um_per_px_source, measures
    )


def try_twice(
    ref: FrameRef, work: Callable[[], tuple[Labels | None, FrameResult]]
) -> tuple[Labels | None, FrameResult]:
    """What ``work`` gives for a frame. An unexpected error, twice, becomes a ``failed`` result, no labels."""
    problem = ""
    for _ in range(2):
        try:
            return work()
        except BlastosegError:
            raise
        except Exception as error:
            log.exception("unexpected error while measuring %s", ref.source)
            problem = repr(error)
    return None, failed_frame(ref, f"unexpected error while measuring: {problem}, twice: see run.log")


def label_frame(segmentation: Segmentation, frame_shape: tuple[int, ...]) -> tuple[Labels, Labels]:
    """Anatomically clean labels, as a crop and placed in the frame's own geometry ``(y, x)``."""
    side = min(segmentation.box.side, WORKING_SIDE)
    probabilities: Probabilities = resample_probabilities(segmentation.probabilities, side)
    crop_labels = clean_labels(probabilities)
    height, width = frame_shape
    return crop_labels, place_labels(crop_labels, segmentation.box, (height, width))


def failed_frame(ref: FrameRef, reason: str, flags: tuple[Flag, ...] = ()) -> FrameResult:
    """The row of a frame that could not be read or processed."""
    return FrameResult(ref, Status.FAILED, flags, reason, measures=dict(UNMEASURED))


def measure_label_image(
    ref: FrameRef, labels: Labels, um_per_px: float, um_per_px_source: str
) -> FrameResult:
    """The row of labels ``(y, x)`` that no network made: ``excluded`` where they are all background."""
    result = FrameResult(ref, Status.OK, (), "", um_per_px, um_per_px_source, dict(UNMEASURED))
    if not labels.any():
        result.status, result.flags = Status.EXCLUDED, (Flag.NO_EMBRYO,)
        result.reason = "the label image is all background"
        return result
    result.measures |= columns.calibrate(measure_labels(labels), um_per_px)
    flags = {
        Flag.HATCHING: bool(result.measures["zp_is_breached"]),
        Flag.UNCALIBRATED: bool(np.isnan(um_per_px)),
    }
    result.flags = tuple(flag for flag, is_raised in flags.items() if is_raised)
    return result
