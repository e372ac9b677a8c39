"""Labels from outlines, at any resolution."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.simulate.geometry import Embryo, Points, Zona
from blastoseg.tissues import BLASTOCOEL, ICM, TE, ZP

SHIFT = 4
"""Fractional bits of the polygon coordinates given to OpenCV."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TissueMasks:
    """One bool mask ``(y, x)`` a part. ``gap`` is what lies inside the zona and is no tissue.

    ``bulges`` are the parts of the trophectoderm's round cells that lie over the cavity.
    """

    zona: Mask
    body: Mask
    cavity: Mask
    icm: Mask
    te: Mask
    cells: Mask
    gap: Mask
    bulges: Mask

    def labels(self) -> NDArray[np.uint8]:
        image = np.zeros(self.zona.shape, np.uint8)
        image[self.zona] = ZP.label
        image[self.te] = TE.label
        image[self.cavity] = BLASTOCOEL.label
        image[self.icm] = ICM.label
        return image

    @property
    def embryo(self) -> Mask:
        return np.asarray(self.zona | self.body | self.cells | self.gap)


def fixed(outline: Points) -> NDArray[np.int32]:
    """Pixel-centre coordinates as OpenCV's fixed-point integers."""
    return np.round((outline - 0.5) * (1 << SHIFT)).astype(np.int32)


def fill(shape: tuple[int, int], outlines: list[Points]) -> NDArray[np.uint8]:
    """1 where a pixel's centre is inside any of the outlines, which may overlap.

    OpenCV fills every pixel that an outline touches, half a pixel too much: small pictures are filled on a
    finer grid, of which the pixels' centres are taken.
    """
    times = 5 if max(shape) <= 640 else 1
    canvas = np.zeros((shape[0] * times, shape[1] * times), np.uint8)
    for outline in outlines:
        cv2.fillPoly(canvas, [fixed(outline * times)], 1, shift=SHIFT)
    return np.ascontiguousarray(canvas[times // 2 :: times, times // 2 :: times])


def zona_ring(shape: tuple[int, int], zona: Zona) -> Mask:
    """The zona where it is present."""
    ring = (fill(shape, [zona.outer]) - fill(shape, [zona.inner])).astype(bool)
    centre = np.array(zona.centre)
    wedges = []
    for start, stop in _runs(~zona.present):
        index = np.arange(start, stop + 1) % len(zona.present)
        wedges.append(np.concatenate([centre[None], centre + 1.2 * (zona.outer[index] - centre)]))
    return ring & ~fill(shape, wedges).astype(bool) if wedges else ring


def _runs(flags: Mask) -> list[tuple[int, int]]:
    """(first, one past last) of every run of True round the circle."""
    if flags.all():
        return [(0, len(flags))]
    begin = np.flatnonzero(flags & ~np.roll(flags, 1))
    runs = []
    for start in begin:
        stop = int(start)
        while flags[stop % len(flags)]:
            stop += 1
        runs.append((int(start), stop))
    return runs


def tissue_masks(embryo: Embryo, shape: tuple[int, int]) -> TissueMasks:
    """Masks of all parts of an embryo whose outlines are in pixels of an image of ``shape`` (y, x)."""
    nothing = np.zeros(shape, bool)
    outlines = [body.outline for body in embryo.bodies] + ([] if embryo.neck is None else [embryo.neck])
    body = fill(shape, outlines).astype(bool)
    cavity = fill(shape, [part.cavity for part in embryo.bodies]).astype(bool) & body
    icm = fill(shape, list(embryo.icm_outlines)).astype(bool) & body
    # the mass presses on the trophectoderm but leaves a thin layer of it
    icm &= fill(shape, [towards(part.outline, part.centre, 0.97) for part in embryo.bodies]).astype(bool)
    round_cells = fill(shape, [cell.outline() for cell in embryo.te_cells]).astype(bool) & body
    bulges = cavity & round_cells & ~icm
    cavity &= ~(icm | round_cells)
    te = body & ~cavity & ~icm
    ring = nothing if embryo.zona is None else zona_ring(shape, embryo.zona) & ~body
    cells = fill(shape, [cell.outline() for cell in embryo.loose_cells]).astype(bool)
    if embryo.zona is not None and embryo.loose_cells:
        cells &= fill(shape, [embryo.zona.inner]).astype(bool)
    inside = nothing if embryo.zona is None else fill(shape, [embryo.zona.outer]).astype(bool)
    return TissueMasks(
        zona=ring,
        body=body,
        cavity=cavity,
        icm=icm,
        te=te,
        cells=cells,
        gap=inside & ~body & ~ring,
        bulges=bulges,
    )


def towards(outline: Points, centre: tuple[float, float], share: float) -> Points:
    """The outline shrunk about ``centre`` to ``share`` of its size."""
    middle = np.array(centre)
    return np.asarray(middle + share * (outline - middle))
