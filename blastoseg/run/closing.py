"""The end of a run: the report is written from the ledger, and what follows from it.

Apart from the run itself, because what writes a workbook takes long to load.
"""

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from blastoseg.errors import EXIT_OK
from blastoseg.records import Status
from blastoseg.run.corrections.standing import Standing
from blastoseg.run.events import RunEnded
from blastoseg.run.gone import Gone
from blastoseg.run.journal import is_dead_night, read_runs
from blastoseg.run.part import PartRecord
from blastoseg.run.prune import follow_input
from blastoseg.run.reporting import Report

if TYPE_CHECKING:
    from blastoseg.run.pipeline import Run


def write_report(run: "Run") -> RunEnded:
    """Write tables, workbook and manifest from the ledger, each whole or not at all."""
    request, out = run.request, run.out
    quality, is_hidden = request.settings.quality, bool(run.names.fingerprint)
    corrections = Standing(out.root, quality, is_hidden, report_before=out.frames_csv)
    there, known = out.pictures(), (run.journal, run.scored_with)
    rows = run.work.rows(*known, run.pictures, there, corrections=corrections)
    gone = Gone(run.share, request)
    report = Report(chain(rows, gone.rows(*known, there, corrections)), request, out.root)
    told = tuple(gone.notes(out.embryos_csv, report.embryos["embryo_id"]))
    told += tuple(corrections.notes())
    ended = with_exit_code(
        run,
        RunEnded(
            out=Path(run.names.without_out(str(out.root))),
            embryos=report.embryos,
            counts=report.counts,
            exit_code=EXIT_OK,
            settling=len(run.watched.settling),
            left=len(run.work.waiting) if request.stop else 0,
            stopped=request.stop.reason,
            new=run.work.new,
        ),
    )
    if request.stop and not report.tables.frames_total:
        # An earlier report is worth more than an empty one.
        return replace(ended, notes=("nothing was finished: the report is the one before",))
    register = run.journal.pictures if request.pdf else None
    report.write(out, manifest := run.provenance.manifest(report, ended, run.started), register)
    report.write_review(out, manifest, run.lock.check)
    write_part(run)
    if not request.stop and not ended.settling:
        days = request.settings.output.keep_missing_days
        shown = chain(report.pictures, corrections.replaced)
        follow_input(out.root, run.journal, shown, days, check=run.lock.check)
    return replace(ended, notes=(*run.names.notes, *run.discovery.remarks, *told, *report.notes))


def with_exit_code(run: "Run", ended: RunEnded) -> RunEnded:
    """How the run ends, with its exit code."""
    code = run.request.exit_code(
        is_nothing_new=ended.is_nothing_new,
        has_failed_frames=bool(ended.counts[Status.FAILED]),
        is_dead=is_dead_night(ended.counts, read_runs(run.out.root)),
    )
    return replace(ended, exit_code=code)


def write_part(run: "Run") -> None:
    """Note what a part's run scored, beside its report; nothing for a whole run."""
    if run.request.part:
        reported, um_per_px = run.work.reported, run.request.um_per_px
        record = PartRecord.of(
            run.provenance, run.scored_with, um_per_px, found=run.discovery, reported=reported
        )
        record.write(run.out.root)
