"""Well and hours, read from the two labels that the viewer burns into the bottom corners of its pictures.

The fonts are fixed, so a label is found by its fixed part (``Well``, ``h``) and its digits are matched one by
one from there. A glyph that fits no digit well, or two about equally, makes the label unreadable: no guess.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.records import Image
from blastoseg.sources import glyphs

Ink = NDArray[np.float32]
"""Darkness, ``(y, x)``: 0 white, 255 black."""

ANCHOR_FIT = 0.93
GLYPH_FIT = 0.92
GLYPH_LEAD = 0.06
"""Correlations. Two different digits of this font reach 0.84 at most."""
BLANK_INK, GLYPH_INK, BORDER_INK = 45.0, 120.0, 40.0
USUAL_BOTTOM, USUAL_HOURS_RIGHT, USUAL_WELL_LEFT, NEARBY = 23, 20, 9, 3
"""Pixels from the frame's corner to where the viewer puts the glyphs that the search begins with."""
STILL_CORNER = (USUAL_BOTTOM + 2 * NEARBY, 90)
"""Rows and columns of the corner in which a still's hours lie."""
MOST_DIGITS = 3
DIGIT_WIDTH = 7
HEIGHT = 9 + 2
"""Rows of a glyph with the blank ones above and below."""


def read_hours(image: Image) -> float:
    """The hours of the label in the bottom right corner, such as ``19.5 h``; NaN where it cannot be read."""
    ink = _corner_ink(image, right=True)
    anchor = _find(ink, _HOURS, (ink.shape[0] - USUAL_BOTTOM, ink.shape[1] - USUAL_HOURS_RIGHT))
    return math.nan if anchor is None else _hours_before(ink, anchor)


def read_clock_of_still(image: Image) -> float | None:
    """The hours of a still's label, NaN where it has one that cannot be read, None where it has none.

    Most stills have none: only the usual place is looked at, and only where a white box may be there.
    """
    scale = np.float32(255 / np.iinfo(image.dtype).max)
    ink: Ink = 255 - image[-STILL_CORNER[0] :, -STILL_CORNER[1] :].astype(np.float32) * scale
    y, x = ink.shape[0] - USUAL_BOTTOM, ink.shape[1] - USUAL_HOURS_RIGHT
    if y < NEARBY or x < NEARBY or ink[y : y + HEIGHT, x : x + _HOURS.shape[1]].min() > BLANK_INK:
        return None
    anchor = _find(ink, _HOURS, (y, x), everywhere=False)
    if anchor is None:
        return None
    letter = ink[anchor[0] : anchor[0] + HEIGHT, anchor[1] : anchor[1] + _HOURS.shape[1]]
    if letter[_HOURS == 0].mean() > BLANK_INK:
        return None
    return _hours_before(ink, anchor)


def _hours_before(ink: Ink, anchor: tuple[int, int]) -> float:
    """The number before the letter h at ``anchor``, in whichever of the fonts it is written."""
    y, x = anchor
    for blank, point in _POINTS:
        width = point.shape[0] // HEIGHT
        right = x - blank
        tenths = _digit_at(ink, y, right - DIGIT_WIDTH)
        point_cell = _cell(ink, y, right - DIGIT_WIDTH - width, width)
        if tenths is None or point_cell is None or float(point @ point_cell) < GLYPH_FIT:
            continue
        whole = ""
        left = right - DIGIT_WIDTH - width - DIGIT_WIDTH
        while len(whole) < MOST_DIGITS and (digit := _digit_at(ink, y, left)) is not None:
            whole = f"{digit}{whole}"
            left -= DIGIT_WIDTH
        beyond = ink[y - 1 : y + HEIGHT + 1, max(0, left) : left + DIGIT_WIDTH][:, ::-1]
        if whole and _label_ends(beyond):
            return float(f"{whole}.{tenths}")
    return math.nan


def read_well(image: Image) -> int | None:
    """The number of the label in the bottom left corner, such as ``Well 6``; None where it cannot be read."""
    ink = _corner_ink(image, right=False)
    anchor = _find(ink, _WELL, (ink.shape[0] - USUAL_BOTTOM, USUAL_WELL_LEFT))
    if anchor is None:
        return None
    y, x = anchor[0], anchor[1] + _WELL.shape[1]
    number = ""
    while len(number) < MOST_DIGITS and (digit := _digit_at(ink, y, x)) is not None:
        number += str(digit)
        x += DIGIT_WIDTH
    if not number or not _label_ends(ink[y - 1 : y + HEIGHT + 1, x : x + DIGIT_WIDTH]):
        return None
    return int(number)


def _corner_ink(image: Image, right: bool) -> Ink:
    height, width = image.shape
    rows = slice(height - min(height, max(60, height // 6)), height)
    columns = slice(width // 2, width) if right else slice(0, width // 2)
    scale = 255 / np.iinfo(image.dtype).max
    ink: Ink = 255 - image[rows, columns].astype(np.float32) * np.float32(scale)
    return ink


def _find(ink: Ink, glyph: Ink, usual: tuple[int, int], everywhere: bool = True) -> tuple[int, int] | None:
    """Top left corner ``(y, x)`` of the place that fits best, if it fits well.

    The usual place is looked at first, because searching a whole corner takes milliseconds.
    """
    y, x = max(0, usual[0] - NEARBY), max(0, usual[1] - NEARBY)
    height, width = glyph.shape
    near = ink[y : y + height + 2 * NEARBY, x : x + width + 2 * NEARBY]
    for part, top, left in ((near, y, x), (ink, 0, 0))[: 2 if everywhere else 1]:
        if part.shape[0] < height or part.shape[1] < width:
            continue
        _, fit, _, (column, row) = cv2.minMaxLoc(cv2.matchTemplate(part, glyph, cv2.TM_CCOEFF_NORMED))
        is_dark_enough = part[row : row + height, column : column + width].max() > GLYPH_INK
        if fit >= ANCHOR_FIT and is_dark_enough:
            return top + row, left + column
    return None


def _cell(ink: Ink, y: int, x: int, width: int) -> Ink | None:
    """A glyph's place, as a vector of mean 0 and length 1; None outside the image or where all is white."""
    cell = ink[y : y + HEIGHT, x : x + width]
    if x < 0 or cell.shape != (HEIGHT, width) or cell.max() < GLYPH_INK:
        return None
    return _normalised(cell)


def _digit_at(ink: Ink, y: int, x: int) -> int | None:
    cell = _cell(ink, y, x, DIGIT_WIDTH)
    if cell is None:
        return None
    fits = np.maximum.reduceat(_DIGITS @ cell, _FIRST_OF_DIGIT)
    second, best = np.sort(fits)[-2:]
    return int(fits.argmax()) if best >= GLYPH_FIT and best - second >= GLYPH_LEAD else None


def _label_ends(beyond: Ink) -> bool:
    """Whether the label ends here, given the columns beyond its last digit, the nearest one first.

    It does where one blank column and then the box's border follow, or nothing but white. Anything else is
    a further glyph that was not understood.
    """
    if beyond.shape[1] < 1 or beyond[:, 0].max() > BLANK_INK:
        return False
    has_border = beyond.shape[1] < 2 or beyond[:, 1].min() > BORDER_INK
    return bool(has_border or beyond.max() <= BLANK_INK)


def _drawn(glyph: str) -> Ink:
    """A glyph's ink with a blank row above and below."""
    rows = glyph.split()
    levels = [[0 if mark == "." else int(mark) for mark in row] for row in rows]
    return np.pad(np.array(levels, np.float32) * np.float32(255 / 9), ((1, 1), (0, 0)))


def _normalised(cell: Ink) -> Ink:
    centred = cell.ravel() - cell.mean()
    length = float(np.linalg.norm(centred))
    normalised: Ink = (centred / max(length, 1.0)).astype(np.float32)
    return normalised


_WELL = _drawn(glyphs.WELL)
_HOURS = _drawn(glyphs.HOURS)
_POINTS = (
    (0, _normalised(_drawn(glyphs.POINT))),
    (1, _normalised(_drawn(glyphs.POINT_OF_STILLS))),
)
"""Of each font, the further blank columns between the tenths and the h, and its decimal point."""
_FORMS = [
    [glyphs.DIGITS[value], *([glyphs.DIGITS_OF_STILLS[value]] if value in glyphs.DIGITS_OF_STILLS else [])]
    for value in range(10)
]
_DIGITS = np.array([_normalised(_drawn(form)) for forms in _FORMS for form in forms])
_FIRST_OF_DIGIT = np.cumsum([0, *map(len, _FORMS)])[:-1]
"""Where each digit's forms begin in ``_DIGITS``."""
