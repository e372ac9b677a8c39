"""LabelMe: a JSON file beside each image."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from blastoseg.records import Labels, Mask
from blastoseg.report.export.areas import areas_of
from blastoseg.report.export.frame import ExportedFrame, place_of
from blastoseg.report.export.images import write_image

VERSION = "5.5.0"
"""Of the format: the first with masks was 5.2."""


class LabelMe:
    """``<embryo>/<frame>.png`` and ``<embryo>/<frame>.json``.

    What has no hole is a polygon, to be drawn on; a tissue with a hole, for which LabelMe's polygons have no
    word, is a mask.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, frame: ExportedFrame) -> str:
        picture = place_of(self._folder, frame, ".png")
        write_image(picture, frame.pixels)
        height, width = frame.labels.shape
        document = {
            "version": VERSION,
            "flags": {},
            "shapes": list(_shapes(frame.labels)),
            "imagePath": picture.name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        text = json.dumps(document, ensure_ascii=False)
        place_of(self._folder, frame, ".json").write_text(text, "utf-8")
        return ""

    def finish(self) -> None:
        """Every frame stands alone."""


def _shapes(labels: Labels) -> Iterator[dict[str, Any]]:
    for tissue, areas in areas_of(labels):
        if any(area.holes for area in areas):
            yield _shape(tissue.name, "mask", **_embedded(labels == tissue.label))
        else:
            for area in areas:
                yield _shape(tissue.name, "polygon", points=area.outer.tolist())


def _embedded(mask: Mask) -> dict[str, Any]:
    """The mask's part of the image as a PNG, and its first and last pixel."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    buffer = io.BytesIO()
    Pillow.fromarray(mask[y : y + height, x : x + width]).save(buffer, "PNG")
    return {
        "points": [[x, y], [x + width - 1, y + height - 1]],
        "mask": base64.b64encode(buffer.getvalue()).decode("ascii"),
    }


def _shape(name: str, kind: str, **drawn: Any) -> dict[str, Any]:
    named: dict[str, Any] = {
        "label": name,
        "shape_type": kind,
        "group_id": None,
        "description": "",
        "flags": {},
    }
    return named | {"mask": None} | drawn
