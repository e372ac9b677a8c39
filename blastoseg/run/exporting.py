"""A report taken further: its frames and masks, or its tables, in the formats of other tools."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg.columns import (
    EMBRYO_COLUMNS,
    EVENT_COLUMNS,
    REPORTED_FRAME_COLUMNS,
)
from blastoseg.errors import InputNotFoundError, OutputError, UsageError
from blastoseg.files import new_folder
from blastoseg.records import Status
from blastoseg.report.dataset import has_long_table, read_long_table
from blastoseg.report.export.formats import FORMATS, check_libraries
from blastoseg.report.export.parquet import write_parquet
from blastoseg.report.finished import Run
from blastoseg.report.gathered import LONG_TABLES
from blastoseg.report.manifest import read_manifest
from blastoseg.run.exported import Exported, Frames, ImageOf, Progress, write_account
from blastoseg.run.journal import Journal, OutputLock, RunRecord, read_runs
from blastoseg.run.outputs import OutputFolder
from blastoseg.run.pseudonyms import Names, names_under
from blastoseg.run.request import RunRequest
from blastoseg.run.rereading import Rereading
from blastoseg.sources import IsolatedReaders, discover_frames

MEASURED = (Status.OK, Status.REVIEW)


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
            manifest = read_manifest(out.manifest)
            with _written_whole(request.target) as folder:
                exported = Exported(request.target)
                make = FORMATS[request.format].make
                if make is None:
                    _write_tables(run, chosen, folder)
                    exported.frames = len(chosen)
                    return exported
                with _pixels(request, manifest, names, journal) as image_of:
                    frames = Frames(run, image_of, exported)
                    frames.write(chosen, make(folder), progress)
                _check_any(exported)
                write_account(folder, request.format, manifest, frames)
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
def _pixels(
    request: ExportRequest, manifest: dict[str, Any], names: Names, journal: Journal
) -> Iterator[ImageOf | None]:
    """Reads a row's frame; None for a format without pixels."""
    if not FORMATS[request.format].has_pixels:
        yield None
        return
    options = RunRequest(
        paths=list(request.paths),
        # Those of the last run, by which its frames were found and named.
        settings=manifest["settings"],
        keyfile=request.keyfile,
        follow_links=request.follow_links,
    ).source_options
    with IsolatedReaders(options, 1) as readers:
        found = discover_frames(request.paths, options, readers.contents_of, names)
        yield Rereading(found, readers, journal, is_hidden=bool(names.fingerprint)).image_of


def _check_any(exported: Exported) -> None:
    if not exported.frames:
        why = next(iter((*exported.failed, *exported.left_out)), "none was chosen")
        raise InputNotFoundError(f"no frame could be exported: {why}")


def _write_tables(run: Run, frames: pd.DataFrame, folder: Path) -> None:
    """``frames.parquet`` of the chosen rows, and whole the other tables that there are."""
    write_parquet(folder / "frames.parquet", frames, REPORTED_FRAME_COLUMNS)
    write_parquet(folder / "embryos.parquet", run.embryos, EMBRYO_COLUMNS)
    write_parquet(folder / "events.parquet", run.events, EVENT_COLUMNS)
    for name in ("planes", "moments"):
        if has_long_table(run.out, name):
            table = read_long_table(run.out, name, LONG_TABLES[name])
            write_parquet(folder / f"{name}.parquet", table, LONG_TABLES[name])
