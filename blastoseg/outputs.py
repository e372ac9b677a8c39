"""The output folder: what lies where, and safe names for what comes from outside.

Everything a run writes is below OUT. Embryo and file names are turned into plain ASCII names, so that no
name from a disk or a slide file can lead out of OUT or trouble another system.
"""

import hashlib
import math
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2

from blastoseg.errors import OutputError
from blastoseg.journal import replace_atomically
from blastoseg.records import Frame, FrameRef, FrameResult, Image, Labels
from blastoseg.report.overlay import draw_overlay

LONGEST_NAME = 60
JPEG_QUALITY = 88
LABEL_STRIP, LABEL_STRIP_SHARE = 30, 0.06
"""Pixels, or a share of the height if that is more: the viewer's labels reach 24 of 500 pixels up."""


def safe_name(text: str) -> str:
    """A file name made of ``A-Z a-z 0-9 . _ -`` alone, unique to ``text``: a changed name carries a hash."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")[:LONGEST_NAME].rstrip("._")
    if plain and plain == text and not _is_reserved(plain):
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or 'unnamed'}-{digest}"


def _is_reserved(name: str) -> bool:
    # Windows keeps these device names, with any extension; the folder may be opened there.
    return bool(re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name))


def default_out(paths: list[Path]) -> Path:
    """``./<folder name>-blastoseg`` for the first path given."""
    return Path.cwd() / f"{paths[0].resolve().name or 'blastoseg'}-blastoseg"


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """Paths of everything a run writes below ``root``."""

    root: Path

    @property
    def workbook(self) -> Path:
        return self.root / "report.xlsx"

    @property
    def frames_csv(self) -> Path:
        return self.root / "frames.csv"

    @property
    def embryos_csv(self) -> Path:
        return self.root / "embryos.csv"

    @property
    def manifest(self) -> Path:
        return self.root / "run.json"

    def create(self) -> None:
        """Make the folder and check that it can be written; OutputError otherwise."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / ".blastoseg-write-test"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise OutputError(
                f"{self.root}: cannot be written ({error.strerror}): choose another folder with --out"
            ) from error

    def picture(self, kind: str, ref: FrameRef, suffix: str) -> Path:
        """``<kind>/<embryo>/<frame><suffix>``, relative to OUT; the frame's name is its index and file."""
        stem = safe_name(PurePosixPath(ref.source).stem)
        return Path(kind, safe_name(ref.embryo_id), f"{ref.frame_index:05d}-{stem}{suffix}")

    def save_pictures(
        self,
        frame: Frame,
        labels: Labels | None,
        result: FrameResult,
        with_overlay: bool,
        without_label: bool = False,
    ) -> tuple[str, str]:
        """Write a frame's mask and overlay; returns their paths relative to OUT, empty where not written.

        The mask holds the tissues' label values in the frame's own geometry. A frame without an embryo
        has no mask. ``without_label`` blackens the overlay's strip in which viewers burn in their labels.
        Raises OutputError where the disk refuses.
        """
        mask_file = overlay_file = Path()
        if labels is not None:
            mask_file = self.picture("masks", frame.ref, ".png")
            # OpenCV's own choice suits label images: a given level is slower and larger
            self._write(mask_file, labels, [])
        if with_overlay:
            overlay_file = self.picture("overlays", frame.ref, ".jpg")
            image = without_label_strip(frame.image) if without_label else frame.image
            overlay = draw_overlay(image, labels, caption(result))
            self._write(overlay_file, overlay[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        return tuple(file.as_posix() if file.name else "" for file in (mask_file, overlay_file))  # type: ignore[return-value]

    def _write(self, relative: Path, image: object, options: list[int]) -> None:
        path = self.root / relative
        _, encoded = cv2.imencode(path.suffix, image, options)  # type: ignore[call-overload]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replace_atomically(path) as temporary:
                temporary.write_bytes(encoded.tobytes())
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror}): free some space?") from error


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
