"""Blastocysts drawn from formulas, whose measures are known without any pixel."""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import strategies as st

STEPS = 4000


def _in_polygon(shape: tuple[int, int], polygon: np.ndarray) -> np.ndarray:
    """Pixels whose centre lies in a polygon of ``(x, y)`` points, none of its edges crossing two rows."""
    x, y = polygon.T
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    row = np.ceil(np.minimum(y, next_y)).astype(int)
    crosses = (row < np.maximum(y, next_y)) & (row >= 0) & (row < shape[0])
    assert np.abs(next_y - y).max() < 1
    row, share = row[crosses], ((row - y) / np.where(crosses, next_y - y, 1))[crosses]
    column = np.ceil(x[crosses] + share * (next_x - x)[crosses]).astype(int).clip(0, shape[1])
    turns = np.zeros((shape[0], shape[1] + 1), int)
    np.add.at(turns, (row, column), 1)
    return (np.cumsum(turns, axis=1) % 2 == 1)[:, :-1]


@dataclass
class Shape:
    """An elliptic blastocyst in its zona: sizes in px, angles in degrees clockwise from the x axis."""

    diameter: float = 200.0
    aspect: float = 1.0
    rotation: float = 0.0
    centre: tuple[float, float] = (250.0, 250.0)
    te: float = 12.0
    dome: float = 0.0
    cells: int = 16
    zona: float = 10.0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    icm_radius: float = 0.0
    size: int = 500

    def outline(self) -> tuple[np.ndarray, np.ndarray]:
        """B's outline and its outward normals, equally spaced along the outline."""
        fine = np.linspace(0, 2 * math.pi, 20 * STEPS, endpoint=False)
        a, b = self.diameter / 2 * math.sqrt(self.aspect), self.diameter / 2 / math.sqrt(self.aspect)
        speed = np.hypot(a * np.sin(fine), b * np.cos(fine))
        arc = np.concatenate([[0], np.cumsum(speed)])
        angle = np.interp(np.arange(STEPS) / STEPS * arc[-1], arc[:-1], fine)
        turn = math.radians(self.rotation)
        rotate = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
        points = np.stack([a * np.cos(angle), b * np.sin(angle)], axis=1) @ rotate
        normals = np.stack([b * np.cos(angle), a * np.sin(angle)], axis=1)
        normals /= np.hypot(*normals.T)[:, None]
        return points + np.array(self.centre), normals @ rotate

    def te_thickness(self) -> np.ndarray:
        """Thickness along the normals at the outline's points: domes with cusps between them."""
        return self.te + self.dome * np.abs(np.sin(math.pi * self.cells * np.arange(STEPS) / STEPS))

    def labels(self) -> np.ndarray:
        """The label map, ``(size, size)``."""
        points, normals = self.outline()
        shape = (self.size, self.size)
        labels = np.zeros(shape, np.uint8)
        zona = _in_polygon(shape, points + self.zona * normals)
        y, x = np.mgrid[: self.size, : self.size]
        bearing = np.degrees(np.arctan2(y - self.centre[1], x - self.centre[0]))
        for start, width in self.gaps:
            zona &= (bearing - start) % 360 >= width
        labels[zona] = 4
        labels[_in_polygon(shape, points)] = 3
        cavity = _in_polygon(shape, points - self.te_thickness()[:, None] * normals)
        labels[cavity] = 2
        if self.icm_radius:
            labels[cavity & (np.hypot(x - self.centre[0], y - self.centre[1]) < self.icm_radius)] = 1
        return labels

    def truth(self) -> dict[str, float]:
        """What the measures must be."""
        thickness = self.te_thickness()
        points, _ = self.outline()
        steps = np.hypot(*(np.roll(points, -1, axis=0) - points).T)
        area = math.pi * self.diameter**2 / 4
        return {
            "blastocyst_area_px2": area,
            "blastocyst_diameter_px": self.diameter,
            "blastocyst_feret_max_px": self.diameter * math.sqrt(self.aspect),
            "blastocyst_feret_min_px": self.diameter / math.sqrt(self.aspect),
            "blastocyst_circularity_frac": 4 * math.pi * area / steps.sum() ** 2,
            "te_thickness_mean_px": float(thickness.mean()),
            "te_thickness_median_px": float(np.median(thickness)),
            "te_thickness_min_px": float(thickness.min()),
            "te_thickness_max_px": float(thickness.max()),
            "te_coverage_frac": 1.0,
            "zp_thickness_mean_px": self.zona,
            "zp_thickness_min_px": self.zona,
            "zp_thickness_max_px": self.zona,
        }


@st.composite
def _any_shape(draw: st.DrawFn, with_gaps: bool = False) -> Shape:
    """Any size, place and rotation; ring, ellipse or necklace; a closed zona or one with gaps."""
    diameter = draw(st.floats(80, 400))
    aspect = draw(st.floats(1, 1.3))
    zona = diameter * draw(st.floats(0.02, 0.1))
    size = max(500, math.ceil(diameter * math.sqrt(aspect) + 2 * zona) + 14)
    offset = st.floats(-3, 3)
    gaps = []
    if with_gaps:
        start = draw(st.floats(0, 360))
        starts_and_widths = [(0, 60), (130, 40), (230, 40)][: draw(st.integers(1, 3))]
        gaps = [(start + turn, draw(st.floats(7, widest))) for turn, widest in starts_and_widths]
    return Shape(
        diameter=diameter,
        aspect=aspect,
        rotation=draw(st.floats(0, 180)),
        centre=(size / 2 + draw(offset), size / 2 + draw(offset)),
        te=diameter * draw(st.floats(0.03, 0.1)),
        dome=diameter * draw(st.just(0.0) | st.floats(0.02, 0.08)),
        cells=draw(st.integers(8, 22)),
        zona=zona,
        gaps=gaps,
        size=size,
    )


@pytest.fixture(scope="session")
def shapes() -> SimpleNamespace:
    """The drawing tools; a fixture because test modules cannot import each other."""
    return SimpleNamespace(
        Shape=Shape,
        closed=_any_shape(),
        with_gaps=_any_shape(with_gaps=True),
    )
