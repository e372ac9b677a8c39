"""Layout of CVAT's export "Segmentation mask 1.1": colours of ``labelmap.txt`` in ``SegmentationClass/``."""

from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from blastoseg.datasets.annotation import Annotation, CaseError, ProblemKind
from blastoseg.datasets.files import Tree, shown
from blastoseg.datasets.pairing import Found, is_image, pair_by_stem
from blastoseg.datasets.pictures import read_colours
from blastoseg.datasets.tissue_names import tissue_named
from blastoseg.errors import DataError
from blastoseg.sources.numbers import MOST_DIGITS
from blastoseg.tissues import Tissue

LAYOUT = "CVAT, Segmentation mask 1.1: JPEGImages/, SegmentationClass/, labelmap.txt"
MAP_FILE = "labelmap.txt"
LARGEST_MAP = 100_000
Colours = dict[int, Tissue]
"""Tissues by colour, as 0xRRGGBB."""


def find(tree: Tree) -> Found | None:
    """The cases; None where the folder is laid out otherwise. DataError for a wrong ``labelmap.txt``."""
    masks = tree.folder("SegmentationClass")
    if masks is None or PurePosixPath(MAP_FILE) not in tree.files:
        return None
    images = tree.folder("JPEGImages", "images")
    if images is None:
        raise DataError(
            f"{tree.root}: has no JPEGImages folder: export again, with 'Save images' switched on"
        )
    colours = read_colour_map(tree.root / MAP_FILE)
    image_files = [file for file in tree.below(images) if is_image(file)]
    mask_files = [file for file in tree.below(masks) if file.suffix.casefold() == ".png"]
    return pair_by_stem(
        tree, (images, masks), (image_files, mask_files), partial(read_class_mask, colours=colours)
    )


def read_colour_map(path: Path) -> Colours:
    """Tissues by colour, from lines such as ``zona:250,50,83::``; DataError names a wrong line."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_MAP).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}): export again") from error
    colours: Colours = {0: tissue_named("background", MAP_FILE)}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        levels = rest.partition(":")[0].split(",")
        if len(levels) != 3 or not all(map(_is_level, levels)):
            raise DataError(f"{path}, line {number}: is not like 'zona:250,50,83::': export again")
        red, green, blue = (int(level) for level in levels)
        colours[red << 16 | green << 8 | blue] = tissue_named(name, f"{shown(path.name)}, line {number}")
    return colours


def _is_level(text: str) -> bool:
    # Longer text is no level of a colour, and Python refuses to read numbers of thousands of digits.
    return len(text) < MOST_DIGITS and text.strip().isdecimal() and int(text) < 256


def read_class_mask(path: Path, name: str, shape: tuple[int, int], colours: Colours) -> Annotation:
    """Labels from a colour mask; CaseError for a colour that the map does not have."""
    pixels = read_colours(path, name, shape).astype(np.uint32)
    packed = pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
    values, where = np.unique(packed, return_inverse=True)
    unknown = [int(value) for value in values if int(value) not in colours]
    if unknown:
        red, green, blue = unknown[0].to_bytes(3, "big")
        raise CaseError(
            ProblemKind.UNKNOWN_VALUE,
            name,
            f"holds the colour {red},{green},{blue}, which is not in {MAP_FILE}: export again",
        )
    labels = np.array([colours[int(value)].label for value in values], np.uint8)
    return Annotation(labels[where].reshape(shape))
