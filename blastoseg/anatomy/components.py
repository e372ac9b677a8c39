"""Connected components of a mask, compared by size. Used to clean and to measure."""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.records import Labels, Mask

Contour = NDArray[np.int32]
"""Border pixels of a component, ``(n, 1, 2)`` as ``(x, y)``, in the order of OpenCV."""


def holds(labels: Labels, values: tuple[int, ...]) -> Mask:
    """Which pixels have one of the values."""
    held: Mask = labels == values[0]
    for value in values[1:]:
        held |= labels == value
    return held


def neighbours_of(component: Mask, labels: Labels, value: int) -> NDArray[np.int64]:
    """How many pixels of each label, 0 to 4, touch a component; none of its own label, ``value``."""
    around = (cv2.dilate(component.view(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~component
    neighbours = np.bincount(labels[around], minlength=5)[:5]
    neighbours[value] = 0
    return neighbours


def connected_components(mask: Mask) -> list[tuple[Contour, float]]:
    """Outer contour and area, holes filled, of every 8-connected component, those in holes too."""
    contours, hierarchy = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if hierarchy is None:
        return []
    # Pick's theorem: the lattice points of a polygon are its area + half of those on its border + 1.
    return [
        (cast(Contour, contour), cv2.contourArea(contour) + len(contour) / 2 + 1)
        for contour, parent in zip(contours, hierarchy[0, :, 3], strict=True)
        if parent < 0
    ]


def drop_specks(mask: Mask, share: float) -> tuple[Mask, int]:
    """The largest component and those of at least that share of its area, holes left open; their number."""
    components = connected_components(mask)
    largest = max((area for _, area in components), default=0.0)
    specks = [contour for contour, area in components if area < share * largest]
    if not specks:
        return mask, len(components)
    kept = mask.view(np.uint8).copy()
    cv2.drawContours(kept, specks, -1, 0, cv2.FILLED)
    return kept.view(np.bool_), len(components) - len(specks)


def fill_holes(mask: Mask) -> Mask:
    """The mask with everything that it encloses."""
    contours, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    return filled.view(np.bool_)
