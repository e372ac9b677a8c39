"""OME-TIFF: the frame and its label image as two images of one file, with the pixel size if it is known."""

import hashlib
import math
import uuid
from pathlib import Path
from typing import Any

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.report.export.frame import ExportedFrame, place_of
from blastoseg.tissues import FOREGROUND

LABELS = "0 background, " + ", ".join(f"{tissue.label} {tissue.name}" for tissue in FOREGROUND)


class OmeTiff:
    """A file a frame: ``<embryo>/<frame>.ome.tif``, first the frame, then its labels."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, frame: ExportedFrame) -> str:
        from tifffile import TiffWriter  # noqa: PLC0415  no other format needs it

        # Of the content, so that equal exports are equal; the library's own holds the machine's address.
        digest = hashlib.sha256(f"{frame.name}".encode())
        digest.update(frame.pixels.tobytes() + frame.labels.tobytes())
        known = {"axes": "YX", "UUID": str(uuid.UUID(digest.hexdigest()[:32])), **_pixel_size(frame)}
        name = str(frame.row["embryo_id"])
        with TiffWriter(place_of(self._folder, frame, ".ome.tif"), ome=True) as file:
            for image, about in (
                (frame.pixels, {"Name": name, "Channel": {"Name": ["frame"]}, "Plane": _hours(frame)}),
                (frame.labels, {"Name": f"{name}, labels", "Description": f"{LABELS}. {RESEARCH_USE_ONLY}"}),
            ):
                metadata = known | {key: value for key, value in about.items() if value}
                file.write(image, photometric="minisblack", compression="zlib", metadata=metadata)
        return ""

    def finish(self) -> None:
        """Every frame stands alone."""


def _pixel_size(frame: ExportedFrame) -> dict[str, Any]:
    if math.isnan(frame.um_per_px):
        return {}
    sizes = {f"PhysicalSize{axis}": frame.um_per_px for axis in "XY"}
    return sizes | {f"PhysicalSize{axis}Unit": "µm" for axis in "XY"}


def _hours(frame: ExportedFrame) -> dict[str, Any]:
    return {} if math.isnan(frame.time_h) else {"DeltaT": [frame.time_h], "DeltaTUnit": ["h"]}
