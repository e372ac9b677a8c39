"""COCO: the images, and one JSON file with a run-length encoded mask for each tissue of each."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.report.export.frame import ExportedFrame, place_of
from blastoseg.report.export.images import write_image
from blastoseg.tissues import FOREGROUND


class Coco:
    """``images/<embryo>/<frame>.png`` and ``annotations.json``; a category's id is the tissue's label."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, frame: ExportedFrame) -> str:
        path = place_of(self._folder / "images", frame, ".png")
        write_image(path, frame.pixels)
        height, width = frame.labels.shape
        number = len(self._images) + 1
        file = {"file_name": path.relative_to(self._folder / "images").as_posix()}
        self._images.append({"id": number, "width": width, "height": height, **file, **frame.told()})
        for tissue in FOREGROUND:
            self._annotate(number, tissue.label, frame.labels == tissue.label)
        return ""

    def _annotate(self, image: int, category: int, mask: np.ndarray[Any, Any]) -> None:
        from pycocotools import mask as coco  # noqa: PLC0415  of the extra "export"

        if not mask.any():
            return
        encoded = coco.encode(np.asfortranarray(mask, np.uint8))
        self._annotations.append(
            {
                "id": len(self._annotations) + 1,
                "image_id": image,
                "category_id": category,
                "segmentation": {"size": encoded["size"], "counts": encoded["counts"].decode("ascii")},
                "area": int(coco.area(encoded)),
                "bbox": [float(part) for part in coco.toBbox(encoded)],
                "iscrowd": 0,
            }
        )

    def finish(self) -> None:
        document = {
            "info": {"description": f"blastocysts segmented by blastoseg. {RESEARCH_USE_ONLY}"},
            "images": self._images,
            "annotations": self._annotations,
            "categories": [
                {"id": tissue.label, "name": tissue.name, "supercategory": "blastocyst"}
                for tissue in FOREGROUND
            ],
        }
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        (self._folder / "annotations.json").write_text(text, "utf-8")
