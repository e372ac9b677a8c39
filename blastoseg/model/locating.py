"""Stage 2: find the embryo in a frame, crop it, map a crop's labels back into the frame.

The locator network sees the whole frame, shrunk and padded to a small square (``fit_square``), and says
for every pixel of it how likely it belongs to the embryo in view. This file holds the geometry around
that answer, and no network.
"""

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.records import Box, Image, Labels, Location, Mask, Probabilities, Segmentation
from blastoseg.tissues import BACKGROUND, INSIDE_OUT

REVISION = 1
"""To be raised by whoever changes where an embryo is found, how it is cropped or placed back."""
SMALLEST_EMBRYO_FRAC = 0.12
"""Smallest extent of an embryo over the frame's shorter side: below it, debris."""
NEIGHBOUR_AREA_FRAC = 0.15
"""Another object counts as an embryo if this share of the main one's area is in view."""
MARGIN_FRAC = 0.13
"""Free space around the embryo on each side of its box, as a share of its extent."""
WORKING_SIDE = 640
"""Largest side at which probabilities are resampled: beyond it, labels are, to bound memory."""
SURELY_OTHER = 0.4
"""By how much a pixel's probability of another embryo must exceed that of the main one."""


@dataclass(frozen=True, slots=True)
class SquareFit:
    """How a frame was shrunk into a square: ``square = frame * scale + (top, left)``, the rest is padding."""

    scale: float
    top: int
    left: int
    side: int
    frame_shape: tuple[int, int]

    def inside(self) -> tuple[slice, slice]:
        """The part of the square that shows the frame, not padding."""
        height, width = (max(1, round(extent * self.scale)) for extent in self.frame_shape)
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def fit_square(image: Image, side: int) -> tuple[Image, SquareFit]:
    """Shrink (or enlarge) a frame into a ``(side, side)`` square without distortion, centred.

    The padding repeats the frame's median, so that it looks like empty medium and not like an edge of
    the well. Returns the square, of the frame's dtype, and how to undo it.
    """
    height, width = image.shape
    scale = side / max(height, width)
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, (new_width, new_height), interpolation=interpolation)
    top, left = (side - new_height) // 2, (side - new_width) // 2
    square = np.full((side, side), np.median(small), dtype=image.dtype)
    square[top : top + new_height, left : left + new_width] = small
    return square, SquareFit(scale=scale, top=top, left=left, side=side, frame_shape=(height, width))


def part_embryos(
    main: NDArray[np.float32], other: NDArray[np.float32], threshold: float
) -> NDArray[np.float32]:
    """One map ``(N, y, x)`` from those of the main and the other embryos, with a seam where they touch.

    Every embryo is then a component of its own. What could be either is left with the main embryo: half of
    a hatching embryo must not be cut off.
    """
    is_other = other - main > SURELY_OTHER
    is_main = ~is_other & (main > threshold)
    beside_main = np.zeros_like(is_main)
    beside_main[:, 1:] |= is_main[:, :-1]
    beside_main[:, :-1] |= is_main[:, 1:]
    beside_main[:, :, 1:] |= is_main[:, :, :-1]
    beside_main[:, :, :-1] |= is_main[:, :, 1:]
    return np.where(is_other & beside_main, np.float32(0), np.maximum(main, other))


def locate_embryo(probability: NDArray[np.float32], fit: SquareFit, threshold: float) -> Location:
    """The box of the embryo to measure, from the locator's ``(side, side)`` map, one component an embryo.

    A pixel belongs to an embryo where its probability is above ``threshold``, the model card's. The
    central, largest component is taken: area weighted by its closeness to the frame's centre. The box
    is square, in frame pixels, with ``MARGIN_FRAC`` of free space; both halves of a hatching embryo are
    one component and lie inside it. ``score`` is the mean probability over the embryo.
    """
    inner = np.ascontiguousarray(probability[fit.inside()])
    candidates = _embryo_components(inner > threshold)
    if not candidates:
        return Location(box=None, embryo_count=0, score=float(inner.max(initial=0.0)))
    main = max(candidates, key=lambda candidate: candidate.prominence)
    count = sum(candidate.area >= NEIGHBOUR_AREA_FRAC * main.area for candidate in candidates)
    rows, columns = np.nonzero(main.mask)
    y0, y1, x0, x1 = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    extent = max(y1 - y0, x1 - x0) / fit.scale
    side = max(16, round(extent * (1 + 2 * MARGIN_FRAC)))
    centre_y, centre_x = (y0 + y1) / 2 / fit.scale, (x0 + x1) / 2 / fit.scale
    box = Box(round(centre_y - side / 2), round(centre_x - side / 2), side)
    return Location(box, count, float(inner[main.mask].mean()))


@dataclass(frozen=True, slots=True)
class _Component:
    mask: Mask
    area: int
    prominence: float


def _embryo_components(mask: Mask) -> list[_Component]:
    count, regions, stats, centroids = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    height, width = mask.shape
    smallest = SMALLEST_EMBRYO_FRAC * min(height, width)
    candidates = []
    for index in range(1, count):
        box_width, box_height = stats[index, cv2.CC_STAT_WIDTH], stats[index, cv2.CC_STAT_HEIGHT]
        if max(box_width, box_height) < smallest:
            continue
        x, y = centroids[index]
        off_centre = np.hypot((x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5)
        area = int(stats[index, cv2.CC_STAT_AREA])
        candidates.append(_Component(regions == index, area, area * (1 - off_centre)))
    return candidates


def crop_embryo(image: Image, box: Box, side: int) -> Image:
    """The box's content, resampled to ``(side, side)``; beyond the frame's border its edge is repeated."""
    height, width = image.shape
    top, left = max(0, -box.y), max(0, -box.x)
    bottom, right = max(0, box.y + box.side - height), max(0, box.x + box.side - width)
    window = image[
        max(0, box.y) : min(height, box.y + box.side), max(0, box.x) : min(width, box.x + box.side)
    ]
    if top or left or bottom or right:
        window = cast(Image, cv2.copyMakeBorder(window, top, bottom, left, right, cv2.BORDER_REPLICATE))
    interpolation = cv2.INTER_AREA if box.side > side else cv2.INTER_LINEAR
    return cast(Image, cv2.resize(window, (side, side), interpolation=interpolation))


def resample_probabilities(probabilities: Probabilities, side: int) -> Probabilities:
    """Probabilities ``(channel, y, x)`` at another side, bilinear."""
    if probabilities.shape[1] == side:
        return probabilities
    resampled = np.empty((len(probabilities), side, side), np.float32)
    for channel, plane in zip(probabilities, resampled, strict=True):
        cv2.resize(channel, (side, side), dst=plane, interpolation=cv2.INTER_LINEAR)
    return resampled


def resample_labels(labels: Labels, side: int) -> Labels:
    """A label map at another side; each tissue's outline is interpolated, so that edges stay smooth."""
    if labels.shape[0] == side:
        return labels
    best = np.full((side, side), -1.0, np.float32)
    resampled = np.zeros((side, side), np.uint8)
    for value in range(int(labels.max()) + 1):
        own = labels == value
        if own.any():
            share = cv2.resize(own.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
            np.copyto(resampled, value, where=share > best)
            np.maximum(best, share, out=best)
    return resampled


def place_labels(labels: Labels, box: Box, frame_shape: tuple[int, int]) -> Labels:
    """Labels of a crop in the frame's own geometry; what lies beyond the frame's border is cut off."""
    placed = np.zeros(frame_shape, np.uint8)
    _put(placed, resample_labels(labels, box.side), box)
    return placed


def place_probabilities(segmentation: Segmentation | None, frame_shape: tuple[int, int]) -> Probabilities:
    """Probabilities ``(channel, y, x)`` in the frame's own geometry: certainly background outside the box."""
    placed = np.zeros((len(INSIDE_OUT), *frame_shape), np.float32)
    placed[BACKGROUND.channel] = 1
    if segmentation is not None:
        box = segmentation.box
        _put(placed, resample_probabilities(segmentation.probabilities, box.side), box)
    return placed


def _put(placed: NDArray[Any], content: NDArray[Any], box: Box) -> None:
    """Write the content of a box ``(..., y, x)`` where it lies in a frame, as far as it lies in it."""
    height, width = placed.shape[-2:]
    y0, x0 = max(0, box.y), max(0, box.x)
    y1, x1 = min(height, box.y + box.side), min(width, box.x + box.side)
    if y0 < y1 and x0 < x1:
        placed[..., y0:y1, x0:x1] = content[..., y0 - box.y : y1 - box.y, x0 - box.x : x1 - box.x]
