"""The frames of one embryo as small pictures on sheets, and the tissues' outlines beside them.

All frames of a film are cut alike, around all that was ever found in them, so that the film stands still.
"""

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Labels
from blastoseg.report.overlay import name_of, outlines_from_outside_in, read_overlay
from blastoseg.report.plain import Gray, without_paint
from blastoseg.sources.label_images import read_label_image
from blastoseg.tissues import FOREGROUND

TILE_SIDE = 192
TILES_ACROSS = 16
TILES_A_SHEET = TILES_ACROSS * TILES_ACROSS
"""Browsers take pictures of 4,096 pixels a side on any machine: no sheet is larger."""
FINENESS = 2
"""Steps of an outline's whole coordinates in each pixel of a tile."""
QUALITY, EFFORT = 38, 2
"""Of WebP: 300 kB for 144 frames; with the usual effort, 4, a twentieth less in more than twice the time."""
_MARGIN = 0.08
_TOLERANCE = 0.8
"""How far, in pixels of a tile, a drawn outline may lie beside the mask's."""
_NO_PICTURE = 128

ALPHABET = "".join(chr(code) for code in range(35, 127) if chr(code) not in "&'<>\\`")
"""The signs of outlines: none that JSON, or a script in a page, would have to escape."""
LONGEST_STEP = (len(ALPHABET) - 1) // 2

Outlines = dict[str, str]
"""By a tissue's key its closed lines in ``ALPHABET``, with spaces between: a fifth of SVG's path data."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Where the pictures of one frame lie; None for one that was never written."""

    overlay: Path | None
    mask: Path | None


@dataclass(frozen=True, slots=True)
class Window:
    """A square of a frame: left, top and side as shares of the frame's width; it may reach beyond it."""

    left: float
    top: float
    side: float


@dataclass(frozen=True, slots=True)
class Film:
    """One embryo's frames, in order.

    ``sheets`` are encoded pictures of up to ``TILES_A_SHEET`` tiles of ``TILE_SIDE`` pixels, row by row, and
    ``outlines`` each frame's, in ``FINENESS`` steps a pixel of its tile. ``still`` is one tile alone, and
    ``is_seen`` whether a frame has a picture. ``window`` is the part of the frames that is shown. ``unread``
    are the names of pictures and masks that are gone or damaged.
    """

    sheets: list[bytes]
    outlines: list[Outlines]
    still: bytes
    is_seen: list[bool]
    window: Window
    unread: set[str]


def make_film(shots: Sequence[Shot], still: int) -> Film:
    """The film of an embryo's frames; ``still`` is the place of the frame that stands for it.

    A picture that is missing or damaged is a gray tile, a mask that is one has no outlines.
    """
    window = _window_of(shots)
    tiles, outlines, is_seen, unread = [], [], [], set()
    for shot in shots:
        labels = _labels_of(shot)
        tile = _tile(shot, labels, window)
        is_seen.append(tile is not None)
        tiles.append(np.full((TILE_SIDE, TILE_SIDE), _NO_PICTURE, np.uint8) if tile is None else tile)
        outlines.append({} if labels is None else outlines_in(labels, window))
        read = ((shot.overlay, tile), (shot.mask, labels))
        unread |= {name_of(path) for path, picture in read if path and picture is None}
    sheets = [_sheet(tiles[first : first + TILES_A_SHEET]) for first in range(0, len(tiles), TILES_A_SHEET)]
    return Film(sheets, outlines, _encoded(tiles[still]), is_seen, window=window, unread=unread)


def legend() -> list[dict[str, str | int]]:
    """Key, name, label and colour (CSS) of each tissue that has outlines, from inside out."""
    return [
        {"key": one.key, "name": one.name, "label": one.label, "colour": "#" + bytes(one.colour).hex()}
        for one in FOREGROUND
    ]


def _labels_of(shot: Shot) -> Labels | None:
    if shot.mask is None:
        return None
    try:
        return read_label_image(shot.mask, shot.mask.name)
    except UnreadableFrameError:
        return None


def _window_of(shots: Sequence[Shot]) -> Window:
    """The smallest square with a margin around everything found; the whole frame where nothing was."""
    boxes = list(_boxes(shots))
    if not boxes:
        return Window(0, 0, 1)
    left, top, right, bottom = (
        choose(side) for choose, side in zip((min, min, max, max), zip(*boxes, strict=True), strict=True)
    )
    side = max(right - left, bottom - top) * (1 + 2 * _MARGIN)
    return Window((left + right - side) / 2, (top + bottom - side) / 2, side)


def _boxes(shots: Sequence[Shot]) -> Iterator[tuple[float, float, float, float]]:
    for shot in shots:
        labels = _labels_of(shot)
        if labels is not None and labels.any():
            x, y, width, height = cv2.boundingRect(labels)
            across = labels.shape[1]
            yield x / across, y / across, (x + width) / across, (y + height) / across


def _tile(shot: Shot, labels: Labels | None, window: Window) -> Gray | None:
    overlay = None if shot.overlay is None else read_overlay(shot.overlay, cv2.IMREAD_GRAYSCALE)
    if overlay is None:
        return None
    gray = without_paint(overlay, labels)
    return np.asarray(_cut(gray, window), np.uint8)


def _cut(picture: Gray, window: Window) -> Gray:
    """The window of a picture as a tile; black beyond the frame's border."""
    across = picture.shape[1]
    x, y, side = (round(part * across) for part in (window.left, window.top, window.side))
    side = max(side, 1)
    height, width = picture.shape
    beyond = max(0, -x, -y, x + side - width, y + side - height)
    if beyond:
        picture = np.asarray(
            cv2.copyMakeBorder(picture, beyond, beyond, beyond, beyond, cv2.BORDER_CONSTANT), np.uint8
        )
    square = picture[y + beyond : y + beyond + side, x + beyond : x + beyond + side]
    how = cv2.INTER_AREA if side > TILE_SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (TILE_SIDE, TILE_SIDE), interpolation=how), np.uint8)


def outlines_in(labels: Labels, window: Window) -> Outlines:
    """The outlines of a frame's labels ``(y, x)`` in the film that is cut to ``window``."""
    across = labels.shape[1]
    scale = TILE_SIDE * FINENESS / (window.side * across)
    paths = {}
    for tissue, outlines in outlines_from_outside_in(labels):
        simple = (
            cv2.approxPolyDP(outline, _TOLERANCE * FINENESS / scale, closed=True) for outline in outlines
        )
        # A pixel's centre is where a line through it runs.
        origin = np.array([window.left, window.top]) * across - 0.5
        points = [np.rint((one[:, 0, :] - origin) * scale).astype(int) for one in simple]
        paths[tissue.key] = " ".join(_path(one) for one in points if len(one) > 2)
    return {key: path for key, path in paths.items() if path}


def _path(points: NDArray[np.int_]) -> str:
    """A closed line in ``ALPHABET``: x and y of its start, two signs each, then two signs a step."""
    start = np.clip(points[0], 0, len(ALPHABET) ** 2 - 1)
    steps = np.diff(points, axis=0)
    # A step too long for the alphabet becomes several.
    parts = np.maximum(1, -(-np.abs(steps).max(axis=1) // LONGEST_STEP))
    fine = [
        np.rint(step * np.arange(part + 1)[:, None] / part) for step, part in zip(steps, parts, strict=True)
    ]
    short = np.vstack([np.diff(one, axis=0) for one in fine]).astype(int)
    codes = np.concatenate(
        [np.column_stack(np.divmod(start, len(ALPHABET))).ravel(), short.ravel() + LONGEST_STEP]
    )
    return "".join(ALPHABET[code] for code in codes.tolist())


def _sheet(tiles: list[Gray]) -> bytes:
    across = min(TILES_ACROSS, len(tiles))
    sheet = np.full((TILE_SIDE * math.ceil(len(tiles) / across), TILE_SIDE * across), _NO_PICTURE, np.uint8)
    for place, tile in enumerate(tiles):
        y, x = place // across * TILE_SIDE, place % across * TILE_SIDE
        sheet[y : y + TILE_SIDE, x : x + TILE_SIDE] = tile
    return _encoded(sheet)


def _encoded(picture: Gray) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(picture, "L").save(buffer, "WEBP", quality=QUALITY, method=EFFORT)
    return buffer.getvalue()
