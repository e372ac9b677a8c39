"""Single picture files."""

import os

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Decoded, Image
from blastoseg.sources.decode import decode_picture, decode_whole

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
LARGEST_FILE = 500_000_000
"""Bytes: an uncompressed frame of the largest accepted size and 16-bit colour."""


def read_picture_file(path: str | os.PathLike[str], name: str) -> Decoded:
    """Decode a picture file; UnreadableFrameError, beginning with ``name``, for anything that is wrong."""
    return decode_picture(read_whole(path, name), name)


def read_image(path: str | os.PathLike[str], name: str) -> Image:
    """Decode a picture file that nobody looks at again: UnreadableFrameError also where it looks damaged."""
    return decode_whole(read_whole(path, name), name)


def read_whole(path: str | os.PathLike[str], name: str) -> bytes:
    """The file's bytes, up to ``LARGEST_FILE``; UnreadableFrameError where the system refuses."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (this runs for every frame)
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST_FILE:
                raise UnreadableFrameError(f"{name}: {size / 1e6:.0f} MB is too large for a picture")
            return file.read(LARGEST_FILE)
    except OSError as error:
        raise unreadable(name, error) from error


def unreadable(name: str, error: OSError) -> UnreadableFrameError:
    """The system's refusal in words, with what to do."""
    if isinstance(error, PermissionError):
        advice = "give the account that runs this the right to read it"
    elif isinstance(error, FileNotFoundError):
        advice = "it was there when the run began: was it moved?"
    else:
        advice = "check the disk or the network share, then run again"
    return UnreadableFrameError(f"{name}: cannot be read ({error.strerror or error}): {advice}")
