"""Draws one picture with its truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.embryos import STRETCHED_ZONA, ZONA_THICKNESS, build_embryo
from blastoseg.simulate.frame import SimulatedFrame, View
from blastoseg.simulate.geometry import Embryo, Points
from blastoseg.simulate.kinds import choose_kind
from blastoseg.simulate.masks import TissueMasks, tissue_masks
from blastoseg.simulate.optics import Layers, expose, form_image
from blastoseg.simulate.paint import paint_embryo
from blastoseg.simulate.preset import CLINIC, EMBRYOSCOPE, Optics, draw_optics
from blastoseg.simulate.reading import as_read, draw_reading
from blastoseg.simulate.scene import add_debris, burn_in, well_ring, write_captions


def draw_frame(rng: np.random.Generator, view: View) -> SimulatedFrame:
    """One picture, fully determined by the state of ``rng`` and ``view``."""
    kind = choose_kind(rng, view.kind)
    optics = view.optics or draw_optics(rng, view.preset)
    return render(Seeds.draw(rng), draw_embryo(rng, kind, view), optics, view)


def draw_embryo(rng: np.random.Generator, kind: str, view: View) -> Embryo:
    """An embryo of this kind in the view's pixels, its zona as thick as those seen by such optics."""
    zonas = STRETCHED_ZONA if view.preset in (CLINIC, EMBRYOSCOPE) else ZONA_THICKNESS
    return place_embryo(rng, build_embryo(rng, kind, zonas), view)


def place_embryo(rng: np.random.Generator, embryo: Embryo, view: View) -> Embryo:
    """The embryo scaled to the view's fill and put off-centre, in pixels."""
    shorter = min(view.height, view.width)
    size = shorter * rng.uniform(*view.fill)
    outer = embryo.everything()
    if not len(outer):
        return embryo.placed(float(size), (view.width / 2, view.height / 2))
    low, high = outer.min(0), outer.max(0)
    factor = size / float((high - low).max())
    middle = (low + high) / 2 * factor
    room = np.array([view.width, view.height]) - (high - low) * factor
    if view.scene == "crop":
        off = rng.uniform(-0.42, 0.42, 2) * np.maximum(room, 0.04 * shorter)
        if rng.random() < 0.06:
            off = off + rng.normal(0, 0.1 * shorter, 2)
    else:
        off = rng.uniform(-0.45, 0.45, 2) * room
        if rng.random() < 0.06:  # cut off by the picture's border
            off = rng.choice([-1, 1], 2) * 0.5 * room + rng.normal(0, 0.15 * size, 2)
    shift = np.array([view.width, view.height]) / 2 + off - middle
    return embryo.placed(factor, (float(shift[0]), float(shift[1])))


@dataclass(frozen=True, slots=True)
class Seeds:
    """What each part of a picture is drawn from; a time-lapse keeps all but the camera's."""

    debris: int
    neighbours: int
    embryo: int
    well: int
    camera: int
    writing: int

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Seeds":
        return cls(*(int(seed) for seed in rng.integers(0, 2**62, 6)))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What makes a picture a time-lapse's frame: one embryo in its well, nothing else written.

    ``captions`` stand at the left and the right; ``course`` are all points ``(n, 2)`` that the embryo ever
    reaches: the well, always the same, holds them.
    """

    captions: tuple[str, str]
    course: Points


def render(
    seeds: Seeds, embryo: Embryo, optics: Optics, view: View, recorded: Recorded | None = None
) -> SimulatedFrame:
    """The picture of an embryo whose outlines are already in the picture's pixels."""
    shape = (view.height, view.width)
    masks = tissue_masks(embryo, shape)
    layers = Layers.empty(shape)
    add_debris(np.random.default_rng(seeds.debris), layers, optics, embryo)
    other = np.zeros(shape, bool)
    if recorded is None:
        other = _neighbours(
            np.random.default_rng(seeds.neighbours), layers, embryo, masks, optics=optics, view=view
        )
    paint_embryo(np.random.default_rng(seeds.embryo), layers, embryo, masks, optics=optics)
    contrast = form_image(layers, optics, embryo.scale, masks.body | masks.cells)
    _add_well(np.random.default_rng(seeds.well), contrast, embryo, view, recorded=recorded)
    image = expose(np.random.default_rng(seeds.camera), contrast, optics, view.bit_depth)
    reading = draw_reading(np.random.default_rng([seeds.embryo, 1]), optics)
    read = as_read(masks, reading, embryo.scale, embryo.kind)
    if recorded is None:
        seen = ~burn_in(np.random.default_rng(seeds.writing), image, crop=view.scene == "crop")
    else:
        seen = np.ones(shape, bool)
        write_captions(image, recorded.captions)
    return SimulatedFrame(
        image=image,
        labels=read.labels() * seen,
        embryo_mask=masks.embryo & seen,
        other_mask=other & seen,
        kind=embryo.kind,
        embryo=embryo,
        reading=reading,
    )


def _add_well(
    rng: np.random.Generator,
    contrast: NDArray[np.float32],
    embryo: Embryo,
    view: View,
    recorded: Recorded | None,
) -> None:
    always = view.preset == EMBRYOSCOPE
    if view.scene == "crop":
        if not always and rng.random() > (0.4 if embryo.kind in ("hatching", "hatched") else 0.2):
            return
        outer = embryo.everything()
        middle = outer.mean(0) if len(outer) else np.array([view.width, view.height]) / 2
        reach = _reach(outer, middle) if len(outer) else 0.2 * view.width
        radius = reach * np.exp(rng.uniform(np.log(1.04), np.log(3.0)))
        pressed = always and rng.random() < 0.4
        off = 1.0 if pressed else np.sqrt(rng.uniform(0.0, 1.0))
        away, turn = (radius - reach) * off, rng.uniform(0, 2 * np.pi)
        centre = (float(middle[0] + away * np.cos(turn)), float(middle[1] + away * np.sin(turn)))
        well_ring(rng, contrast, centre, float(radius))
    elif recorded is not None or always or rng.random() < 0.5:
        shorter = min(view.height, view.width)
        centre = (
            view.width / 2 + rng.normal(0, 0.03) * shorter,
            view.height / 2 + rng.normal(0, 0.03) * shorter,
        )
        outer = embryo.everything() if recorded is None else recorded.course
        # The embryo lies in the well: no rim runs across it.
        reach = _reach(outer, np.array(centre)) if len(outer) else 0.0
        well_ring(rng, contrast, centre, max(shorter * float(rng.uniform(0.42, 0.56)), 1.06 * reach))


def _reach(points: Points, centre: NDArray[np.float64]) -> float:
    """Distance of the farthest of ``points`` ``(n, 2)`` from a centre."""
    return float(np.hypot(*(points - centre).T).max())


def _neighbours(
    rng: np.random.Generator, layers: Layers, embryo: Embryo, masks: TissueMasks, optics: Optics, view: View
) -> NDArray[np.bool_]:
    shape = (view.height, view.width)
    covered = np.zeros(shape, bool)
    if rng.random() > (0.14 if view.scene == "crop" else 0.3):
        return covered
    neighbour = build_embryo(rng, choose_kind(rng, None))
    outer = embryo.everything()
    if not len(outer) or neighbour.kind == "empty":
        return covered
    middle = (outer.min(0) + outer.max(0)) / 2
    reach = _reach(outer, middle)
    size = embryo.scale * rng.uniform(0.8, 1.2)
    beside = neighbour.everything()
    away = reach + float(np.hypot(*beside.T).max()) * size * rng.uniform(1.0, 1.1)
    for _ in range(4):  # look for a side from which it is seen
        turn = rng.uniform(0, 2 * np.pi)
        x, y = middle[0] + away * np.cos(turn), middle[1] + away * np.sin(turn)
        placed = neighbour.placed(float(size), (float(x), float(y)))
        points = placed.everything()
        seen = ((points > 0) & (points < np.array([view.width, view.height]))).all(axis=1).mean()
        if seen > 0.03:
            theirs = tissue_masks(placed, shape)
            paint_embryo(rng, layers, placed, theirs, optics=optics)
            return np.asarray(theirs.embryo & ~masks.embryo)
    return covered
