"""The zona's two outlines, closed across its gaps and independent of where the blastocyst lies in it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blastoseg.anatomy.polar import (
    Centre,
    Present,
    Radii,
    close_radii,
    is_ring,
    radius_at,
    ring_centre,
    ring_points,
    ring_radii,
    shorten,
)
from blastoseg.measure.geometry import Field, Outline, Points, signed_area, smooth_outline
from blastoseg.records import Mask

ANGLES = 720
CORNER_PX = 2.0
LEAST_ANGLES = 8


@dataclass(frozen=True, slots=True)
class ClosedZona:
    """Inner and outer outline, star-shaped about ``centre`` (x, y), at ``ANGLES`` steps from the x axis.

    ``present`` says where zona was found; elsewhere the radii are what an ellipse-like curve through
    the rest gives. ``inner_outline`` is the smooth outline for normals.
    """

    centre: Centre
    inner: Radii
    outer: Radii
    present: Present
    inner_outline: Outline

    def inner_points(self) -> Points:
        """The inner outline as a closed polygon."""
        return ring_points(self.inner, self.centre)

    def middle_points(self) -> Points:
        """The line half-way between the two outlines as a closed polygon."""
        return ring_points((self.inner + self.outer) / 2, self.centre)

    def radius_towards(self, points: Points, radii: Radii) -> Radii:
        """The value of ``inner``, ``outer`` or any such curve in the direction of points ``(n, 2)``."""
        bearing = np.arctan2(points[:, 1] - self.centre[1], points[:, 0] - self.centre[0])
        return radius_at(bearing, radii)

    def encloses(self, point: Centre) -> bool:
        """Whether a point (x, y) lies within the inner outline."""
        radius = self.radius_towards(np.array([point]), self.inner)[0]
        return bool(math.hypot(point[0] - self.centre[0], point[1] - self.centre[1]) < radius)

    def near_gap(self) -> Present:
        """The directions in which there is no zona, or will be none within one thickness of it."""
        thickness = float((self.outer - self.inner)[self.present].mean())
        return ~shorten(self.present, thickness / float(self.inner.mean()))


@dataclass(frozen=True, slots=True)
class Zona:
    """A zona without specks: its mask, the mask blurred, and the outer contours of its components."""

    mask: Mask
    soft: Field
    contours: list[Points]


def close_zona(zona: Zona, blastocyst_centre: Centre | None) -> ClosedZona | None:
    """The outlines of a zona, closed across its gaps; None if there is too little of it.

    The radii are the first entry into and the last exit from the zona as seen from its own centre or, if it
    spans less than half of the circle, from the blastocyst's. Across gaps they follow an ellipse-like
    curve (``polar.close_radii``).
    """
    for centre in (ring_centre(zona.mask), blastocyst_centre):
        if centre is None:
            continue
        inner, outer, present = ring_radii(zona.soft, zona.mask, centre, ANGLES)
        is_last = centre is blastocyst_centre or blastocyst_centre is None
        if present.any() and (is_last or is_ring(inner, outer, present)):
            return _closed(centre, inner, outer, present)
    return None


def _closed(centre: Centre, inner: Radii, outer: Radii, present: Present) -> ClosedZona | None:
    # The rounded corners at a gap's ends say nothing about where the outlines run.
    certain = shorten(present, CORNER_PX / max(float(inner[present].mean()), 1.0))
    if np.count_nonzero(certain) < LEAST_ANGLES:
        return None
    inner, outer = close_radii(inner, certain), close_radii(outer, certain)
    return ClosedZona(
        centre=centre,
        inner=inner,
        outer=outer,
        present=certain,
        inner_outline=smooth_outline(ring_points(inner, centre)),
    )


def radii_about(points: Points, centre: Centre, angles: NDArray[np.float64]) -> Radii:
    """Radius of a star-shaped closed polygon at given angles (radians) about a centre inside it."""
    x, y = points[:, 0] - centre[0], points[:, 1] - centre[1]
    own = np.arctan2(y, x)
    order = np.argsort(own)
    return np.interp(angles, own[order], np.hypot(x, y)[order], period=2 * math.pi)


def polygon_centroid(points: Points) -> Centre:
    """Centroid (x, y) of a closed polygon's area."""
    x, y = points[:, 0], points[:, 1]
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    cross = x * next_y - next_x * y
    scale = 6 * signed_area(points)
    return float(np.sum((x + next_x) * cross) / scale), float(np.sum((y + next_y) * cross) / scale)
