"""The report of a run: tables, workbook and manifest, each whole or not at all."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from blastoseg.errors import DataError, OutputError, counted, some_of
from blastoseg.files import replace_atomically
from blastoseg.records import AboutEmbryo, Status
from blastoseg.report.dataset import FOLDER, remove_dataset, write_dataset
from blastoseg.report.embryo_pictures import pictures_of
from blastoseg.report.gathered import LONG_TABLES, ROWS_A_BATCH, GatheredTables
from blastoseg.report.letters import with_letters
from blastoseg.report.manifest import (
    PIXEL_SIZE_COLUMNS,
    RunManifest,
    UsedPixelSize,
    used_pixel_sizes,
    write_manifest,
)
from blastoseg.report.notes import take_over
from blastoseg.report.percentiles import with_percentiles
from blastoseg.report.review.page import Content, write_page
from blastoseg.report.tables import frames_table, write_csv
from blastoseg.report.workbook import left_out_in_words, write_workbook
from blastoseg.run.journal import PictureRegister
from blastoseg.run.outputs import OutputFolder, page_places
from blastoseg.run.request import RunRequest
from blastoseg.run.verdicts import TakenVerdict, read_verdicts, with_verdicts

if TYPE_CHECKING:
    from blastoseg.report.patient_pages import PatientPages

OTHER_WEIGHTS = "the letters were fitted to measures of other weights: fit them anew (blastoseg grade fit)"
log = logging.getLogger(__name__)


def _tables_of(rows: Iterable[dict[str, Any]], about: dict[str, AboutEmbryo]) -> Iterator[pd.DataFrame]:
    """The frames' rows as tables, and into ``about`` what the lab tells of each embryo.

    Rows as dicts would take several times the memory: no more than a batch are.
    """
    coming = iter(rows)
    while batch := list(islice(coming, ROWS_A_BATCH)):
        about.update((row["embryo_id"], row.pop("about")) for row in batch)
        yield frames_table(batch)


class Report:
    """The tables of a run, made of the ``reported_row`` of every frame, in their order.

    What memory should not hold lies in ``folder`` meanwhile, as ``Spool`` has it.
    """

    def __init__(
        self, rows: Iterable[dict[str, Any]], request: RunRequest, folder: Path | None = None
    ) -> None:
        about: dict[str, AboutEmbryo] = {}
        settings = request.settings
        self.tables = GatheredTables(
            _tables_of(rows, about), folder, settings.course.recent_h, settings.grades, about=about
        )
        self.letters, self.archive = request.letters, request.archive
        graded = with_letters(self.tables.embryos, self.letters.model if self.letters else None)
        self.tables.embryos = with_percentiles(graded, self.archive)
        self._verdicts: tuple[TakenVerdict, ...] = ()
        self._order = settings.summary.order
        self._notes: list[str] = []
        self._unread: set[str] = set()
        self.pages: list[str] = []
        self._with_page, self._kind = settings.output.review_page, settings.output.tables

    @property
    def embryos(self) -> pd.DataFrame:
        """One row an embryo."""
        return self.tables.embryos

    @property
    def pixel_sizes(self) -> list[UsedPixelSize]:
        """Those of the frames."""
        return used_pixel_sizes(self.tables.frames_in_order(PIXEL_SIZE_COLUMNS))

    @property
    def notes(self) -> list[str]:
        """What to say of the files of the report: once they are written."""
        if not self._unread:
            return self._notes
        lacking = counted(len(self._unread), "picture")
        return [
            *self._notes,
            f"{lacking} cannot be read, the report goes without: {some_of(sorted(self._unread))}; "
            "blastoseg run --fresh makes those of frames again",
        ]

    @property
    def pictures(self) -> Iterator[str]:
        """The masks and overlays that the frames' rows name, and the pages that were written."""
        kinds = ("mask", "overlay")
        for table in chain(self.tables.frames_in_order(kinds), self.tables.planes_in_order(kinds)):
            yield from (path for kind in kinds for path in table[kind].dropna() if path)
        yield from self.pages

    @property
    def counts(self) -> dict[str, int]:
        """Frames by status, those of every focal plane, every status named."""
        return {status.value: self.tables.statuses[status.value] for status in Status}

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
        pictures = pictures_of(tables, out.root, self._unread)
        self._write_long_tables(out, by_patient=bool(manifest.pseudonyms))
        self._replace(out.embryos_csv, lambda path: write_csv(tables.embryos, path))
        self._replace(out.events_csv, lambda path: write_csv(tables.events, path))
        earlier = take_over(out.workbook)
        for note in earlier.said:
            log.warning("%s", note)
        self._notes += earlier.said
        self._replace(
            out.workbook,
            lambda path: write_workbook(path, tables, manifest, pictures, notes=earlier.notes, order=order),
        )
        if left_out := left_out_in_words(tables):
            self._notes.append(left_out)
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
            self._notes.append(
                "review/index.html is left to the next run: it shows the report before this one"
            )
            return
        tables = self.tables
        content = Content(
            out.root,
            tables,
            weights=manifest.weights,
            weights_sha256=manifest.weights_sha256,
            verdicts=[one.plain() for one in self._verdicts],
            unread=self._unread,
        )
        try:
            written = write_page(content, check)
        except OSError as error:
            raise OutputError(
                f"{out.root / 'review'}: cannot be written ({error.strerror or error}): free some space?"
            ) from error
        log.info("review/index.html: %s written anew", counted(written, "embryo"))

    def _write_long_tables(self, out: OutputFolder, by_patient: bool) -> None:
        """Those that grow with the frames, as CSV, Parquet or both; the other kind of a run before goes."""
        tables, kind = self.tables, self._kind
        in_order = {
            out.frames_csv: tables.frames_in_order,
            out.planes_csv: tables.planes_in_order,
            out.moments_csv: tables.moments_in_order,
        }
        for path, rows in in_order.items() if kind != "parquet" else ():
            # One of a run before must not stand beside tables that it does not belong to.
            if path == out.frames_csv or tables.has_moments or path.exists():
                self._replace(path, partial(write_csv, rows()))
        try:
            if kind == "csv":
                for name in LONG_TABLES:
                    remove_dataset(out.root, name)
                return
            write_dataset(out.root, tables, by_patient)
            for path in in_order if kind == "parquet" else ():
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{out.root / FOLDER}: cannot be written ({error.strerror or error}): free some space?"
            ) from error

    def _join_verdicts(self, out: OutputFolder, is_hidden: bool) -> None:
        try:
            self._verdicts = read_verdicts(out.root)
        except DataError as error:
            # A person's file must not end a night: the measures do not depend on it.
            log.warning("%s", error)
            self._notes.append(str(error))
        self.tables.embryos = with_verdicts(self.tables.embryos, self._verdicts, is_hidden)

    def _with_grading(self, manifest: RunManifest) -> RunManifest:
        if self.letters and self.letters.model.weights_sha256 != manifest.weights_sha256:
            self._notes.append(OTHER_WEIGHTS)
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
            self._notes.append(note)

        try:
            with replace_atomically(path, landed_elsewhere) as temporary:
                write(temporary)
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be written ({error.strerror or error}): the one before it stands"
            ) from error
