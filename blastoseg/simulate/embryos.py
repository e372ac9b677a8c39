"""Builds the outlines of every kind of embryo, in units of the zona's outer diameter, about the origin."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.geometry import (
    ANGLES,
    Body,
    Cell,
    Embryo,
    Zona,
    ellipse_radius,
    polar,
    radius_of,
    wobble,
)
from blastoseg.simulate.kinds import BLASTOCYSTS
from blastoseg.simulate.mass import add_inner_cell_mass
from blastoseg.simulate.necklace import Necklace, draw_necklace, thickness_profile

ZONA_THICKNESS = {"early": 0.085, "full": 0.068, "expanded": 0.05, "hatching": 0.04, "opened_zona": 0.06}
"""Median of the zona's thickness over the outer diameter; it thins as the cavity grows."""
STRETCHED_ZONA = {**ZONA_THICKNESS, "full": 0.058, "expanded": 0.034, "hatching": 0.03, "opened_zona": 0.04}
"""The same where thin ones are many: outlined by eye in ten EmbryoScope frames of expanded embryos they have
0.024 to 0.039; readers of stills drew down to 0.01, and such zonas were missed whole."""


def build_embryo(rng: np.random.Generator, kind: str, zonas: Mapping[str, float] = ZONA_THICKNESS) -> Embryo:
    """An embryo about the origin, its zona's outer diameter near 1, the zona as thick as ``zonas`` say."""
    if kind == "empty":
        return Embryo(kind, 1.0)
    zona = None if kind == "hatched" else _zona(rng, kind, zonas)
    if kind not in BLASTOCYSTS:
        assert zona is not None
        return _not_blastocyst(rng, kind, zona)
    necklace = draw_necklace(rng, kind)
    if kind == "hatching":
        assert zona is not None
        return _hatching(rng, zona, necklace)
    if kind == "hatched":
        outline = ellipse_radius(rng, 0.5, rng.uniform(1.0, 1.12)) * wobble(rng, 0.02) * _bumps(rng, necklace)
        return add_inner_cell_mass(
            rng, Embryo(kind, 1.0, bodies=(_body(rng, (0.0, 0.0), outline, necklace, kind=kind),))
        )
    assert zona is not None
    centre, outline = _body_outline(rng, kind, zona)
    body = _body(rng, centre, outline, necklace, kind=kind)
    return add_inner_cell_mass(rng, Embryo(kind, 1.0, zona=zona, bodies=(body,)))


def _zona(rng: np.random.Generator, kind: str, zonas: Mapping[str, float]) -> Zona:
    median = zonas.get(kind, 0.09)
    thickness = float(np.clip(median * np.exp(rng.normal(0.0, 0.38)), 0.009, 0.17))
    outer = ellipse_radius(rng, 0.5, 1.0 + abs(rng.normal(0, 0.06))) * wobble(rng, 0.006, range(3, 6))
    uneven = wobble(rng, rng.uniform(0.0, 0.2), range(1, 5)).clip(0.5, 1.6)
    inner = outer - thickness * uneven
    present = np.ones(len(ANGLES), bool)
    if kind == "opened_zona":
        present = _gap(rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9))
    return Zona((0.0, 0.0), polar((0.0, 0.0), inner), polar((0.0, 0.0), outer), present)


def _gap(middle: float, half_width: float) -> NDArray[np.bool_]:
    away = np.abs((ANGLES - middle + np.pi) % (2 * np.pi) - np.pi)
    return np.asarray(away > half_width)


def _body_outline(
    rng: np.random.Generator, kind: str, zona: Zona
) -> tuple[tuple[float, float], NDArray[np.float64]]:
    room = radius_of(zona.centre, zona.inner)
    if kind == "collapsed" or (kind == "early" and rng.random() < 0.35):
        size = rng.uniform(0.55, 0.9) if kind == "collapsed" else rng.uniform(0.82, 0.97)
        radius = ellipse_radius(rng, float(room.mean()) * size, rng.uniform(1.0, 1.25)) * wobble(rng, 0.05)
        slack = max(float(room.min()) - float(radius.max()), 0.0) * rng.uniform(0.0, 1.0)
        toward = rng.uniform(0, 2 * np.pi)
        centre = (slack * np.cos(toward), slack * np.sin(toward))
        return centre, np.minimum(radius, room * 0.97 - slack)
    outline = room * (1.0 - abs(rng.normal(0.0, 0.004)))
    if rng.random() < 0.25:  # a flattened stretch that has come off the zona
        outline = np.minimum(outline, room * wobble(rng, 0.04, range(1, 4)))
    if kind == "opened_zona":
        bulge = np.convolve(
            np.tile(~zona.present, 3).astype(float), np.hanning(25) / np.hanning(25).sum(), "same"
        )
        outline = outline + rng.uniform(-0.02, 0.07) * bulge[len(ANGLES) : 2 * len(ANGLES)]
    return zona.centre, outline


def _bumps(rng: np.random.Generator, necklace: Necklace, most: float = 0.05) -> NDArray[np.float64]:
    """Without the zona the cells bulge outwards too, by up to ``most`` of the radius."""
    phase = np.interp(ANGLES, np.linspace(0, 2 * np.pi, 9), np.append(rng.normal(0, 0.5, 8), 0.0))
    return np.asarray(
        1.0 + rng.uniform(0.0, most) * (np.abs(np.sin(necklace.cells / 2 * ANGLES + phase)) - 0.6)
    )


def _body(
    rng: np.random.Generator,
    centre: tuple[float, float],
    outline: NDArray[np.float64],
    necklace: Necklace,
    kind: str,
) -> Body:
    profile, cusps = thickness_profile(rng, necklace)
    mean = float(outline.mean())
    cavity = outline - profile * mean
    if kind == "early":  # the cavity begins small, on one side
        size = rng.uniform(0.35, 0.8)
        toward = rng.uniform(0, 2 * np.pi)
        off = (1.0 - size) * mean * rng.uniform(0.4, 0.9)
        shifted = polar((off * np.cos(toward), off * np.sin(toward)), mean * size * wobble(rng, 0.08))
        turn = np.arctan2(shifted[:, 1], shifted[:, 0]) % (2 * np.pi)
        order = np.argsort(turn)
        away = np.hypot(shifted[:, 0], shifted[:, 1])[order]
        if off < size * mean * 0.9:
            cavity = np.minimum(cavity, np.interp(ANGLES, turn[order], away, period=2 * np.pi))
    cavity = np.clip(cavity, 0.05 * mean, outline - 0.006 * mean)
    return Body(centre, polar(centre, outline), polar(centre, cavity), cusps)


def _hatching(rng: np.random.Generator, zona: Zona, necklace: Necklace) -> Embryo:
    """A figure of eight through a narrow hole: one body inside the zona, one outside."""
    toward = rng.uniform(0, 2 * np.pi)
    room = radius_of(zona.centre, zona.inner)
    inside = ellipse_radius(
        rng,
        float(room.mean()) * rng.choice([rng.uniform(0.6, 0.9), rng.uniform(0.9, 0.99)]),
        rng.uniform(1.0, 1.12),
    )
    inside = inside * wobble(rng, 0.02)
    slack = max(float(room.min()) - float(inside.max()), 0.0)
    way = np.array([np.cos(toward), np.sin(toward)])
    first = (float(slack * way[0]), float(slack * way[1]))
    inside = np.minimum(inside, room - 0.9 * slack - 0.004)
    size = 0.5 * rng.uniform(0.22, 1.25)
    neck = min(size, 0.5) * rng.uniform(0.2, 0.85)
    hole = round(toward / (2 * np.pi) * len(ANGLES)) % len(ANGLES)
    wall = float(radius_of(zona.centre, zona.outer)[hole])
    apart = float(room[hole]) + np.sqrt(max(size**2 - neck**2, 0.0)) + 0.3 * (wall - float(room[hole]))
    second = (float(apart * way[0]), float(apart * way[1]))
    outside = ellipse_radius(rng, size, rng.uniform(1.0, 1.15)) * wobble(rng, 0.02)
    # what has just come out is often a dense clump of round cells with little cavity, the rest may collapse
    is_clump = rng.random() < 0.4
    beyond = replace(
        draw_necklace(rng, "collapsed" if is_clump else "hatching"), cells=int(rng.integers(8, 28))
    )
    within = draw_necklace(rng, "collapsed") if rng.random() < 0.2 else necklace
    outside = outside * _bumps(rng, beyond, 0.14 if is_clump else 0.05)
    across = np.array([-way[1], way[0]]) * neck * rng.uniform(0.7, 1.0)
    start, end = (room[hole] - 0.2) * way, (wall + 0.35 * size) * way
    channel = np.stack([start - across, end - across, end + across, start + across])
    present = _gap(toward, float(np.arcsin(min(neck / wall, 0.9))))
    bodies = (
        _body(rng, first, inside, within, kind="hatching"),
        _body(rng, second, outside, beyond, kind="hatching"),
    )
    whole = Embryo(
        kind="hatching", scale=1.0, zona=replace(zona, present=present), bodies=bodies, neck=channel
    )
    return add_inner_cell_mass(rng, whole)


def _not_blastocyst(rng: np.random.Generator, kind: str, zona: Zona) -> Embryo:
    room = float(radius_of(zona.centre, zona.inner).min())
    if kind.startswith("cells_"):
        cells = blastomeres(rng, int(kind.removeprefix("cells_")), room * rng.uniform(0.93, 1.0))
    elif kind == "morula":
        cells = blastomeres(rng, int(rng.integers(9, 26)), room * rng.uniform(0.88, 1.0))
    else:
        cells = blastomeres(rng, int(rng.integers(1, 12)), room * rng.uniform(0.5, 0.9))
    fragments = tuple(
        Cell(
            float(r * np.cos(a)),
            float(r * np.sin(a)),
            float(size),
            float(size * rng.uniform(0.7, 1.0)),
            angle=float(a),
        )
        for r, a, size in zip(
            room * np.sqrt(rng.uniform(0.1, 0.85, 14)),
            rng.uniform(0, 2 * np.pi, 14),
            rng.uniform(0.015, 0.06, 14),
            strict=True,
        )
    )
    count = int(rng.integers(0, 15)) if kind == "degenerate" or rng.random() < 0.5 else 0
    return Embryo(kind, 1.0, zona=zona, loose_cells=cells, fragments=fragments[:count])


def blastomeres(rng: np.random.Generator, count: int, room: float) -> tuple[Cell, ...]:
    """Cells in a ball: as large as the room lets them be, overlapping in projection."""
    if count == 1:
        radius = room * rng.uniform(0.72, 0.98)
        off = (room - radius) * rng.uniform(0, 1)
        return (
            Cell(
                float(off),
                0.0,
                float(radius),
                float(radius * rng.uniform(0.93, 1)),
                angle=rng.uniform(0, np.pi),
            ),
        )
    radius = room * min(0.72, rng.uniform(0.95, 1.2) / count**0.42)
    direction = rng.normal(size=(count, 3))
    for _ in range(12):  # repulsion on the sphere
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        apart = direction[:, None] - direction[None]
        direction = direction + 0.25 * (
            apart / (np.linalg.norm(apart, axis=2, keepdims=True) ** 3 + 0.1)
        ).sum(1)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    layer = np.where(np.arange(count) % 5 == 4, 0.4, 1.0) if count > 8 else np.ones(count)
    grow = radius * rng.uniform(0.85, 1.1, count)
    middles = direction[:, :2] * ((room - radius) * layer)[:, None]
    # together they reach as far as the room lets them, or are pressed flat against the zona
    pressed = rng.uniform(1.05, 1.4) if rng.random() < 0.5 else rng.uniform(0.85, 1.0)
    spread = room * pressed / float((np.hypot(*middles.T) + grow).max())
    flat, angles = rng.uniform(0.85, 1.0, count), rng.uniform(0, np.pi, count)
    sizes = grow * spread
    values = zip(*(middles * spread).T, sizes, sizes * flat, angles, strict=True)
    return tuple(Cell(*map(float, cell)) for cell in values)
