"""Frames' pixels as files: PNG, which changes no value."""

import io
from pathlib import Path

from PIL import Image as Pillow

from blastoseg.records import Image


def write_image(path: Path, image: Image) -> None:
    """A gray PNG of 8 or 16 bits, with nothing in it but the pixels."""
    buffer = io.BytesIO()
    Pillow.fromarray(image).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue())
