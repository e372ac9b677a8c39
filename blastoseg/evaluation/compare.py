"""Cases through the stages of ``blastoseg run``, each held against its reference. Streamed."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from blastoseg import columns
from blastoseg.columns import Measures
from blastoseg.evaluation.boundary import BoundaryDistance, tissue_boundaries
from blastoseg.evaluation.calibration import crop_reliability
from blastoseg.evaluation.cases import CaseReader, EvaluationCase
from blastoseg.evaluation.displacement import Displacement, displacement_of
from blastoseg.evaluation.overlap import case_jaccard, mean_known, tissue_confusion
from blastoseg.measure import measure_labels
from blastoseg.quality import border_contact, is_blastocyst, is_cut_off
from blastoseg.records import FrameResult, Labels, Status
from blastoseg.settings import Settings
from blastoseg.stages import Networks, Segmented, frame_in_memory, measure_frame, segment_frames, try_twice
from blastoseg.training.metrics import Counts
from blastoseg.training.reliability import Reliability

SavePictures = Callable[[EvaluationCase, Labels, FrameResult, float], str]
"""Stores a case's pictures, given its predicted labels, result and mean Jaccard; returns the file."""


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """A prediction held against its reference.

    ``counts``: confusion counts over the whole frame; where no embryo was found all of it is background.
    ``displacement``: how far the reference lies beside the embryo.
    ``reference``: the measures of the reference labels; ``truth``: those of a synthetic image, else None;
    both with the pixel size of ``result``. ``is_cut_off``: the blastocyst reaches the
    frame's border. ``reliability`` covers the crop's pixels, ``embryo_reliability`` those that are embryo.
    """

    name: str
    group: str
    result: FrameResult
    counts: Counts
    displacement: Displacement
    boundaries: dict[str, BoundaryDistance]
    reference: Measures
    truth: Measures | None
    is_blastocyst: bool
    is_cut_off: bool
    reliability: Reliability
    embryo_reliability: Reliability
    overlay_file: str = ""

    @property
    def jaccard(self) -> float:
        """Mean Jaccard over the tissues that are in either map, background included."""
        return mean_known(case_jaccard(self.counts))

    @property
    def is_trusted(self) -> bool:
        """Whether the report shows numbers and asks nobody to look at them."""
        return self.result.status is Status.OK


@dataclass(frozen=True, slots=True)
class ComparisonPlan:
    """How cases are compared: the model, the lab's settings, and where pictures go."""

    networks: Networks
    settings: Settings
    save: SavePictures
    um_per_px: float | None = None
    workers: int = 2

    def pixel_size(self, case: EvaluationCase) -> tuple[float, str]:
        """um/px of a case and where it comes from."""
        return self.settings.pixel_size.known(self.um_per_px, case.um_per_px)


def compare_cases(readers: Iterable[CaseReader], plan: ComparisonPlan) -> Iterator[CaseOutcome]:
    """One outcome a case, in order; a batch of cases, and the next one, are in memory at a time.

    A case that cannot be read ends the evaluation with the reader's error.
    """
    remaining = iter(readers)
    size = plan.networks.batch_size
    with ThreadPoolExecutor(plan.workers) as reading, ThreadPoolExecutor(plan.workers) as comparing:

        def read_batch() -> list[Future[EvaluationCase]]:
            return [reading.submit(read) for read in islice(remaining, size)]

        ahead = read_batch()
        try:
            while ahead:
                cases = [future.result() for future in ahead]
                ahead = read_batch()
                frames = [
                    frame_in_memory(case.image, case.group or case.name, case.name, um_per_px=case.um_per_px)
                    for case in cases
                ]
                segmented = segment_frames(frames, plan.networks)
                pairs = zip(cases, segmented, strict=True)
                yield from comparing.map(lambda pair: compare_case(pair[0], pair[1], plan), pairs)
        finally:
            for future in ahead:
                future.cancel()


def compare_case(case: EvaluationCase, segmented: Segmented, plan: ComparisonPlan) -> CaseOutcome:
    """Clean, measure and judge one prediction as a run does, and hold it against the reference."""
    um_per_px, source = plan.pixel_size(case)
    labels, result = try_twice(
        segmented.frame.ref,
        lambda: measure_frame(segmented, plan.settings.quality, um_per_px, source),
    )
    predicted = np.zeros_like(case.labels) if labels is None else labels
    reference = measure_labels(case.labels)
    segmentation = segmented.segmentation
    reliability = (Reliability.empty(), Reliability.empty())
    if segmentation is not None:
        reliability = crop_reliability(segmentation.probabilities, segmentation.box, case.labels)
    counts = tissue_confusion(case.labels, predicted)
    outcome = CaseOutcome(
        name=case.name,
        group=case.group,
        result=result,
        counts=counts,
        displacement=displacement_of(case.labels, predicted, mean_known(case_jaccard(counts))),
        boundaries=tissue_boundaries(case.labels, predicted),
        reference=columns.add_micrometres(reference, um_per_px),
        truth=None if case.truth is None else columns.add_micrometres(case.truth, um_per_px),
        is_blastocyst=_is_blastocyst(case, reference, plan.settings),
        is_cut_off=is_cut_off(border_contact(case.labels)),
        reliability=reliability[0],
        embryo_reliability=reliability[1],
    )
    return replace(outcome, overlay_file=plan.save(case, predicted, result, outcome.jaccard))


def _is_blastocyst(case: EvaluationCase, reference: Measures, settings: Settings) -> bool:
    if case.is_blastocyst is not None:
        return case.is_blastocyst
    return is_blastocyst(reference, settings.quality)
