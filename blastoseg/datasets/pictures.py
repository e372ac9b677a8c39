"""Pictures of a data set: gray images, and masks whose values must not be touched."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from blastoseg.datasets.annotation import CaseError, ProblemKind
from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Image, Mask
from blastoseg.sources.addresses import StackPlane
from blastoseg.sources.decode import check_size
from blastoseg.sources.images import SUFFIXES, read_image, read_whole
from blastoseg.sources.stack import read_plane

FIRST_PLANE = StackPlane(0, 0)
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
IMAGE_SUFFIXES = SUFFIXES | TIFF_SUFFIXES
MASK_SUFFIXES = TIFF_SUFFIXES | {".png", ".bmp"}
"""No JPEG: it blurs values at every border."""
MOST_BETWEEN = 0.02
"""Share of a black and white mask's pixels that may be gray."""


def read_gray(path: Path, name: str) -> Image:
    """An image, or a stack's first plane, as ``(y, x)``; UnreadableFrameError that begins with ``name``."""
    if path.suffix.casefold() in TIFF_SUFFIXES:
        return read_plane(path, FIRST_PLANE, name)
    return read_image(path, name)


def read_values(path: Path, name: str, shape: tuple[int, int]) -> NDArray[Any]:
    """A mask's own values ``(y, x)``, palette indices included; CaseError where it is coloured or damaged."""
    try:
        if path.suffix.casefold() in TIFF_SUFFIXES:
            values: NDArray[Any] = read_plane(path, FIRST_PLANE, name, is_mask=True)
        else:
            values = _one_channel(np.array(_open(read_whole(path, name), name)), name)
    except UnreadableFrameError as error:
        raise _unreadable(name, error) from error
    return _of_shape(values, name, shape)


def read_colours(path: Path, name: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """A colour mask ``(y, x, 3)``, red, green, blue, transparency left out; CaseError where damaged."""
    try:
        colours = np.array(_open(read_whole(path, name), name).convert("RGB"))
    except UnreadableFrameError as error:
        raise _unreadable(name, error) from error
    return _of_shape(colours, name, shape)


def decode_mask(data: bytes, name: str) -> Mask:
    """A small black and white PNG as bool ``(y, x)``, as annotation tools embed them; any value is inside."""
    try:
        return np.asarray(_one_channel(np.array(_open(data, name, may_be_small=True)), name) != 0)
    except UnreadableFrameError as error:
        raise _unreadable(name, error) from error


def read_mask(path: Path, name: str, shape: tuple[int, int]) -> Mask:
    """A black and white mask as bool ``(y, x)``; white is inside, be it 1 or 255."""
    values = read_values(path, name, shape)
    white = int(values.max())
    if white > 1:
        between = float(((values > 0.1 * white) & (values < 0.9 * white)).mean())
        if between > MOST_BETWEEN:
            raise CaseError(
                ProblemKind.UNKNOWN_VALUE,
                name,
                f"{between:.0%} of its pixels are neither black nor white: it is no mask of one tissue",
            )
    return np.asarray(values > white / 2)


def _open(data: bytes, name: str, may_be_small: bool = False) -> Pillow.Image:
    """The decoded picture; its size is judged by the header, before a pixel is decoded."""
    try:
        picture = Pillow.open(io.BytesIO(data), formats=("PNG", "BMP"))
        height, width = picture.height, picture.width
    except Exception as error:
        raise UnreadableFrameError(f"{name}: is no PNG or BMP mask ({error}): export it again") from error
    check_size(*((max(64, height), max(64, width)) if may_be_small else (height, width)), name)
    try:
        picture.load()
    except Exception as error:
        raise UnreadableFrameError(f"{name}: cut short or damaged ({error}): export it again") from error
    return picture


def _one_channel(values: NDArray[Any], name: str) -> NDArray[Any]:
    if values.ndim == 2:
        return values
    colours = values[..., :3] if values.shape[-1] >= 3 else values[..., :1]
    if (colours != colours[..., :1]).any():
        raise CaseError(
            ProblemKind.UNKNOWN_VALUE,
            name,
            "is a colour picture: save it as gray, with the values 0 to 4",
        )
    return np.asarray(colours[..., 0])


def _of_shape(values: NDArray[Any], name: str, shape: tuple[int, int]) -> NDArray[Any]:
    check_shape((values.shape[0], values.shape[1]), shape, name)
    return values


def check_shape(found: tuple[int, int], image: tuple[int, int], name: str) -> None:
    """Raises CaseError where height and width are not the image's."""
    if found != image:
        raise CaseError(
            ProblemKind.SIZE_MISMATCH,
            name,
            f"is {found[1]} x {found[0]} pixels, its image {image[1]} x {image[0]}: export it at the "
            "image's own size",
        )


def _unreadable(name: str, error: UnreadableFrameError) -> CaseError:
    return CaseError(ProblemKind.UNREADABLE, name, str(error).removeprefix(f"{name}: "))
