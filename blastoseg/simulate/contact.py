"""A contact sheet: drawn pictures beside real ones, all brought to the same mean and spread."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.errors import InputNotFoundError, UnreadableFrameError

Grey = NDArray[np.uint8]
SPREAD = 45.0
"""Grey levels that one standard deviation becomes: what is left after it is what the network sees."""


def levelled(image: NDArray[np.uint8] | NDArray[np.uint16]) -> Grey:
    """The picture after subtracting its mean and dividing by its standard deviation, in 8 bits."""
    values = image.astype(np.float32)
    values = (values - values.mean()) / (values.std() + 1e-6)
    return np.asarray(np.clip(128.0 + SPREAD * values, 0, 255), np.uint8)


def contact_sheet(
    images: Sequence[NDArray[np.uint8] | NDArray[np.uint16]], columns: int = 6, tile: int = 256
) -> Grey:
    """Tiles in rows, each picture levelled and fitted into ``tile`` pixels; the last row is filled up."""
    tiles = [_fitted(levelled(image), tile) for image in images]
    tiles += [np.zeros((tile, tile), np.uint8)] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows) if rows else np.zeros((0, columns * tile), np.uint8)


def read_real(folder: Path) -> list[Grey]:
    """Every picture directly in ``folder``, as grey values, by name; raises InputNotFoundError for none."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    pictures = [
        path for path in paths if path.suffix.lower() in (".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff")
    ]
    found = [read_grey(path) for path in pictures]
    if not found:
        raise InputNotFoundError(
            f"no picture to set beside the drawn ones in {folder}: name a folder of images"
        )
    return found


def read_grey(path: Path) -> Grey:
    """One picture as 8-bit grey values; raises UnreadableFrameError where it cannot be read."""
    image = None
    with suppress(cv2.error):  # of a size beyond any picture's
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise UnreadableFrameError(
            f"{path} cannot be read as an image: it may be damaged or of another format"
        )
    return np.asarray(image, np.uint8)


def _fitted(image: Grey, tile: int) -> Grey:
    height, width = image.shape
    factor = tile / max(height, width)
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    canvas = np.full((tile, tile), 128, np.uint8)
    top, left = (tile - size[1]) // 2, (tile - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas
