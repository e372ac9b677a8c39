"""Finished reports for the page's tests: tables and pictures as a run leaves them, without a network."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from blastoseg.columns import add_micrometres
from blastoseg.measure import measure_labels
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.overlay import draw_overlay
from blastoseg.report.pictures import encode_label_image, encode_overlay
from blastoseg.report.review.page import Content, write_page
from blastoseg.report.tables import frames_table
from blastoseg.simulate import View, draw_frame

SIDE, UM = 160, 0.8
DRAWN = 4
"""Different pictures: frames beyond them are links to these."""


@cache
def drawn(number: int) -> tuple[bytes, bytes, Mapping[str, Any]]:
    """An overlay, a mask and its measures."""
    frame = draw_frame(np.random.default_rng(number), View(SIDE, SIDE, fill=(0.6, 0.8), kind="expanded"))
    overlay = draw_overlay(frame.image, frame.labels)
    measures = add_micrometres(measure_labels(frame.labels), UM)
    return encode_overlay(overlay), encode_label_image(frame.labels), measures


def finished(out: Path, embryos: Iterable[str], frames: int = 6, **about: Any) -> Content:
    """What a run over so many frames of each embryo leaves in ``out``, but for its files of tables.

    ``about`` changes what every row says.
    """
    rows = []
    pictures = out / "drawn"
    pictures.mkdir(parents=True, exist_ok=True)
    for number in range(DRAWN):
        for content, suffix in zip(drawn(number)[:2], ("jpg", "png"), strict=True):
            path = pictures / f"{number}.{suffix}"
            if not path.exists():
                path.write_bytes(content)
    for place, embryo in enumerate(embryos):
        folder = f"{place:04d}"
        for frame in range(frames):
            rows.append(_row(embryo, folder, frame) | about)
            for kind, suffix in (("overlays", "jpg"), ("masks", "png")):
                path = out / kind / folder / f"{frame:05d}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists():
                    os.link(pictures / f"{frame % DRAWN}.{suffix}", path)
    return content_of(out, rows)


def content_of(out: Path, rows: Iterable[dict[str, Any]], **others: Any) -> Content:
    """The page's content from rows of the frames table."""
    return Content(
        out=out,
        tables=GatheredTables([frames_table(list(rows))]),
        weights="starter",
        weights_sha256="ab" * 32,
        **others,
    )


def page_of(out: Path, embryos: Iterable[str], frames: int = 6, **about: Any) -> Path:
    """The address of a page that was written."""
    write_page(finished(out, embryos, frames, **about))
    return out / "review" / "index.html"


def _row(embryo: str, folder: str, frame: int) -> dict[str, Any]:
    is_doubtful = frame % 5 == 4
    measures = drawn(frame % DRAWN)[2]
    return {
        "embryo_id": embryo,
        "source": f"{frame}.jpg",
        "frame_index": frame,
        "focal_plane": 0,
        "time_h": 100.0 + frame / 4,
        "time_reference": "insemination",
        "status": "review" if is_doubtful else "ok",
        "flags": "low_confidence" if is_doubtful else "",
        "reason": "the network is unsure of ICM" if is_doubtful else "",
        "um_per_px": UM,
        "um_per_px_source": "option",
        "mask": f"masks/{folder}/{frame:05d}.png",
        "overlay": f"overlays/{folder}/{frame:05d}.jpg",
        **measures,
        **{f"confidence_{key}_frac": 0.9 for key in ("icm", "blastocoel", "te", "zp")},
    }


def pixels(path: Path) -> np.ndarray[Any, Any]:
    """A picture in gray."""
    found = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert found is not None, path
    return np.asarray(found)
