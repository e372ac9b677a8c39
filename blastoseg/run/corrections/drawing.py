"""The overlay of a correction: drawn on what a run kept of the frame, which is its own overlay."""

from pathlib import Path

import cv2
import numpy as np

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Labels
from blastoseg.report.overlay import LARGEST_SIDE, SMALLEST_WIDTH, draw_overlay, read_overlay
from blastoseg.report.pictures import encode_overlay
from blastoseg.report.plain import Gray, sized_as, without_paint
from blastoseg.sources.label_images import read_label_image


def plain_frame(out: Path, mask_file: str, overlay_file: str) -> Gray:
    """The gray frame ``(y, x)`` under a run's overlay, whose label image ``mask_file`` is, empty without one.

    As large as the overlay, which shrinks large frames. UnreadableFrameError where the pictures are gone.
    """
    overlay = read_overlay(out / overlay_file, cv2.IMREAD_GRAYSCALE) if overlay_file else None
    if overlay is None:
        what = overlay_file or "the overlay of this frame"
        raise UnreadableFrameError(f"{what}: is not there, or cannot be read: run blastoseg with overlays")
    labels = read_label_image(out / mask_file, mask_file) if mask_file else None
    return without_paint(overlay, labels)


def network_labels(out: Path, mask_file: str, overlay_file: str) -> Labels:
    """The network's labels of a frame ``(y, x)``; all background where it found no embryo, with no mask.

    UnreadableFrameError where the pictures are gone, or the frame's size is not known.
    """
    if mask_file:
        return read_label_image(out / mask_file, mask_file)
    gray = plain_frame(out, "", overlay_file)
    height, width = gray.shape
    if width <= SMALLEST_WIDTH or max(height, width) >= LARGEST_SIDE:
        raise UnreadableFrameError(
            "no embryo was found in this frame, and its overlay has another size than the frame: it "
            "cannot be corrected here"
        )
    return np.zeros(gray.shape, np.uint8)


def draw_correction(gray: Gray, labels: Labels, caption: str) -> bytes:
    """A JPEG of the plain frame with corrected labels over it, its caption as on a run's overlays."""
    return encode_overlay(draw_overlay(gray, sized_as(labels, gray.shape), caption))
