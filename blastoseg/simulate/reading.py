"""How a reader parts the tissues of an image: the same embryo is not outlined alike by everybody.

The numbers follow the masks of 199 labelled Hoffman images (Saeedi et al. 2017): 4 % of the inner cell mass's
outline touches the trophectoderm, because that lines the whole wall, behind the mass too, and a strip is left
between the two; cells seen face-on over the cavity belong to the cavity. Elsewhere the mass reaches the wall.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from blastoseg.simulate.masks import Mask, TissueMasks
from blastoseg.simulate.preset import Optics

LEFT_SHARE = 0.55
"""Share of a mass that stays inner cell mass however it is parted from the wall."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Lengths are shares of the embryo's diameter."""

    polar_te: float
    """Thickness of the trophectoderm between the inner cell mass and the wall."""
    strip: float
    """Breadth of the cavity left between the inner cell mass and the trophectoderm."""
    bulges: bool
    """Whether round cells that bulge off the wall are trophectoderm; otherwise they belong to the cavity."""


TOUCHING = Reading(0.0, 0.0, bulges=True)
"""The mass reaches the thin trophectoderm at the wall."""


def draw_reading(rng: np.random.Generator, optics: Optics) -> Reading:
    """The reading of an image of these optics: parted as often as its readers do."""
    parted = rng.random() < optics.parted
    polar_te = float(np.clip(np.exp(rng.normal(np.log(0.05), 0.45)), 0.015, 0.12))
    strip = float(np.clip(np.exp(rng.normal(np.log(0.012), 0.7)), 0.004, 0.05))
    return Reading(polar_te, strip, bulges=False) if parted else TOUCHING


def as_read(masks: TissueMasks, reading: Reading, scale: float, kind: str) -> TissueMasks:
    """The masks that a reader would draw of an embryo ``scale`` pixels across."""
    if reading == TOUCHING or not masks.icm.any():
        return masks
    depth = _depth(masks.body)
    te = masks.te if reading.bulges else masks.te & ~masks.bulges
    # a flat mass is not drawn away: at least this share of it is left, however broad the parting
    polar_te, strip = reading.polar_te * scale, reading.strip * scale
    while True:
        behind = masks.icm & (depth < polar_te)
        icm = masks.icm & ~behind
        if kind != "early":  # there the mass lies in a thick wall on all sides
            icm &= _depth(~(te | behind)) >= strip
        if icm.sum() >= LEFT_SHARE * masks.icm.sum() or polar_te < 1.0:
            break
        polar_te, strip = 0.7 * polar_te, 0.7 * strip
    te = te | behind
    return replace(masks, te=te, icm=icm, cavity=masks.body & ~te & ~icm)


def _depth(mask: Mask) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Distance of every pixel to the nearest one outside the mask, in pixels."""
    return np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
