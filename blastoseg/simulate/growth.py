"""The outlines of one and the same embryo in any state: what it is stays, what it does changes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.course import State
from blastoseg.simulate.embryos import blastomeres
from blastoseg.simulate.geometry import (
    ANGLES,
    Body,
    Cell,
    Embryo,
    Points,
    Zona,
    ellipse_radius,
    polar,
    wobble,
)
from blastoseg.simulate.mass import add_inner_cell_mass
from blastoseg.simulate.necklace import draw_necklace, thickness_profile

Radii = NDArray[np.float64]


@dataclass(frozen=True)
class Traits:
    """What an embryo keeps for life; lengths in diameters of the unexpanded zona, tissues in body radii."""

    shape: Radii
    uneven: Radii
    thickness: float
    growth: float
    profiles: tuple[Radii, Radii]
    cusps: tuple[NDArray[np.int64], NDArray[np.int64]]
    crumple: Radii
    blastomeres: tuple[Cell, ...]
    mass: Embryo  # inner cell mass in a body of radius 1 about the origin
    mass_angle: float
    mass_radius: float  # the body radius at which the mass has the size it keeps
    hole_angle: float
    neck: float
    drop: float  # how far a collapse goes


def draw_traits(rng: np.random.Generator, blastomere_count: int) -> Traits:
    """A new embryo, with this many cells before it has a cavity."""
    necklace = draw_necklace(rng, "full")
    inside, cusps = thickness_profile(rng, necklace)
    outside, outside_cusps = thickness_profile(rng, necklace)
    unit = Body((0.0, 0.0), polar((0.0, 0.0), np.ones(len(ANGLES))), polar((0.0, 0.0), 1.0 - inside), cusps)
    mass = add_inner_cell_mass(rng, Embryo("full", 2.0, bodies=(unit,)))
    middle = np.mean([[cell.x, cell.y] for cell in mass.icm_cells], axis=0)
    return Traits(
        shape=ellipse_radius(rng, 0.5, 1.0 + abs(rng.normal(0, 0.04))) * wobble(rng, 0.006, range(3, 6)),
        uneven=wobble(rng, 0.1, range(1, 4)).clip(0.5, 1.5),
        thickness=float(rng.uniform(0.08, 0.13)),
        growth=float(rng.uniform(0.12, 0.35)),
        profiles=(inside, outside),
        cusps=(cusps, outside_cusps),
        crumple=wobble(rng, 0.06),
        blastomeres=blastomeres(rng, blastomere_count, 1.0),
        mass=mass,
        mass_angle=float(np.arctan2(middle[1], middle[0])),
        mass_radius=float(rng.uniform(0.38, 0.46)),
        hole_angle=float(rng.uniform(0, 2 * np.pi)),
        neck=float(rng.uniform(0.10, 0.22)),
        drop=float(rng.uniform(0.2, 0.42)),
    )


def grow(traits: Traits, state: State) -> Embryo:
    """The embryo in this state, about the zona's centre, in diameters of the unexpanded zona."""
    outer = traits.shape * (1.0 + traits.growth * state.expansion)
    # the zona keeps its volume: it thins as its surface grows
    thickness = traits.thickness * (1.0 - state.expansion * 0.62)
    inner = outer - thickness * traits.uneven
    zona = Zona((0.0, 0.0), polar((0.0, 0.0), inner), polar((0.0, 0.0), outer), np.ones(len(ANGLES), bool))
    if state.cavity <= 0.0:
        room = float(inner.min()) * 0.94
        cells = tuple(
            Cell(c.x * room, c.y * room, c.radius_x * room, c.radius_y * room, angle=c.angle)
            for c in traits.blastomeres
        )
        kind = "morula" if len(cells) > 8 else f"cells_{len(cells)}"
        return Embryo(kind, 1.0, zona=zona, loose_cells=cells)
    if state.hatched > 0.0:
        return _hatching(traits, state, zona, inner)
    radius = inner * (0.93 + 0.065 * min(2.0 * state.cavity, 1.0)) * (1.0 - traits.drop * state.shrinkage)
    radius = np.minimum(radius * (1.0 + (traits.crumple - 1.0) * state.shrinkage), 0.995 * inner)
    body = _body(traits, state, radius, 0, centre=(0.0, 0.0))
    kind = "expanded" if state.expansion > 0.6 else "full" if state.cavity > 0.75 else "early"
    kind = "collapsed" if state.shrinkage > 0.3 else kind
    return _with_mass(traits, Embryo(kind, 1.0, zona=zona, bodies=(body,)), 0)


def _body(traits: Traits, state: State, radius: Radii, which: int, centre: tuple[float, float]) -> Body:
    mean = float(radius.mean())
    profile = traits.profiles[which] * (1.5 - 0.6 * state.expansion + 0.8 * state.shrinkage)
    cavity = radius - np.minimum(profile, 0.5) * mean
    if state.cavity < 1.0:  # it begins small, away from the inner cell mass
        size = (0.22 + 0.78 * state.cavity) * mean
        off = mean - size
        away = ANGLES - (traits.mass_angle + np.pi)
        reach = off * np.cos(away) + np.sqrt(np.maximum(size**2 - (off * np.sin(away)) ** 2, 0.0))
        cavity = np.minimum(cavity, np.where(reach > 0, 0.94 * reach, 0.0))
    cavity = np.clip(cavity, 0.02 * mean, radius - 0.006 * mean)
    return Body(centre, polar(centre, radius), polar(centre, cavity), traits.cusps[which])


def _with_mass(traits: Traits, embryo: Embryo, host: int) -> Embryo:
    """The mass keeps its size and its place on the wall of the body it lies in."""
    body = embryo.bodies[host]
    centre = np.array(body.centre)
    radius = float(np.hypot(*(body.outline - centre).T).mean())
    size = min(traits.mass_radius, 0.95 * radius)
    way = np.array([np.cos(traits.mass_angle), np.sin(traits.mass_angle)])
    shift = centre + (radius - size) * way
    mass = traits.mass.placed(size, (float(shift[0]), float(shift[1])))
    return Embryo(
        kind=embryo.kind,
        scale=embryo.scale,
        zona=embryo.zona,
        bodies=embryo.bodies,
        neck=embryo.neck,
        icm_cells=mass.icm_cells,
        icm_outlines=mass.icm_outlines,
        te_cells=mass.te_cells if radius > size * 1.02 else (),
    )


def _hatching(traits: Traits, state: State, zona: Zona, inner: Radii) -> Embryo:
    way = np.array([np.cos(traits.hole_angle), np.sin(traits.hole_angle)])
    room = float(inner.mean())
    share = state.hatched
    size = room * (0.18 + 1.0 * share)
    if state.is_outside:
        centre = 1.25 * (room + size) * way
        body = _body(traits, state, size * _crimp(traits), 1, centre=(float(centre[0]), float(centre[1])))
        return _with_mass(traits, Embryo("hatched", 1.0, bodies=(body,)), 0)
    neck = min(traits.neck, 0.8 * size)
    hole = round(traits.hole_angle / (2 * np.pi) * len(ANGLES)) % len(ANGLES)
    wall = float(np.hypot(*zona.outer[hole]))
    within = inner * (0.99 - 0.35 * share)
    slack = float(inner[hole] - within[hole])
    first = (float(slack * way[0]), float(slack * way[1]))
    apart = 0.5 * (wall + float(inner[hole])) + np.sqrt(max(size**2 - neck**2, 0.0))
    second = (float(apart * way[0]), float(apart * way[1]))
    bodies = (
        _body(traits, state, within, 0, centre=first),
        _body(traits, state, size * _crimp(traits), 1, centre=second),
    )
    across = 0.85 * neck * np.array([-way[1], way[0]])
    start, end = (float(inner[hole]) - 0.15) * way, (wall + 0.3 * size) * way
    channel: Points = np.stack([start - across, end - across, end + across, start + across])
    away = np.abs((ANGLES - traits.hole_angle + np.pi) % (2 * np.pi) - np.pi)
    gaping = Zona(zona.centre, zona.inner, zona.outer, away > float(np.arcsin(min(neck / wall, 0.9))))
    host = 1 if share > 0.35 and np.cos(traits.mass_angle - traits.hole_angle) > 0.0 else 0
    return _with_mass(
        traits, Embryo(kind="hatching", scale=1.0, zona=gaping, bodies=bodies, neck=channel), host
    )


def _crimp(traits: Traits) -> Radii:
    cells = len(traits.cusps[1])
    return np.asarray(1.0 + 0.02 * (np.abs(np.sin(cells / 2 * ANGLES)) - 0.6) + 0.2 * (traits.crumple - 1.0))
