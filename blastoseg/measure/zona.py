"""The zona pellucida: thickness, gaps, and what has left through them."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.anatomy.components import drop_specks
from blastoseg.anatomy.polar import radius_at
from blastoseg.measure.blastocyst import Region
from blastoseg.measure.geometry import (
    Field,
    Points,
    blur,
    centroid,
    trace_contours,
)
from blastoseg.measure.thickness import Distances, exit_distances, thickness_statistics
from blastoseg.measure.zona_outline import (
    ClosedZona,
    Zona,
    close_zona,
    polygon_centroid,
    radii_about,
)
from blastoseg.records import Labels
from blastoseg.tissues import ZP

SPECK_SHARE = 0.01
"""Components of zona below this share of the largest have no part in its outlines and gaps."""
ZONA_BLUR = 0.6
BINS = 3600
SMALLEST_GAP_DEG = 5.0
FACE_PX = 0.75
"""A ray that ends this far short of the closed outer outline beside a gap has left through the gap's face."""
CONTACT_PX = 2.0
"""B reaches a gap if it comes this near to the zona's closed inner outline within the gap."""
PARTED_BINS = 360
LEAST_PARTING_PX = 2.0
LEAST_PARTING_SHARE = 0.04
"""B is parted from the zona where it stays this far from the closed inner outline, in px and in zona radii,
whichever is more: less is a blastocyst that touches its zona, as labels go."""
LEAST_EXTRUSION_PX = 2.0
LEAST_EXTRUSION_SHARE = 0.02
"""Tissue must reach this far beyond the zona's closed outer outline, in px and in zona radii, whichever is
more: a seam of one or two pixels is labelling noise."""

Measures = dict[str, float | int | bool | None]


@dataclass(frozen=True, slots=True)
class _Gap:
    """A stretch without zona: from ``start``, ``width`` long, in bins clockwise from the x axis."""

    start: int
    width: int

    @property
    def degrees(self) -> float:
        return self.width * 360 / BINS

    def angles(self) -> NDArray[np.float64]:
        return np.arange(self.start + 0.5, self.start + self.width, dtype=np.float64) * (2 * math.pi / BINS)


def measure_zona(labels: Labels, blastocyst: Region) -> Measures:
    """The ``zp_`` and ``extruded_`` measures of a label map with an empty border; undefined without zona.

    Angles are about the centroid of B. Where part of B lies outside the zona (a figure of eight), that
    centroid may lie in the neck or outside, so that the centroid of the region within the zona, closed
    across its gaps, takes its place. A gap's arc length runs along the zona's middle line.
    """
    mask, components = drop_specks(labels == ZP.label, SPECK_SHARE)
    soft = blur(mask, ZONA_BLUR)
    zona = Zona(mask, soft, trace_contours(mask, soft, ZONA_BLUR))
    centre = centroid(blastocyst.mask) if blastocyst.exists else None
    closed = close_zona(zona, centre) if components else None
    if closed is None:
        return _absent(float(np.count_nonzero(labels == ZP.label)) or math.nan)
    extruded = _extruded_area(blastocyst, closed)
    if centre is None or extruded > 0 or not closed.encloses(centre):
        centre = polygon_centroid(closed.inner_points())
    present = _present_bins(zona.contours, centre)
    gaps = [gap for gap in _gaps(present) if gap.degrees >= SMALLEST_GAP_DEG]
    largest = max(gaps, key=lambda gap: gap.width, default=None)
    thickness = _thickness(soft, closed)
    statistics = thickness_statistics("zp", thickness)
    mean, thickest = statistics["zp_thickness_mean_px"], statistics["zp_thickness_max_px"]
    is_reached = any(_reaches(blastocyst, closed, centre, gap) for gap in gaps)
    return {
        "zp_area_px2": float(np.count_nonzero(labels == ZP.label)),
        **statistics,
        "zp_thickness_variation_frac": (thickest - mean) / mean,
        "zp_integrity_frac": float(present.mean()),
        "zp_gap_count": len(gaps),
        "zp_largest_gap_deg": largest.degrees if largest else 0.0,
        "zp_largest_gap_px": _arc_length(closed, centre, largest) if largest else 0.0,
        "zp_is_breached": is_reached or extruded > 0 if blastocyst.exists else None,
        "zp_parted_frac": _parted_share(blastocyst, closed),
        "extruded_area_px2": extruded,
        "extruded_area_frac": extruded / blastocyst.area,
    }


def _absent(area: float) -> Measures:
    """A zona that was not seen, or of which only a scrap was: all but its area is undefined."""
    names = ("variation_frac",)
    return {
        "zp_area_px2": area,
        **thickness_statistics("zp", np.empty(0)),
        **{f"zp_thickness_{name}": math.nan for name in names},
        "zp_integrity_frac": math.nan,
        "zp_gap_count": None,
        "zp_largest_gap_deg": math.nan,
        "zp_largest_gap_px": math.nan,
        "zp_is_breached": None,
        "zp_parted_frac": math.nan,
        "extruded_area_px2": math.nan,
        "extruded_area_frac": math.nan,
    }


def _thickness(soft: Field, closed: ClosedZona) -> Distances:
    """Thickness at the points of the inner outline that have zona and whose ray ends at the outer outline.

    Near a gap a ray may leave the zona through the gap's face or its rounded corner: no thickness.
    """
    inner = closed.inner_outline
    # A point may lie a fraction of a pixel inside the outline: the ray is followed from a pixel further
    # on, where there is zona unless the point lies in a gap.
    start = 1.0
    begins = inner.points + start * inner.normals
    distances = exit_distances(soft, begins, inner.normals, 2 * float(closed.outer.max()))
    ends = begins + np.nan_to_num(distances)[:, None] * inner.normals
    reach = np.hypot(ends[:, 0] - closed.centre[0], ends[:, 1] - closed.centre[1])
    is_short = reach < closed.radius_towards(ends, closed.outer) - FACE_PX
    near_gap = closed.radius_towards(ends, closed.near_gap().astype(np.float64)) > 0
    is_sound = closed.radius_towards(inner.points, closed.present.astype(np.float64)) > 0.5
    return distances[(distances > 0) & is_sound & ~(is_short & near_gap)] + start


def _extruded_area(blastocyst: Region, closed: ClosedZona) -> float:
    """Area of B beyond the closed outer outline; 0 for less than noise; NaN without B."""
    if not blastocyst.exists:
        return math.nan
    least = max(LEAST_EXTRUSION_PX, LEAST_EXTRUSION_SHARE * float(closed.outer.mean()))
    outline = np.concatenate([outline.points for outline in blastocyst.outlines])
    distance = np.hypot(outline[:, 0] - closed.centre[0], outline[:, 1] - closed.centre[1])
    if float((distance - closed.radius_towards(outline, closed.outer)).max()) < least:
        return 0.0
    rows, columns = np.nonzero(blastocyst.mask)
    x, y = columns - closed.centre[0], rows - closed.centre[1]
    radius = np.hypot(x, y)
    far = radius > closed.outer.min()
    places = np.stack([columns[far], rows[far]], axis=1).astype(np.float64)
    depth = radius[far] - closed.radius_towards(places, closed.outer)
    beyond = np.zeros(blastocyst.mask.shape, np.float32)
    beyond[rows[far], columns[far]] = np.maximum(depth, 0)
    _, regions, stats, _ = cv2.connectedComponentsWithStats((beyond > 0).astype(np.uint8))
    reaching = np.unique(regions[beyond > least])
    return float(stats[reaching[reaching > 0], cv2.CC_STAT_AREA].sum())


def _parted_share(blastocyst: Region, closed: ClosedZona) -> float:
    """Share of ``PARTED_BINS`` directions from the zona's centre in which B doesn't come near it."""
    if not blastocyst.exists:
        return math.nan
    outline = np.concatenate([outline.points for outline in blastocyst.outlines])
    x, y = outline[:, 0] - closed.centre[0], outline[:, 1] - closed.centre[1]
    bins = np.floor(np.arctan2(y, x) * PARTED_BINS / (2 * math.pi)).astype(np.intp) % PARTED_BINS
    reach = np.zeros(PARTED_BINS)
    np.maximum.at(reach, bins, np.hypot(x, y))
    angles = (np.arange(PARTED_BINS) + 0.5) * (2 * math.pi / PARTED_BINS)
    wall = radius_at(angles, closed.inner)
    least = max(LEAST_PARTING_PX, LEAST_PARTING_SHARE * float(closed.inner.mean()))
    return float(np.mean(wall - reach > least))


def _present_bins(contours: list[Points], centre: tuple[float, float]) -> NDArray[np.bool_]:
    """In which of ``BINS`` directions from a centre there is zona: the angles its contours span."""
    present = np.zeros(BINS, np.bool_)
    for contour in contours:
        ring = np.concatenate([contour, contour[:1]])
        angle = np.unwrap(np.arctan2(ring[:, 1] - centre[1], ring[:, 0] - centre[0]))
        first, last = (round(value * BINS / (2 * math.pi)) for value in (angle.min(), angle.max()))
        if last - first >= BINS - 1:
            present[:] = True
        else:
            present[np.arange(first, last) % BINS] = True
    return present


def _gaps(present: NDArray[np.bool_]) -> list[_Gap]:
    if present.all():
        return []
    if not present.any():
        return [_Gap(0, BINS)]
    absent = ~present
    starts = np.flatnonzero(absent & np.roll(present, 1))
    ends = np.flatnonzero(present & np.roll(absent, 1))
    return [_Gap(int(start), int(ends[ends > start].min(initial=ends[0] + BINS) - start)) for start in starts]


def _reaches(blastocyst: Region, closed: ClosedZona, centre: tuple[float, float], gap: _Gap) -> bool:
    inner = closed.inner_points()
    for outline in blastocyst.outlines:
        x, y = outline.points[:, 0] - centre[0], outline.points[:, 1] - centre[1]
        bearing = np.arctan2(y, x)
        within = (bearing * BINS / (2 * math.pi) - gap.start) % BINS < gap.width
        wall = radii_about(inner, centre, bearing[within])
        if np.any(np.hypot(x, y)[within] >= wall - CONTACT_PX):
            return True
    return False


def _arc_length(closed: ClosedZona, centre: tuple[float, float], gap: _Gap) -> float:
    radii = radii_about(closed.middle_points(), centre, gap.angles())
    x, y = radii * np.cos(gap.angles()), radii * np.sin(gap.angles())
    steps = np.hypot(np.diff(x), np.diff(y))
    return float(steps.sum() + steps.mean())
