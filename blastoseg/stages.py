"""Stages 1 to 6 for one frame, and for a label image alone. No threads, no files."""

import hashlib
import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from blastoseg import anatomy, measure, model, quality, sources
from blastoseg.anatomy import clean_labels
from blastoseg.columns import Measures, add_micrometres
from blastoseg.errors import BlastosegError
from blastoseg.measure import measure_labels
from blastoseg.model import locating
from blastoseg.model.locating import (
    WORKING_SIDE,
    crop_embryo,
    fit_square,
    locate_embryo,
    place_labels,
    resample_labels,
    resample_probabilities,
)
from blastoseg.quality import (
    FrameFindings,
    LabelFindings,
    Verdict,
    assess_frame,
    assess_labels,
    border_contact,
    judge_image,
    judge_size,
    tissue_confidence,
    tissue_sharpness,
)
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
from blastoseg.sources.addresses import WholeImage

log = logging.getLogger(__name__)

REVISIONS = {
    "sources": sources.REVISION,
    "locating": locating.REVISION,
    "segmenting": model.REVISION,
    "anatomy": anatomy.REVISION,
    "measure": measure.REVISION,
    "quality": quality.REVISION,
}
"""What a result depends on besides pixels, weights and settings: one made under others is not reused."""


def stages_in_words(engine: str) -> str:
    """The revisions of all stages as a result carries them, with the engine of the networks' passes.

    Torch is not named: ledgers hold results of before there was another.
    """
    stages = ", ".join(f"{stage} {revision}" for stage, revision in REVISIONS.items())
    return stages if engine == "torch" else f"{stages}, engine {engine}"


def frame_in_memory(image: Image, embryo_id: str, source: str, um_per_px: float = math.nan) -> Frame:
    """A frame of an image ``(y, x)`` that is read already, the only one of its embryo."""
    ref = FrameRef(
        embryo_id=embryo_id,
        source=source,
        path=Path(source),
        frame_index=0,
        address=WholeImage(),
        um_per_px=um_per_px,
    )
    return Frame(ref, image)


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


def crop_frames(frames: list[Frame], networks: Networks, side: int) -> list[Segmented]:
    """Locate the embryos of a batch, and cut out what a segmenter with this input is to see of each frame."""
    if not frames:
        return []
    squares, fits = zip(*(fit_square(frame.image, networks.locator_side) for frame in frames), strict=True)
    maps = networks.locate_batch(list(squares))
    threshold = networks.locator_threshold
    locations = [locate_embryo(map_, fit, threshold) for map_, fit in zip(maps, fits, strict=True)]
    return [
        Segmented(
            frame,
            location,
            None if location.box is None else crop_embryo(frame.image, location.box, side),
        )
        for frame, location in zip(frames, locations, strict=True)
    ]


def segment_frames(frames: list[Frame], networks: Networks) -> list[Segmented]:
    """Locate and segment a batch: the locator sees the whole frames, the segmenter one crop of each."""
    cropped = crop_frames(frames, networks, networks.input_side)
    crops = [one.crop for one in cropped if one.crop is not None]
    answers = iter(networks.segment_batch(crops) if crops else ())
    return [
        one
        if one.location.box is None
        else replace(one, segmentation=Segmentation(next(answers), one.location.box))
        for one in cropped
    ]


def measure_frame(
    segmented: Segmented, thresholds: Quality, um_per_px: float, um_per_px_source: str
) -> tuple[Labels | None, FrameResult]:
    """Clean, measure and judge one frame: its labels ``(y, x)``, None without an embryo, and its row."""
    labels, result = measure_in_pixels(segmented, thresholds)
    return labels, with_pixel_size(result, thresholds, um_per_px, um_per_px_source)


def measure_in_pixels(segmented: Segmented, thresholds: Quality) -> tuple[Labels | None, FrameResult]:
    """As ``measure_frame``, as far as the frame's pixels alone tell: ``with_pixel_size`` adds the rest."""
    shape = segmented.frame.image.shape
    labels: Labels | None = None
    found = LabelFindings({}, set())
    image_quality = judge_image(segmented.frame.image, np.zeros(shape, bool))
    confidence: dict[str, float] = {}
    sharpness: dict[str, float] = {}
    if segmented.segmentation is not None and segmented.crop is not None:
        crop_labels, labels = label_frame(segmented.segmentation, shape)
        found = _findings_of(labels)
        probabilities = segmented.segmentation.probabilities
        at_input = resample_labels(crop_labels, probabilities.shape[1])
        confidence = tissue_confidence(probabilities, at_input)
        image_quality = judge_image(segmented.crop, at_input > 0)
        sharpness = tissue_sharpness(segmented.crop, at_input)
    frame = FrameFindings(segmented.location, image_quality, confidence, segmented.frame.damage)
    verdict = assess_frame(found, frame, thresholds)
    result = _result(segmented.frame.ref, verdict, {**found.measures, **confidence, **sharpness})
    result.pixels = digest_of(segmented.frame.image)
    return labels, result


def measure_label_image(
    ref: FrameRef, labels: Labels, thresholds: Quality, um_per_px: float, um_per_px_source: str
) -> FrameResult:
    """The row of labels ``(y, x)`` alone: measured and judged as those that a run makes."""
    found = _findings_of(labels)
    result = _result(ref, assess_labels(found, thresholds), found.measures)
    return with_pixel_size(result, thresholds, um_per_px, um_per_px_source)


def with_pixel_size(
    result: FrameResult, thresholds: Quality, um_per_px: float, um_per_px_source: str
) -> FrameResult:
    """A result in pixels with its measures in micrometres too, and what the pixel size says of the frame."""
    if result.status is Status.FAILED:
        return result
    measures = add_micrometres(result.measures, um_per_px)
    verdict = judge_size(Verdict(result.status, result.flags, result.reason), measures, thresholds, um_per_px)
    return replace(
        result,
        status=verdict.status,
        flags=verdict.flags,
        reason=verdict.reason,
        um_per_px=um_per_px,
        um_per_px_source=um_per_px_source,
        measures=measures,
    )


def digest_of(image: Image) -> str:
    """What tells an image's pixels from any others, whatever file they lie in."""
    digest = hashlib.sha256(f"{image.dtype} {image.shape}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()[:32]


def _findings_of(labels: Labels) -> LabelFindings:
    return LabelFindings(measure_labels(labels), border_contact(labels))


def _result(ref: FrameRef, verdict: Verdict, measures: Measures) -> FrameResult:
    """The row of a frame that was judged, in pixels: what is excluded has no measures."""
    return FrameResult(
        ref,
        status=verdict.status,
        flags=verdict.flags,
        reason=verdict.reason,
        measures={} if verdict.status is Status.EXCLUDED else measures,
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
            problem = type(error).__name__
    return None, failed_frame(ref, f"unexpected error while measuring: {problem}, twice: see run.log")


def label_crop(probabilities: Probabilities) -> Labels:
    """Anatomically clean labels ``(y, x)`` of a crop, at its probabilities' size."""
    return clean_labels(probabilities)


def label_frame(segmentation: Segmentation, frame_shape: tuple[int, ...]) -> tuple[Labels, Labels]:
    """Anatomically clean labels, as a crop and placed in the frame's own geometry ``(y, x)``."""
    side = min(segmentation.box.side, WORKING_SIDE)
    probabilities: Probabilities = resample_probabilities(segmentation.probabilities, side)
    crop_labels = label_crop(probabilities)
    height, width = frame_shape
    return crop_labels, place_labels(crop_labels, segmentation.box, (height, width))


def failed_frame(ref: FrameRef, reason: str, flags: tuple[Flag, ...] = ()) -> FrameResult:
    """The row of a frame that could not be read or processed."""
    return FrameResult(ref, Status.FAILED, flags, reason)
