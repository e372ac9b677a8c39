"""Scores of a segmenter on held-back drawings, for the card."""

import numpy as np

from blastoseg.segment import Segmenter
from blastoseg.tissues import CHANNEL_OF_LABEL, INSIDE_OUT
from blastoseg.training.data import VALIDATION_OFFSET, draw_sample
from blastoseg.training.metrics import Summary, confusion, summarise
from blastoseg.training.recipe import Job

FIRST_SCORED = VALIDATION_OFFSET + 100_000
"""The drawings watched during training are others than those scored at the end."""


def score_on_held_back(segmenter: Segmenter, job: Job, count: int) -> Summary:
    """Overlap scores on ``count`` drawings that were never trained on, without cleaning of the labels."""
    counts = []
    channels = np.asarray(CHANNEL_OF_LABEL)
    for start in range(0, count, segmenter.batch_size):
        numbers = range(start, min(count, start + segmenter.batch_size))
        samples = [draw_sample(job.data, job.input_size, "tissues", FIRST_SCORED + n) for n in numbers]
        answers = segmenter.segment_batch([sample.image for sample in samples])
        for sample, answer in zip(samples, answers, strict=True):
            counts.append(confusion(channels[sample.maps], answer.argmax(axis=0), len(INSIDE_OUT)))
    return summarise(counts)
