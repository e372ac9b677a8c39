"""The zona's two outlines as closed curves: what is zona, what it encloses, and where it is open."""

import math
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.anatomy.components import drop_specks
from blastoseg.anatomy.polar import (
    Centre,
    Field,
    Indices,
    Present,
    Radii,
    close_radii,
    curve_along_ellipse,
    is_ring,
    main_circle,
    ring_centre,
    ring_points,
    ring_radii,
    robust_curve,
    share_of_radius,
    shorten,
)
from blastoseg.records import Mask

ANGLES = 360
COMPONENT_SHARE = 0.02
"""Components of ICM, zona or blastocyst below this share of the largest are no part of it."""
LEAST_ROUNDNESS = 0.75
"""The least over the largest radius of a zona: below it, something else was taken for zona as well,"""
LEAST_SEEN, LEAST_SOLIDITY = 0.8, 0.985
"""unless it is there in this share of all directions, and its outline fills this share of its convex hull: so
the embryo is long. One that has left its zona in part has a waist (0.95 at most)."""
CIRCLE_BAND = 0.2
"""How far off the main circle a zona's pixels may lie, as a share of the radius."""
OUTLINE_TOLERANCE = 0.008
LEAST_TOLERANCE_PX = 0.75


@dataclass(frozen=True, slots=True)
class ZonaOutline:
    """The zona's radii about its centre, closed across gaps; ``smooth`` is what ``outer`` should be.

    ``present``: where there is zona, the ends beside gaps left out; ``seen``: where there is any at all.
    """

    centre: Centre
    inner: Radii
    outer: Radii
    smooth: Radii
    present: Present
    seen: Present

    def filled(self, shape: tuple[int, int]) -> Mask:
        """What the outline encloses."""
        mask = np.zeros(shape, np.uint8)
        cv2.fillPoly(
            mask, [np.round(ring_points(self.smooth, self.centre) * 16).astype(np.int32)], 1, shift=4
        )
        return mask.view(np.bool_)

    @property
    def tolerance(self) -> float:
        """How far a pixel may lie off the smooth outline, in px."""
        return max(LEAST_TOLERANCE_PX, OUTLINE_TOLERANCE * float(self.smooth.mean()))


@dataclass(frozen=True, slots=True)
class PixelsAround:
    """Pixels seen from a centre: their places in the flat map, bearings in radians, nearest of ``ANGLES``."""

    places: Indices
    radius: Field
    bearing: Field
    direction: Indices

    def where(self, wanted: NDArray[np.bool_]) -> "PixelsAround":
        """Those of the pixels for which ``wanted``, one value a pixel, is true."""
        return PixelsAround(
            self.places[wanted], self.radius[wanted], self.bearing[wanted], self.direction[wanted]
        )


def pixels_around(centre: Centre, mask: Mask) -> PixelsAround:
    """The pixels of a mask as seen from a centre."""
    places = np.flatnonzero(mask)
    rows, columns = np.divmod(places, mask.shape[1])
    x = columns.astype(np.float32) - np.float32(centre[0])
    y = rows.astype(np.float32) - np.float32(centre[1])
    bearing = np.arctan2(y, x)
    direction = np.round(bearing * (ANGLES / (2 * math.pi))).astype(np.int64) % ANGLES
    return PixelsAround(places, np.sqrt(x * x + y * y), bearing, direction)


def find_zona_outline(zona: Mask) -> ZonaOutline | None:
    """None where the zona spans less than half of the circle: its course is then not certain.

    The rim of a half that has left the zona is often taken for zona: then what lies on one circle decides.
    """
    main, _ = drop_specks(zona, COMPONENT_SHARE)
    outline = _outline_through(main, ring_centre(main))
    if outline is None or _is_round(outline):
        return outline
    if _is_long(outline):
        return replace(outline, smooth=curve_along_ellipse(outline.outer, outline.present))
    circle = main_circle(main)
    if circle is None:
        return None
    on_circle = np.abs(share_of_radius(circle, zona.shape) - 1) < CIRCLE_BAND
    outline = _outline_through(main & on_circle, circle[0])
    return outline if outline is not None and _is_round(outline) else None


def _is_round(outline: ZonaOutline) -> bool:
    return bool(outline.smooth.min() >= LEAST_ROUNDNESS * outline.smooth.max())


def _is_long(outline: ZonaOutline) -> bool:
    points = ring_points(outline.outer, outline.centre).astype(np.float32)
    solidity = cv2.contourArea(points) / cv2.contourArea(cv2.convexHull(points))
    return bool(outline.seen.mean() >= LEAST_SEEN and solidity >= LEAST_SOLIDITY)


def _outline_through(main: Mask, centre: Centre | None) -> ZonaOutline | None:
    """The outline of a ring seen from a centre; None where that is no ring."""
    if centre is None:
        return None
    soft = cast(Field, cv2.GaussianBlur(main.astype(np.float32), (5, 5), 0.6))
    inner, outer, present = ring_radii(soft, main, centre, ANGLES)
    if not is_ring(inner, outer, present):
        return None
    certain = shorten(present, 2.0 / max(float(inner[present].mean()), 1.0))
    inner, outer = close_radii(inner, certain), close_radii(outer, certain)
    return ZonaOutline(
        centre=centre,
        inner=inner,
        outer=outer,
        smooth=robust_curve(outer, certain),
        present=certain,
        seen=present,
    )
