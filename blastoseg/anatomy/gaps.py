"""A gap in the zona needs evidence: one false gap is a false "breached"."""

import math

import numpy as np
from numpy.typing import NDArray

from blastoseg.anatomy.outline import ANGLES, ZonaOutline
from blastoseg.anatomy.polar import Field, Present, radius_at
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
    height, width = work.shape
    x = np.arange(width, dtype=np.float32)[None] - np.float32(outline.centre[0])
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32(outline.centre[1])
    radius = np.hypot(x, y)
    bearing = np.arctan2(y, x)
    direction = np.round(bearing * (ANGLES / (2 * math.pi))).astype(np.int64) % ANGLES
    outer, inner = radius_at(bearing, outline.smooth), radius_at(bearing, outline.inner)
    tissue = (work == ICM.label) | (work == BLASTOCOEL.label) | (work == TE.label)
    outside = tissue & (radius > outer + OUTSIDE_SHARE * float(outline.smooth.mean()))
    between = (radius <= outer) & (radius >= np.minimum(inner, outer - RIM_PX))
    for gap in _stretches(~outline.seen):
        wide = np.zeros(ANGLES, np.bool_)
        wide[(np.arange(gap[0] - BESIDE_GAP, gap[-1] + BESIDE_GAP + 1)) % ANGLES] = True
        if np.any(outside & wide[direction]):
            continue
        here = np.zeros(ANGLES, np.bool_)
        here[np.arange(gap[0] - 1, gap[-1] + 2) % ANGLES] = True
        across = between & here[direction]
        empty = across & (work == BACKGROUND.label)
        if empty.any() and float(background[empty].mean()) > SURE_BACKGROUND:
            continue
        rim = across & (radius > outer - RIM_PX) & (work == TE.label)
        work[empty | rim] = ZP.label


def _stretches(mask: Present) -> list[NDArray[np.int64]]:
    """The runs of a circular mask, each as its steps; a run across the start goes on past the end."""
    if mask.all():
        return [np.arange(len(mask))]
    first = int(np.flatnonzero(~mask)[0])
    steps = np.flatnonzero(np.roll(mask, -first)) + first
    return np.split(steps, np.flatnonzero(np.diff(steps) > 1) + 1) if steps.size else []
