"""The inner cell mass: overlapping round cells, mostly at the wall, compact to loose, or seen face-on."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.geometry import ANGLES, Body, Cell, Embryo, Points

RASTER = 320
"""Pixels per embryo diameter on which the cells' union is rounded off before its outline is taken."""


@dataclass(frozen=True)
class _Clump:
    """Where cells gather: centre and half axes (along the wall, towards the middle), the wall's direction."""

    centre: tuple[float, float]
    along: float
    deep: float
    angle: float


def add_inner_cell_mass(rng: np.random.Generator, embryo: Embryo) -> Embryo:
    """The blastocyst with an inner cell mass, round trophectoderm cells on the wall and fragments."""
    sizes = np.array([_mean_radius(body) for body in embryo.bodies])
    host = int(rng.choice(len(sizes), p=sizes**2 / (sizes**2).sum()))
    body = embryo.bodies[host]
    count = 1 if rng.random() < 0.9 else 2
    cells: list[Cell] = []
    outlines: list[Points] = []
    for number in range(count):
        clump = _clump(rng, body, embryo.kind, 1.0 if number == 0 else 0.5)
        grown = _cells_of(rng, clump, body)
        if number == 0 and rng.random() < 0.2:
            grown, cap = _cap(rng, body, clump.angle)
            outlines.append(cap)
        else:
            outlines += _outline(rng, grown, clump)
        cells += grown
    return replace(
        embryo,
        icm_cells=tuple(cells),
        icm_outlines=tuple(outlines),
        te_cells=_round_cells(rng, body, clump.angle),
        fragments=_fragments(rng, body),
        packed_cells=_all_packed_cells(rng, embryo, body),
    )


def _mean_radius(body: Body) -> float:
    return float(np.hypot(*(body.outline - np.array(body.centre)).T).mean())


def _clump(rng: np.random.Generator, body: Body, kind: str, size: float) -> _Clump:
    radius = _mean_radius(body)
    distance = np.hypot(*(body.cavity - np.array(body.centre)).T)
    wall = np.hypot(*(body.outline - np.array(body.centre)).T)
    at = int(rng.integers(len(ANGLES)))
    if kind == "early":  # the mass fills what the cavity leaves
        at = int(np.argmax(wall - distance))
    angle = float(ANGLES[at])
    area = np.clip(np.exp(rng.normal(np.log(0.2 if kind != "early" else 0.24), 0.5)), 0.03, 0.45) * size
    ratio = float(np.exp(rng.normal(0.35, 0.35)))  # along the wall over depth
    along, deep = radius * np.sqrt(area * ratio), radius * np.sqrt(area / ratio)
    along = min(along, 0.85 * radius)
    reach = float(wall[at]) - rng.uniform(0.01, 0.06) * radius - deep * rng.uniform(0.6, 1.05)
    if rng.random() < 0.3:  # seen face-on or from the side: away from the wall in projection
        reach *= rng.uniform(0.1, 0.9)
    centre = (
        float(body.centre[0] + reach * np.cos(angle)),
        float(body.centre[1] + reach * np.sin(angle)),
    )
    return _Clump(centre, float(along), float(deep), angle)


def _cells_of(rng: np.random.Generator, clump: _Clump, body: Body) -> list[Cell]:
    radius = _mean_radius(body) * rng.uniform(0.1, 0.27)
    radius = min(radius, 0.75 * min(clump.along, clump.deep))
    count = int(np.clip(2.6 * clump.along * clump.deep / radius**2, 3, 40))
    spread = rng.uniform(0.75, 1.1)
    turn = rng.uniform(0, 2 * np.pi, 3 * count)
    away = np.sqrt(rng.uniform(0, 1, 3 * count)) * spread
    u = away * np.cos(turn) * max(clump.deep - 0.6 * radius, 0.3 * clump.deep)
    v = away * np.sin(turn) * max(clump.along - 0.6 * radius, 0.3 * clump.along)
    cos, sin = np.cos(clump.angle), np.sin(clump.angle)
    # the mass follows the wall: its flanks bend with the body's curvature
    bend = -(v**2) / (2.2 * _mean_radius(body))
    x = clump.centre[0] + (u + bend) * cos - v * sin
    y = clump.centre[1] + (u + bend) * sin + v * cos
    chosen = _apart(np.stack([x, y], axis=1), radius * rng.uniform(0.5, 1.3), count)
    x, y, count = x[chosen], y[chosen], len(chosen)
    grow = radius * np.exp(rng.normal(0, 0.18, count))
    flat = rng.uniform(0.75, 1.0, count)
    angles = rng.uniform(0, np.pi, count)
    return [Cell(*map(float, values)) for values in zip(x, y, grow, grow * flat, angles, strict=True)]


def _apart(points: Points, distance: float, most: int) -> list[int]:
    """Indices of up to ``most`` points, in order, each at least ``distance`` from those before it."""
    chosen: list[int] = []
    for index, point in enumerate(points):
        if len(chosen) == most:
            break
        if not chosen or np.hypot(*(points[chosen] - point).T).min() >= distance:
            chosen.append(index)
    return chosen


def _cap(rng: np.random.Generator, body: Body, angle: float) -> tuple[list[Cell], Points]:
    """A mass that fills one side of the body, up to a ragged chord; the body cuts it later."""
    radius = _mean_radius(body)
    chord = radius * rng.uniform(0.15, 0.75)
    along = np.linspace(-1.1, 1.1, 45) * radius
    ragged = np.interp(along, np.linspace(-1.1, 1.1, 15) * radius, rng.normal(0, 0.05 * radius, 15))
    edge = chord + ragged + rng.uniform(-0.3, 0.3) * along**2 / radius
    u = np.concatenate([edge, [1.3 * radius, 1.3 * radius]])
    v = np.concatenate([along, [1.1 * radius, -1.1 * radius]])
    count = int(rng.integers(8, 28))
    deep, wide = rng.uniform(chord, 0.92 * radius, count), rng.uniform(-0.9, 0.9, count) * radius
    fits = np.hypot(deep, wide) < 0.93 * radius
    size = radius * rng.uniform(0.09, 0.2)
    cos, sin = np.cos(angle), np.sin(angle)

    def turned(a: Points, b: Points) -> Points:
        return np.stack([body.centre[0] + a * cos - b * sin, body.centre[1] + a * sin + b * cos], axis=1)

    cells = [
        Cell(float(x), float(y), float(size * grow), float(size * 0.85 * grow), angle=float(turn))
        for (x, y), grow, turn in zip(
            turned(deep[fits], wide[fits]),
            np.exp(rng.normal(0, 0.2, int(fits.sum()))),
            rng.uniform(0, np.pi, int(fits.sum())),
            strict=True,
        )
    ]
    return cells, turned(u, v)


def _outline(rng: np.random.Generator, cells: list[Cell], clump: _Clump) -> list[Points]:
    """Outlines of the cells' union after closing the nicks between them; crumbs are dropped."""
    side = int(RASTER * 1.6)
    origin = np.array(clump.centre) * RASTER - side / 2
    canvas: NDArray[np.uint8] = np.zeros((side, side), np.uint8)
    for cell in cells:
        cv2.fillPoly(canvas, [np.round(cell.outline(28) * RASTER - origin).astype(np.int32)], 1)
    nick = int(RASTER * rng.uniform(0.01, 0.08)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (nick, nick))
    closed = cv2.morphologyEx(canvas, cv2.MORPH_CLOSE, kernel)
    found, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(cv2.contourArea(contour) for contour in found)
    return [
        _smooth((contour[:, 0, :].astype(np.float64) + origin) / RASTER)
        for contour in found
        if cv2.contourArea(contour) > 0.06 * largest
    ]


def _smooth(outline: Points) -> Points:
    kernel = np.ones(7) / 7
    wrapped = np.concatenate([outline[-3:], outline, outline[:3]])
    smoothed = np.stack([np.convolve(wrapped[:, axis], kernel, "valid") for axis in (0, 1)], axis=1)
    return smoothed[::2]


def _round_cells(rng: np.random.Generator, body: Body, mass_angle: float) -> tuple[Cell, ...]:
    """Cells that bulge off the wall, whole circles in projection."""
    if rng.random() < 0.45:
        return ()
    wall = np.hypot(*(body.outline - np.array(body.centre)).T)
    cells = []
    for _ in range(int(rng.integers(1, 6))):
        at = int(rng.integers(len(ANGLES)))
        size = float(wall[at] * rng.uniform(0.07, 0.17))
        reach = float(wall[at]) - size * rng.uniform(1.02, 1.3)
        angle = float(ANGLES[at])
        x, y = body.centre[0] + reach * np.cos(angle), body.centre[1] + reach * np.sin(angle)
        cells.append(Cell(float(x), float(y), size * float(rng.uniform(0.8, 1.0)), size, angle=angle))
    return tuple(cells)


def _all_packed_cells(rng: np.random.Generator, embryo: Embryo, host: Body) -> tuple[Cell, ...]:
    if embryo.kind == "hatching":
        return tuple(cell for body in embryo.bodies for cell in _packed_cells(rng, body))
    return _packed_cells(rng, host) if embryo.kind in ("early", "collapsed") else ()


def _packed_cells(rng: np.random.Generator, body: Body) -> tuple[Cell, ...]:
    """Round cells wherever the wall is much thicker than one of them."""
    centre = np.array(body.centre)
    wall, cavity = (np.hypot(*(outline - centre).T) for outline in (body.outline, body.cavity))
    size = float(wall.mean()) * rng.uniform(0.13, 0.26)
    cells = []
    for at in rng.integers(0, len(ANGLES), int(rng.integers(12, 40))):
        room = float(wall[at] - cavity[at])
        if room < 1.6 * size:
            continue
        reach = float(cavity[at]) + size * 0.8 + (room - 1.7 * size) * rng.random()
        x, y = centre + reach * np.array([np.cos(ANGLES[at]), np.sin(ANGLES[at])])
        grow = size * float(np.exp(rng.normal(0, 0.15)))
        cells.append(
            Cell(
                float(x), float(y), grow, grow * float(rng.uniform(0.8, 1.0)), angle=float(rng.uniform(0, 3))
            )
        )
    return tuple(cells)


def _fragments(rng: np.random.Generator, body: Body) -> tuple[Cell, ...]:
    if rng.random() < 0.75:
        return ()
    radius = _mean_radius(body)
    cells = []
    for _ in range(int(rng.integers(1, 7))):
        reach, angle = 0.6 * radius * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        size = radius * rng.uniform(0.02, 0.07)
        x, y = body.centre[0] + reach * np.cos(angle), body.centre[1] + reach * np.sin(angle)
        cells.append(
            Cell(float(x), float(y), float(size), float(size * rng.uniform(0.7, 1)), angle=float(angle))
        )
    return tuple(cells)
