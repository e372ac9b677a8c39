"""A frame's pictures on disk: its mask, which keeps the geometry, and its overlay, for looking at."""

import io
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
from PIL import Image as Pillow

from blastoseg.errors import OutputError
from blastoseg.files import replace_atomically
from blastoseg.records import FrameRef, FrameResult, Image, Labels
from blastoseg.report.overlay import RGB, draw_overlay
from blastoseg.tissues import INSIDE_OUT

MASK_SUFFIX, OVERLAY_SUFFIX = ".png", ".jpg"
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 70]
"""How overlays are encoded: at less quality the colours of outlines begin to run. Baseline: progressive files
are 8 % smaller and take six times as long."""
LABEL_STRIP, LABEL_STRIP_SHARE = 30, 0.06
"""Pixels, or a share of the height if that is more: the viewer's labels reach 24 of 500 pixels up."""

_COLOURS = bytes(part for tissue in sorted(INSIDE_OUT, key=lambda one: one.label) for part in tissue.colour)
PALETTE = _COLOURS.ljust(3 * 256, b"\0")
"""Of full length, for eight bits a pixel: some readers know no fewer."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """A frame's pictures, encoded; empty where there is none."""

    mask: bytes = b""
    overlay: bytes = b""


@dataclass(frozen=True, slots=True)
class PictureStyle:
    """What is drawn of frames, and how.

    ``without_label`` blackens the overlays' strip in which viewers burn in their labels.
    """

    with_overlay: bool = True
    without_label: bool = False

    def draw(self, image: Image, labels: Labels | None, words: str) -> Pictures:
        """The pictures of a frame ``(y, x)``; a frame without an embryo, of labels None, has no mask.

        The mask holds the tissues' label values in the frame's own geometry; ``words`` stand on the overlay.
        """
        mask = b"" if labels is None else encode_label_image(labels)
        if not self.with_overlay:
            return Pictures(mask)
        shown = without_label_strip(image) if self.without_label else image
        return Pictures(mask, encode_overlay(draw_overlay(shown, labels, words)))


@dataclass(frozen=True, slots=True)
class PictureWriter:
    """Writes the pictures of frames below ``root``, where ``place`` says (kind, frame, suffix)."""

    root: Path
    place: Callable[[str, FrameRef, str], str]
    with_overlay: bool = True

    def planned(self, ref: FrameRef) -> list[str]:
        """What ``write`` may write for a frame, relative to ``root``: its mask, and its overlay."""
        return [self._mask(ref), self._overlay(ref)] if self.with_overlay else [self._mask(ref)]

    def lie_where_written(self, ref: FrameRef, mask_file: str, overlay_file: str) -> bool:
        """Whether a frame's pictures, if any, are where ``write`` would put them."""
        places = ((mask_file, self._mask), (overlay_file if self.with_overlay else "", self._overlay))
        return all(not path or path == place(ref) for path, place in places)

    def has_mask(self, result: FrameResult) -> bool:
        """Whether the mask of a result, if any, is where ``write`` would put it."""
        return result.mask_file in ("", self._mask(result.ref))

    def has_overlay(self, drawn: FrameResult, now: FrameResult) -> bool:
        """Whether a result's overlay, if any, is the one that would be drawn now; as it was drawn, and now.

        Caption and place tell: its pixels are the same.
        """
        return now.overlay_file in ("", self._overlay(now.ref)) and caption(drawn) == caption(now)

    def write(self, ref: FrameRef, pictures: Pictures) -> tuple[str, str]:
        """Write a frame's mask and overlay; returns paths relative to ``root``, empty where there is none.

        Until ``files.flush_folders`` was called a power cut may bring back what was there before. Raises
        OutputError where the disk refuses.
        """
        both = ((self._mask(ref), pictures.mask), (self._overlay(ref), pictures.overlay))
        for path, encoded in both:
            if encoded:
                self._write(path, encoded)
        mask, overlay = (path if encoded else "" for path, encoded in both)
        return mask, overlay

    def _mask(self, ref: FrameRef) -> str:
        return self.place("masks", ref, MASK_SUFFIX)

    def _overlay(self, ref: FrameRef) -> str:
        return self.place("overlays", ref, OVERLAY_SUFFIX)

    def _write(self, relative: str, encoded: bytes) -> None:
        path = self.root / relative
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replace_atomically(path, is_one_of_many=True) as temporary:
                temporary.write_bytes(encoded)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror}): free some space?") from error


def encode_label_image(labels: Labels) -> bytes:
    """A PNG whose pixel values are those of ``labels``; a palette shows them in the tissues' colours."""
    picture = Pillow.fromarray(labels, "L")
    picture.putpalette(PALETTE)
    buffer = io.BytesIO()
    # Labels are long runs of one value: nothing longer is looked for.
    picture.save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def encode_overlay(overlay: RGB) -> bytes:
    """A JPEG of an overlay ``(y, x, 3)``, as small as still looks right."""
    _, encoded = cv2.imencode(OVERLAY_SUFFIX, cv2.cvtColor(overlay, cv2.COLOR_RGB2BGR), JPEG)
    return encoded.tobytes()


def without_label_strip(image: Image) -> Image:
    """A copy of the frame ``(y, x)`` with the strip along its bottom, where labels are burned in, black."""
    blackened = image.copy()
    blackened[-max(LABEL_STRIP, math.ceil(LABEL_STRIP_SHARE * image.shape[0])) :] = 0
    return blackened


def caption(result: FrameResult) -> str:
    """One line for an overlay: embryo, hours, status, flags."""
    parts = [result.ref.embryo_id]
    if result.ref.time_h == result.ref.time_h:
        parts.append(f"{result.ref.time_h:.1f} h")
    parts.append(str(result.status))
    parts.extend(result.flags)
    return "  ".join(parts)
