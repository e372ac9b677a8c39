"""Layout of the PCRM set of Simon Fraser University: ``Images``, and a black and white mask a tissue.

There is no mask of the blastocoel: it is what ICM, TE and ZP enclose and do not cover.
"""

import re
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from blastoseg.anatomy.components import fill_holes
from blastoseg.datasets.annotation import Annotation, FoundCase, ProblemKind, paint
from blastoseg.datasets.files import Tree, shown
from blastoseg.datasets.pairing import Found, by_key, case_of, is_image, stem_key
from blastoseg.datasets.pictures import MASK_SUFFIXES, read_mask
from blastoseg.records import Mask
from blastoseg.tissues import BLASTOCOEL, ICM, TE, ZP, Tissue

LAYOUT = "BlastsOnline: Images/, GT_ICM/, GT_TE/, GT_ZP/"
FOLDERS: dict[Tissue, str] = {ICM: "GT_ICM", TE: "GT_TE", ZP: "GT_ZP"}
_MASK_NAME = re.compile(r"[\s_]*(?:ICM|TE|ZP)[\s_]*mask$", re.IGNORECASE)
INSIDE_SHARE = 0.9
"""Share of a component at the border that must lie within the tissues' hull for it to be inside them."""

Files = tuple[tuple[Tissue, Path, str], ...]


def find(tree: Tree) -> Found | None:
    """The cases; None where the folder is laid out otherwise."""
    images = tree.folder("Images")
    folders = {tissue: tree.folder(name) for tissue, name in FOLDERS.items()}
    present = {tissue: folder for tissue, folder in folders.items() if folder is not None}
    if images is None or not present:
        return None
    found = Found()
    masks = {
        tissue: by_key(_masks(tree, folder), partial(_mask_key, folder), found)
        for tissue, folder in present.items()
    }
    pictures = by_key(filter(is_image, tree.below(images)), partial(stem_key, images), found)
    for key, image in pictures.items():
        lacking = [name for tissue, name in FOLDERS.items() if key not in masks.get(tissue, {})]
        if lacking:
            advice = f"has no mask in {', '.join(lacking)}: label it, or remove it"
            found.leave_out(image, ProblemKind.MISSING_MASK, advice)
        else:
            found.cases.append(_case(tree, image, images, {t: masks[t][key] for t in FOLDERS}))
    for part in masks.values():
        for key, mask in part.items():
            if key not in pictures:
                advice = "has no image of this name: put the image back, or remove the mask"
                found.leave_out(mask, ProblemKind.MISSING_IMAGE, advice)
    return found


def _masks(tree: Tree, folder: PurePosixPath) -> list[PurePosixPath]:
    return [file for file in tree.below(folder) if file.suffix.casefold() in MASK_SUFFIXES]


def _mask_key(folder: PurePosixPath, file: PurePosixPath) -> str:
    return stem_key(folder, file.with_name(_MASK_NAME.sub("", file.stem) + file.suffix))


def _case(
    tree: Tree, image: PurePosixPath, folder: PurePosixPath, masks: dict[Tissue, PurePosixPath]
) -> FoundCase:
    files = tuple((tissue, tree.path(mask), shown(mask)) for tissue, mask in masks.items())
    return case_of(tree, image, folder, partial(read_masks, files), file=masks[ICM])


def read_masks(files: Files, shape: tuple[int, int]) -> Annotation:
    """Labels from a mask a tissue, where two overlap the inner tissue's; CaseError names the wrong mask."""
    masks = [(tissue, read_mask(path, name, shape)) for tissue, path, name in files]
    solid = np.logical_or.reduce([mask for _, mask in masks])
    cavity = _enclosed(solid)
    return paint([*masks, (BLASTOCOEL, cavity)], shape, are_nested=False)


def _enclosed(solid: Mask) -> Mask:
    """What ``solid`` encloses: its holes, and what it and the picture's border enclose between them."""
    holes = fill_holes(solid) & ~solid
    outside = ~solid & ~holes
    points = cv2.findNonZero(solid.astype(np.uint8))
    if points is None or not outside.any():
        return holes
    hull = cv2.fillConvexPoly(np.zeros(solid.shape, np.uint8), cv2.convexHull(points), 1)
    count, components = cv2.connectedComponents(outside.astype(np.uint8), connectivity=4)
    sizes = np.bincount(components.ravel(), minlength=count)
    within = np.bincount(components.ravel(), weights=hull.ravel(), minlength=count)
    is_inside = within > INSIDE_SHARE * sizes
    is_inside[0] = False
    return np.asarray(holes | is_inside[components])
