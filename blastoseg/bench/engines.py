"""The engines side by side: the same crops, in turn, each pass on one thread as in a run."""

import time
from statistics import median

import numpy as np

from blastoseg.errors import BlastosegError
from blastoseg.model.averaging import Averaging
from blastoseg.model.card import load_card
from blastoseg.model.engine import OF_ONNX_RUNTIME, choose_engine
from blastoseg.model.segmenter import Segmenter

ROUNDS = 5
CROPS = 8


def time_engines(weights: str, device: str, flips: Averaging) -> tuple[dict[str, float], list[str]]:
    """Processor time of a crop by engine, in ms, torch first, and why others are missing.

    One pass after the other, each on one thread, the engines in turn, so that whatever else the machine does
    falls on all alike; the median of ``ROUNDS``.
    """
    card = load_card(weights)
    segmenters = {"torch": Segmenter(card, device, flips=flips)}
    why: list[str] = []
    for engine in OF_ONNX_RUNTIME:
        try:
            there = segmenters["torch"]
            choose_engine(engine, there.device.type, there.precision, card.has_ranges)
            segmenters[engine] = Segmenter(card, device, flips=flips, engine=engine)
        except BlastosegError as error:
            why.append(str(error))
    side = segmenters["torch"].input_side
    crops = np.random.default_rng(0).integers(0, 256, (CROPS, side, side), np.uint8)
    times: dict[str, list[float]] = {name: [] for name in segmenters}
    with segmenters["torch"].side_by_side():
        for segmenter in segmenters.values():
            segmenter.segment_batch(crops)
        for _ in range(ROUNDS):
            for name, segmenter in segmenters.items():
                started = time.process_time()
                segmenter.segment_batch(crops)
                times[name].append(1000 * (time.process_time() - started) / CROPS)
    return {name: median(taken) for name, taken in times.items()}, why
