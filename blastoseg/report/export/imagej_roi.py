"""Regions of interest for ImageJ and Fiji: a zip a frame, which the ROI Manager opens."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from blastoseg.report.export.areas import Area, areas_of
from blastoseg.report.export.frame import ExportedFrame, place_of
from blastoseg.tissues import Tissue

if TYPE_CHECKING:
    from roifile import ImagejRoi

_MOVE_TO, _LINE_TO, _CLOSE = 0.0, 1.0, 4.0
"""Steps of the path of a composite region, as java.awt.geom.PathIterator numbers them."""


class RoiSets:
    """A file a frame: ``<embryo>/<frame>.zip``, in it a region a tissue, named after it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, frame: ExportedFrame) -> str:
        from roifile import roiwrite  # noqa: PLC0415  of the extra "export"

        regions = [_region(tissue, areas) for tissue, areas in areas_of(frame.labels)]
        roiwrite(place_of(self._folder, frame, ".zip"), regions, mode="w")
        return ""

    def finish(self) -> None:
        """Every frame stands alone."""


def _region(tissue: Tissue, areas: list[Area]) -> "ImagejRoi":
    """A traced outline; a composite where there are holes or several areas."""
    from roifile import ROI_TYPE, ImagejRoi  # noqa: PLC0415

    region = ImagejRoi.frompoints(np.concatenate([area.outer for area in areas]), name=tissue.name)
    region.roitype = ROI_TYPE.TRACED
    region.stroke_color = bytes((255, *tissue.colour))
    # The library counts the pixel under the last corner too; ImageJ's bounds end at the corner.
    region.right, region.bottom = region.right - 1, region.bottom - 1
    rings = [ring for area in areas for ring in area.rings]
    if len(rings) > 1:
        steps: list[float] = []
        for ring in rings:
            for number, (x, y) in enumerate(ring.tolist()):
                steps += [_LINE_TO if number else _MOVE_TO, x, y]
            steps.append(_CLOSE)
        region.roitype = ROI_TYPE.RECT
        region.integer_coordinates, region.n_coordinates = None, 0
        region.multi_coordinates = np.array(steps, np.float32)
        region.shape_roi_size = len(steps)
    return region
