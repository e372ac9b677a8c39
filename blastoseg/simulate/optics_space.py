"""Optics as points of a space: what can be fitted to frames, and a wide choice to begin with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.preset import Optics, optics_of

Point = NDArray[np.float64]
"""One coordinate an axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A field of ``Optics`` with the least and the most that an instrument may have of it."""

    name: str
    least: float
    most: float
    is_log: bool = True

    def coordinate(self, value: float) -> float:
        """The value on the axis: its logarithm, or as it is."""
        return float(np.log(value)) if self.is_log else value

    def value(self, coordinate: float) -> float:
        """What stands at a coordinate, within the axis."""
        value = float(np.exp(coordinate)) if self.is_log else coordinate
        return min(max(value, self.least), self.most)


AXES = (
    Axis("relief", 0.05, 1.0),
    Axis("line", -0.8, 0.8, is_log=False),
    Axis("halo", 0.01, 0.8),
    Axis("grain", 0.05, 0.5),
    Axis("grain_relief", 0.0, 1.0, is_log=False),
    Axis("veil", 0.03, 0.6),
    Axis("focus", 0.0015, 0.02),
    Axis("softness", 0.003, 0.04),
    Axis("tone", 0.01, 0.25),
    Axis("noise", 0.003, 0.08),
    Axis("gamma", 0.5, 2.2),
    Axis("contrast", 0.08, 0.4),
    Axis("resolution", 0.25, 1.0, is_log=False),
    Axis("zona", 0.1, 1.0),
)
"""What shows in crops. Brightness does not: a network sees them standardised."""

PARTED = 0.85
"""Frames do not tell what their readers would part: labels are those of readers of Hoffman images."""

LEAST: Point = np.array([axis.coordinate(axis.least) for axis in AXES])
MOST: Point = np.array([axis.coordinate(axis.most) for axis in AXES])
DEVIATION: Point = (MOST - LEAST) / np.sqrt(12)
"""Standard deviation of points anywhere in the space."""


def point_at(values: Mapping[str, float]) -> Point:
    """The point with these values by axis. Raises ValueError for missing axes and values that no axis has."""
    names = [axis.name for axis in AXES]
    if set(values) != set(names):
        raise ValueError(f"optics are given by a value for each of {', '.join(names)}, and no other")
    for axis in AXES:
        if not axis.least <= values[axis.name] <= axis.most:
            raise ValueError(f"{axis.name} {values[axis.name]}: must lie from {axis.least} to {axis.most}")
    return np.array([axis.coordinate(values[axis.name]) for axis in AXES])


def values_at(point: Point) -> dict[str, float]:
    """The value on each axis, by its name."""
    return {axis.name: axis.value(float(at)) for axis, at in zip(AXES, point, strict=True)}


def at_the_wall(point: Point) -> list[str]:
    """The axes on which a point has the least or the most that there is."""
    near = 1e-3 * (MOST - LEAST)
    is_out = (point <= LEAST + near) | (point >= MOST - near)
    return [axis.name for axis, out in zip(AXES, is_out, strict=True) if out]


def any_point(rng: np.random.Generator) -> Point:
    """A point anywhere in the space."""
    return np.asarray(rng.uniform(LEAST, MOST), np.float64)


def point_near(rng: np.random.Generator, middle: Point, spread: float) -> Point:
    """A point around another, ``spread`` times as far as points are apart anywhere in the space."""
    return np.asarray(np.clip(rng.normal(middle, spread * DEVIATION), LEAST, MOST), np.float64)


def optics_at(rng: np.random.Generator, point: Point) -> Optics:
    """Optics of a point; what no axis says is drawn as for any instrument."""
    return optics_of(
        rng,
        relief_angle=rng.uniform(0, 2 * np.pi),
        face_on=rng.uniform(0.2, 0.7),
        brightness=rng.uniform(0.1, 0.9),
        jpeg=float(rng.integers(15, 97)) if rng.random() < 0.6 else 0.0,
        parted=PARTED,
        **values_at(point),
    )
