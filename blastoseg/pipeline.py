"""One run over a folder: the only file that joins discovery, scoring, ledger and report.

``score_folder`` yields events; how they are shown is the command's business.
"""

import hashlib
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.columns import FRAME_COLUMNS
from blastoseg.errors import EXIT_FRAMES_FAILED, EXIT_OK, OutputError, UsageError
from blastoseg.events import FrameScored, RunEnded, RunEvent, RunStarted
from blastoseg.journal import FrameKey, FrameKeys, Journal, OutputLock, ScoredWith, replace_atomically
from blastoseg.outputs import OutputFolder, default_out
from blastoseg.records import Frame, FrameRef, FrameResult, Labels, Status
from blastoseg.report.manifest import RunManifest, used_calibrations, user_name, write_manifest
from blastoseg.report.summary_sheet import Pictures
from blastoseg.report.tables import frames_table, write_csv
from blastoseg.report.workbook import write_workbook
from blastoseg.scoring import ScoringPlan, failed_frame, score_frames
from blastoseg.segment import Segmenter, describe_device
from blastoseg.series import embryos_table
from blastoseg.settings import Settings
from blastoseg.sources import Discovery, SourceOptions, discover_frames, read_frame
from blastoseg.weights import load_card

log = logging.getLogger("blastoseg")

FRAMES_A_LOCK_CHECK = 32


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the user asked for. ``settings`` already holds the options that override the file."""

    paths: list[Path]
    settings: Settings
    out: Path | None = None
    um_per_px: float | None = None
    device: str = "auto"
    batch_size: int = 8
    workers: int = 2
    overlays: bool = True
    fresh: bool = False


def score_folder(request: RunRequest) -> Iterator[RunEvent]:
    """Score every frame below the request's paths and write the report; yields what happens.

    Frames that the ledger knows as scored with the same weights and settings are not scored again; the
    report is always written whole. Raises the errors of ``errors.py`` that end a run.
    """
    started = datetime.now(UTC)
    if request.um_per_px is not None and not 0 < request.um_per_px < 100:
        raise UsageError(f"--um-per-px {request.um_per_px:g}: must lie between 0 and 100 micrometres")
    card = load_card(request.settings.weights)
    discovery = discover_frames(request.paths, _source_options(request.settings))
    segmenter = Segmenter(card, request.device, request.batch_size)
    out = OutputFolder(request.out or default_out(request.paths))
    out.create()
    with OutputLock(out.root) as lock, _run_log(out.log), Journal(out.root) as journal:
        run = Run(request, out, lock, journal, segmenter, discovery, started)
        number = journal.start_run(run.details())
        yield from run.score()
        ended = run.report()
        journal.end_run(number, {"counts": ended.counts, "exit_code": ended.exit_code})
        log.info("run %d ended: %s", number, ended.last_line())
        yield ended


@dataclass(slots=True)
class Run:
    """One run while it lasts: what it was asked, what it found, and where it writes."""

    request: RunRequest
    out: OutputFolder
    lock: OutputLock
    journal: Journal
    segmenter: Segmenter
    discovery: Discovery
    started: datetime
    notes: list[str] = field(default_factory=list)

    @property
    def scored_with(self) -> ScoredWith:
        """What a result depends on besides its frame: both networks' files, and all that changes a row."""
        weights = hashlib.sha256("".join(sorted(self.segmenter.card.files.values())).encode()).hexdigest()
        settings = f"{self.request.settings.digest()} {self.request.um_per_px}"
        return ScoredWith(weights, hashlib.sha256(settings.encode()).hexdigest())

    def details(self) -> dict[str, Any]:
        """What the ledger's history says of this run when it starts."""
        return {
            "inputs": [path.name for path in self.request.paths],
            "weights": self.segmenter.card.name,
            "weights_sha256": self.segmenter.card.sha256,
            "settings_sha256": self.request.settings.digest(),
            "device": describe_device(self.segmenter.device),
            "host": socket.gethostname(),
            "user": user_name(),
        }

    def score(self) -> Iterator[RunEvent]:
        """Score what the ledger does not know yet, noting each result in it."""
        keys, scored_with = FrameKeys(), self.scored_with
        keyed = [(ref, keys.of(ref)) for ref in self.discovery.refs]
        to_score = [
            (ref, key)
            for ref, key in keyed
            if self.request.fresh or not self.journal.is_done(scored_with, key, self.request.overlays)
        ]
        started = RunStarted(
            frames=len(keyed) + len(self.discovery.problems),
            embryos=len({ref.embryo_id for ref, _ in keyed}),
            already_scored=len(keyed) - len(to_score),
            ignored=self.discovery.ignored,
            device=describe_device(self.segmenter.device),
            weights=self.segmenter.card.name,
        )
        log.info("%s", started.in_words())
        for note in self.discovery.notes:
            log.warning("%s", note)
        yield started
        for problem in self.discovery.problems:
            result = failed_frame(problem.ref, problem.reason)
            self._note(scored_with, keys.of(problem.ref), result)
            yield FrameScored(result.status)
        results = score_frames((ref for ref, _ in to_score), self._plan())
        for number, ((_, key), result) in enumerate(zip(to_score, results, strict=True)):
            if number % FRAMES_A_LOCK_CHECK == 0:
                self.lock.check()
            self._note(scored_with, key, result)
            yield FrameScored(result.status)

    def _note(self, scored_with: ScoredWith, key: FrameKey, result: FrameResult) -> None:
        if result.status is Status.FAILED:
            log.warning("failed: %s", result.reason)
        self.journal.record(scored_with, key, result)

    def _plan(self) -> ScoringPlan:
        options = _source_options(self.request.settings)

        def read(ref: FrameRef) -> Frame:
            return read_frame(ref, options)

        def save(frame: Frame, labels: Labels | None, result: FrameResult) -> tuple[str, str]:
            return self.out.save_pictures(frame, labels, result, self.request.overlays)

        return ScoringPlan(
            self.segmenter, self.request.settings, read, self._pixel_size, save, self.request.workers
        )

    def _pixel_size(self, ref: FrameRef) -> tuple[float, str]:
        """um/px and where it comes from, in order of trust: option, settings, the file's metadata."""
        if self.request.um_per_px is not None:
            return self.request.um_per_px, "option"
        calibration = self.request.settings.calibration
        if calibration.um_per_px is not None:
            known = (calibration.instrument, calibration.measured_on)
            details = ", ".join(str(value) for value in known if value)
            return calibration.um_per_px, f"settings ({details})" if details else "settings"
        return ref.um_per_px, ref.um_per_px_source

    def report(self) -> RunEnded:
        """Write tables, workbook and manifest from the ledger, each whole or not at all."""
        rows = list(self._rows())
        names = [column.name for column in FRAME_COLUMNS]
        frames = frames_table([{name: row.get(name) for name in names} for row in rows])
        embryos = embryos_table(frames)
        counts = {status.value: int((frames["status"] == status.value).sum()) for status in Status}
        exit_code = EXIT_FRAMES_FAILED if counts[Status.FAILED] else EXIT_OK
        manifest = self._manifest(frames, len(embryos), counts, exit_code)
        pictures = self._pictures(rows, embryos)
        self._write(self.out.frames_csv, lambda path: write_csv(frames, path))
        self._write(self.out.embryos_csv, lambda path: write_csv(embryos, path))
        self._write(self.out.workbook, lambda path: write_workbook(path, frames, embryos, manifest, pictures))
        self._write(self.out.manifest, lambda path: write_manifest(path, manifest))
        return RunEnded(self.out.root, embryos, counts, exit_code, tuple(self.notes))

    def _rows(self) -> Iterator[dict[str, Any]]:
        """Every frame's row, in the order of the frames. Where a frame stands may have changed since."""
        refs = [*self.discovery.refs, *(problem.ref for problem in self.discovery.problems)]
        keys, scored_with = FrameKeys(), self.scored_with
        for ref in refs:
            [row] = self.journal.rows(scored_with, [keys.of(ref)])
            yield row | {"embryo_id": ref.embryo_id, "frame_index": ref.frame_index}

    def _pictures(self, rows: list[dict[str, Any]], embryos: pd.DataFrame) -> dict[str, Pictures]:
        shown = set(zip(embryos["embryo_id"], embryos["frame_index"], strict=True))
        return {
            row["embryo_id"]: Pictures(self.out.root / row["mask_file"], self.out.root / row["overlay_file"])
            for row in rows
            if (row["embryo_id"], row["frame_index"]) in shown and row["mask_file"] and row["overlay_file"]
        }

    def _manifest(
        self, frames: pd.DataFrame, embryos: int, counts: dict[str, int], exit_code: int
    ) -> RunManifest:
        settings, card = self.request.settings, self.segmenter.card
        return RunManifest(
            inputs=[path.name for path in self.request.paths],
            weights=card.name,
            weights_sha256=card.sha256,
            device=describe_device(self.segmenter.device),
            precision=self.segmenter.precision,
            batch_size=self.request.batch_size,
            settings=settings.model_dump(mode="json"),
            settings_sha256=settings.digest(),
            calibration=used_calibrations(frames),
            counts=counts,
            embryos=embryos,
            exit_code=exit_code,
            started=self.started,
            ended=datetime.now(UTC),
        )

    def _write(self, path: Path, write: Callable[[Path], None]) -> None:
        def landed_elsewhere(other: Path) -> None:
            note = f"{path.name} is open in another program: the new one is {other.name}"
            log.warning("%s", note)
            self.notes.append(note)

        try:
            with replace_atomically(path, landed_elsewhere) as temporary:
                write(temporary)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def _source_options(settings: Settings) -> SourceOptions:
    return SourceOptions(settings.naming, settings.focal, settings.frame_interval_h)


@contextmanager
def _run_log(path: Path) -> Iterator[None]:
    """Append what is logged to ``run.log``, times in UTC, while the run lasts."""
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.info("blastoseg %s; %s", __version__, RESEARCH_USE_ONLY)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
        handler.close()
