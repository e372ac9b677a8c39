"""JPEG bytes to one gray channel, and what in them tells of damage.

A decoder paints something for whatever bytes it is given and only warns. Its warnings are read here; what
damages the pixels without any warning is looked for beside them.
"""

from collections.abc import Iterator

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from blastoseg.records import Decoded, Image

BLOCK = 8
"""Side of the squares of pixels that a JPEG is coded in."""
MOST_PADDING = 3
"""Zero bytes that an encoder may put before the end marker, to fill a word."""
LEFT_OVER = "extraneous bytes"
"""Of the decoder's warnings the one after which every pixel has been given a value."""
BYTES_LEFT = "bytes are left over behind its pixels"
ODD_TABLE = "its quantisation table is a standard one but for a few values"
JUMP_AT_ROW = "its brightness jumps at row "
LEAST_JUMP = 1.6
"""Gray levels between rows of blocks, beyond what the picture shows elsewhere; less moves no outline."""
TIMES_THE_GRID = 3.0
"""So many times what most rows of blocks step by: coarse compression, an earlier one too, shows its grid."""
MOST_OF_A_BLOCK = 5.0
"""Gray levels that one block may add to a jump: a real edge is steep, but not as wide as the picture."""
FEW_VALUES = 6
START_OF_SCAN, TABLES_OF_QUANTISATION = 0xDA, 0xDB


def decode_jpeg(data: bytes, unit_height: int) -> Decoded:
    """The gray picture, and what makes one doubt it. ``unit_height``: pixel rows that are coded together.

    Raises ValueError where pixels are missing or known to be wrong.
    """
    end = _end_of_pixels(data)
    doubts = [ODD_TABLE] if _has_odd_table(data) else []
    try:
        image = _decode(data)
    except ValueError as warning:
        if LEFT_OVER not in str(warning):
            raise
        image = _decode(data, strict=False)
        doubts.append(BYTES_LEFT)
    else:
        if _has_spare_bytes(data, end):
            doubts.append(BYTES_LEFT)
    row = jump_of_brightness(image, unit_height)
    if row is not None:
        doubts.append(f"{JUMP_AT_ROW}{row}")
    return Decoded(image, ", ".join(doubts))


def _decode(data: bytes, strict: bool = True) -> Image:
    image: Image = simplejpeg.decode_jpeg(data, "GRAY", strict=strict)[:, :, 0]
    return image


def _end_of_pixels(data: bytes) -> int:
    """Where the end marker stands. ValueError where it is missing: zeros after a cut become gray pixels."""
    # Segments are skipped whole: a thumbnail inside one has an end marker of its own.
    end = data.find(b"\xff\xd9", max((segment.stop for _, segment in _segments(data)), default=2))
    if end < 0:
        raise ValueError("it ends in the middle of its pixels")
    return end


def _has_spare_bytes(data: bytes, end: int) -> bool:
    """Whether the last byte of the pixels can be left out and nothing is missing.

    A changed byte makes the pixels take more or fewer bytes than there are. The decoder has up to eight in
    its hands when it is done, and says nothing of those.
    """
    last = end
    while last and data[last - 1] == 0xFF:
        last -= 1
    for _ in range(MOST_PADDING):
        if data[last - 1] == 0 and data[last - 2] != 0xFF:
            last -= 1
    last -= 2 if data[last - 2] == 0xFF else 1
    try:
        _decode(data[:last] + data[end:])
    except ValueError:
        return False
    return True


def _has_odd_table(data: bytes) -> bool:
    """Whether a quantisation table is, at any quality, the standard one but for a few values."""
    for marker, segment in _segments(data):
        tables = data[segment] if marker == TABLES_OF_QUANTISATION else b""
        while len(tables) >= 65 and tables[0] >> 4 == 0:
            differing = (np.frombuffer(tables[1:65], np.uint8) != _STANDARD).sum(axis=1).min()
            if 0 < differing <= FEW_VALUES:
                return True
            tables = tables[65:]
    return False


def _segments(data: bytes) -> Iterator[tuple[int, slice]]:
    """Marker and content of every segment before the pixels."""
    position = 2
    while data[position : position + 1] == b"\xff" and data[position + 1] != START_OF_SCAN:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        yield data[position + 1], slice(position + 4, end)
        position = end


def jump_of_brightness(image: Image, unit_height: int) -> int | None:
    """The row from which on the whole picture is lighter or darker than it was, None where there is none.

    Each block's brightness is coded as its difference from the block before: one changed byte shifts all
    that follow. Such a step runs along a row of blocks to some column, and on to the right one row higher.
    """
    rows, columns = image.shape[0] // unit_height, image.shape[1] // BLOCK
    if rows < 3 or columns < 4:
        return None
    staircases = _staircases(_steps(image, unit_height, 0))
    row = int(staircases.argmax())
    size = float(staircases[row])
    if size < LEAST_JUMP:
        return None
    # What the picture shows by itself is seen between the rows of blocks too.
    between = [_staircases(_steps(image, unit_height, shift)) for shift in (2, 4, 6)]
    grid = _of_most(staircases) - float(np.median([_of_most(other) for other in between]))
    elsewhere = max(float(other.max()) for other in between)
    is_jump = size >= elsewhere + LEAST_JUMP and size >= TIMES_THE_GRID * grid
    return (row + 1) * unit_height if is_jump else None


def _of_most(staircases: NDArray[np.float32]) -> float:
    return float(np.quantile(staircases, 0.75))


def _steps(image: Image, unit_height: int, shift: int) -> NDArray[np.float32]:
    """By row of units and column of blocks, how far brightness steps there beyond the slope on both sides."""
    last = image.shape[0] - 2
    at = np.arange(unit_height, last, unit_height) + shift
    at = at[at < last]
    before, above, below, after = (image[at + offset].astype(np.float32) for offset in (-2, -1, 0, 1))
    beyond = (below - above) - ((above - before) + (after - below)) / 2
    width = image.shape[1] // BLOCK * BLOCK
    blocks = np.median(beyond[:, :width].reshape(len(at), -1, BLOCK), axis=2)
    steps: NDArray[np.float32] = np.clip(blocks, -MOST_OF_A_BLOCK, MOST_OF_A_BLOCK)
    return steps


def _staircases(steps: NDArray[np.float32]) -> NDArray[np.float32]:
    """By row, gray levels of the largest step that goes on to the right one row higher."""
    if len(steps) < 2:
        return np.zeros(1, np.float32)
    columns = steps.shape[1]
    counts = np.arange(1, columns)
    # Left of the column the lower row, from it on the upper one; a level edge is a banner and no damage.
    left = np.cumsum(steps[1:], axis=1)[:, :-1]
    right = np.cumsum(steps[:-1, ::-1], axis=1)[:, ::-1][:, 1:]
    both = np.abs(left + right) / columns
    level = np.maximum(np.abs(left) / counts, np.abs(right) / (columns - counts))
    apart = np.minimum(np.abs(left) / counts, np.abs(right) / (columns - counts))
    both[(np.sign(left) != np.sign(right)) | (apart < level / 2)] = 0
    return np.asarray(both.max(axis=1), np.float32)


_BASES = (
    # ITU-T T.81, tables K.1 and K.2, in zigzag order.
    "16 11 12 14 12 10 16 14 13 14 18 17 16 19 24 40 26 24 22 22 24 49 35 37 29 40 58 51 61 60 57 51 56 "
    "55 64 72 92 78 64 68 87 69 55 56 80 109 81 87 95 98 103 104 103 62 77 113 121 112 100 120 92 101 103 99",
    "17 18 18 24 21 24 47 26 26 47 99 66 56 66 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 "
    "99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99 99",
)


def _standard_tables() -> NDArray[np.int64]:
    """The standard tables scaled to every quality, as the Independent JPEG Group's encoder does it."""
    qualities = np.arange(1, 101)
    scales = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)[:, None]
    bases = [np.array(base.split(), np.int64) for base in _BASES]
    return np.concatenate([np.clip((base * scales + 50) // 100, 1, 255) for base in bases])


_STANDARD = _standard_tables()
