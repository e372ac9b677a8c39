"""Layout of LabelMe: a JSON file beside each image, with polygons and masks."""

import base64
import binascii
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from blastoseg.datasets.annotation import Annotation, CaseError, ProblemKind, paint
from blastoseg.datasets.files import Tree, read_json, shown
from blastoseg.datasets.outlines import check_count, circle, fill_rings, ring_from
from blastoseg.datasets.pairing import Found, case_of, is_image
from blastoseg.datasets.pictures import check_shape, decode_mask
from blastoseg.datasets.tissue_names import tissue_named
from blastoseg.records import Mask
from blastoseg.tissues import Tissue

LAYOUT = "LabelMe: a .json file beside each image"
OUTLINES = ("polygon", "rectangle", "circle", "mask")


def is_labelme(document: Any) -> bool:
    """Whether a JSON document is LabelMe's."""
    return isinstance(document, dict) and isinstance(document.get("shapes"), list) and "imagePath" in document


def find_image(tree: Tree, file: PurePosixPath, document: Mapping[str, Any]) -> PurePosixPath:
    """The image that the document names, which must lie below the data; CaseError where it does not."""
    named = str(document["imagePath"]).replace("\\", "/")
    parts: list[str] = [] if named.startswith("/") else list(file.parent.parts)
    for part in PurePosixPath(named).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    image = PurePosixPath(*parts)
    if image not in tree.files or not is_image(image):
        what = f"its image {shown(named)[:200]!r} is not among the data: put it beside the .json file"
        raise CaseError(ProblemKind.MISSING_IMAGE, shown(file), what)
    return image


def find(tree: Tree, documents: Mapping[PurePosixPath, PurePosixPath], found: Found) -> None:
    """Add a case for every LabelMe file, given with its image."""
    for file, image in documents.items():
        reader = partial(read_labelme, tree.path(file), shown(file))
        found.cases.append(case_of(tree, image, PurePosixPath(), reader, file=file))


def read_labelme(path: Path, name: str, shape: tuple[int, int]) -> Annotation:
    """Labels from a LabelMe file; CaseError for unknown names, other shapes and other sizes."""
    document = read_json(path, name)
    if not is_labelme(document):
        raise CaseError(ProblemKind.UNREADABLE, name, "is no LabelMe file: save it again")
    height, width = document.get("imageHeight"), document.get("imageWidth")
    if isinstance(height, int) and isinstance(width, int):
        check_shape((height, width), shape, name)
    check_count(document["shapes"], name)
    masks = (_tissue_and_mask(drawn, shape, name) for drawn in document["shapes"])
    return paint(masks, shape, are_nested=True)


def _tissue_and_mask(drawn: Any, shape: tuple[int, int], name: str) -> tuple[Tissue, Mask]:
    if not isinstance(drawn, dict):
        raise CaseError(ProblemKind.UNREADABLE, name, "holds a shape that is none: save it again")
    return tissue_named(str(drawn.get("label") or ""), name), _mask_of(drawn, shape, name)


def _mask_of(drawn: Mapping[str, Any], shape: tuple[int, int], name: str) -> Mask:
    kind = drawn.get("shape_type") or "polygon"
    points = drawn.get("points")
    if kind not in OUTLINES or not isinstance(points, list):
        what = f"holds a shape of type {str(kind)[:40]!r}: draw it as one of {', '.join(OUTLINES)}"
        raise CaseError(ProblemKind.UNKNOWN_VALUE, name, what)
    if kind == "polygon":
        return fill_rings([ring_from(points, name)], shape, name)
    # The others are two points: a third, made up, lets them pass the same checks.
    (x0, y0), (x1, y1) = ring_from([*points, (0, 0)], name)[:2].tolist()
    if kind == "circle":
        return fill_rings([ring_from(circle((x0, y0), (x1, y1)), name)], shape, name)
    if kind == "rectangle":
        return fill_rings([ring_from([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], name)], shape, name)
    return _embedded_mask(drawn.get("mask"), (round(y0), round(x0)), shape, name)


def _embedded_mask(data: Any, corner: tuple[int, int], shape: tuple[int, int], name: str) -> Mask:
    """A base64 PNG at its top left corner ``(y, x)``; it must lie inside the image."""
    try:
        png = base64.b64decode(data, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        what = "holds a mask that is no base64 text: save it again"
        raise CaseError(ProblemKind.UNREADABLE, name, what) from error
    part = decode_mask(png, name)
    y, x = corner
    if y < 0 or x < 0 or y + part.shape[0] > shape[0] or x + part.shape[1] > shape[1]:
        what = "holds a mask that reaches beyond its image: draw it again"
        raise CaseError(ProblemKind.SIZE_MISMATCH, name, what)
    mask = np.zeros(shape, bool)
    mask[y : y + part.shape[0], x : x + part.shape[1]] = part
    return mask
