"""Paints one embryo into the layers that the optics turn into a picture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.geometry import ANGLES, Body, Cell, Embryo, Points
from blastoseg.simulate.masks import TissueMasks, fill, towards
from blastoseg.simulate.optics import Layers
from blastoseg.simulate.paint_zona import paint_zona
from blastoseg.simulate.preset import Optics
from blastoseg.simulate.texture import (
    Field,
    add_ball,
    blobs,
    blur,
    cytoplasm,
    domes,
    faceted,
    faded,
    noise_field,
    stacked_rims,
    strokes,
    weight,
)


def paint_embryo(
    rng: np.random.Generator, layers: Layers, embryo: Embryo, masks: TissueMasks, optics: Optics
) -> None:
    """Add an embryo's zona, tissues, cells and texture to ``layers``, in place.

    Each part draws from its own generator, so that in a time-lapse a change of one part leaves the look of
    the others as it was.
    """
    zona_rng, body_rng, cell_rng, fragment_rng = _split(rng, 4)
    if embryo.zona is not None:
        paint_zona(zona_rng, layers, embryo.zona, masks, optics=optics, scale=embryo.scale)
    if embryo.bodies:
        _paint_blastocyst(body_rng, layers, embryo, masks, optics=optics)
    if embryo.loose_cells:
        _paint_cells(cell_rng, layers, embryo, masks, optics=optics)
    if embryo.fragments:
        _paint_round(fragment_rng, layers, embryo.fragments, optics, line=fragment_rng.uniform(0.3, 1.0))


def _split(rng: np.random.Generator, parts: int) -> list[np.random.Generator]:
    return [np.random.default_rng(int(seed)) for seed in rng.integers(0, 2**62, parts)]


def _paint_blastocyst(
    rng: np.random.Generator, layers: Layers, embryo: Embryo, masks: TissueMasks, optics: Optics
) -> None:
    shape, scale = (masks.body.shape[0], masks.body.shape[1]), embryo.scale
    te, icm, cavity, body = map(weight, (masks.te, masks.icm, masks.cavity, masks.body))
    texture = cytoplasm(rng, shape, scale)
    patchy = np.clip(1.0 + np.float32(0.8) * noise_field(rng, shape, 0.05 * scale), 0.1, 2.5)
    amount = (
        te * np.float32(rng.uniform(0.6, 1.2))
        + icm * np.float32(rng.choice([rng.uniform(0.3, 0.7), rng.uniform(0.6, 1.8)], p=[0.2, 0.8]))
        + cavity * np.float32(rng.uniform(0.05, 0.4)) * patchy
    )
    amount *= np.float32(optics.grain)
    layers.tone += np.float32(1.0 - 0.6 * optics.grain_relief) * amount * texture
    layers.height += np.float32(2.2 * optics.grain_relief) * amount * texture
    tones = rng.normal(0.0, 1.0, 3) * optics.tone + np.array([0.2, -0.6, 0.0]) * optics.tone
    for mask, tone in zip((te, icm, cavity), tones, strict=True):
        layers.tone += np.float32(tone) * mask
    layers.tone += (
        np.float32(optics.tone * rng.uniform(0.1, 0.6)) * body * noise_field(rng, shape, 0.06 * scale)
    )

    layers.height += np.float32(rng.uniform(0.3, 1.3)) * domes(
        masks.body.astype(np.uint8), rng.uniform(0.015, 0.06) * scale
    )
    cells = masks.te.astype(np.uint8)
    borders = _cell_borders(shape, embryo.bodies)
    cells[borders > 0.4] = 0
    layers.height += np.float32(rng.uniform(0.5, 1.6)) * domes(cells, rng.uniform(0.015, 0.04) * scale)
    line_rng, mass_rng, packed_rng, round_rng, *far_rngs = _split(rng, 4 + len(embryo.bodies))
    _paint_outlines(line_rng, layers, embryo, masks, borders=borders)
    _paint_mass(mass_rng, layers, embryo, masks, optics=optics)
    if embryo.packed_cells:
        _paint_packed(packed_rng, layers, embryo, masks)
    if embryo.te_cells:
        _paint_round(round_rng, layers, embryo.te_cells, optics, line=round_rng.uniform(0.4, 1.0))
    for part, far_rng in zip(embryo.bodies, far_rngs, strict=True):
        _paint_far_side(far_rng, layers, part, masks, optics=optics)


def _cell_borders(shape: tuple[int, int], bodies: tuple[Body, ...]) -> Field:
    segments = []
    for body in bodies:
        depth = np.hypot(*(body.outline - body.cavity).T)
        thin = 0.25 * float(np.hypot(*(body.outline - np.array(body.centre)).T).mean())
        segments += [np.stack([body.outline[i], body.cavity[i]]) for i in body.cusps if depth[i] < thin]
    if not segments:
        return np.zeros(shape, np.float32)
    return strokes(shape, segments, closed=False)


def _paint_outlines(
    rng: np.random.Generator, layers: Layers, embryo: Embryo, masks: TissueMasks, borders: Field
) -> None:
    shape, scale = (masks.body.shape[0], masks.body.shape[1]), embryo.scale
    # readers draw the tissue's border on the outer flank of its dark outline, which is often broad
    inset = float(np.clip(rng.normal(0.02, 0.007), 0.0, 0.035))
    breadth = rng.choice([0.0, rng.uniform(0.005, 0.015)])
    drawn = [
        towards(b.outline, b.centre, 1.0 - off) for b in embryo.bodies for off in (inset, inset + breadth)
    ]
    outer = faded(rng, strokes(shape, drawn), scale, 0.6)
    inner = faded(rng, strokes(shape, [b.cavity for b in embryo.bodies]), scale, 0.35)
    inner *= np.float32(1.0) - np.float32(0.8) * weight(masks.icm)
    layers.lines += outer * np.float32(rng.uniform(0.5, 1.5)) + inner * np.float32(rng.uniform(0.5, 1.4))
    layers.lines += borders * np.float32(rng.uniform(0.0, 0.6))
    # the bright fringe of an edge lies on one side of it, which one depends on the focus
    width = 0.007 * scale
    outside, inside = weight(~masks.body), weight(masks.te)
    fringe = outside if rng.random() < 0.5 else inside
    layers.halos += np.float32(rng.uniform(0.3, 1.5)) * blur(outer, width) * fringe
    bare = weight(~(masks.body | masks.zona | masks.gap))
    if rng.random() < 0.6:  # bare tissue has a bright rim, which is no zona
        layers.halos += np.float32(rng.uniform(0.5, 3.0)) * blur(outer, rng.uniform(0.5, 2.5) * width) * bare
    if (
        rng.random() < 0.5
    ):  # its curved side, out of focus, throws a broad light on one flank and a shade on the other
        broad = float(np.exp(rng.uniform(np.log(0.006), np.log(0.025)))) * scale
        flank = blur(weight(masks.body), broad) * blur(bare, 0.003 * scale)
        layers.far_height += np.float32(rng.uniform(0.5, 4.0)) * flank
    fringe = inside if rng.random() < 0.5 else weight(masks.cavity)
    layers.halos += np.float32(rng.uniform(0.3, 1.5)) * blur(inner, width) * fringe


def _paint_mass(
    rng: np.random.Generator, layers: Layers, embryo: Embryo, masks: TissueMasks, optics: Optics
) -> None:
    """The inner cell mass: transparent overlapping cells, or a compact or blurred lump."""
    shape, scale = (masks.icm.shape[0], masks.icm.shape[1]), embryo.scale
    look = rng.choice(["cells", "compact", "blurred"], p=[0.55, 0.27, 0.18])
    visible = np.float32(rng.uniform(0.05, 0.4) if rng.random() < 0.04 else rng.uniform(0.6, 1.4))
    inside = blur(weight(masks.icm), 1.0)
    heap = np.zeros(shape, np.float32)
    for cell in embryo.icm_cells:
        add_ball(heap, cell, float(rng.uniform(0.3, 0.9)), 2.5)
    edge = strokes(shape, list(embryo.icm_outlines)) * weight(masks.body)
    dark = np.float32(rng.normal(-0.4, 1.0) * optics.tone)
    if rng.random() < 0.5:  # a lump is thicker in the middle, darker towards its border
        rim = inside - blur(inside, rng.uniform(0.015, 0.05) * scale)
        layers.far_tone += np.float32(rng.normal(-2.0, 1.5) * optics.tone) * np.maximum(rim, 0.0) * 2.0
    if look == "cells":
        lines = faded(rng, stacked_rims(shape, embryo.icm_cells, rng.random()), 0.6 * scale, 0.0) * inside
        layers.lines += visible * np.float32(rng.uniform(0.2, 0.8)) * lines
        layers.halos += visible * np.float32(rng.uniform(0.1, 0.6)) * lines
        layers.height += visible * heap * inside
    elif look == "compact":
        lump = domes(masks.icm.astype(np.uint8), 0.06 * scale)
        layers.height += visible * (lump + np.float32(0.4) * heap * inside)
        layers.tone += dark * inside
    else:
        layers.far_height += visible * 2.0 * inside * (1.0 + heap)
        layers.far_tone += (dark * 1.5 - np.float32(rng.uniform(0.0, 2.5) * optics.tone)) * inside
    layers.lines += visible * np.float32(rng.uniform(0.0, 0.8)) * faded(rng, edge, scale, 0.0)
    layers.halos += visible * np.float32(rng.uniform(0.0, 0.7)) * edge


def _paint_packed(rng: np.random.Generator, layers: Layers, embryo: Embryo, masks: TissueMasks) -> None:
    """Cells lying over each other in a thick wall, as in an early or a collapsed blastocyst."""
    shape = (masks.te.shape[0], masks.te.shape[1])
    inside = weight(masks.te | masks.icm)
    heap = np.zeros(shape, np.float32)
    for cell in embryo.packed_cells:
        add_ball(heap, cell, float(rng.uniform(0.3, 1.0)), 2.5)
    layers.height += heap * inside
    rims = faded(rng, stacked_rims(shape, embryo.packed_cells, rng.random()), embryo.scale, 0.0)
    layers.lines += np.float32(rng.uniform(0.2, 0.9)) * rims * inside
    layers.halos += np.float32(rng.uniform(0.1, 0.8)) * rims * inside


def _paint_far_side(
    rng: np.random.Generator, layers: Layers, body: Body, masks: TissueMasks, optics: Optics
) -> None:
    """Cells above and below the focal plane, and blobs, over cavity and faintly over the rest."""
    shape = (masks.body.shape[0], masks.body.shape[1])
    own = fill(shape, [body.outline]).astype(np.float32)
    over = own * np.where(masks.cavity, np.float32(1.0), np.float32(rng.uniform(0.1, 0.5)))
    walls, bumps = faceted(rng, shape, body, int(rng.integers(10, 60)))
    veil = np.float32(min(optics.veil, 0.32))
    sign = np.float32(rng.choice([1.0, -0.7], p=[0.65, 0.35]))
    weights = rng.uniform(0.0, 1.2, 3).astype(np.float32)
    layers.far_tone += (
        veil * over * (weights[0] * sign * walls + np.float32(0.5) * weights[1] * blobs(rng, shape, body, 10))
    )
    layers.far_height += np.float32(rng.uniform(0.2, 1.8)) * over * bumps
    if rng.random() < 0.45:  # some of the far cells are nearly in focus
        near = over * np.clip(0.5 + noise_field(rng, shape, 4.0 * embryo_length(body)), 0.0, 1.0)
        layers.tone += veil * np.float32(rng.uniform(0.3, 1.2)) * near * sign * walls
        layers.height += np.float32(rng.uniform(0.2, 1.0)) * near * bumps
    if rng.random() < optics.face_on:
        _paint_face_on(rng, layers, body, over, optics=optics)
    layers.far_tone += (
        veil * np.float32(rng.uniform(0.0, 0.35)) * over * noise_field(rng, shape, embryo_length(body))
    )


def _paint_face_on(rng: np.random.Generator, layers: Layers, body: Body, over: Field, optics: Optics) -> None:
    """Single cells above or below the cavity, granular and with a rim, that belong to no tissue.

    Most overlap the wall, which curves in above and below the focal plane; half are out of focus.
    """
    shape = (over.shape[0], over.shape[1])
    radius = 12.0 * embryo_length(body)
    wall = np.hypot(*(body.cavity - np.array(body.centre)).T)
    cells = []
    for _ in range(int(rng.integers(2, 13))):
        at, size = int(rng.integers(len(wall))), radius * rng.uniform(0.08, 0.26)
        if rng.random() < 0.6:
            reach = wall[at] - size * rng.uniform(-0.3, 0.9)
        else:
            reach = radius * np.sqrt(rng.uniform(0.1, 0.8))
        x, y = np.array(body.centre) + max(reach, 0.0) * np.array([np.cos(ANGLES[at]), np.sin(ANGLES[at])])
        flat = size * rng.uniform(0.5, 1.0)
        cells.append(Cell(float(x), float(y), float(flat), float(size), angle=float(ANGLES[at])))
    near, far = cells[: len(cells) // 2], cells[len(cells) // 2 :]
    for some, height, tone in ((near, layers.height, layers.tone), (far, layers.far_height, layers.far_tone)):
        cover = np.zeros(shape, np.float32)
        for cell in some:
            add_ball(cover, cell, float(rng.uniform(0.4, 1.0)), 5.0)
        cover *= over
        np.add(height, np.float32(rng.uniform(0.2, 0.9)) * cover, out=height)
        grain = noise_field(rng, shape, radius * rng.uniform(0.008, 0.02))
        np.add(tone, np.float32(optics.grain * rng.uniform(0.1, 0.9)) * cover * grain, out=tone)
        np.add(tone, np.float32(optics.tone * rng.normal(-0.5, 1.0)) * cover, out=tone)
    rim = faded(rng, strokes(shape, [cell.outline() for cell in near]), radius, 0.0) * over
    layers.lines += np.float32(rng.uniform(0.1, 0.8)) * rim
    layers.halos += np.float32(rng.uniform(0.0, 0.6)) * rim


def embryo_length(body: Body) -> float:
    """A fitting correlation length for cloudiness: a twelfth of the body's radius."""
    return float(np.hypot(*(body.outline - np.array(body.centre)).T).mean()) / 12.0


def _paint_round(
    rng: np.random.Generator, layers: Layers, cells: tuple[Cell, ...], optics: Optics, line: float
) -> None:
    shape = (layers.tone.shape[0], layers.tone.shape[1])
    outlines: list[Points] = [cell.outline() for cell in cells]
    rim = strokes(shape, outlines)
    layers.lines += np.float32(line) * rim
    layers.halos += np.float32(rng.uniform(0.1, 0.8)) * rim
    for cell in cells:
        add_ball(layers.height, cell, float(rng.uniform(0.2, 0.9)), 2.2)
        add_ball(layers.tone, cell, float(rng.normal(0.0, 0.7) * optics.tone), 4.0)


def _contours(mask: NDArray[np.bool_]) -> list[Points]:
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [contour[:, 0, :].astype(np.float64) + 0.5 for contour in found]


def _paint_cells(
    rng: np.random.Generator, layers: Layers, embryo: Embryo, masks: TissueMasks, optics: Optics
) -> None:
    """Blastomeres, a morula, or what is left of a degenerate embryo."""
    shape, scale = (masks.cells.shape[0], masks.cells.shape[1]), embryo.scale
    inside = weight(masks.cells)
    degenerate = embryo.kind == "degenerate"
    texture = cytoplasm(rng, shape, scale)
    amount = optics.grain * rng.uniform(0.5, 1.3) * (1.8 if degenerate else 1.0)
    layers.tone += np.float32(amount * (1.0 - 0.6 * optics.grain_relief)) * inside * texture
    layers.height += np.float32(amount * 2.2 * optics.grain_relief) * inside * texture
    shade = rng.normal(0, 0.8) - (3.0 if degenerate else 0.2)
    layers.tone += np.float32(optics.tone * shade) * inside
    smooth = embryo.kind == "morula" and rng.random() < 0.5
    heap = np.zeros(shape, np.float32)
    for cell in embryo.loose_cells:
        add_ball(heap, cell, float(rng.uniform(0.6, 1.5)), 2.3)
    rounded = heap * inside + np.float32(rng.uniform(0.0, 1.0)) * domes(
        masks.cells.astype(np.uint8), 0.03 * scale
    )
    if smooth:
        layers.far_height += rounded
    else:
        layers.height += rounded
    rim = faded(rng, stacked_rims(shape, embryo.loose_cells, rng.random()), scale, 0.15)
    rim = rim * inside + strokes(shape, _contours(masks.cells)) * blur(inside, 1.0)
    strength = rng.uniform(0.1, 0.5) if smooth else rng.uniform(0.4, 1.2)
    layers.lines += np.float32(strength) * rim
    layers.halos += np.float32(rng.uniform(0.2, 1.0)) * rim
