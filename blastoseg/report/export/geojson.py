"""GeoJSON as QuPath exchanges it: an annotation a tissue, in pixels of the full image."""

import json
from pathlib import Path
from typing import Any

from blastoseg.report.export.areas import Area, Ring, areas_of
from blastoseg.report.export.frame import ExportedFrame, place_of
from blastoseg.tissues import Tissue


class GeoJson:
    """A file a frame: ``<embryo>/<frame>.geojson``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, frame: ExportedFrame) -> str:
        features = [_feature(tissue, areas) for tissue, areas in areas_of(frame.labels)]
        document = {"type": "FeatureCollection", "features": features}
        place_of(self._folder, frame, ".geojson").write_text(json.dumps(document), "utf-8")
        return ""

    def finish(self) -> None:
        """Every frame stands alone."""


def _feature(tissue: Tissue, areas: list[Area]) -> dict[str, Any]:
    polygons = [[_closed(ring) for ring in area.rings] for area in areas]
    is_one = len(polygons) == 1
    return {
        "type": "Feature",
        "geometry": {
            "type": "Polygon" if is_one else "MultiPolygon",
            "coordinates": polygons[0] if is_one else polygons,
        },
        "properties": {
            "objectType": "annotation",
            "classification": {"name": tissue.name, "color": list(tissue.colour)},
        },
    }


def _closed(ring: Ring) -> list[list[int]]:
    corners: list[list[int]] = ring.tolist()
    return [*corners, corners[0]]
