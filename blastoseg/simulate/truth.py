"""True values of the measures, from the outlines at many times the picture's resolution."""

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.columns import MEASURE_COLUMNS
from blastoseg.simulate.geometry import Embryo
from blastoseg.simulate.masks import tissue_masks
from blastoseg.simulate.reading import Reading, as_read

SIDE = 1000
"""Pixels along the embryo's extent on the raster that areas and lengths are taken from."""


def true_measures(embryo: Embryo, reading: Reading) -> dict[str, float]:
    """Measures in the embryo's own pixels by column name, its tissues parted as by ``reading``.

    NaN where the embryo lacks the tissue.
    """
    truth = {c.name: float("nan") for c in MEASURE_COLUMNS if c.unit in ("px", "px2", "fraction", "deg", "")}
    outer = embryo.everything()
    if not len(outer):
        return truth
    low, high = outer.min(0), outer.max(0)
    factor = SIDE / float((high - low).max())
    shape = (int((high - low)[1] * factor) + 8, int((high - low)[0] * factor) + 8)
    fine = embryo.placed(factor, (float(4 - low[0] * factor), float(4 - low[1] * factor)))
    masks = as_read(tissue_masks(fine, shape), reading, fine.scale, fine.kind)
    whole = masks.body | masks.zona | masks.gap
    for stem, mask in (
        ("blastocyst", masks.body),
        ("embryo", whole),
        ("icm", masks.icm),
        ("blastocoel", masks.cavity),
        ("te", masks.te),
        ("zp", masks.zona),
    ):
        pixels = int(mask.sum())
        if not pixels:
            continue
        truth[f"{stem}_area_px2"] = pixels / factor**2
        if f"{stem}_diameter_px" in truth:
            truth[f"{stem}_diameter_px"] = 2.0 * float(np.sqrt(pixels / np.pi)) / factor
    _fill_shares(truth)
    if masks.body.any():
        _fill_thickness(truth, "te", _depths(masks.te, masks.body, inwards=True) / factor)
    if masks.zona.any() and fine.zona is not None:
        hollow = np.zeros(shape, np.uint8)
        cv2.fillPoly(hollow, [np.round(fine.zona.inner).astype(np.int32)], 1)
        _fill_thickness(truth, "zp", _depths(masks.zona, hollow.astype(bool), inwards=False) / factor)
        present = fine.zona.present
        truth["zp_integrity_frac"] = float(present.mean())
    return truth


def _fill_shares(truth: dict[str, float]) -> None:
    body = truth["blastocyst_area_px2"]
    for stem in ("icm", "blastocoel", "te"):
        truth[f"{stem}_area_frac"] = truth[f"{stem}_area_px2"] / body
    truth["icm_diameter_ratio_frac"] = truth["icm_diameter_px"] / truth["blastocyst_diameter_px"]


def _fill_thickness(truth: dict[str, float], stem: str, depths: NDArray[np.float64]) -> None:
    depths = depths[depths > 0]
    if len(depths):
        for name, value in (
            ("mean", depths.mean()),
            ("median", np.median(depths)),
            ("min", depths.min()),
            ("max", depths.max()),
            ("sd", depths.std()),
        ):
            truth[f"{stem}_thickness_{name}_px"] = float(value)


def _depths(tissue: NDArray[np.bool_], region: NDArray[np.bool_], inwards: bool) -> NDArray[np.float64]:
    """Length inside ``tissue`` from the region's outline along normals, to the first exit; 0 where none."""
    contours, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=len)[:, 0, :].astype(np.float64)
    step = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(contour, axis=0, append=contour[:1]).T))])
    at = np.linspace(0, step[-1], 720, endpoint=False)
    closed = np.concatenate([contour, contour[:1]])
    points = np.stack([np.interp(at, step, closed[:, axis]) for axis in (0, 1)], axis=1)
    kernel = np.hanning(11) / np.hanning(11).sum()
    smooth = np.stack(
        [
            np.convolve(np.concatenate([points[-5:, a], points[:, a], points[:5, a]]), kernel, "valid")
            for a in (0, 1)
        ],
        axis=1,
    )
    tangent = np.roll(smooth, -2, axis=0) - np.roll(smooth, 2, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    probe = np.round(points + 4 * normal).astype(int)
    height, width = region.shape
    inside = region[probe[:, 1].clip(0, height - 1), probe[:, 0].clip(0, width - 1)]
    normal[inside != inwards] *= -1
    reach = np.arange(0.0, 0.6 * SIDE, 1.0)
    x = np.round(points[:, :1] + reach * normal[:, :1]).astype(int)
    y = np.round(points[:, 1:] + reach * normal[:, 1:]).astype(int)
    off = (x < 0) | (y < 0) | (x >= width) | (y >= height)
    hit = tissue[y.clip(0, height - 1), x.clip(0, width - 1)] & ~off
    entered = hit[:, :6].any(axis=1)  # the outline's own pixel may belong to the neighbour
    first = np.argmax(hit, axis=1)
    left = ~hit & (np.arange(len(reach)) > first[:, None])
    last = np.where(left.any(axis=1), np.argmax(left, axis=1), len(reach))
    return np.asarray(np.where(entered, (last - first).astype(np.float64), 0.0))
