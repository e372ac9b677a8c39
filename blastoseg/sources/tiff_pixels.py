"""One plane of a TIFF to one gray channel of 8 or 16 bits."""

from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Image
from blastoseg.sources.decode import check_size, luma
from blastoseg.sources.jpeg import BLOCK, decode_jpeg


def read_pixels(tiff: tifffile.TiffFile, number: int, index: int, name: str) -> Image:
    """The plane as ``(y, x)``. Raises UnreadableFrameError for a kind of pixel that is no picture's.

    What else is wrong with the file surfaces as whatever tifffile, simplejpeg or Pillow raise.
    """
    series = tiff.series[number]
    page: Any = series.keyframe
    check_size(page.imagelength, page.imagewidth, name)
    if series.dataoffset is not None:
        # Uncompressed and in one run of bytes, as ImageJ writes it: there may be one page for all planes.
        shape = page.shape
        tiff.filehandle.seek(series.dataoffset + index * page.nbytes)
        data = tiff.filehandle.read(page.nbytes)
        if len(data) < page.nbytes:
            raise UnreadableFrameError(f"{name}: cut short: export it again")
        pixels = np.frombuffer(data, page.parent.byteorder + page.dtype.char).reshape(shape)
        pixels = pixels.astype(page.dtype.newbyteorder("="), copy=False)
    else:
        page = series.pages[index]
        if page is None:
            raise UnreadableFrameError(f"{name}: this plane is missing in the file, or lies in another one")
        pixels = _decode(tiff, page)
    return _to_gray(pixels, series.keyframe, name)


def _decode(tiff: tifffile.TiffFile, page: Any) -> NDArray[Any]:
    if int(page.keyframe.compression) in _DECODED_BY_TIFFFILE:
        decoded: NDArray[Any] = page.asarray()
        return decoded
    if int(page.keyframe.compression) == JPEG:
        _check_jpegs(tiff, page)
    with Pillow.open(tiff.filehandle.path) as picture:
        picture.seek(page.index)
        if int(page.keyframe.compression) == JPEG and picture.mode == "CMYK":
            raise ValueError("inks in JPEG, which may mean light or dark")
        if picture.mode not in ("1", "L", "I;16", "I;16B", "RGB", "RGBA", "YCbCr", "P", "CMYK"):
            raise ValueError(f"pixels of kind {picture.mode}")
        if picture.mode.startswith("I;16"):
            return np.array(picture, np.uint16)
        return np.array(picture if picture.mode == "CMYK" else picture.convert("L"))


def _check_jpegs(tiff: tifffile.TiffFile, page: Any) -> None:
    """Raise ValueError where a strip or tile of JPEG is damaged: libtiff takes it for whole."""
    tables = page.jpegtables[:-2] if page.jpegtables else b"\xff\xd8"
    file = tiff.filehandle
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.seek(offset)
        damage = decode_jpeg(tables + file.read(length)[2:], BLOCK).damage
        if damage:
            raise ValueError(damage)


_DECODED_BY_TIFFFILE = frozenset({1, 8, 32773, 32946})
"""None, PackBits, Deflate. LZW, JPEG and others would need a further package; Pillow's libtiff has them."""
JPEG = 7
INKS = 5
"""Photometric interpretation: cyan, magenta, yellow and black."""


def _to_gray(pixels: NDArray[Any], page: Any, name: str) -> Image:
    photometric = int(page.photometric)
    if pixels.ndim == 3 and page.planarconfig == 2:
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 3 and pixels.shape[-1] < 3:
        pixels = pixels[..., 0]
    if photometric == 3 and pixels.ndim == 2 and page.colormap is not None:
        pixels = np.moveaxis(page.colormap, 0, -1)[pixels]
    pixels = _to_unsigned(pixels, name)
    if photometric == INKS:
        return luma(_light_of_inks(pixels, name))
    if photometric == 0:
        pixels = np.iinfo(pixels.dtype).max - pixels
    return luma(pixels) if pixels.ndim == 3 else np.ascontiguousarray(pixels)


def _light_of_inks(inks: NDArray[Any], name: str) -> NDArray[Any]:
    """Red, green, blue ``(y, x, 3)`` of cyan, magenta, yellow, black ``(y, x, 4)``."""
    if inks.ndim != 3 or inks.shape[-1] != 4:
        raise UnreadableFrameError(f"{name}: its inks are not the usual four: save it in gray")
    most = np.iinfo(inks.dtype).max
    light = 1 - inks.astype(np.float32) / most
    return np.round(light[..., :3] * light[..., 3:] * most).astype(inks.dtype)


def _to_unsigned(pixels: NDArray[Any], name: str) -> NDArray[Any]:
    """8 and 16 bits stay; others are taken where their values leave no doubt about the scale."""
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * 255
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise UnreadableFrameError(
            f"{name}: holds pixels that are not finite (NaN): save it with 8 or 16 bits"
        )
    if pixels.dtype == np.float16:
        # 16 bits end at 65504: the scaling below would overflow.
        pixels = pixels.astype(np.float32)
    low, high = float(pixels.min()), float(pixels.max())
    if pixels.dtype.kind == "f" and low >= 0 and high <= 1:
        return np.round(pixels * 65535).astype(np.uint16)
    if low >= 0 and high <= 65535 and pixels.dtype.kind in "iuf":
        return np.round(pixels).astype(np.uint16)
    raise UnreadableFrameError(
        f"{name}: pixels of type {pixels.dtype} from {low:g} to {high:g} have no known scale: "
        "save it with 8 or 16 bits"
    )
