"""Layout of QuPath: annotations exported as GeoJSON, of the image's name."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from blastoseg.datasets.annotation import Annotation, CaseError, ProblemKind, paint
from blastoseg.datasets.files import Tree, read_json, shown
from blastoseg.datasets.outlines import check_count, fill_rings, ring_from
from blastoseg.datasets.pairing import Found, case_of, is_image
from blastoseg.datasets.tissue_names import tissue_named
from blastoseg.records import Mask

LAYOUT = "QuPath: a .geojson file of each image's name"
GEOMETRIES = ("Polygon", "MultiPolygon")


def features_of(document: Any) -> list[Any] | None:
    """The features of a FeatureCollection, of a list, or a single one; None for any other document."""
    if isinstance(document, list):
        features: list[Any] = document
    elif isinstance(document, dict) and document.get("type") == "FeatureCollection":
        features = document.get("features") or []
    else:
        features = [document]
    are_features = all(isinstance(part, dict) and part.get("type") == "Feature" for part in features)
    return features if are_features else None


def find_image(tree: Tree, file: PurePosixPath) -> PurePosixPath:
    """The image of the file's name: in its folder, or anywhere if only one has it; CaseError if none."""
    stem = file.stem.casefold()
    alike = [
        other
        for other in tree.files
        if is_image(other) and stem in (other.stem.casefold(), other.name.casefold())
    ]
    beside = [other for other in alike if other.parent == file.parent]
    if len(beside or alike) != 1:
        how_many = "several images have" if alike else "no image has"
        what = f"{how_many} its name: name it like its image, and put it beside"
        raise CaseError(ProblemKind.MISSING_IMAGE, shown(file), what)
    return (beside or alike)[0]


def find(tree: Tree, documents: Mapping[PurePosixPath, PurePosixPath], found: Found) -> None:
    """Add a case for every GeoJSON file, given with its image."""
    for file, image in documents.items():
        reader = partial(read_geojson, tree.path(file), shown(file))
        found.cases.append(case_of(tree, image, PurePosixPath(), reader, file=file))


def read_geojson(path: Path, name: str, shape: tuple[int, int]) -> Annotation:
    """Labels from a GeoJSON file in pixels; CaseError for unknown names and other shapes."""
    features = features_of(read_json(path, name))
    if features is None:
        raise CaseError(ProblemKind.UNREADABLE, name, "holds no GeoJSON features: export it again")
    check_count(features, name)
    masks = (
        (
            tissue_named(_class_of(feature.get("properties")), name),
            _mask_of(feature.get("geometry"), shape, name),
        )
        for feature in features
    )
    return paint(masks, shape, are_nested=True)


def _class_of(properties: Any) -> str:
    """The classification's name, else the annotation's own; empty where there is none."""
    if not isinstance(properties, dict):
        return ""
    kind = properties.get("classification")
    if isinstance(kind, dict):
        kind = kind.get("name")
    return str(kind or properties.get("name") or "")


def _mask_of(geometry: Any, shape: tuple[int, int], name: str) -> Mask:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in GEOMETRIES:
        what = f"holds a shape of type {str(kind)[:40]!r}: draw it as an area (Polygon, MultiPolygon)"
        raise CaseError(ProblemKind.UNKNOWN_VALUE, name, what)
    coordinates = geometry.get("coordinates")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    mask = np.zeros(shape, bool)
    if not isinstance(polygons, list) or not all(isinstance(rings, list) for rings in polygons):
        raise CaseError(ProblemKind.UNREADABLE, name, "holds an area without outlines: export it again")
    check_count(polygons, name)
    for rings in polygons:
        check_count(rings, name)
        mask |= fill_rings([ring_from(ring, name) for ring in rings], shape, name)
    return mask
