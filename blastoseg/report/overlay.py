"""Pictures for people: a frame with the tissues' outlines, and a thumbnail for the workbook."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.records import Image, Labels
from blastoseg.tissues import FOREGROUND, Tissue

RGB = NDArray[np.uint8]

FILL_OPACITY = 0.22
SIDE_A_LINE = 500
"""Pixels of a frame's longer side for each pixel that an outline is wide."""
STRIP_HEIGHT = 56
SMALLEST_WIDTH = 360
LARGEST_SIDE = 1600
"""A larger frame's picture is shrunk to this: it is for looking at, the mask keeps the geometry."""
MOST_PIXELS = 2**26
"""More than any overlay has: what claims them is damaged, and would take the memory of a machine."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_STRIP_GRAY = 24
_SAMPLE_STEP = 8


def read_overlay(path: Path, way: int) -> NDArray[np.uint8] | None:
    """An overlay as OpenCV reads it that ``way``, such as in gray; None where it is gone or damaged."""
    try:
        with Pillow.open(path) as header:
            if math.prod(header.size) > MOST_PIXELS:
                return None
        found = cv2.imread(str(path), way)
    except Exception:  # decoders answer damaged headers with whatever they stumble over
        return None
    return None if found is None else np.asarray(found, np.uint8)


def name_of(picture: Path) -> str:
    """How people are told of a picture: with its embryo's folder, as embryos' files may be named alike."""
    return f"{picture.parent.name}/{picture.name}"


def draw_overlay(image: Image, labels: Labels | None, caption: str = "") -> RGB:
    """A frame ``(y, x)`` with each tissue outlined and lightly filled, over a strip.

    The strip holds caption, legend and notice. ``labels`` has the frame's shape; None draws the frame alone.
    Returns RGB ``(y, x, 3)``, the frame's size or up to ``LARGEST_SIDE``, plus the strip below.
    """
    gray, labels = _sized(stretch_contrast(image), labels)
    picture = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), np.uint8)
    if labels is not None:
        _paint_tissues(picture, labels)
    return np.vstack([picture, _strip(picture.shape[1], caption)])


def stretch_contrast(image: Image) -> NDArray[np.uint8]:
    """The frame as 8 bit, its 0.5 and 99.5 percentiles drawn apart to black and white."""
    sample = image[::_SAMPLE_STEP, ::_SAMPLE_STEP] if min(image.shape) > 20 * _SAMPLE_STEP else image
    low, high = np.percentile(sample, (0.5, 99.5))
    if high <= low:
        return np.full(image.shape, 128, np.uint8)
    table = np.clip((np.arange(int(np.iinfo(image.dtype).max) + 1) - low) * (255 / (high - low)), 0, 255)
    shades = table.astype(np.uint8)
    return np.asarray(cv2.LUT(image, shades) if image.dtype == np.uint8 else shades[image], np.uint8)


def _sized(gray: NDArray[np.uint8], labels: Labels | None) -> tuple[NDArray[np.uint8], Labels | None]:
    height, width = gray.shape
    scale = LARGEST_SIDE / max(height, width)
    scale = min(scale, max(1.0, SMALLEST_WIDTH / width))
    if scale == 1:
        return gray, labels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    gray = np.asarray(
        cv2.resize(gray, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8
    )
    if labels is not None:
        labels = np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    return gray, labels


def _paint_tissues(picture: RGB, labels: Labels) -> None:
    found = cv2.boundingRect(labels)
    x, y, width, height = (int(value) for value in found)
    if not width:
        return
    window, tissues = picture[y : y + height, x : x + width], labels[y : y + height, x : x + width]
    colours = np.zeros((1, 256, 3), np.uint8)
    for tissue in FOREGROUND:
        colours[0, tissue.label] = tissue.colour
    colour = cv2.LUT(cv2.merge([tissues] * 3), colours)
    tinted = cv2.addWeighted(window, 1 - FILL_OPACITY, colour, FILL_OPACITY, 0)
    # Only tissue is tinted: beside it the frame keeps its own gray.
    window[...] = cv2.copyTo(tinted, tissues, window.copy())
    for tissue, outlines in outlines_from_outside_in(labels):
        cv2.drawContours(picture, outlines, -1, tissue.colour, line_width(labels), cv2.LINE_8)


def outlines_from_outside_in(labels: Labels) -> Iterator[tuple[Tissue, Sequence[NDArray[np.int32]]]]:
    """Each tissue with its outlines and those of its holes, point arrays ``(n, 1, 2)`` of x and y.

    From outside in: where two tissues meet, the inner one's line is on top.
    """
    for tissue in reversed(FOREGROUND):
        own = (labels == tissue.label).astype(np.uint8)
        found, _ = cv2.findContours(own, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        yield tissue, [np.asarray(outline, np.int32) for outline in found]


def line_width(labels: Labels) -> int:
    """How many pixels wide the outlines on a picture of this size are."""
    return max(1, round(int(max(labels.shape)) / SIDE_A_LINE))


def _strip(width: int, caption: str) -> RGB:
    strip = _legend(width).copy()
    write_small(strip, _shortened(caption, width - 12), (6, 14), (235, 235, 235))
    return strip


@lru_cache(8)
def _legend(width: int) -> RGB:
    """The strip without a caption, the same for every frame of a width; not to be written to."""
    strip = np.full((STRIP_HEIGHT, width, 3), _STRIP_GRAY, np.uint8)
    x = 6
    for tissue in FOREGROUND:
        cv2.rectangle(strip, (x, 24), (x + 10, 34), tissue.colour, -1)
        name = tissue.key.upper() if len(tissue.key) < 4 else tissue.name
        write_small(strip, name, (x + 14, 33), (235, 235, 235))
        x += 22 + _text_width(name)
    write_small(strip, RESEARCH_USE_ONLY, (6, 49), (255, 190, 90))
    return strip


def write_small(picture: RGB, text: str, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    """Write a line of ASCII into a picture, its lower left corner ``at`` (x, y)."""
    cv2.putText(picture, text, at, _FONT, 0.4, colour, 1, cv2.LINE_AA)


def _text_width(text: str) -> int:
    return int(cv2.getTextSize(text, _FONT, 0.4, 1)[0][0])


def _shortened(text: str, width: int) -> str:
    # OpenCV's font knows ASCII alone.
    text = text.encode("ascii", "replace").decode()
    if _text_width(text) <= width:
        return text
    while text and _text_width(text + "...") > width:
        text = text[:-1]
    return text + "..."


def draw_thumbnail(overlay: RGB, labels: Labels, side: int) -> RGB:
    """A white square of ``side`` pixels with the embryo of an overlay in it.

    ``overlay`` is what ``draw_overlay`` made for the frame of ``labels``, whose extent tells where to cut;
    without any tissue the whole frame is shown.
    """
    picture = overlay[: max(1, overlay.shape[0] - STRIP_HEIGHT)]
    x, y, width, height = cv2.boundingRect(labels)
    if width:
        scale = picture.shape[1] / labels.shape[1]
        margin = 0.06 * max(width, height)
        rows = slice(max(0, int((y - margin) * scale)), int((y + height + margin) * scale) + 1)
        columns = slice(max(0, int((x - margin) * scale)), int((x + width + margin) * scale) + 1)
        picture = picture[rows, columns]
    scale = side / max(picture.shape[:2])
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    small = cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA)
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square
