"""The report of a run: tables, workbook and manifest, each whole or not at all."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from blastoseg.course.tables import course_tables
from blastoseg.errors import DataError, OutputError, counted
from blastoseg.files import replace_atomically
from blastoseg.records import AboutEmbryo, Status
from blastoseg.report.embryo_pictures import pictures_of
from blastoseg.report.letters import with_letters
from blastoseg.report.manifest import RunManifest, write_manifest
from blastoseg.report.notes import take_over
from blastoseg.report.percentiles import with_percentiles
from blastoseg.report.review.page import Content, write_page
from blastoseg.report.tables import frames_table, write_csv
from blastoseg.report.workbook import write_workbook
from blastoseg.run.journal import PictureRegister
from blastoseg.run.outputs import OutputFolder, page_places
from blastoseg.run.request import RunRequest
from blastoseg.run.verdicts import TakenVerdict, read_verdicts, with_verdicts

if TYPE_CHECKING:
    from blastoseg.report.patient_pages import PatientPages

OTHER_WEIGHTS = "the letters were fitted to measures of other weights: fit them anew (blastoseg grade fit)"
ROWS_A_BATCH = 4096
log = logging.getLogger(__name__)


def _frames_of(rows: Iterable[dict[str, Any]]) -> tuple[pd.DataFrame, dict[str, AboutEmbryo]]:
    """The frames' table, and what the lab tells of each embryo.

    Rows as dicts would take several times the memory: no more than a batch are.
    """
    about: dict[str, AboutEmbryo] = {}
    batches: list[pd.DataFrame] = []
    batch: list[dict[str, Any]] = []
    for row in rows:
        about[row["embryo_id"]] = row.pop("about")
        batch.append(row)
        if len(batch) == ROWS_A_BATCH:
            batches.append(frames_table(batch))
            batch = []
    # One more, with all columns, also where there are no rows.
    last = frames_table(batch)
    return pd.concat([*batches, last], ignore_index=True) if batches else last, about


class Report:
    """The tables of a run, made of the ``reported_row`` of every frame, in their order."""

    def __init__(self, rows: Iterable[dict[str, Any]], request: RunRequest) -> None:
        frames, about = _frames_of(rows)
        settings = request.settings
        self._statuses = frames["status"]
        tables = course_tables(frames, settings.course.recent_h, settings.grades, about)
        self.letters, self.archive = request.letters, request.archive
        graded = with_letters(tables.embryos, self.letters.model if self.letters else None)
        self.tables = replace(tables, embryos=with_percentiles(graded, self.archive))
        self._verdicts: tuple[TakenVerdict, ...] = ()
        self._order = settings.summary.order
        self.notes: list[str] = []
        self.pages: list[str] = []
        self._with_page = settings.output.review_page

    @property
    def frames(self) -> pd.DataFrame:
        """One row a frame, with what its neighbours say of it."""
        return self.tables.frames

    @property
    def embryos(self) -> pd.DataFrame:
        """One row an embryo."""
        return self.tables.embryos

    @property
    def pictures(self) -> list[str]:
        """The masks and overlays that the frames' rows name, and the pages that were written."""
        tables = (self.tables.frames, self.tables.planes)
        named = (path for table in tables for kind in ("mask", "overlay") for path in table[kind].dropna())
        return [*dict.fromkeys(path for path in named if path), *self.pages]

    @property
    def counts(self) -> dict[str, int]:
        """Frames by status, those of every focal plane, every status named."""
        return {status.value: int((self._statuses == status.value).sum()) for status in Status}

    def write(
        self, out: OutputFolder, manifest: RunManifest, register: PictureRegister | None = None
    ) -> None:
        """Write every file of the report; ``notes`` tells of one that landed under another name.

        With a ``register`` of what runs draw, a page for each patient too. Raises OutputError where the disk
        refuses; what was not yet written is then the report before it.
        """
        manifest = self._with_grading(manifest)
        self._join_verdicts(out, is_hidden=bool(manifest.pseudonyms))
        tables, order = self.tables, self._order
        pictures = pictures_of(tables, out.root)
        self._replace(out.frames_csv, lambda path: write_csv(tables.frames, path))
        self._replace(out.embryos_csv, lambda path: write_csv(tables.embryos, path))
        self._replace(out.events_csv, lambda path: write_csv(tables.events, path))
        for path, of_planes in ((out.planes_csv, tables.planes), (out.moments_csv, tables.moments)):
            # One of a run before must not stand beside tables that it does not belong to.
            if len(of_planes) or path.exists():
                self._replace(path, partial(write_csv, of_planes))
        earlier = take_over(out.workbook)
        for note in earlier.said:
            log.warning("%s", note)
        self.notes += earlier.said
        self._replace(
            out.workbook,
            lambda path: write_workbook(path, tables, manifest, pictures, notes=earlier.notes, order=order),
        )
        if register is not None:
            from blastoseg.report.patient_pages import PatientPages  # noqa: PLC0415  loads only where asked for

            self._write_pages(out, PatientPages(tables, manifest, pictures, order), register)
        self._replace(out.manifest, lambda path: write_manifest(path, manifest))

    def write_review(self, out: OutputFolder, manifest: RunManifest, check: Callable[[], None]) -> None:
        """Write the page on which people look at the report, unless the settings leave it out.

        ``check`` is called now and then, and raises where OUT is no longer ours. Raises OutputError where the
        disk refuses.
        """
        if not self._with_page:
            return
        if manifest.stopped:
            # The first page of many embryos takes minutes: who was asked to stop must not.
            self.notes.append(
                "review/index.html is left to the next run: it shows the report before this one"
            )
            return
        tables = self.tables
        content = Content(
            out.root,
            tables.frames,
            tables.embryos,
            events=tables.events,
            episodes=tables.episodes,
            planes=tables.planes,
            weights=manifest.weights,
            weights_sha256=manifest.weights_sha256,
            verdicts=[one.plain() for one in self._verdicts],
        )
        try:
            written = write_page(content, check)
        except OSError as error:
            raise OutputError(
                f"{out.root / 'review'}: cannot be written ({error.strerror or error}): free some space?"
            ) from error
        log.info("review/index.html: %s written anew", counted(written, "embryo"))

    def _join_verdicts(self, out: OutputFolder, is_hidden: bool) -> None:
        try:
            self._verdicts = read_verdicts(out.root)
        except DataError as error:
            # A person's file must not end a night: the measures do not depend on it.
            log.warning("%s", error)
            self.notes.append(str(error))
        embryos = with_verdicts(self.tables.embryos, self._verdicts, is_hidden)
        self.tables = replace(self.tables, embryos=embryos)

    def _with_grading(self, manifest: RunManifest) -> RunManifest:
        if self.letters and self.letters.model.weights_sha256 != manifest.weights_sha256:
            self.notes.append(OTHER_WEIGHTS)
            log.warning("%s", OTHER_WEIGHTS)
        return replace(
            manifest,
            letters_sha256=self.letters.sha256 if self.letters else "",
            archive_embryos=0 if self.archive is None else len(self.archive),
        )

    def _write_pages(self, out: OutputFolder, pages: "PatientPages", register: PictureRegister) -> None:
        places = page_places(pages.patients)
        register.claim(places.values(), [])
        for patient, place in places.items():
            path = out.root / place
            self._make_folder(path.parent)
            self._replace(path, partial(pages.write, patient))
        self.pages = list(places.values())
        register.note_written(self.pages)

    def _make_folder(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be made ({error.strerror}): what is in its way?") from error

    def _replace(self, path: Path, write: Callable[[Path], None]) -> None:
        def landed_elsewhere(other: Path) -> None:
            note = f"{path.name} is open in another program: the new one is {other.name}"
            log.warning("%s", note)
            self.notes.append(note)

        try:
            with replace_atomically(path, landed_elsewhere) as temporary:
                write(temporary)
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be written ({error.strerror or error}): the one before it stands"
            ) from error
