"""Label maps of known shape, and how alike two are."""

import numpy as np

SIDE = 256


def polar(centre: tuple[float, float] = (128.3, 127.6)) -> tuple[np.ndarray, np.ndarray]:
    """Radius and bearing in degrees of every pixel."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.hypot(x - centre[0], y - centre[1]), np.degrees(np.arctan2(y - centre[1], x - centre[0]))


def embryo(radius: float = 90, zona: float = 9, gap: float = 0, aspect: float = 1.0) -> np.ndarray:
    """A blastocyst with an inner cell mass at its wall, and a zona with one gap at the right."""
    y, x = np.mgrid[:SIDE, :SIDE]
    own = np.hypot((x - 128.3) / aspect, y - 127.6)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[own < radius + zona] = 4
    labels[(labels == 4) & (np.abs(polar()[1]) < gap / 2)] = 0
    labels[own < radius] = 3
    labels[own < radius * 0.88] = 2
    labels[(own < radius * 0.9) & (np.hypot(x - 128 + radius * 0.5, y - 128) < radius * 0.38)] = 1
    return labels


def figure_of_eight() -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    inner, outer = np.hypot(x - 95, y - 128), np.hypot(x - 195, y - 128)
    labels = np.where(inner < 68, 4, 0).astype(np.uint8)
    tissue = (inner < 60) | (outer < 45) | ((np.abs(y - 128) < 15) & (x > 95) & (x < 195))
    labels[tissue] = 3
    labels[(inner < 50) | (outer < 37)] = 2
    return labels


def collapsed() -> np.ndarray:
    radius, bearing = polar()
    labels = np.where((radius < 100) & (radius > 88) & (np.abs(bearing) > 12), 4, 0).astype(np.uint8)
    labels[radius < 55] = 3
    labels[radius < 40] = 2
    return labels


def standing_off(centre: float = 100, radius: float = 66) -> np.ndarray:
    """Two halves, the left one smaller than what is left of the zona: an arc that touches nothing."""
    y, x = np.mgrid[:SIDE, :SIDE]
    inner, outer = np.hypot(x - 110, y - 128), np.hypot(x - 190, y - 128)
    arc, bearing = polar((centre, 128))
    labels = np.where((np.abs(arc - radius) < 3) & (np.abs(bearing) > 105), 4, 0).astype(np.uint8)
    labels[(inner < 40) | (outer < 45)] = 3
    labels[(inner < 32) | (outer < 37)] = 2
    return labels


def jaccard(first: np.ndarray, second: np.ndarray) -> float:
    """The worst tissue's overlap."""
    return min(
        np.count_nonzero((first == value) & (second == value))
        / np.count_nonzero((first == value) | (second == value))
        for value in np.union1d(np.unique(first), np.unique(second))
    )
