"""The end of a run: its report is written from the ledger, or left where it would be the same."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blastoseg.columns import EMBRYO_COLUMNS
from blastoseg.errors import EXIT_OK, OutputError
from blastoseg.files import replace_atomically
from blastoseg.records import Status
from blastoseg.report.manifest import UsedPixelSize, read_manifest, write_manifest
from blastoseg.report.tables import read_csv
from blastoseg.run.corrections.standing import Standing
from blastoseg.run.events import RunEnded
from blastoseg.run.gone import Gone
from blastoseg.run.journal import RunRecord, is_dead_night
from blastoseg.run.outputs import OutputFolder
from blastoseg.run.part import PartRecord
from blastoseg.run.prune import delete_missing, follow_input
from blastoseg.run.unchanged import (
    ReportRecord,
    digest_of_files,
    digest_of_manifest,
    last_record,
    made_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from blastoseg.run.pipeline import Run

log = logging.getLogger("blastoseg")


def close_run(
    run: "Run", there: Mapping[str, str], earlier: list[RunRecord]
) -> tuple[RunEnded, dict[str, Any]]:
    """Report: how the run ended, and what the history is to keep of its report.

    ``there`` is ``OutputFolder.pictures`` as it is now, ``earlier`` the runs before.
    """
    out, before = run.out, last_record(earlier)
    is_whole = not run.request.stop and not run.watched.settling
    basis = made_of(run, there) if is_whole else ""
    if before and before.made_of == basis and _lies_as_it_was(out, before):
        ended = _leave_report(run, before, earlier)
        return ended, replace(before, manifest=digest_of_manifest(out)).as_dict()
    ended, is_settled = _write_report(run, there, earlier)
    if not (is_whole and is_settled):
        return ended, {}
    record = ReportRecord(
        made_of=basis,
        files=digest_of_files(out),
        manifest=digest_of_manifest(out),
        written_utc=str(read_manifest(out.manifest)["report_written_utc"]),
    )
    return ended, record.as_dict()


def _lies_as_it_was(out: OutputFolder, before: ReportRecord) -> bool:
    return before.manifest == digest_of_manifest(out) and before.files == digest_of_files(out)


def _write_report(run: "Run", there: Mapping[str, str], earlier: list[RunRecord]) -> tuple[RunEnded, bool]:
    """Write tables, workbook and manifest from the ledger, each whole or not at all.

    Also whether a run to which nothing new happens would write the same: not where there is something to say
    of verdicts, corrections or files that would be said again.
    """
    from blastoseg.run.reporting import Report  # noqa: PLC0415  what writes workbooks takes long to load

    request, out = run.request, run.out
    quality, is_hidden = request.settings.quality, bool(run.names.fingerprint)
    corrections = Standing(out.root, quality, is_hidden, report_before=out.frames_csv)
    known = run.journal, run.scored_with
    rows = run.work.rows(*known, run.pictures, there, corrections=corrections)
    gone = Gone(run.share, request)
    report = Report(chain(rows, gone.rows(*known, there, corrections)), request, out.root)
    told = tuple(gone.notes(out.embryos_csv, report.embryos["embryo_id"]))
    of_corrections = tuple(corrections.notes())
    ended = _ended(run, report.embryos, report.counts, earlier)
    if request.stop and not report.tables.frames_total:
        # An earlier report is worth more than an empty one.
        return replace(ended, notes=("nothing was finished: the report is the one before",)), False
    register = run.journal.pictures if request.pdf else None
    manifest = run.provenance.manifest(ended, run.started, report.pixel_sizes)
    report.write(out, manifest, register)
    report.write_review(out, manifest, run.lock.check)
    _write_part(run)
    if not request.stop and not ended.settling:
        days = request.settings.output.keep_missing_days
        shown = chain(report.pictures, corrections.replaced)
        follow_input(out.root, run.journal, shown, days, check=run.lock.check)
    own = (*of_corrections, *report.notes)
    return replace(ended, notes=(*run.names.notes, *run.discovery.remarks, *told, *own)), not own


def _leave_report(run: "Run", before: ReportRecord, earlier: list[RunRecord]) -> RunEnded:
    """Leave the report that lies in OUT; ``run.json`` tells of this run."""
    out = run.out
    log.info("the report of %s stands: it would be made of the same", before.written_utc)
    standing = read_manifest(out.manifest)
    embryos = read_csv(out.embryos_csv, EMBRYO_COLUMNS)
    told = tuple(Gone(run.share, run.request).notes(out.embryos_csv, embryos["embryo_id"]))
    ended = _ended(run, embryos, standing["counts"], earlier)
    manifest = replace(
        run.provenance.manifest(
            ended, run.started, [UsedPixelSize(**one) for one in standing["pixel_sizes"]]
        ),
        letters_sha256=standing["letters_sha256"],
        archive_embryos=standing["archive_embryos"],
        report_written_utc=before.written_utc,
    )
    try:
        with replace_atomically(out.manifest) as temporary:
            write_manifest(temporary, manifest)
    except OSError as error:
        raise OutputError(f"{out.manifest}: cannot be written ({error.strerror}): free some space") from error
    _write_part(run)
    delete_missing(out.root, run.journal, run.request.settings.output.keep_missing_days, run.lock.check)
    return replace(ended, notes=(*run.names.notes, *run.discovery.remarks, *told))


def _ended(run: "Run", embryos: "pd.DataFrame", counts: dict[str, int], earlier: list[RunRecord]) -> RunEnded:
    """How the run ends, with its exit code, but for the notes."""
    stop = run.request.stop
    ended = RunEnded(
        out=Path(run.names.without_out(str(run.out.root))),
        embryos=embryos,
        counts=counts,
        exit_code=EXIT_OK,
        settling=len(run.watched.settling),
        left=len(run.work.waiting) if stop else 0,
        stopped=stop.reason,
        new=run.work.new,
    )
    code = run.request.exit_code(
        is_nothing_new=ended.is_nothing_new,
        has_failed_frames=bool(counts[Status.FAILED]),
        is_dead=is_dead_night(counts, earlier),
    )
    return replace(ended, exit_code=code)


def _write_part(run: "Run") -> None:
    """Note what a part's run scored, beside its report; nothing for a whole run."""
    if run.request.part:
        reported, um_per_px = run.work.reported, run.request.um_per_px
        record = PartRecord.of(
            run.provenance, run.scored_with, um_per_px, found=run.discovery, reported=reported
        )
        record.write(run.out.root)
