"""A gap in the zona needs evidence: one false gap is a false "breached"."""

import numpy as np
from numpy.typing import NDArray

from blastoseg.anatomy.components import holds
from blastoseg.anatomy.outline import ANGLES, PixelsAround, ZonaOutline, pixels_around
from blastoseg.anatomy.polar import Field, Present, radius_at, squared_distances
from blastoseg.records import Labels
from blastoseg.tissues import BACKGROUND, BLASTOCYST_LABELS, TE, ZP

SURE_BACKGROUND = 0.9
"""Mean probability of background across a gap from which the network is sure that no zona is there."""
OUTSIDE_SHARE = 0.03
"""Tissue this far beyond the zona's outline, as a share of its radius, has left through the gap."""
BESIDE_GAP = 3
"""Steps on either side of a gap where tissue that has left through it may stand as well."""
LEAST_OUTSIDE = 0.01
"""Less tissue outside the zona than this share of the blastocyst has not left it: it is debris beside it."""
RIM_PX = 1.5
"""A zona too thin to be seen beside the trophectoderm is drawn this thick."""


def close_doubtful_gaps(work: Labels, outline: ZonaOutline, background: Field) -> None:
    """Fill the zona's gaps of which there is no evidence, in place, between its two closed outlines.

    Evidence is enough tissue outside the zona, some of it at the gap, or a stretch that is surely background.
    What stands outside a gap that is filled belongs to no embryo. ``background`` is the probability that a
    pixel is no tissue, of the shape of ``work``.
    """
    if outline.seen.all():
        return
    pixels = _pixels_at(np.flatnonzero(~outline.seen), work, outline)
    labels, sure = work.take(pixels.places), background.take(pixels.places)
    outer, inner = radius_at(pixels.bearing, outline.smooth), radius_at(pixels.bearing, outline.inner)
    outside = holds(labels, BLASTOCYST_LABELS) & _is_beyond(pixels, outline)
    has_left = bool(outside.any()) and _share_outside(work, outline) >= LEAST_OUTSIDE
    between = (pixels.radius <= outer) & (pixels.radius >= np.minimum(inner, outer - RIM_PX))
    for gap in _stretches(~outline.seen):
        at_gap = outside & _widened(gap, BESIDE_GAP)[pixels.direction]
        if has_left and at_gap.any():
            continue
        across = between & _widened(gap, 1)[pixels.direction]
        empty = across & (labels == BACKGROUND.label)
        if empty.any() and float(sure[empty].mean()) > SURE_BACKGROUND:
            continue
        rim = across & (pixels.radius > outer - RIM_PX) & (labels == TE.label)
        labels[at_gap] = BACKGROUND.label
        labels[empty | rim] = ZP.label
    work.put(pixels.places, labels)


def _share_outside(work: Labels, outline: ZonaOutline) -> float:
    """The share of all that lies within a zona, by its label, which lies outside this one."""
    tissue = holds(work, BLASTOCYST_LABELS)
    squared = squared_distances(outline.centre, work.shape)
    far = pixels_around(outline.centre, tissue & (squared > float(outline.smooth.min()) ** 2))
    return float(np.count_nonzero(_is_beyond(far, outline)) / np.count_nonzero(tissue))


def _is_beyond(pixels: PixelsAround, outline: ZonaOutline) -> NDArray[np.bool_]:
    least = radius_at(pixels.bearing, outline.smooth) + OUTSIDE_SHARE * float(outline.smooth.mean())
    return pixels.radius > least


def _pixels_at(gaps: NDArray[np.int64], work: Labels, outline: ZonaOutline) -> PixelsAround:
    """The pixels beside gaps that may be closed, or be tissue that has left through one."""
    squared = squared_distances(outline.centre, work.shape)
    inmost = min(float(outline.inner.min()), float(outline.smooth.min()) - RIM_PX)
    outmost = float(outline.smooth.max())
    near = (squared > max(0.0, inmost - 1) ** 2) & ((work > 0) | (squared < (outmost + 1) ** 2))
    pixels = pixels_around(outline.centre, near)
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
