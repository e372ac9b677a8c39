"""Label images, made by a person or by a run: found and read."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from blastoseg.errors import InputNotFoundError, UnreadableFrameError
from blastoseg.files import natural_key
from blastoseg.records import FrameRef, Labels
from blastoseg.sources.addresses import LabelImage
from blastoseg.sources.names import printable
from blastoseg.tissues import FOREGROUND

SUFFIXES = frozenset({".png", ".tif", ".tiff"})
HIGHEST_LABEL = max(tissue.label for tissue in FOREGROUND)
ONE_CHANNEL = {"L", "P"}
EXPECTED = "a label image has one channel of 8 bits with the values 0 background, " + ", ".join(
    f"{tissue.label} {tissue.name.lower()}" for tissue in FOREGROUND
)


def find_label_images(paths: list[Path]) -> list[FrameRef]:
    """Every label image in or below the given paths, in natural order, numbered within its embryo.

    The embryo is the name of the folder in which the image lies. Raises InputNotFoundError for a path
    that is missing or holds no label image.
    """
    frames_of: dict[str, int] = {}
    refs = []
    for given in paths:
        found = list(_files_of(given))
        if not found:
            raise InputNotFoundError(f"{given}: holds no label images (PNG or TIFF): check the path")
        for path in found:
            embryo = printable(path.resolve().parent.name)
            source = printable(path.name if given.is_file() else path.relative_to(given).as_posix())
            index = frames_of.get(embryo, 0)
            frames_of[embryo] = index + 1
            refs.append(FrameRef(embryo, source, path, index, address=LabelImage()))
    return refs


def _files_of(given: Path) -> Iterator[Path]:
    if given.is_file():
        yield given
        return
    if not given.is_dir():
        raise InputNotFoundError(f"{given}: does not exist: check the path")
    files = [
        Path(folder, name)
        for folder, _, names in os.walk(given)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
    ]
    yield from sorted(files, key=lambda path: natural_key(path.relative_to(given).as_posix()))


def read_label_image(path: Path, name: str) -> Labels:
    """Tissue values ``(y, x)`` of a PNG or TIFF of one 8-bit channel; a palette's indices are the values.

    Raises UnreadableFrameError, beginning with ``name``, for a file that cannot be read and for an image
    that is in colour, has several pages, or holds a value that is no tissue's.
    """
    try:
        with warnings.catch_warnings(), Pillow.open(path) as picture:
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            pages = getattr(picture, "n_frames", 1)
            mode = picture.mode
            labels = np.array(picture) if mode in ONE_CHANNEL and pages == 1 else np.empty((0, 0), np.uint8)
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise UnreadableFrameError(f"{name}: has too many pixels for a label image: crop it") from error
    except UnidentifiedImageError as error:
        raise UnreadableFrameError(f"{name}: is not an image: export it again as PNG") from error
    except Exception as error:
        # Decoders answer damaged headers with whatever they stumble over.
        raise UnreadableFrameError(
            f"{name}: cannot be read as an image ({error}): export it again as PNG"
        ) from error
    if pages != 1:
        raise UnreadableFrameError(f"{name}: has {pages} pages: export each as a label image of its own")
    if mode not in ONE_CHANNEL:
        raise UnreadableFrameError(f"{name}: is of type {mode}: {EXPECTED}")
    wrong = values_of_no_tissue(labels)
    if wrong.size:
        listed = ", ".join(map(str, wrong[:5])) + (", ..." if wrong.size > 5 else "")
        raise UnreadableFrameError(f"{name}: holds the value {listed}: {EXPECTED}")
    return labels


def values_of_no_tissue(values: NDArray[Any]) -> NDArray[Any]:
    """The values in a map of labels that stand for no tissue and are not the background's, sorted."""
    return np.unique(values[values > HIGHEST_LABEL])
