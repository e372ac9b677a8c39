"""A gap in the zona needs evidence: one false gap is a false "breached"."""

import numpy as np
from numpy.typing import NDArray

from blastoseg.anatomy.outline import ANGLES, PixelsAround, ZonaOutline, pixels_around
from blastoseg.anatomy.polar import Field, Present, radius_at, squared_distances
from blastoseg.records import Labels
from blastoseg.tissues import BACKGROUND, BLASTOCOEL, ICM, TE, ZP

SURE_BACKGROUND = 0.9
"""Mean probability of background across a gap from which the network is sure that no zona is there."""
OUTSIDE_SHARE = 0.03
"""Tissue this far beyond the zona's outline, as a share of its radius, has left through the gap."""
BESIDE_GAP = 3
"""Steps on either side of a gap where tissue that has left through it may stand as well."""
RIM_PX = 1.5
"""A zona too thin to be seen beside the trophectoderm is drawn this thick."""


def close_doubtful_gaps(work: Labels, outline: ZonaOutline, background: Field) -> None:
    """Fill the zona's gaps of which there is no evidence, in place, between its two closed outlines.

    Evidence is tissue outside the zona at the gap, or a stretch that is surely background. ``background`` is
    the probability that a pixel is no tissue, of the shape of ``work``.
    """
    if outline.seen.all():
        return
    steps = _stretches(~outline.seen)
    pixels = _pixels_at(np.concatenate(steps), work, outline)
    labels, sure = work.take(pixels.places), background.take(pixels.places)
    outer, inner = radius_at(pixels.bearing, outline.smooth), radius_at(pixels.bearing, outline.inner)
    tissue = (labels == ICM.label) | (labels == BLASTOCOEL.label) | (labels == TE.label)
    outside = tissue & (pixels.radius > outer + OUTSIDE_SHARE * float(outline.smooth.mean()))
    between = (pixels.radius <= outer) & (pixels.radius >= np.minimum(inner, outer - RIM_PX))
    for gap in steps:
        if np.any(outside & _widened(gap, BESIDE_GAP)[pixels.direction]):
            continue
        across = between & _widened(gap, 1)[pixels.direction]
        empty = across & (labels == BACKGROUND.label)
        if empty.any() and float(sure[empty].mean()) > SURE_BACKGROUND:
            continue
        rim = across & (pixels.radius > outer - RIM_PX) & (labels == TE.label)
        labels[empty | rim] = ZP.label
    work.put(pixels.places, labels)


def _pixels_at(gaps: NDArray[np.int64], work: Labels, outline: ZonaOutline) -> PixelsAround:
    """The pixels beside gaps that may be closed, or be tissue that has left through one."""
    squared = squared_distances(outline.centre, work.shape)
    inmost = min(float(outline.inner.min()), float(outline.smooth.min()) - RIM_PX)
    outmost = float(outline.smooth.max())
    near = (squared > max(0.0, inmost - 1) ** 2) & ((work > 0) | (squared < (outmost + 1) ** 2))
    pixels = pixels_around(outline.centre, near, squared)
    return pixels.where(_widened(gaps, BESIDE_GAP)[pixels.direction])


def _widened(steps: NDArray[np.int64], by: int) -> Present:
    """A mask of all steps of the circle that are at most so many off those given."""
    widened = np.zeros(ANGLES, np.bool_)
    for shift in range(-by, by + 1):
        widened[(steps + shift) % ANGLES] = True
    return widened


def _stretches(mask: Present) -> list[NDArray[np.int64]]:
    """The runs of a circular mask, each as its steps; a run across the start goes on past the end."""
    if mask.all():
        return [np.arange(len(mask))]
    first = int(np.flatnonzero(~mask)[0])
    steps = np.flatnonzero(np.roll(mask, -first)) + first
    return np.split(steps, np.flatnonzero(np.diff(steps) > 1) + 1) if steps.size else []
