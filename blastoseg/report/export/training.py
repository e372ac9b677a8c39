"""Images and masks as ``blastoseg data check`` and ``blastoseg train`` take them."""

import csv
import hashlib
from pathlib import Path, PurePosixPath

from blastoseg.report.export.frame import ExportedFrame, place_of
from blastoseg.report.export.images import write_image
from blastoseg.report.pictures import encode_label_image

SAME_PICTURE = "shows the same picture as {}"
NO_TISSUE = "has no tissue in its mask"


class TrainingSet:
    """``images/<embryo>/<frame>.png``, ``masks/<embryo>/<frame>.png`` and ``groups.csv``.

    ``groups.csv`` says which images are one patient's, or one embryo's, and must stay in one split. Of equal
    pictures the first is taken: a set that holds them twice is no sound one, nor one with an empty mask.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._groups: list[tuple[str, str]] = []
        self._seen: dict[str, PurePosixPath] = {}

    def add(self, frame: ExportedFrame) -> str:
        if not frame.labels.any():
            return NO_TISSUE
        digest = hashlib.sha256(f"{frame.pixels.shape} {frame.pixels.dtype}".encode())
        digest.update(frame.pixels.tobytes())
        first = self._seen.setdefault(digest.hexdigest(), frame.name)
        if first != frame.name:
            return SAME_PICTURE.format(first)
        write_image(place_of(self._folder / "images", frame, ".png"), frame.pixels)
        place_of(self._folder / "masks", frame, ".png").write_bytes(encode_label_image(frame.labels))
        self._groups.append((str(frame.name), frame.group))
        return ""

    def finish(self) -> None:
        with (self._folder / "groups.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("name", "group"), *self._groups])
