"""A ring seen from its centre: its radii by angle, closed and smoothed. For cleaning and measuring the zona.

Angles run from the x axis, clockwise on the screen (y points down); centres are ``(x, y)`` in px.
"""

import math
import warnings
from functools import lru_cache
from typing import cast

import cv2
import numpy as np
import skimage
from numpy.typing import NDArray

from blastoseg.records import Mask

Radii = NDArray[np.float64]
Present = NDArray[np.bool_]
Centre = tuple[float, float]
Field = NDArray[np.float32]
Indices = NDArray[np.int64]

RIDGE = 0.01
LEAST_PIXELS = 16
LEAST_COVERAGE = 0.5
"""Below this share of the circle a ring's own centre is not certain."""

CIRCLE_POINTS, CIRCLE_TRIALS = 500, 200
CIRCLE_TOLERANCE = 0.04
"""How far a pixel on a circle may lie off it, as a share of the mask's extent."""

OUTLINE_STEPS = ((2, 0.04), (3, 0.025), (5, 0.015), (6, 0.01), (6, 0.01))
"""Order of the curve through the zona's outer radii, and the deviation (share of the radius) that it heeds:
from a wide ellipse to the embryo's own form, so that a bulge never draws the curve to itself."""

LEAST_BORE = 0.6
"""A ring's inner over its outer radius; below it, the circle was fitted to a short arc's own width."""


@lru_cache(8)
def ring_angles(count: int) -> NDArray[np.float64]:
    """``count`` equal steps of the full circle, in radians; one array for all, not to be written to."""
    angles = np.arange(count, dtype=np.float64) * (2 * math.pi / count)
    angles.flags.writeable = False
    return angles


def ring_points(radii: Radii, centre: Centre) -> NDArray[np.float64]:
    """The closed polygon ``(n, 2)`` of ``(x, y)`` with radii at equal steps of the circle about a centre."""
    angles = ring_angles(len(radii))
    return np.stack([centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)], axis=1)


def radius_at(bearings: NDArray[np.floating], radii: Radii) -> Radii:
    """Radii given at equal steps of the circle, interpolated at bearings in radians, a turn off at most."""
    twice = np.concatenate([radii, radii, radii[:2]])
    steps = np.asarray(bearings, np.float64) * (len(radii) / (2 * math.pi)) + len(radii)
    before = steps.astype(np.intp)
    steps -= before
    first = twice[before]
    before += 1
    found: Radii = first + (twice[before] - first) * steps
    return found


def ring_centre(ring: Mask) -> Centre | None:
    """Centre of the circle through a ring's pixels (Kasa 1976), with or without gaps; None for too few.

    For an arc shorter than half of the circle it is uncertain.
    """
    moments = cv2.moments(ring.view(np.uint8), binaryImage=True)
    if moments["m00"] < LEAST_PIXELS:
        return None
    system = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]])
    if np.linalg.cond(system) > 1e6:
        return None
    third = [moments["mu30"] + moments["mu12"], moments["mu21"] + moments["mu03"]]
    shift_x, shift_y = np.linalg.solve(system, third) / 2
    x, y = moments["m10"] / moments["m00"] + shift_x, moments["m01"] / moments["m00"] + shift_y
    height, width = ring.shape
    return (float(x), float(y)) if 0 <= x < width and 0 <= y < height else None


def main_circle(ring: Mask) -> tuple[Centre, float] | None:
    """Centre and radius of the circle on which most of a mask lies (RANSAC), whatever else the mask holds.

    The answer to a mask is always the same. None for too few pixels, or where no circle is found.
    """
    y, x = np.nonzero(ring)
    if y.size < LEAST_PIXELS:
        return None
    points = np.stack([x, y], axis=1).astype(np.float64)[:: max(1, y.size // CIRCLE_POINTS)]
    extent = float(np.ptp(points, axis=0).max())
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No inliers found")  # None says it
        model, _ = skimage.measure.ransac(  # type: ignore[no-untyped-call]
            points,
            skimage.measure.CircleModel,
            min_samples=3,
            residual_threshold=CIRCLE_TOLERANCE * extent,
            is_model_valid=lambda circle, *_: 0.1 * extent < circle.radius < extent,
            max_trials=CIRCLE_TRIALS,
            rng=0,
        )
    if model is None:
        return None
    return (float(model.center[0]), float(model.center[1])), float(model.radius)


def share_of_radius(circle: tuple[Centre, float], shape: tuple[int, ...]) -> Radii:
    """Every pixel's distance from a circle's centre over its radius, ``(y, x)``: 1 on the circle."""
    (centre_x, centre_y), radius = circle
    x, y = np.arange(shape[1])[None], np.arange(shape[0])[:, None]
    return cast(Radii, np.hypot(x - centre_x, y - centre_y) / radius)


def squared_distances(centre: Centre, shape: tuple[int, ...]) -> Field:
    """The square of every pixel's distance from a centre, ``(y, x)``."""
    x = np.arange(shape[1], dtype=np.float32)[None] - np.float32(centre[0])
    y = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(centre[1])
    return x * x + y * y


def ring_radii(soft: Field, ring: Mask, centre: Centre, count: int) -> tuple[Radii, Radii, Present]:
    """First entry into and last exit from a ring by angle, and at which angles there is any.

    ``soft`` is the ring, a mask that is not empty, as a field in 0..1 whose 0.5 level is its boundary. The
    radii are interpolated between pixels, and meaningless where ``present`` is False.
    """
    nearest, farthest, _, _ = cv2.minMaxLoc(squared_distances(centre, ring.shape), mask=ring.view(np.uint8))
    begin, end = max(0, math.floor(math.sqrt(nearest)) - 2), math.ceil(math.sqrt(farthest)) + 2
    polar = _polar(soft, centre, count, np.arange(begin, end + 1))
    inside = polar >= 0.5
    rows = np.arange(count)
    first = inside.argmax(axis=1)
    last = polar.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    inner = begin + first - _share(polar, rows, first, np.maximum(first - 1, 0))
    outer = begin + last + _share(polar, rows, last, np.minimum(last + 1, polar.shape[1] - 1))
    present: Present = np.any(inside, axis=1)
    return inner, outer, present


def _polar(field: Field, centre: Centre, count: int, radii: Indices) -> Field:
    """A field by angle and radius: bilinear, 0 beyond its border."""
    angles = ring_angles(count)[:, None]
    x = (np.float32(centre[0]) + radii * np.cos(angles)).astype(np.float32)
    y = (np.float32(centre[1]) + radii * np.sin(angles)).astype(np.float32)
    return cast(Field, cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))


def is_ring(inner: Radii, outer: Radii, present: Present) -> bool:
    """Whether radii seen from a centre are those of half a ring or more, and not of a blob about it."""
    if present.mean() < LEAST_COVERAGE:
        return False
    return bool(np.median(inner[present]) > LEAST_BORE * np.median(outer[present]))


def close_radii(radii: Radii, present: Present) -> Radii:
    """Radii continued across the angles that are not present, unchanged at those that are.

    The gaps follow a second-order Fourier curve, to which a circle and, nearly, an ellipse belong, so that
    they neither cave in nor bulge; what the curve leaves over is interpolated from a gap's two ends.
    """
    if present.all():
        return radii
    angles = ring_angles(len(radii))
    curve = fourier_curve(radii, present.astype(np.float64), 2)
    rest = np.interp(angles, angles[present], (radii - curve)[present], period=2 * math.pi)
    return np.where(present, radii, curve + rest)


def fourier_curve(radii: Radii, weights: NDArray[np.float64], order: int) -> Radii:
    """Weighted least-squares Fourier curve of that order; a slight ridge keeps wide gaps round."""
    basis = _fourier_basis(len(radii), order)
    weighted = basis * weights
    ridge = np.full(len(basis), RIDGE * float(weights.sum()))
    ridge[0] = 0.0
    amplitudes = np.linalg.solve(weighted @ basis.T + np.diag(ridge), weighted @ radii)
    return amplitudes @ basis


@lru_cache(16)
def _fourier_basis(count: int, order: int) -> NDArray[np.float64]:
    harmonics = np.arange(1, order + 1)[:, None] * ring_angles(count)
    return np.concatenate([np.ones((1, count)), np.cos(harmonics), np.sin(harmonics)])


def robust_curve(radii: Radii, present: Present) -> Radii:
    """A smooth curve through the radii that outliers (debris, halo, dents) do not bend (Welsch weights)."""
    typical = float(np.median(radii[present]))
    known = present.astype(np.float64)
    curve = fourier_curve(radii, known, 2)
    for order, share in OUTLINE_STEPS:
        scale = max(1.0, share * typical)
        weights = known * np.exp(-0.5 * ((radii - curve) / scale) ** 2)
        if np.count_nonzero(weights > 0.1) < present.size // 4:
            break
        curve = fourier_curve(radii, weights, order)
    return curve


def curve_along_ellipse(radii: Radii, present: Present) -> Radii:
    """As ``robust_curve``, for a ring so long that its ends would be taken for outliers."""
    centre, axes, turned = cv2.fitEllipse(ring_points(radii, (0.0, 0.0)).astype(np.float32))
    # What makes a circle of radius 1 of the ellipse: rays from the origin meet it at the same multiples.
    cosine, sine = math.cos(math.radians(turned)), math.sin(math.radians(turned))
    to_circle = np.array([[cosine, sine], [-sine, cosine]]) / (np.array(axes)[:, None] / 2)
    rays = to_circle @ ring_points(np.ones(len(radii)), (0.0, 0.0)).T
    start = to_circle @ -np.array(centre)
    squared, along = (rays**2).sum(axis=0), start @ rays
    ellipse = (np.sqrt(along**2 + squared * (1 - start @ start)) - along) / squared
    typical = float(np.median(radii[present]))
    curve: Radii = robust_curve(radii / ellipse * typical, present) / typical * ellipse
    return curve


def shorten(present: Present, angle: float) -> Present:
    """The stretches of a circular mask, shortened by an angle (radians) at either end."""
    if present.all():
        return present
    count = min(math.ceil(angle * len(present) / (2 * math.pi)), len(present) // 4)
    wrapped = np.concatenate([present[-count:], present, present[:count]])
    kernel = np.ones((1, 2 * count + 1), np.uint8)
    shrunk = cv2.erode(wrapped[None].view(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE)[0]
    return cast(Present, shrunk[count:-count].view(np.bool_))


def _share(polar: Field, rows: Indices, within: Indices, beyond: Indices) -> Radii:
    """How far towards ``beyond`` the field falls to 0.5, in 0..1."""
    high, low = polar[rows, within].astype(np.float64), polar[rows, beyond].astype(np.float64)
    share: Radii = np.clip((high - 0.5) / np.maximum(high - low, 1e-6), 0.0, 1.0)
    return share
