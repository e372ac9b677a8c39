"""Outlines of an embryo in pixels, drawn analytically: what the labels and the true measures are made of."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Outline points, shape (N, 2), as (x, y)."""

ANGLES: NDArray[np.float64] = np.linspace(0.0, 2.0 * np.pi, 360, endpoint=False)


@dataclass(frozen=True)
class Cell:
    """An ellipse: one cell, seen from anywhere."""

    x: float
    y: float
    radius_x: float
    radius_y: float
    angle: float

    def outline(self, points: int = 40) -> Points:
        turn = np.linspace(0.0, 2.0 * np.pi, points, endpoint=False)
        u, v = self.radius_x * np.cos(turn), self.radius_y * np.sin(turn)
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.stack([self.x + u * cos - v * sin, self.y + u * sin + v * cos], axis=1)


@dataclass(frozen=True)
class Body:
    """One closed part of a blastocyst: its outline, its cavity, and where its trophectoderm cells meet.

    ``outline`` and ``cavity`` are both sampled at ``ANGLES`` about ``centre``; ``cusps`` indexes into them.
    """

    centre: tuple[float, float]
    outline: Points
    cavity: Points
    cusps: NDArray[np.int64]


@dataclass(frozen=True)
class Zona:
    """The zona's outlines, sampled at ``ANGLES`` about ``centre``; ``present`` is False where it gapes."""

    centre: tuple[float, float]
    inner: Points
    outer: Points
    present: NDArray[np.bool_]


@dataclass(frozen=True)
class Embryo:
    """All outlines of one embryo. Later entries lie above earlier ones; ``scale`` is pixels per diameter.

    ``icm_cells`` are drawn, ``icm_outlines`` are what counts as inner cell mass (cut by the cavity);
    ``te_cells`` are round trophectoderm cells on the wall, ``packed_cells`` those inside a thick wall;
    ``loose_cells`` are blastomeres; ``fragments`` are small and belong to no tissue.
    """

    kind: str
    scale: float
    zona: Zona | None = None
    bodies: tuple[Body, ...] = ()
    neck: Points | None = None
    icm_cells: tuple[Cell, ...] = ()
    icm_outlines: tuple[Points, ...] = ()
    te_cells: tuple[Cell, ...] = ()
    loose_cells: tuple[Cell, ...] = ()
    fragments: tuple[Cell, ...] = ()
    packed_cells: tuple[Cell, ...] = ()

    def everything(self) -> Points:
        """All outer points, for the extent of the embryo."""
        parts = [body.outline for body in self.bodies]
        parts += [self.zona.outer] if self.zona is not None else []
        parts += [cell.outline(12) for cell in self.loose_cells]
        return np.concatenate(parts) if parts else np.zeros((0, 2))

    def placed(self, factor: float, shift: tuple[float, float]) -> "Embryo":
        """The embryo scaled by ``factor`` about the origin, then moved by ``shift``."""
        move = np.array(shift)

        def points(outline: Points) -> Points:
            return np.asarray(outline * factor + move)

        def centre(at: tuple[float, float]) -> tuple[float, float]:
            return at[0] * factor + shift[0], at[1] * factor + shift[1]

        def cells(many: tuple[Cell, ...]) -> tuple[Cell, ...]:
            return tuple(
                Cell(*centre((c.x, c.y)), c.radius_x * factor, c.radius_y * factor, c.angle) for c in many
            )

        zona = self.zona and replace(
            self.zona,
            centre=centre(self.zona.centre),
            inner=points(self.zona.inner),
            outer=points(self.zona.outer),
        )
        bodies = tuple(
            Body(centre(b.centre), points(b.outline), points(b.cavity), b.cusps) for b in self.bodies
        )
        return replace(
            self,
            scale=self.scale * factor,
            zona=zona,
            bodies=bodies,
            neck=None if self.neck is None else points(self.neck),
            icm_cells=cells(self.icm_cells),
            icm_outlines=tuple(points(outline) for outline in self.icm_outlines),
            te_cells=cells(self.te_cells),
            loose_cells=cells(self.loose_cells),
            fragments=cells(self.fragments),
            packed_cells=cells(self.packed_cells),
        )


def wobble(rng: np.random.Generator, amplitude: float, orders: range = range(2, 7)) -> NDArray[np.float64]:
    """A smooth factor about 1 at ``ANGLES``: low harmonics, weaker the higher."""
    factor = np.ones_like(ANGLES)
    for order in orders:
        factor += amplitude * rng.normal() / order * np.cos(order * ANGLES + rng.uniform(0, 2 * np.pi))
    return factor


def ellipse_radius(rng: np.random.Generator, radius: float, stretch: float) -> NDArray[np.float64]:
    """The radius at ``ANGLES`` of an ellipse of mean radius ``radius`` and axis ratio ``stretch``."""
    angle = rng.uniform(0, np.pi)
    a, b = radius * np.sqrt(stretch), radius / np.sqrt(stretch)
    turned = ANGLES - angle
    return np.asarray(a * b / np.hypot(b * np.cos(turned), a * np.sin(turned)))


def polar(centre: tuple[float, float], radius: NDArray[np.float64]) -> Points:
    """Points at ``ANGLES`` about ``centre``."""
    return np.stack([centre[0] + radius * np.cos(ANGLES), centre[1] + radius * np.sin(ANGLES)], axis=1)


def radius_of(centre: tuple[float, float], outline: Points) -> NDArray[np.float64]:
    """Distances of outline points from ``centre``."""
    return np.asarray(np.hypot(outline[:, 0] - centre[0], outline[:, 1] - centre[1]))


def is_inside(centre: tuple[float, float], outline: Points, xy: Points) -> NDArray[np.bool_]:
    """Whether points (N, 2) lie inside an outline sampled at ``ANGLES`` about ``centre``."""
    dx, dy = xy[:, 0] - centre[0], xy[:, 1] - centre[1]
    index = np.floor(np.arctan2(dy, dx) % (2 * np.pi) / (2 * np.pi) * len(ANGLES)).astype(int) % len(ANGLES)
    return np.asarray(np.hypot(dx, dy) < radius_of(centre, outline)[index])
