"""One drawn blastocyst, written in every layout that can be read."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

SHAPE = (48, 56)
BOXES = {"zona": (4, 3, 53, 45), "te": (8, 7, 49, 41), "cavity": (12, 11, 45, 37), "icm": (20, 14, 30, 24)}
"""Left, top, right, bottom of nested outlines; left and top differ, so that swapped axes are seen."""
VALUES = {"zona": 4, "te": 3, "cavity": 2, "icm": 1}
COLOURS = {"zona": (250, 50, 83), "te": (51, 221, 255), "cavity": (250, 250, 55), "icm": (10, 20, 30)}


def inside(name: str) -> np.ndarray:
    left, top, right, bottom = BOXES[name]
    mask = np.zeros(SHAPE, bool)
    mask[top:bottom, left:right] = True
    return mask


def expected_labels() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    for name, value in VALUES.items():
        labels[inside(name)] = value
    return labels


def picture(number: int = 0) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, SHAPE).astype(np.uint8)


def save(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, values)
    else:
        Image.fromarray(values).save(path)
    return path


def corners(name: str) -> list[list[float]]:
    left, top, right, bottom = BOXES[name]
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def write_pcrm(root: Path) -> None:
    save(root / "BlastsOnline/Images/Blast_PCRM_12 D5.BMP", picture())
    labels = expected_labels()
    for tissue, value in (("ICM", 1), ("TE", 3), ("ZP", 4)):
        name = f"blast_pcrm_12 D5 {tissue}_Mask.bmp"
        save(root / "BlastsOnline" / f"GT_{tissue}" / name, (labels == value).astype(np.uint8) * 255)


def write_png(root: Path) -> None:
    save(root / "images/a.png", picture())
    save(root / "masks/a.png", expected_labels())


def write_palette_png(root: Path) -> None:
    save(root / "images/a.png", picture())
    (root / "masks").mkdir()
    mask = Image.fromarray(expected_labels(), "P")
    mask.putpalette([255, 0, 0] * 256)
    mask.save(root / "masks/a.png")


def write_tiff(root: Path) -> None:
    save(root / "e1/a.tif", picture())
    save(root / "labels/e1/a.tif", expected_labels())


def write_labelme(root: Path, image_path: str = "a.png") -> None:
    save(root / "a.png", picture())
    left, top, right, bottom = BOXES["icm"]
    png = io.BytesIO()
    Image.fromarray(np.full((bottom - top, right - left), 255, np.uint8)).save(png, "PNG")
    embedded = {
        "label": "Inner_Cell Mass",
        "shape_type": "mask",
        "points": [[left, top], [right - 1, bottom - 1]],
        "mask": base64.b64encode(png.getvalue()).decode(),
    }
    names = {"cavity": "Blastocoel", "zona": "zona pellucida", "te": "TE"}
    shapes = [{"label": names[name], "shape_type": "polygon", "points": corners(name)} for name in names]
    document = {"imagePath": image_path, "imageHeight": SHAPE[0], "imageWidth": SHAPE[1]}
    (root / "a.json").write_text(json.dumps(document | {"shapes": [embedded, *shapes]}))


def write_cvat(root: Path) -> None:
    save(root / "JPEGImages/a.png", picture())
    colours = np.zeros((*SHAPE, 3), np.uint8)
    for name, colour in COLOURS.items():
        colours[inside(name)] = colour
    save(root / "SegmentationClass/a.png", colours)
    lines = [f"{name}:{','.join(map(str, colour))}::" for name, colour in COLOURS.items()]
    (root / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\n" + "\n".join(lines)
    )


def write_qupath(root: Path) -> None:
    save(root / "a.tif", picture())
    geometries = {
        "icm": {"type": "MultiPolygon", "coordinates": [[corners("icm")]]},
        "cavity": {"type": "Polygon", "coordinates": [corners("cavity"), corners("icm")]},
        "te": {"type": "Polygon", "coordinates": [corners("te"), corners("cavity")]},
        "zona": {"type": "Polygon", "coordinates": [corners("zona"), corners("te")]},
    }
    features = [
        {"type": "Feature", "geometry": geometry, "properties": {"classification": {"name": name.upper()}}}
        for name, geometry in geometries.items()
    ]
    (root / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))


WRITERS: dict[str, Callable[[Path], None]] = {
    "pcrm": write_pcrm,
    "png": write_png,
    "palette": write_palette_png,
    "tiff": write_tiff,
    "labelme": write_labelme,
    "cvat": write_cvat,
    "qupath": write_qupath,
}


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """Label images of five embryos, two frames each."""
    for embryo in range(5):
        for run in (1, 10):
            name = f"E{embryo}_RUN{run}.png"
            save(tmp_path / "images" / name, picture(100 * embryo + run))
            save(tmp_path / "masks" / name, expected_labels())
    return tmp_path
