"""Layout ``images/`` and ``masks/``: label images with the values 0 to 4, of the image's name.

``labels/`` beside the images' own folders, as ``blastoseg simulate`` writes, is the same.
"""

from pathlib import Path, PurePosixPath

import numpy as np

from blastoseg.datasets.annotation import Annotation, CaseError, ProblemKind
from blastoseg.datasets.files import Tree
from blastoseg.datasets.pairing import Found, is_image, pair_by_stem
from blastoseg.datasets.pictures import MASK_SUFFIXES, read_values
from blastoseg.sources.label_images import values_of_no_tissue
from blastoseg.tissues import FOREGROUND

LAYOUT = "images/ and masks/ (or labels/): label images, values 0 to 4"
MASK_FOLDERS = ("masks", "labels")


def find(tree: Tree) -> Found | None:
    """The cases; None where the folder is laid out otherwise."""
    masks = tree.folder(*MASK_FOLDERS)
    if masks is None:
        return None
    images = tree.folder("images") or PurePosixPath()
    image_files = [file for file in tree.below(images) if is_image(file) and masks not in file.parents]
    mask_files = [file for file in tree.below(masks) if file.suffix.casefold() in MASK_SUFFIXES]
    if not mask_files or not image_files:
        return None
    return pair_by_stem(tree, (images, masks), (image_files, mask_files), read_label_image)


def read_label_image(path: Path, name: str, shape: tuple[int, int]) -> Annotation:
    """A label image of the given height and width; CaseError for other sizes and values."""
    values = read_values(path, name, shape)
    unknown = values_of_no_tissue(values)
    if unknown.size:
        words = ", ".join(str(value) for value in unknown[:5]) + (" and more" if len(unknown) > 5 else "")
        choices = ", ".join(f"{tissue.label} {tissue.name}" for tissue in FOREGROUND)
        raise CaseError(
            ProblemKind.UNKNOWN_VALUE, name, f"holds the values {words}: use 0 background, {choices}"
        )
    return Annotation(values.astype(np.uint8))
