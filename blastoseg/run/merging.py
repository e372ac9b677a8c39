"""Parts of a run joined into one output folder, whose tables are those of a run over everything.

The rows of the parts' ledgers come into the ledger of OUT, the pictures into its folders: linked where the
disk can, copied elsewhere. A run on OUT goes on from there. The parts stay as they are.
"""

import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.errors import EXIT_OK, OutputError, UsageError, counted, some_of
from blastoseg.files import replace_atomically
from blastoseg.records import Status
from blastoseg.report.dataset import check_tables
from blastoseg.report.letters import Letters
from blastoseg.run.corrections.standing import Standing
from blastoseg.run.events import RunEnded
from blastoseg.run.journal import (
    FrameKey,
    Journal,
    OutputLock,
    RunRecord,
    StoredFrame,
    as_row,
    is_dead_night,
    read_runs,
    run_log,
)
from blastoseg.run.journal.pictures import up_to_date
from blastoseg.run.outputs import CORRECTIONS, PICTURE_KINDS, OutputFolder
from blastoseg.run.part import PartRecord, Place, check_is_part
from blastoseg.run.provenance import Provenance
from blastoseg.run.prune import follow_input
from blastoseg.run.reporting import Report
from blastoseg.run.request import RunRequest
from blastoseg.run.surroundings import Surroundings, placed_row, reported_row
from blastoseg.settings import Settings, TableKind
from blastoseg.stages import stages_in_words

log = logging.getLogger("blastoseg")

ROWS_A_BATCH = 500
AGAIN = "run that part again"


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """What is joined into ``out``. ``letters``, ``archive`` and ``pdf`` are those of ``RunRequest``.

    Without ``tables`` the settings of the parts say of which kind the long tables are.
    """

    out: Path
    parts: list[Path]
    letters: Letters | None = None
    archive: pd.DataFrame | None = None
    pdf: bool = False
    tables: TableKind | None = None


@dataclass(frozen=True, slots=True)
class GivenPart:
    """The output folder of a part, and what it says of itself."""

    folder: Path
    record: PartRecord


def merge_parts(request: MergeRequest) -> RunEnded:
    """Join the parts and write the report of them all.

    Raises InputNotFoundError for what is no part, UsageError for parts that do not belong together, are given
    twice or are missing, OutputError for a damaged one and where the disk refuses.
    """
    started = datetime.now(UTC)
    parts = [GivenPart(folder, PartRecord.read(folder)) for folder in request.parts]
    check_parts(parts)
    if any(part.folder.resolve() == request.out.resolve() for part in parts):
        raise UsageError(f"{request.out}: is one of the parts itself: give another folder for the whole")
    out = OutputFolder(request.out.absolute())
    is_hidden = bool(parts[0].record.provenance.pseudonyms)

    def shown(text: str) -> str:
        return text.replace(str(out.root), "OUT") if is_hidden else text

    with out.refusals():
        out.create()
        with (
            OutputLock(out.root) as lock,
            run_log(out.root, shown_as=shown, is_discreet=is_hidden),
            Journal(out.root) as journal,
        ):
            log.info("blastoseg %s; %s", __version__, RESEARCH_USE_ONLY)
            ended = Merge(request, parts, out, lock=lock, journal=journal).carried_out(started)
            log.info("ended: %s", ended.last_line())
            return ended


def check_parts(parts: Sequence[GivenPart]) -> None:
    """Raise UsageError unless these are all parts of one run, each once, done, and scored alike."""
    first = parts[0]
    for other in parts[1:]:
        for what, one, another in _compared(first.record, other.record):
            if one != another:
                raise UsageError(f"{first.folder} and {other.folder}: have {what}: score them alike")
    numbers = Counter(part.record.part.number for part in parts)
    for number, count in numbers.items():
        if count > 1:
            twice = [str(part.folder) for part in parts if part.record.part.number == number]
            raise UsageError(f"{' and '.join(twice)}: are the same part, {number}: give each once")
    of = first.record.part.of
    missing = [str(number) for number in range(1, of + 1) if number not in numbers]
    if missing:
        raise UsageError(f"of {counted(of, 'part')} these are missing: {some_of(missing)}: give all of them")
    for part in parts:
        last = read_runs(part.folder)[-1]
        if not last.ended or "error" in last.outcome or last.outcome.get("frames_left"):
            raise UsageError(f"{part.folder}: its last run did not come to its end: {AGAIN}")


def _compared(one: PartRecord, other: PartRecord) -> Iterator[tuple[str, object, object]]:
    """What two parts must have in common, in words, as each has it."""
    yield "parts of another number of parts", one.part.of, other.part.of
    yield "other weights", one.known_by.weights_sha256, other.known_by.weights_sha256
    yield "other names or pseudonyms", one.provenance.pseudonyms, other.provenance.pseudonyms
    yield "another engine, or another version's stages", one.known_by.stages, other.known_by.stages
    yield "other settings", one.provenance.settings, other.provenance.settings
    yield "another --um-per-px", one.um_per_px, other.um_per_px
    tables = [record.provenance.embryo_table_sha256 for record in (one, other)]
    yield "another table of --embryos", tables[0], tables[1]
    yield "other embryos in their input", one.embryos_sha256, other.embryos_sha256


@dataclass(frozen=True)
class Merge:
    """Some parts, and the output folder that is open for them."""

    request: MergeRequest
    parts: Sequence[GivenPart]
    out: OutputFolder
    lock: OutputLock
    journal: Journal

    @property
    def provenance(self) -> Provenance:
        """That of the whole: the parts', with every device that they ran on."""
        first = self.parts[0].record.provenance
        devices = dict.fromkeys(part.record.provenance.device for part in self.parts)
        return replace(first, part="", device="; ".join(devices))

    @property
    def settings(self) -> Settings:
        """Those of every part."""
        return Settings.model_validate(self.provenance.settings).with_tables(self.request.tables)

    def carried_out(self, started: datetime) -> RunEnded:
        """Take rows and pictures in, and write the report."""
        provenance = self.provenance
        check_tables(self.settings.output.tables)
        if self.parts[0].record.known_by.stages != stages_in_words(provenance.engine):
            raise UsageError("the parts were scored by another version: run them again with this one")
        earlier = read_runs(self.out.root)
        if any(run.details.get("pseudonyms", "") != provenance.pseudonyms for run in earlier):
            raise UsageError(
                f"{self.out.root}: holds names, or pseudonyms of another key: give another folder"
            )
        check_is_part(None, self.out.root, earlier)
        number = self.journal.start_run(provenance.details() | {"parts_joined": len(self.parts)})
        new = sum(self._take_in(part) for part in self.parts)
        ended = self._report(new, started, earlier)
        self.journal.end_run(number, ended.as_dict())
        return ended

    def _take_in(self, part: GivenPart) -> int:
        """Rows and pictures of a part into OUT; how many frames OUT had not seen."""
        new = 0
        places = [*part.record.frames, *part.record.problems]
        with OutputLock(part.folder), Journal(part.folder) as theirs:
            for start in range(0, len(places), ROWS_A_BATCH):
                self.lock.check()
                rows = _rows_of(theirs, part.record, places[start : start + ROWS_A_BATCH])
                keys = [FrameKey(row.source, row.address, up_to_date(row.content)) for row in rows]
                new += sum(1 for _ in self.journal.unseen(keys))
                pictures = [path for row in rows for path in (row.mask_file, row.overlay_file) if path]
                self.journal.claim_pictures(part.record.known_by, keys)
                self.journal.pictures.claim(pictures, ())
                for path in pictures:
                    _take_picture(part.folder, self.out.root, path)
                self.journal.put(rows)
                self.journal.pictures.note_written(pictures)
        return new

    def _rows(self, corrections: Standing) -> Iterator[dict[str, Any]]:
        """The rows of all parts in the order of a run over everything."""
        there, quality = self.out.pictures(), self.settings.quality
        known_by = self.parts[0].record.known_by
        frames = sorted((place for part in self.parts for place in part.record.frames), key=_embryo)
        problems = sorted((place for part in self.parts for place in part.record.problems), key=_embryo)
        keys = (FrameKey(source, address, "") for _, source, address in (*frames, *problems))
        for stored in self.journal.stored_of(known_by, keys):
            assert stored is not None, "was taken in above"
            now = placed_row(as_row(stored), Surroundings.from_text(stored.around), quality)
            yield reported_row(corrections.over(now, stored), there)

    def _report(self, new: int, started: datetime, earlier: Sequence[RunRecord]) -> RunEnded:
        settings, asked = self.settings, self.request
        request = RunRequest([], settings, letters=asked.letters, archive=asked.archive, pdf=asked.pdf)
        is_hidden, before = bool(self.provenance.pseudonyms), self.out.frames_csv
        corrections = Standing(self.out.root, settings.quality, is_hidden, report_before=before)
        report = Report(self._rows(corrections), request, self.out.root)
        ended = RunEnded(self.out.root, report.embryos, report.counts, exit_code=EXIT_OK, new=new)
        code = request.exit_code(
            is_nothing_new=False,
            has_failed_frames=bool(ended.counts[Status.FAILED]),
            is_dead=is_dead_night(ended.counts, earlier),
        )
        ended = replace(ended, exit_code=code)
        manifest = self.provenance.manifest(ended, started, report.pixel_sizes)
        manifest = replace(manifest, parts_joined=len(self.parts))
        report.write(self.out, manifest, self.journal.pictures if request.pdf else None)
        report.write_review(self.out, manifest, self.lock.check)
        days = settings.output.keep_missing_days
        shown = chain(report.pictures, corrections.replaced)
        follow_input(self.out.root, self.journal, shown, days, check=self.lock.check)
        told = (*corrections.notes(), *report.notes)
        return replace(ended, notes=(*self._left_behind(), *told))

    def _left_behind(self) -> Iterator[str]:
        """What people said on a part's page is not moved by a program: they are told where it is."""
        for part in self.parts:
            theirs = OutputFolder(part.folder)
            if theirs.verdicts.exists() or (theirs.root / CORRECTIONS).is_dir():
                what = f"part {part.record.part} holds verdicts or corrections"
                yield f"{what}, which stay there: give them on the page of the whole"


def _embryo(place: Place) -> int:
    return place[0]


def _rows_of(theirs: Journal, record: PartRecord, places: Sequence[Place]) -> list[StoredFrame]:
    keys = [FrameKey(source, address, "") for _, source, address in places]
    rows = []
    for (_, source, _), stored in zip(places, theirs.stored_of(record.known_by, keys), strict=True):
        if stored is None or not stored.around:
            raise OutputError(f"part {record.part}: its ledger lacks the row of {source}: {AGAIN}")
        rows.append(stored._replace(content=up_to_date(stored.content)))
    return rows


def _take_picture(part: Path, out: Path, path: str) -> None:
    """Link a picture into OUT, or copy it; one that is gone from the part is not taken."""
    parts = PurePosixPath(path).parts
    if len(parts) != 3 or parts[0] not in PICTURE_KINDS or ".." in parts:
        raise OutputError(f"{part}: its ledger names {path!r}, which is no picture of a run: {AGAIN}")
    source, target = part / path, out / path
    if source.is_symlink() or not source.is_file():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with replace_atomically(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:  # another disk, or one that knows no links
            shutil.copyfile(source, temporary)
