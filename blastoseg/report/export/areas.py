"""Label images as areas with holes, their corners at the corners of pixels: pixel i reaches from i to i + 1.

So the area of a tissue is its number of pixels, and whoever fills the outlines by the centres of pixels has
the labels again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blastoseg.records import Labels, Mask
from blastoseg.tissues import FOREGROUND, Tissue

Ring = NDArray[np.int32]
"""Corners ``(n, 2)`` as x, y; not closed: the last is not the first again."""


@dataclass(frozen=True, slots=True)
class Area:
    """What hangs together by the sides of pixels: its outer ring and the rings of its holes."""

    outer: Ring
    holes: tuple[Ring, ...]

    @property
    def rings(self) -> tuple[Ring, ...]:
        return (self.outer, *self.holes)


def areas_of(labels: Labels) -> Iterator[tuple[Tissue, list[Area]]]:
    """Every tissue that a label image ``(y, x)`` holds, from inside out, with its areas."""
    for tissue in FOREGROUND:
        mask = labels == tissue.label
        if mask.any():
            yield tissue, _areas(mask)


def _areas(mask: Mask) -> list[Area]:
    """Rows of pixels joined: outer rings run one way, as GeoJSON asks for, holes the other."""
    import shapely  # noqa: PLC0415  of the extra "export"

    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    joined = shapely.union_all(shapely.box(starts, rows, ends, rows + 1))
    # Tolerance 0: corners in the middle of a straight line go, and nothing else.
    plain = shapely.orient_polygons(shapely.simplify(joined, 0))
    return [
        Area(_ring(polygon.exterior), tuple(_ring(hole) for hole in polygon.interiors))
        for polygon in shapely.get_parts(plain)
    ]


def _ring(closed: object) -> Ring:
    import shapely  # noqa: PLC0415

    corners: NDArray[np.float64] = shapely.get_coordinates(closed)
    return np.rint(corners[:-1]).astype(np.int32)
