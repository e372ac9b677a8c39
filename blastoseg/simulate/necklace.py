"""The trophectoderm as a necklace: cells side by side along the wall, bulging inwards, with cusps between."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.geometry import ANGLES


@dataclass(frozen=True)
class Necklace:
    """How the trophectoderm of one embryo is built; lengths are shares of the body's radius."""

    cells: int
    height: float
    thinnest: float
    stretched: float
    side_walls: float  # height at which neighbours part, over their own
    roundness: float


def draw_necklace(rng: np.random.Generator, kind: str) -> Necklace:
    """A trophectoderm from thin and stretched to plump."""
    height = {
        "early": rng.uniform(0.10, 0.30),
        "full": float(np.exp(rng.normal(np.log(0.21), 0.35))),
        "collapsed": rng.uniform(0.12, 0.5),
    }.get(kind, float(np.exp(rng.normal(np.log(0.17), 0.45))))
    return Necklace(
        cells=int(rng.integers(7, 22)),
        height=float(np.clip(height, 0.035, 0.5 if kind in ("early", "collapsed") else 0.3)),
        thinnest=float(rng.uniform(0.008, 0.035)),
        stretched=float(rng.choice([0.0, rng.uniform(0.1, 0.6)])),
        side_walls=float(rng.choice([0.0, rng.uniform(0.1, 0.65)])),
        roundness=float(rng.uniform(0.5, 1.0)),
    )


def thickness_profile(
    rng: np.random.Generator, necklace: Necklace
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Thickness at ``ANGLES`` in body radii, and the indices where cells meet."""
    share = rng.gamma(4.0, size=necklace.cells)
    ends = np.cumsum(share / share.sum()) * 2 * np.pi
    starts = np.concatenate([[0.0], ends[:-1]])
    widths = ends - starts
    heights = necklace.height * np.exp(rng.normal(0.0, 0.35, necklace.cells))
    thin_from = rng.uniform(0, 2 * np.pi)
    from_thin = (0.5 * (starts + ends) - thin_from) % (2 * np.pi)
    heights[from_thin < necklace.stretched * 2 * np.pi] *= rng.uniform(0.15, 0.45)
    heights = np.minimum(heights, rng.uniform(0.45, 0.7) * widths)
    cell = np.searchsorted(ends, ANGLES, side="right").clip(0, necklace.cells - 1)
    u = np.abs(2.0 * (ANGLES - starts[cell]) / widths[cell] - 1.0).clip(0.0, 1.0)
    steep = rng.uniform(1.6, 3.2, necklace.cells)[cell]
    dome = (1.0 - u**steep) ** necklace.roundness
    at_cusp = np.minimum(heights, np.roll(heights, 1))  # neighbours share a side wall up to the cusp
    at_cusp = np.minimum(np.maximum(necklace.thinnest, necklace.side_walls * at_cusp), 0.8 * at_cusp)
    low = np.interp(ANGLES, np.append(starts, 2 * np.pi), np.append(at_cusp, at_cusp[0]))
    thickness = low + np.maximum(heights[cell] - low, 0.0) * dome
    turn = int(rng.integers(len(ANGLES)))
    cusps = (np.round(starts / (2 * np.pi) * len(ANGLES)).astype(np.int64) + turn) % len(ANGLES)
    return np.roll(thickness, turn), cusps
