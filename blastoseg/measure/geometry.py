"""Regions and sub-pixel outlines of label maps, shared by every measure.

A pixel belongs to a tissue if its centre does; coordinates are those of pixel centres. Points are
``(n, 2)`` arrays of ``(x, y)``, x to the right, y down, as in OpenCV. Counting the pixels of a digitised
outline overstates its length, and its outermost pixels misstate its width by up to a pixel: outlines are
therefore moved to the 0.5 level of the blurred mask and smoothed along their length without shrinking.
"""

import math
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from blastoseg.records import Mask

Points = NDArray[np.float64]
Field = NDArray[np.float32]
Curve = NDArray[np.complex128]

EDGE_BLUR = 1.0
"""Standard deviation, in px, of the blur whose 0.5 level is a region's outline."""
LEAST_POINTS = 360
NORMAL_SMOOTHING, LENGTH_SMOOTHING, CALIPER_SMOOTHING = 0.75, 0.3, 1.5
"""Smoothing along an outline, in units of the square root of its radius: a digitised circle consists of
straight runs of about ``sqrt(2 * radius)`` pixels, and it is those steps that must be evened out. A length
needs little of it, and keeps its corners; a caliper touches but two runs, and needs most."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A closed outline: ``points`` and outward unit ``normals``, ``(n, 2)``, equally spaced.

    ``contact``: the outline as calipers feel it, smoothed over a whole run of the pixel grid.
    """

    points: Points
    normals: Points
    length: float
    contact: Points


def blur(mask: Mask, sigma: float) -> Field:
    """The mask as a soft field in 0..1 whose 0.5 level is the region's boundary."""
    width = 2 * math.ceil(3 * sigma) + 1
    return cast(Field, cv2.GaussianBlur(mask.astype(np.float32), (width, width), sigma))


def trace_contours(mask: Mask, soft: Field, sigma: float) -> list[Points]:
    """Outer contours of every component, one point a border pixel, moved to the blurred mask's 0.5 level.

    ``soft`` is ``blur(mask, sigma)``.

    Near a straight edge the blurred mask is the normal distribution function of the distance to it, so
    that the distance follows from the value at a pixel's centre without any search.
    """
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    refined = []
    for contour in contours:
        x, y = contour[:, 0, 0], contour[:, 0, 1]
        slope_x = (soft[y, x + 1] - soft[y, x - 1]).astype(np.float64)
        slope_y = (soft[y + 1, x] - soft[y - 1, x]).astype(np.float64)
        steepness = np.hypot(slope_x, slope_y)
        inward = np.stack([slope_x, slope_y], axis=1) / np.maximum(steepness, 1e-6)[:, None]
        depth = np.clip(sigma * scipy.special.ndtri(np.clip(soft[y, x], 1e-3, 0.999)), -0.5, 1.0)
        refined.append(contour[:, 0].astype(np.float64) - depth[:, None] * inward)
    return refined


def smooth_outline(points: Points) -> Outline:
    """An equally spaced outline, at least 360 points and one a pixel, from a closed chain of points.

    Smoothed along its length by twicing a Gaussian (Tukey 1977): circles of any practical size keep
    their radius, which a plain Gaussian would shrink.
    """
    curve = points[:, 0] + 1j * points[:, 1]
    count = max(LEAST_POINTS, math.ceil(float(np.abs(_steps(curve)).sum())))
    chain = _resample(curve, scipy.fft.next_fast_len(count))
    area = abs(_signed_area(chain.real, chain.imag))
    run = math.sqrt(math.sqrt(area / math.pi))
    spectrum = scipy.fft.fft(chain)
    frequency = scipy.fft.fftfreq(len(chain), d=float(np.abs(_steps(chain)).mean()))

    def smoothed(share: float) -> Curve:
        gauss = np.exp(-2 * (math.pi * frequency * share * run) ** 2)
        return np.asarray(scipy.fft.ifft(spectrum * (gauss * (2 - gauss))), dtype=np.complex128)

    length = float(np.abs(_steps(smoothed(LENGTH_SMOOTHING))).sum())
    # The tips of an elongated outline are narrower than a circle of its area, and so is their run.
    roundness = min(1.0, circularity(area, length)) if length else 0.0
    calm = smoothed(CALIPER_SMOOTHING * roundness**4)
    # Blur and smoothing together draw a curved outline in by about 1 / radius.
    calm += (calm - calm.mean()) * min(1 / max(run, 1.0) ** 4, 0.002)
    smooth = _resample(smoothed(NORMAL_SMOOTHING), len(chain))
    if _signed_area(smooth.real, smooth.imag) < 0:
        smooth = smooth[::-1]
    tangent = np.roll(smooth, -2) - np.roll(smooth, 2)
    normals = -1j * tangent / np.maximum(np.abs(tangent), 1e-9)
    return Outline(_as_points(smooth), _as_points(normals), length, _as_points(calm))


def trace_outlines(mask: Mask) -> list[Outline]:
    """Smooth outer outlines of every component that has at least four border pixels."""
    return [
        smooth_outline(contour)
        for contour in trace_contours(mask, blur(mask, EDGE_BLUR), EDGE_BLUR)
        if len(contour) >= 4
    ]


def signed_area(points: Points) -> float:
    """Area of a closed polygon (shoelace formula); positive for clockwise order on the screen."""
    return _signed_area(points[:, 0], points[:, 1])


def _signed_area(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    # np.roll and np.diff cost more than the sums of outlines of this size.
    next_x, next_y = np.concatenate([x[1:], x[:1]]), np.concatenate([y[1:], y[:1]])
    return float(0.5 * np.sum(x * next_y - y * next_x))


def caliper_widths(points: Points) -> tuple[float, float]:
    """Largest and smallest caliper width (Feret diameters) of a point set, by its convex hull."""
    # Corners that stand out by a twenty-fifth of a pixel cost time and change nothing.
    hull = cv2.approxPolyDP(cv2.convexHull(points.astype(np.float32)), 0.04, True)[:, 0]
    hull -= hull.mean(axis=0)
    gram = hull @ hull.T
    squares = np.diag(gram)
    longest = math.sqrt(max(0.0, float((squares[:, None] + squares - 2 * gram).max())))
    edges = np.roll(hull, -1, axis=0) - hull
    lengths = np.hypot(edges[:, 0], edges[:, 1])
    if longest < 1e-6 or lengths.min() < 1e-6:
        return math.nan, math.nan
    normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1) / lengths[:, None]
    offsets = hull @ normals.T
    return longest, float((offsets.max(axis=0) - offsets.min(axis=0)).min())


def hull_area(points: Points) -> float:
    """Area of a point set's convex hull."""
    return float(cv2.contourArea(cv2.convexHull(points.astype(np.float32))))


def equivalent_diameter(area: float) -> float:
    """Diameter of the circle of that area."""
    return math.sqrt(4 * area / math.pi)


def circularity(area: float, perimeter: float) -> float:
    """4 pi area / perimeter^2: 1 for a circle."""
    return 4 * math.pi * area / perimeter**2


def centroid(mask: Mask) -> tuple[float, float]:
    """Centroid ``(x, y)`` of a mask that is not empty."""
    # Sums of whole rows and columns are a tenth of the work of all moments.
    columns, rows = (
        cv2.reduce(mask.view(np.uint8), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel().astype(np.int64)
        for axis in (0, 1)
    )
    count = int(columns.sum())
    return int(columns @ np.arange(columns.size)) / count, int(rows @ np.arange(rows.size)) / count


def sample(field: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Values of a field at ``(x, y)``, 2-D arrays of one shape: bilinear if float, nearest if not."""
    interpolation = cv2.INTER_LINEAR if field.dtype.kind == "f" else cv2.INTER_NEAREST
    return cv2.remap(
        field,
        x.astype(np.float32, copy=False),
        y.astype(np.float32, copy=False),
        interpolation,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _as_points(curve: Curve) -> Points:
    return np.ascontiguousarray(curve).view(np.float64).reshape(-1, 2)


def _steps(curve: Curve) -> Curve:
    """From each point of a closed curve to the next."""
    return np.concatenate([curve[1:], curve[:1]]) - curve


def _resample(curve: Curve, count: int) -> Curve:
    """``count`` points at equal distances along a closed curve."""
    position = np.concatenate([[0.0], np.cumsum(np.abs(_steps(curve)))])
    wanted = np.arange(count) * (position[-1] / count)
    return np.asarray(np.interp(wanted, position, np.append(curve, curve[:1])), dtype=np.complex128)
