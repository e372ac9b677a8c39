"""The zona's two outlines, closed across its gaps and independent of where the blastocyst lies in it."""

import math
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.measure.geometry import Field, Outline, Points, blur, signed_area, smooth_outline
from blastoseg.records import Mask

ANGLES = 720
ZONA_BLUR = 0.6
RIDGE = 0.01
CORNER_PX = 2.0
LEAST_COVERAGE = 0.5
"""Below this share of the circle the zona's own centre is not certain: the blastocyst's is used."""

Radii = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClosedZona:
    """Inner and outer outline, star-shaped about ``centre`` (x, y), at ``ANGLES`` steps from the x axis.

    ``present`` says where zona was found; elsewhere the radii are what an ellipse-like curve through
    the rest gives. ``inner_outline`` is the smooth outline for normals.
    """

    centre: tuple[float, float]
    inner: Radii
    outer: Radii
    present: NDArray[np.bool_]
    inner_outline: Outline

    def inner_points(self) -> Points:
        """The inner outline as a closed polygon."""
        return polar_points(self.centre, self.inner)

    def middle_points(self) -> Points:
        """The line half-way between the two outlines as a closed polygon."""
        return polar_points(self.centre, (self.inner + self.outer) / 2)

    def radius_towards(self, points: Points, radii: Radii) -> Radii:
        """The value of ``inner``, ``outer`` or any such curve in the direction of points ``(n, 2)``."""
        bearing = np.arctan2(points[:, 1] - self.centre[1], points[:, 0] - self.centre[0])
        return np.interp(bearing, _angles(), radii, period=2 * math.pi)

    def encloses(self, point: tuple[float, float]) -> bool:
        """Whether a point (x, y) lies within the inner outline."""
        radius = self.radius_towards(np.array([point]), self.inner)[0]
        return bool(math.hypot(point[0] - self.centre[0], point[1] - self.centre[1]) < radius)

    def near_gap(self) -> NDArray[np.bool_]:
        """The directions in which there is no zona, or will be none within one thickness of it."""
        thickness = float((self.outer - self.inner)[self.present].mean())
        return ~_shrink(self.present, thickness / float(self.inner.mean()))


def close_zona(zona: Mask, blastocyst_centre: tuple[float, float] | None) -> ClosedZona | None:
    """The outlines of a zona given as a mask without specks; None if there is too little of it to have any.

    The radii are the first entry into and the last exit from the zona as seen from its own centre, the
    centre of the circle through its pixels (Kasa 1976). Across gaps they follow a second-order Fourier
    curve, to which a circle and, nearly, an ellipse belong, so that a gap neither caves in nor bulges.
    """
    centre = zona_centre(zona, blastocyst_centre)
    if centre is None:
        return None
    inner, outer, present = _polar_radii(zona, centre)
    # The rounded corners at a gap's ends say nothing about where the outlines run.
    certain = (
        _shrink(present, CORNER_PX / max(float(inner[present].mean()), 1.0)) if present.any() else present
    )
    if np.count_nonzero(certain) < 8:
        return None
    inner, outer = _close(inner, certain), _close(outer, certain)
    return ClosedZona(centre, inner, outer, certain, smooth_outline(polar_points(centre, inner)))


def zona_centre(zona: Mask, blastocyst_centre: tuple[float, float] | None) -> tuple[float, float] | None:
    """Centre (x, y) of the circle through the zona's pixels; of the blastocyst if the zona is a short arc."""
    rows, columns = np.nonzero(zona)
    if len(rows) < 16:
        return None
    mean_x, mean_y = columns.mean(), rows.mean()
    x, y = columns - mean_x, rows - mean_y
    squares = x * x + y * y
    system = np.array([[x @ x, x @ y], [x @ y, y @ y]])
    if np.linalg.cond(system) > 1e6:
        return blastocyst_centre
    shift = np.linalg.solve(system, [x @ squares / 2, y @ squares / 2])
    angles = np.arctan2(y - shift[1], x - shift[0])
    occupied = np.unique((angles * (36 / math.pi)).astype(np.int64)).size / 72
    if occupied < LEAST_COVERAGE and blastocyst_centre is not None:
        return blastocyst_centre
    return float(mean_x + shift[0]), float(mean_y + shift[1])


def polar_points(centre: tuple[float, float], radii: Radii) -> Points:
    """Points ``(n, 2)`` at those radii, at equal angles from the x axis, clockwise on the screen."""
    angles = _angles()
    return np.stack([centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)], axis=1)


def radii_about(points: Points, centre: tuple[float, float], angles: NDArray[np.float64]) -> Radii:
    """Radius of a star-shaped closed polygon at given angles (radians) about a centre inside it."""
    x, y = points[:, 0] - centre[0], points[:, 1] - centre[1]
    own = np.arctan2(y, x)
    order = np.argsort(own)
    return np.interp(angles, own[order], np.hypot(x, y)[order], period=2 * math.pi)


def polygon_centroid(points: Points) -> tuple[float, float]:
    """Centroid (x, y) of a closed polygon's area."""
    x, y = points[:, 0], points[:, 1]
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    cross = x * next_y - next_x * y
    scale = 6 * signed_area(points)
    return float(np.sum((x + next_x) * cross) / scale), float(np.sum((y + next_y) * cross) / scale)


def _angles() -> NDArray[np.float64]:
    return np.arange(ANGLES, dtype=np.float64) * (2 * math.pi / ANGLES)


def _polar_radii(zona: Mask, centre: tuple[float, float]) -> tuple[Radii, Radii, NDArray[np.bool_]]:
    height, width = zona.shape
    reach = math.ceil(max(math.hypot(x - centre[0], y - centre[1]) for x in (0, width) for y in (0, height)))
    flags = cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    soft = blur(zona, ZONA_BLUR)
    polar = cast(Field, cv2.warpPolar(soft, (reach + 1, ANGLES), centre, reach + 1, flags))
    inside = cast(NDArray[np.bool_], polar >= 0.5)
    present = inside.any(axis=1)
    rows = np.arange(ANGLES)
    first = inside.argmax(axis=1)
    last = reach - inside[:, ::-1].argmax(axis=1)
    inner = first - _share(polar, rows, first, np.maximum(first - 1, 0))
    outer = last + _share(polar, rows, last, np.minimum(last + 1, reach))
    return inner, outer, present


def _share(polar: Field, rows: Indices, within: Indices, beyond: Indices) -> Radii:
    """How far towards ``beyond`` the field falls to 0.5, in 0..1."""
    high, low = polar[rows, within].astype(np.float64), polar[rows, beyond].astype(np.float64)
    share: Radii = np.clip((high - 0.5) / np.maximum(high - low, 1e-6), 0.0, 1.0)
    return share


def _shrink(present: NDArray[np.bool_], angle: float) -> NDArray[np.bool_]:
    """The stretches of a circular mask, shortened by an angle (radians) at either end."""
    if present.all():
        return present
    count = min(math.ceil(angle * len(present) / (2 * math.pi)), len(present) // 4)
    wrapped = np.concatenate([present[-count:], present, present[:count]])
    kernel = np.ones((1, 2 * count + 1), np.uint8)
    shrunk = cv2.erode(wrapped[None].view(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE)[0]
    return cast(NDArray[np.bool_], shrunk[count:-count].view(np.bool_))


def _close(radii: Radii, present: NDArray[np.bool_]) -> Radii:
    if present.all():
        return radii
    angles = _angles()
    basis = np.stack([np.ones_like(angles), *(f(k * angles) for k in (1, 2) for f in (np.cos, np.sin))])
    known = basis[:, present]
    ridge = RIDGE * np.count_nonzero(present) * np.diag([0.0, 1.0, 1.0, 1.0, 1.0])
    weights = np.linalg.solve(known @ known.T + ridge, known @ radii[present])
    curve = weights @ basis
    rest = np.interp(angles, angles[present], (radii - curve)[present], period=2 * math.pi)
    return np.where(present, radii, curve + rest)
