"""JPEG, PNG and BMP bytes to one gray channel. Whatever is not whole is refused: no grey filling."""

import io
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Decoded, Image
from blastoseg.sources.jpeg import BLOCK, decode_jpeg

SMALLEST_SIDE = 32
LARGEST_PIXELS = 80_000_000
BLACK_AND_WHITE = "has one bit a pixel, black or white and no gray: export it again, with 8 bits or more"
FORMATS = ("JPEG", "PNG", "BMP")


def decode_whole(data: bytes, name: str) -> Image:
    """As ``decode_picture``, for those who can look at no doubt: UnreadableFrameError there too."""
    decoded = decode_picture(data, name)
    if decoded.damage:
        raise UnreadableFrameError(f"{name}: looks damaged ({decoded.damage}): export it again")
    return decoded.image


def decode_picture(data: bytes, name: str) -> Decoded:
    """The picture as ``(y, x)``, uint8, or uint16 where the file holds 16 bits; colour becomes luma (BT.601).

    Transparency and EXIF are ignored. Raises UnreadableFrameError that begins with ``name``.
    """
    if not data:
        raise UnreadableFrameError(f"{name}: the file is empty (0 bytes): export it again")
    try:
        picture = Pillow.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise UnreadableFrameError(f"{name}: {_what_it_is_instead(data)}") from error
    except Pillow.DecompressionBombError as error:
        raise UnreadableFrameError(f"{name}: {_too_large('its pixels')}") from error
    except Exception as error:
        # Decoders answer damaged headers with whatever they stumble over.
        raise UnreadableFrameError(
            f"{name}: its header is cut short or damaged ({error}): export it again"
        ) from error
    check_size(picture.height, picture.width, name)
    if picture.mode == "1":
        raise UnreadableFrameError(f"{name}: {BLACK_AND_WHITE}")
    try:
        if picture.format == "PNG":
            # Checks every chunk's sum up to the last chunk; the picture must be opened anew afterwards.
            picture.verify()
            if data[24:25] == b"\x10":
                return Decoded(_decode_16_bit_png(data))
            picture = Pillow.open(io.BytesIO(data), formats=("PNG",))
        elif picture.format == "JPEG":
            return decode_jpeg(data, _rows_coded_together(picture))
        if picture.mode == "P" and _has_two_colours(picture):
            raise UnreadableFrameError(f"{name}: {BLACK_AND_WHITE}")
        return Decoded(np.array(picture.convert("RGB" if picture.mode in ("P", "PA") else "L").convert("L")))
    except UnreadableFrameError:
        raise
    except Exception as error:
        raise UnreadableFrameError(f"{name}: cut short or damaged ({error}): export it again") from error


def check_size(height: int, width: int, name: str) -> None:
    """Refuse, from the header alone, what is too small to show an embryo or too large to be a frame."""
    if height < SMALLEST_SIDE or width < SMALLEST_SIDE:
        raise UnreadableFrameError(
            f"{name}: {width} x {height} pixels is too small (least {SMALLEST_SIDE} x {SMALLEST_SIDE}): "
            "give the incubator's own export, not a thumbnail"
        )
    if height * width > LARGEST_PIXELS:
        raise UnreadableFrameError(f"{name}: {_too_large(f'{width} x {height} pixels')}")


def luma(image: NDArray[Any]) -> Image:
    """Red, green, blue (and more, ignored) in the last axis to one channel ``(y, x)`` of the same depth."""
    return cast(Image, cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_RGB2GRAY))


def _has_two_colours(picture: Any) -> bool:
    # Of a palette only what the pixels use counts; a picture of one colour is a dark frame.
    return len(picture.getcolors() or ()) == 2


def _rows_coded_together(jpeg: Any) -> int:
    # One channel is coded block by block, whatever its sampling says.
    return BLOCK * (max(vertical for _, _, vertical, _ in jpeg.layer) if len(jpeg.layer) > 1 else 1)


def _decode_16_bit_png(data: bytes) -> Image:
    """Pillow would halve the depth of colour. OpenCV would not notice damage: that was checked before."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("its pixels cannot be decoded")
    return cast(Image, image) if image.ndim == 2 else luma(image[..., 2::-1])


def _too_large(what: str) -> str:
    return f"{what} exceed the limit of {LARGEST_PIXELS // 1_000_000} megapixels: crop or scale it down"


def _what_it_is_instead(data: bytes) -> str:
    head = data[:512]
    if not head.strip(b"\0"):
        kind = "it begins with zeros, as a file does whose copying was interrupted"
    elif all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        kind = "it holds text"
    else:
        kind = "its content is unknown or cut short"
    return f"is no JPEG, PNG or BMP picture whatever its name says ({kind}): export it again"
