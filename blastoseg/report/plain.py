"""A frame without the paint of its overlay: the overlay's pixels are the only ones that a run keeps."""

import cv2
import numpy as np
from numpy.typing import NDArray

from blastoseg.records import Image, Labels
from blastoseg.report.overlay import FILL_OPACITY, STRIP_HEIGHT, line_width, outlines_from_outside_in
from blastoseg.tissues import FOREGROUND

Gray = NDArray[np.uint8]

_LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, by which JPEG makes gray of colours: an overlay read in gray is what was mixed."""
_BLUR, _SIGMA = (7, 7), 1.2


def without_paint(overlay: Image, labels: Labels | None) -> Gray:
    """The gray frame ``(y, x)`` under an overlay that ``draw_overlay`` made for ``labels``, no strip.

    ``overlay`` is read in gray. The fill is taken off exactly; what the lines of the outlines cover is filled
    in from beside them, so that there the picture is smoother than the frame was.
    """
    gray = overlay[: max(1, overlay.shape[0] - STRIP_HEIGHT)].astype(np.float32)
    if labels is None or not labels.any():
        return gray.astype(np.uint8)
    labels = sized_as(labels, gray.shape[:2])
    paint = np.zeros(256, np.float32)
    for tissue in FOREGROUND:
        paint[tissue.label] = np.dot(_LUMA, tissue.colour)
    is_painted = labels > 0
    gray[is_painted] -= FILL_OPACITY * paint[labels[is_painted]]
    gray[is_painted] /= 1 - FILL_OPACITY
    lines = np.zeros(gray.shape, np.uint8)
    for _, outlines in outlines_from_outside_in(labels):
        cv2.drawContours(lines, outlines, -1, (255,), line_width(labels), cv2.LINE_8)
    is_line = lines > 0
    known = (~is_line).astype(np.float32)
    around = cv2.GaussianBlur(gray * known, _BLUR, _SIGMA) / np.maximum(
        cv2.GaussianBlur(known, _BLUR, _SIGMA), 1e-3
    )
    gray[is_line] = around[is_line]
    return np.clip(np.rint(gray), 0, 255).astype(np.uint8)


def sized_as(labels: Labels, shape: tuple[int, ...]) -> Labels:
    """Labels at another size ``(y, x)``: overlays enlarge small frames, and shrink large ones."""
    if labels.shape == shape:
        return labels
    resized = cv2.resize(labels, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(resized, np.uint8)
