"""A report taken further: its frames and masks, or its tables, in the formats of other tools."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.columns import EMBRYO_COLUMNS, EVENT_COLUMNS, REPORTED_FRAME_COLUMNS
from blastoseg.errors import (
    EXIT_FRAMES_FAILED,
    EXIT_OK,
    InputNotFoundError,
    OutputError,
    UnreadableFrameError,
    UsageError,
)
from blastoseg.files import new_folder
from blastoseg.records import FrameRef, Image, Status
from blastoseg.report.export.formats import FORMATS, check_libraries
from blastoseg.report.export.frame import ExportedFrame, Exporter
from blastoseg.report.export.parquet import write_parquet
from blastoseg.report.finished import Run
from blastoseg.report.tables import as_it_was
from blastoseg.run.journal import Journal, OutputLock, RunRecord, read_runs
from blastoseg.run.outputs import OutputFolder, PictureNames
from blastoseg.run.pseudonyms import Names, names_under
from blastoseg.run.request import RunRequest
from blastoseg.run.rereading import Rereading
from blastoseg.settings import Settings
from blastoseg.sources import IsolatedReaders, discover_frames
from blastoseg.sources.addresses import WholeImage

MEASURED = (Status.OK, Status.REVIEW)
Progress = Callable[[int, int], None]
"""Told the number of frames that are done, and of all."""
ImageOf = Callable[[Mapping[str, Any]], Image]


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export of the report in ``out``, as which of ``FORMATS``, and where to.

    ``paths`` are those given to the run, for formats with pixels, ``keyfile`` and ``follow_links`` as they
    were then. ``statuses`` chooses frames, without it all with a mask, and all rows of tables; of those
    chosen every ``every``-th moment of each embryo is taken. ``corrected``: only what a person corrected.
    """

    out: Path
    format: str
    to: Path | None = None
    paths: tuple[Path, ...] = ()
    statuses: tuple[Status, ...] = ()
    every: int = 1
    corrected: bool = False
    keyfile: Path | None = None
    follow_links: bool = False

    @property
    def target(self) -> Path:
        """The folder to be written: ``./<OUT's name>-<format>`` where none was named."""
        return self.to or Path.cwd() / f"{self.out.resolve().name}-{self.format}"


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


def export_report(request: ExportRequest, progress: Progress = lambda done, total: None) -> Exported:
    """Write the export, whole or not at all. Nothing is changed in OUT.

    Raises UsageError, InputNotFoundError where there is nothing to export, OutputError, LockedError while a
    run works there, EnvironmentProblemError for a library that is missing.
    """
    if request.format not in FORMATS:
        raise UsageError(f"--as {request.format}: is no format: choose one of {', '.join(FORMATS)}")
    check_libraries(request.format)
    _check_target(request)
    has_pixels = FORMATS[request.format].has_pixels
    if has_pixels and not request.paths:
        raise UsageError(
            f"--as {request.format}: has the frames' own pixels, which a report does not keep: "
            "give --from PATH, for each path that was given to run"
        )
    out = OutputFolder(request.out.absolute())
    with names_under(request.keyfile if has_pixels else None) as names:
        earlier = read_runs(out.root)
        if has_pixels:
            _check_key(request, names, earlier)
            names.begin(out.root)
        with out.refusals(names.detail), OutputLock(out.root), Journal(out.root) as journal:
            run = Run.open(out.root)
            chosen = chosen_rows(run.frames, request)
            if not len(chosen):
                raise InputNotFoundError(f"{request.out}: no frame is as was asked for: check the options")
            with _written_whole(request.target) as folder:
                exported = Exported(request.target)
                make = FORMATS[request.format].make
                if make is None:
                    _write_tables(run, chosen, folder)
                    exported.frames = len(chosen)
                    return exported
                with _pixels(request, names, journal) as image_of:
                    frames = _Frames(run, image_of, exported)
                    frames.write(chosen, make(folder), progress)
                _check_any(exported)
                _write_account(folder, request.format, run, frames)
    return exported


def chosen_rows(frames: pd.DataFrame, request: ExportRequest) -> pd.DataFrame:
    """The rows that were asked for, in their order."""
    has_masks = FORMATS[request.format].make is not None
    statuses = request.statuses or (MEASURED if has_masks else tuple(Status))
    rows = frames[frames["status"].isin([str(status) for status in statuses])]
    if request.corrected:
        rows = rows[rows["corrected"].fillna("") != ""]
    if request.every > 1:
        moments = rows.groupby("embryo_id", sort=False)["frame_index"].rank(method="dense")
        rows = rows[(moments.astype(int) - 1) % request.every == 0]
    return rows


def _check_key(request: ExportRequest, names: Names, earlier: list[RunRecord]) -> None:
    """Refuse another key than the runs had: no frame would be found under its name."""
    if any(run.details.get("pseudonyms", "") != names.fingerprint for run in earlier):
        how = "without" if request.keyfile else "under"
        raise UsageError(
            f"{request.out}: was made {how} pseudonyms, or with another key: give "
            "--pseudonymise KEYFILE as it was given to run"
        )


def _check_target(request: ExportRequest) -> None:
    """Refuse a folder with other files in it, and one that the next run would look into."""
    target = request.target.resolve()
    if target.is_relative_to(request.out.resolve()):
        raise UsageError(f"--to {request.target}: lies in the report's own folder: choose another")
    if any(path.is_dir() and target.is_relative_to(path.resolve()) for path in request.paths):
        raise UsageError(
            f"--to {request.target}: lies among the frames, and the next run would score what is in it: "
            "choose another folder"
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"--to {request.target}: holds files already: name a new or an empty folder")


@contextmanager
def _written_whole(target: Path) -> Iterator[Path]:
    try:
        with new_folder(target) as folder:
            yield folder
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror or error}): free some space, or give another --to"
        ) from error


@contextmanager
def _pixels(request: ExportRequest, names: Names, journal: Journal) -> Iterator[ImageOf | None]:
    """Reads a row's frame; None for a format without pixels."""
    if not FORMATS[request.format].has_pixels:
        yield None
        return
    options = RunRequest(
        paths=list(request.paths),
        settings=_settings_of(OutputFolder(request.out)),
        keyfile=request.keyfile,
        follow_links=request.follow_links,
    ).source_options
    with IsolatedReaders(options, 1) as readers:
        found = discover_frames(request.paths, options, readers.contents_of, names)
        yield Rereading(found, readers, journal, is_hidden=bool(names.fingerprint)).image_of


def _settings_of(out: OutputFolder) -> Settings:
    """The settings of the last run, by which its frames were found and named."""
    try:
        return Settings.model_validate(json.loads(out.manifest.read_text("utf-8"))["settings"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise OutputError(f"{out.manifest}: is missing or damaged ({error}): run blastoseg again") from error


class _Frames:
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
            name=PurePosixPath(self._names.place("", _ref_of(row), "").as_posix()),
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


def _check_any(exported: Exported) -> None:
    if not exported.frames:
        why = next(iter((*exported.failed, *exported.left_out)), "none was chosen")
        raise InputNotFoundError(f"no frame could be exported: {why}")


def _write_account(folder: Path, name: str, run: Run, frames: _Frames) -> None:
    """``export.json``: of which weights the masks are, what each frame is, and what could not be exported."""
    manifest = json.loads((run.out / "run.json").read_text("utf-8"))
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


def _write_tables(run: Run, frames: pd.DataFrame, folder: Path) -> None:
    """``frames.parquet`` of the chosen rows, and the tables of all embryos and events."""
    write_parquet(folder / "frames.parquet", frames, REPORTED_FRAME_COLUMNS)
    write_parquet(folder / "embryos.parquet", run.embryos, EMBRYO_COLUMNS)
    write_parquet(folder / "events.parquet", run.events, EVENT_COLUMNS)
