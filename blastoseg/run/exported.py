"""Frames of a report on their way into a format, and what became of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.errors import (
    EXIT_FRAMES_FAILED,
    EXIT_OK,
    InputNotFoundError,
    OutputError,
    UnreadableFrameError,
)
from blastoseg.records import FrameRef, Image
from blastoseg.report.export.frame import ExportedFrame, Exporter
from blastoseg.report.finished import Run
from blastoseg.report.tables import as_it_was
from blastoseg.run.outputs import PictureNames
from blastoseg.sources.addresses import WholeImage

Progress = Callable[[int, int], None]
"""Told the number of frames that are done, and of all."""
ImageOf = Callable[[Mapping[str, Any]], Image]


@dataclass(slots=True)
class Exported:
    """What became of an export: frames written, and in words why others were not, by their source.

    ``left_out`` are such as the format does not take, ``failed`` such as should be in it.
    """

    to: Path
    frames: int = 0
    left_out: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return EXIT_FRAMES_FAILED if self.failed else EXIT_OK


class Frames:
    """Rows on their way into a format."""

    def __init__(self, run: Run, image_of: ImageOf | None, exported: Exported) -> None:
        self._run, self._image_of, self._exported = run, image_of, exported
        identifying = run.frames[["embryo_id", "source", "frame_index", "focal_plane"]]
        self._names = PictureNames([_ref_of(row) for row in identifying.to_dict("records")])
        self._patients = dict(zip(run.embryos["embryo_id"], run.embryos["patient"].fillna(""), strict=True))
        self.told: list[dict[str, Any]] = []

    def write(self, rows: pd.DataFrame, exporter: Exporter, progress: Progress) -> None:
        """Write every row's frame; those that cannot be are noted, and why."""
        for done, row in enumerate(rows.to_dict("records"), 1):
            try:
                frame = self._frame({str(name): value for name, value in row.items()})
            except (UnreadableFrameError, InputNotFoundError, OutputError) as error:
                # The way to OUT may hold a name, and this is written into what is passed on.
                self._exported.failed.append(str(error).replace(str(self._run.out), "OUT"))
            else:
                why = exporter.add(frame)
                if why:
                    self._exported.left_out.append(f"{frame.row['source']}: {why}")
                else:
                    self.told.append({"name": str(frame.name), **frame.told()})
                    self._exported.frames += 1
            progress(done, len(rows))
        exporter.finish()

    @property
    def account(self) -> dict[str, Any]:
        """What is in the export, and what is not."""
        not_exported = [*self._exported.failed, *self._exported.left_out]
        return {"frames": self.told, "not_exported": not_exported}

    def _frame(self, row: Mapping[str, Any]) -> ExportedFrame:
        labels = self._run.mask(row)
        image = None if self._image_of is None else self._image_of(row)
        if image is not None and image.shape != labels.shape:
            raise UnreadableFrameError(f"{row['source']}: is of another size than its mask: run again")
        embryo = str(row["embryo_id"])
        return ExportedFrame(
            name=PurePosixPath(self._names.of_frame(_ref_of(row))),
            row=row,
            group=str(self._patients.get(embryo) or embryo),
            labels=labels,
            image=image,
        )


def _ref_of(row: Mapping[Any, Any]) -> FrameRef:
    """As much of a row's frame as its name depends on."""
    source = as_it_was(str(row["source"]))
    return FrameRef(
        embryo_id=as_it_was(str(row["embryo_id"])),
        source=source,
        path=Path(source),
        frame_index=int(row["frame_index"]),
        address=WholeImage(),
        focal_plane=None if pd.isna(row["focal_plane"]) else int(row["focal_plane"]),
    )


def write_account(folder: Path, name: str, manifest: Mapping[str, Any], frames: Frames) -> None:
    """``export.json``: of which weights the masks are, what each frame is, and what could not be exported.

    ``manifest`` is the run's, ``name`` the format's.
    """
    document = {
        "format": f"blastoseg export, {name}",
        "software": __version__,
        "notice": RESEARCH_USE_ONLY,
        "weights": manifest.get("weights"),
        "weights_sha256": manifest.get("weights_sha256"),
        **frames.account,
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "export.json").write_text(text + "\n", "utf-8")
