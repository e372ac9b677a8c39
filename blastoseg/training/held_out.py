"""Scores and calibration of a segmenter on held-out synthetic or labelled images, for the card."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blastoseg.datasets import Case
from blastoseg.model.segmenter import FloatArray, Segmenter
from blastoseg.records import Labels
from blastoseg.stages import frame_in_memory, label_frame, segment_frames
from blastoseg.tissues import CHANNEL_OF_LABEL, INSIDE_OUT
from blastoseg.training.metrics import Counts, Summary, confusion, summarise
from blastoseg.training.recipe_data import SyntheticData
from blastoseg.training.reliability import Reliability
from blastoseg.training.sample import Sample
from blastoseg.training.synthetic import VALIDATION_OFFSET, synthetic_sample

FIRST_SCORED = VALIDATION_OFFSET + 100_000
FIRST_CALIBRATED = VALIDATION_OFFSET + 200_000
"""Synthetic images for validation, for the scores at the end and for the temperature are different ones."""
PIXEL_STEP = 4
"""Every fourth pixel in either direction is enough to judge probabilities: neighbours say the same."""
TEMPERATURES = np.exp(np.linspace(np.log(0.5), np.log(3.0), 60))


@dataclass(frozen=True, slots=True)
class SyntheticScores:
    """Overlap scores and expected calibration error of one set of synthetic images."""

    summary: Summary
    calibration_error: float


def score_on_synthetic(segmenter: Segmenter, data: SyntheticData, count: int) -> SyntheticScores:
    """Scores on ``count`` synthetic images never trained on, without cleaning of the labels."""
    counts, reliability = [], Reliability.empty()
    for truth, answer in _answers(segmenter, data, range(FIRST_SCORED, FIRST_SCORED + count)):
        prediction = answer.argmax(axis=0)
        counts.append(confusion(truth, prediction, len(INSIDE_OUT)))
        thinned = (slice(None, None, PIXEL_STEP),) * 2
        reliability += Reliability.of(answer.max(axis=0)[thinned], (prediction == truth)[thinned])
    return SyntheticScores(summarise(counts), reliability.expected_calibration_error())


def synthetic_answers(segmenter: Segmenter, data: SyntheticData, count: int) -> Iterator["Answer"]:
    """The answers to ``count`` held-out synthetic images that are for the temperature only."""
    return _answers(segmenter, data, range(FIRST_CALIBRATED, FIRST_CALIBRATED + count))


Answer = tuple[NDArray[np.integer], FloatArray]
"""True class channels ``(y, x)`` and class probabilities ``(class, y, x)`` of one image."""


def temperature_of(answers: Iterable[Answer]) -> float:
    """The temperature, relative to the probabilities' own, with the least cross entropy.

    Temperature scaling: Guo et al. 2017, On Calibration of Modern Neural Networks.
    """
    logits, truths = [], []
    for truth, answer in answers:
        thinned = answer[:, ::PIXEL_STEP, ::PIXEL_STEP]
        logits.append(np.log(np.maximum(thinned, 1e-12)).reshape(len(INSIDE_OUT), -1))
        truths.append(truth[::PIXEL_STEP, ::PIXEL_STEP].ravel())
    pixels, labels = np.concatenate(logits, axis=1), np.concatenate(truths)
    losses = [_cross_entropy(pixels / temperature, labels) for temperature in TEMPERATURES]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 3)


def _cross_entropy(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    shifted = logits - logits.max(axis=0)
    chosen = shifted[labels, np.arange(labels.size)]
    return float((np.log(np.exp(shifted).sum(axis=0)) - chosen).mean())


def _answers(segmenter: Segmenter, data: SyntheticData, numbers: range) -> Iterator[Answer]:
    for start in range(0, len(numbers), segmenter.batch_size):
        batch = numbers[start : start + segmenter.batch_size]
        samples = [synthetic_sample(data, segmenter.input_side, "tissues", number) for number in batch]
        yield from answers_to(samples, segmenter)


def answers_to(samples: Sequence[Sample], segmenter: Segmenter) -> Iterator[Answer]:
    """The segmenter's answers to samples of its input size."""
    channels = np.asarray(CHANNEL_OF_LABEL)
    for start in range(0, len(samples), segmenter.batch_size):
        batch = samples[start : start + segmenter.batch_size]
        answers = segmenter.segment_batch([sample.image for sample in batch])
        for sample, answer in zip(batch, answers, strict=True):
            yield channels[sample.maps], answer


def score_cases(cases: Sequence[Case], segmenter: Segmenter) -> Summary:
    """Scores over whole frames: located, segmented and cleaned as in a run."""
    return summarise([counts for _, counts in label_cases(cases, segmenter)])


def label_cases(cases: Sequence[Case], segmenter: Segmenter) -> Iterator[tuple[Labels, Counts]]:
    """The labels that a run gives each case's frame, and their confusion counts with the reference.

    A frame in which no embryo is found counts as background everywhere.
    """
    channels = np.asarray(CHANNEL_OF_LABEL)
    for start in range(0, len(cases), segmenter.batch_size):
        batch = cases[start : start + segmenter.batch_size]
        labelled = [case.read() for case in batch]
        frames = [
            frame_in_memory(one.image, case.group, case.name)
            for case, one in zip(batch, labelled, strict=True)
        ]
        for one, answer in zip(labelled, segment_frames(frames, segmenter), strict=True):
            predicted = np.zeros_like(one.labels)
            if answer.segmentation is not None:
                _, predicted = label_frame(answer.segmentation, one.image.shape)
            yield predicted, confusion(channels[one.labels], channels[predicted], len(INSIDE_OUT))
