"""Labels, measures and verdicts of a device, held against those of the CPU in float32."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from blastoseg.bench.run import BenchPlan
from blastoseg.model.card import load_card
from blastoseg.model.segmenter import Segmenter
from blastoseg.records import Frame, FrameResult, Labels
from blastoseg.settings import Settings
from blastoseg.stages import measure_in_pixels, segment_frames


@dataclass(frozen=True)
class Agreement:
    """A precision of the device beside float32 on the CPU, over the same frames.

    ``labels_equal`` is a share of all pixels; ``least_jaccard`` that of the frame and tissue differing most.
    ``measures_off`` is the largest difference of a measure over its value, ``measure`` which that is;
    ``measures_undefined`` counts those that the device alone leaves undefined.
    """

    precision: str
    frames: int
    labels_equal: float
    least_jaccard: float
    verdicts_differ: int
    measure: str
    measures_off: float
    measures_undefined: int


def agreements(plan: BenchPlan, device: str, frames: list[Frame]) -> Iterator[Agreement]:
    """Both precisions of the device, each frame's labels and row beside the CPU's."""
    card = load_card(plan.weights)
    expected = _measured(Segmenter(card, "cpu", flips=plan.flips), frames)
    precisions: tuple[Literal["float32", "bfloat16"], ...] = ("float32", "bfloat16")
    for precision in precisions:
        found = _measured(
            Segmenter(card, device, plan.batch_size, precision=precision, flips=plan.flips), frames
        )
        equal, jaccards, off, undefined = [], [1.0], {"none": 0.0}, 0
        for (labels, one), (labels_there, there) in zip(expected, found, strict=True):
            equal.append(float((labels == labels_there).mean()))
            for tissue in np.setdiff1d(np.union1d(labels, labels_there), [0]):
                is_here, is_there = labels == tissue, labels_there == tissue
                jaccards.append(float((is_here & is_there).sum() / (is_here | is_there).sum()))
            for name, value in one.measures.items():
                if not (isinstance(value, float) and np.isfinite(value) and value):
                    continue
                other = there.measures.get(name)
                if isinstance(other, float) and np.isfinite(other):
                    off[name] = max(off.get(name, 0.0), abs(other - value) / abs(value))
                else:
                    undefined += 1
        worst = max(off, key=lambda name: off[name])
        yield Agreement(
            precision=precision,
            frames=len(frames),
            labels_equal=float(np.mean(equal)),
            least_jaccard=min(jaccards),
            verdicts_differ=sum(
                one[1].status != there[1].status for one, there in zip(expected, found, strict=True)
            ),
            measure=worst,
            measures_off=off[worst],
            measures_undefined=undefined,
        )


def _measured(networks: Segmenter, frames: list[Frame]) -> list[tuple[Labels, FrameResult]]:
    """Labels (all background where no embryo was found) and row of each frame."""
    measured = [measure_in_pixels(one, Settings().quality) for one in segment_frames(frames, networks)]
    empty = [np.zeros(frame.image.shape, np.uint8) for frame in frames]
    return [
        (none if labels is None else labels, row) for none, (labels, row) in zip(empty, measured, strict=True)
    ]
