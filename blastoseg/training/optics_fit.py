"""Which optics of the simulator a lab's frames look like, learnt from synthetic embryos of all optics.

A linear model of the looks (``appearance``) over the optics, fitted to synthetic embryos, is solved for the
optics whose looks are the frames' mean, within the simulator's space, and fitted again around the answer: the
synthetic likelihood of Wood 2010, with a mean that is linear.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from blastoseg.errors import DataError, counted
from blastoseg.model.segmenter import Segmenter
from blastoseg.records import Image
from blastoseg.simulate import View, draw_frame
from blastoseg.simulate.optics_space import (
    AXES,
    DEVIATION,
    LEAST,
    MOST,
    Point,
    any_point,
    at_the_wall,
    optics_at,
    point_near,
    values_at,
)
from blastoseg.stages import label_crop
from blastoseg.training.appearance import appearance_of

Looks = NDArray[np.float64]
"""One row an image: ``appearance_of`` it."""

ROUNDS = ((1200, 1.0), (400, 0.6), (400, 0.45))
"""Embryos drawn in each round, and how far apart their optics are; in the first round they are anything."""
KINDS = {"early": 0.15, "full": 0.35, "expanded": 0.4, "hatching": 0.1}
"""The embryos drawn: those that show all tissues."""
LEAST_FRAMES = 10
TRIMMED = (2, 98)
"""Percentiles of the drawn looks at which looks are cut off: one odd frame moves no mean."""
MODEL_ERROR = 0.15
"""What the simulator gets wrong of any mean, as a share of the looks' deviation."""


def fit_optics(crops: Sequence[Image], segmenter: Segmenter, tell: Callable[[str], None]) -> dict[str, float]:
    """The optics of the frames' mean look: a value for each axis of ``optics_space``.

    The crops are labelled by the segmenter, and so are the synthetic embryos: its mistakes are on both sides.
    Raises DataError where fewer than ten crops show all tissues.
    """
    frames = np.array([looks for looks in _looks(crops, segmenter) if looks is not None])
    if len(frames) < LEAST_FRAMES:
        raise DataError(
            f"in {counted(len(frames), 'unlabelled frame')} of {len(crops)} all tissues are seen: "
            f"{LEAST_FRAMES} are needed to fit optics to; give more, or fitted_share = 0 in the recipe"
        )
    total = sum(count for count, _ in ROUNDS)
    tell(f"fitting optics to {counted(len(frames), 'frame')}: {total:,} synthetic embryos are looked at")
    answer = (LEAST + MOST) / 2
    for number, (count, spread) in enumerate(ROUNDS):
        points, drawn = _drawn(number, count, answer, spread, segmenter=segmenter)
        answer = solve_for_looks(points, drawn, frames, answer, spread=spread)
    values = values_at(answer)
    tell(f"optics: {', '.join(f'{name} {value:.2g}' for name, value in values.items())}")
    if beyond := at_the_wall(answer):
        tell(
            f"the frames have more or less of {', '.join(beyond)} than the simulator can draw: look at what "
            "was gained with  blastoseg evaluate"
        )
    return values


def _looks(crops: Iterable[Image], segmenter: Segmenter) -> Iterator[Looks | None]:
    images = iter(crops)
    while batch := list(islice(images, segmenter.batch_size)):
        for crop, probabilities in zip(batch, segmenter.segment_batch(batch), strict=True):
            yield appearance_of(crop, label_crop(probabilities))


def _drawn(
    number: int, count: int, middle: Point, spread: float, segmenter: Segmenter
) -> tuple[NDArray[np.float64], Looks]:
    """Points of optics and the looks of an embryo drawn by each, where all tissues are seen."""
    points: list[Point] = []

    def embryos() -> Iterator[Image]:
        for index in range(count):
            rng = np.random.default_rng([number, index])
            points.append(point_near(rng, middle, spread) if number else any_point(rng))
            kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
            side = segmenter.input_side
            view = View(side, side, fill=(0.62, 0.92), kind=kind, optics=optics_at(rng, points[-1]))
            yield draw_frame(rng, view).image

    looks = list(_looks(embryos(), segmenter))
    seen = [index for index, one in enumerate(looks) if one is not None]
    return np.array(points)[seen], np.array([looks[index] for index in seen])


def solve_for_looks(
    points: NDArray[np.float64], drawn: Looks, frames: Looks, before: Point, spread: float
) -> Point:
    """The point whose looks, by a linear model of those drawn at ``points``, are the frames' mean ones.

    A prior holds it near ``before``, with ``spread`` of the space's deviation: looks do not tell every axis.
    """
    low, high = np.nanpercentile(drawn, TRIMMED, axis=0)
    middle = np.nanmedian(drawn, axis=0)
    drawn, frames = (np.where(np.isnan(of), middle, np.clip(of, low, high)) for of in (drawn, frames))
    scaled = (points - before) / DEVIATION
    design = np.column_stack([np.ones(len(scaled)), scaled])
    model, *_ = np.linalg.lstsq(design, drawn, rcond=None)
    rest = drawn - design @ model
    noise = np.cov(rest.T) / len(frames) + np.diag((MODEL_ERROR * rest.std(axis=0)) ** 2 + 1e-6)
    whiten = np.linalg.inv(np.linalg.cholesky(noise))
    hold = np.eye(len(AXES)) / spread
    left = np.vstack([whiten @ model[1:].T, hold])
    right = np.concatenate([whiten @ (frames.mean(axis=0) - model[0]), np.zeros(len(AXES))])
    bounds = ((LEAST - before) / DEVIATION - 1e-9, (MOST - before) / DEVIATION + 1e-9)
    moved = lsq_linear(left, right, bounds).x
    return np.asarray(np.clip(before + moved * DEVIATION, LEAST, MOST), np.float64)
