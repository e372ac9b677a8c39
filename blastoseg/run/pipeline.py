"""One run over a folder: the only file that joins discovery, scoring, ledger and report.

``score_folder`` yields events; how they are shown is the command's business.
"""

import logging
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.errors import BlastosegError, InputNotFoundError, OutputError, UsageError
from blastoseg.model.card import load_card
from blastoseg.records import FrameRef, FrameResult, Status
from blastoseg.report.dataset import check_tables
from blastoseg.report.pictures import PictureWriter
from blastoseg.run.closing import close_run
from blastoseg.run.events import FrameScored, RunEvent, RunStarted, RunStopping
from blastoseg.run.journal import FrameKey, Journal, OutputLock, ScoredWith, read_runs, run_log
from blastoseg.run.outputs import OutputFolder, PictureNames
from blastoseg.run.part import check_is_part
from blastoseg.run.provenance import Provenance
from blastoseg.run.pseudonyms import Names, check_earlier_names, names_under
from blastoseg.run.request import RunRequest
from blastoseg.run.scoring import FrameCare, Scorer, scorer_of
from blastoseg.run.surroundings import pixels_alone, placed
from blastoseg.run.watching import WatchedInputs
from blastoseg.run.workers import Workers
from blastoseg.run.worklist import WorkList
from blastoseg.settings import check_pixel_size_option
from blastoseg.sources import Discovery, discover_frames, refs_to_choose_from
from blastoseg.sources.names import is_printable, printable
from blastoseg.stages import failed_frame

if TYPE_CHECKING:
    from blastoseg.model.segmenter import Segmenter

log = logging.getLogger("blastoseg")

FRAMES_A_LOCK_CHECK = 32


def score_folder(request: RunRequest, loaded: "Segmenter | None" = None) -> Generator[RunEvent, None, None]:
    """Score every frame below the request's paths and write the report; yields what happens.

    Frames that the ledger knows as scored with the same weights and settings are not scored again; the
    report is written whole, or left where it would be the same. Raises the errors of ``errors.py`` that end a
    run; under pseudonyms their messages hold none of the names either. ``loaded`` holds the request's weights
    already.
    """
    check_pixel_size_option(request.um_per_px)
    check_tables(request.settings.output.tables)
    if not request.paths:
        raise InputNotFoundError("no path given")
    if request.part and request.keep_missing:
        raise UsageError("--keep-missing does not go with --part: a part reports what it finds")
    with names_under(request.keyfile) as names:
        yield from _score_folder(request, names, loaded)


def _score_folder(request: RunRequest, names: Names, loaded: "Segmenter | None") -> Iterator[RunEvent]:
    started = datetime.now(UTC)
    out = OutputFolder((request.out or names.default_out(request.paths)).absolute())
    names.begin(out.root)
    if not is_printable(str(out.root)):
        shown = printable(str(out.root))
        raise UsageError(f"--out {shown}: its name is no UTF-8 text: choose another folder")
    with out.refusals(names.detail), Workers.of(request) as workers, ExitStack() as scoring:
        out.check_apart(request.paths)
        card = load_card(request.settings.weights)
        discovery = discover_frames(request.paths, request.source_options, workers.contents_of, names)
        out.check_without_frames(request.paths, discovery.refs)
        scorer = scoring.enter_context(scorer_of(request, card, workers, loaded))
        out.create()
        with (
            OutputLock(out.root) as lock,
            run_log(out.root, request.log_level, names.without_out, names.fingerprint != ""),
            Journal(out.root) as journal,
        ):
            log.info("blastoseg %s; %s", __version__, RESEARCH_USE_ONLY)
            run = Run(
                request=request,
                out=out,
                lock=lock,
                journal=journal,
                scorer=scorer,
                discovery=discovery,
                started=started,
                inputs=[names.of_given(path) for path in request.paths],
                names=names,
            )
            yield from run.noted_in_history()


@dataclass
class Run:
    """One run while it lasts: what it was asked, what it found, and where it writes."""

    request: RunRequest
    out: OutputFolder
    lock: OutputLock
    journal: Journal
    scorer: Scorer
    discovery: Discovery
    started: datetime
    inputs: list[str]
    names: Names

    @cached_property
    def share(self) -> Discovery:
        """What of all that was found this run scores: everything, or a part's share."""
        return self.request.part.share_of(self.discovery) if self.request.part else self.discovery

    def __post_init__(self) -> None:
        self.work = WorkList(self.share, self.request)
        self.there: dict[str, str] = {}
        names = PictureNames(self.discovery.refs)
        self.pictures = PictureWriter(self.out.root, names.place, self.request.overlays)
        inputs = list(zip(self.inputs, self.request.paths, strict=True))
        self.watched = WatchedInputs(inputs, self.discovery.settling, self.work.seen(), self.request.stop)

    @cached_property
    def scored_with(self) -> ScoredWith:
        """What a frame's pixels are scored with."""
        scorer = self.scorer
        return self.request.scored_with(scorer.card.fingerprint, scorer.engine, self.names.fingerprint)

    def noted_in_history(self) -> Iterator[RunEvent]:
        """Score and report, with the run's start and end in the ledger's history."""
        earlier = read_runs(self.out.root)
        check_earlier_names(self.names, self.out, earlier)
        check_is_part(self.request.part, self.out.root, earlier)
        number = 0
        try:
            with self.out.refusals(self.names.detail):
                self.choose()
                number = self.journal.start_run(self.provenance.details())
                yield from self.score()
                self.lock.check()
                there = self.out.pictures() if self.work.to_score else self.there
                ended, kept = close_run(self, there, earlier)
        except BlastosegError as error:
            log.error("%s", error)
            with suppress(OutputError):
                number = number or self.journal.start_run(self.provenance.details())
                self.journal.end_run(
                    number, {"error": self.names.without_out(str(error)), "exit_code": error.exit_code}
                )
            raise
        except Exception:
            log.exception("unexpected error")
            raise
        self.journal.end_run(number, ended.as_dict() | kept)
        log.info("run %d ended: %s", number, ended.last_line())
        yield ended

    @property
    def provenance(self) -> Provenance:
        """What this run's results come from."""
        return Provenance(
            inputs=self.inputs,
            weights=self.scorer.card.name,
            weights_sha256=self.scorer.card.sha256,
            device=self.scorer.device_in_words,
            engine=self.scorer.engine,
            precision=self.scorer.precision,
            batch_size=self.scorer.batch_size,
            settings=self.request.settings.model_dump(mode="json"),
            pseudonyms=self.names.fingerprint,
            embryo_table_sha256=self.discovery.table_sha256,
            part=str(self.request.part or ""),
        )

    def choose(self) -> None:
        """Choose what is to be scored; where anything is, make ready to score."""
        self.there, planned = self.out.pictures(), self.scorer.engine
        self.work.choose(self.journal, self.scored_with, self.pictures, self.there)
        if self.work.to_score:
            self.scorer.prepare()
        if self.scorer.engine != planned:
            # What another engine computed is known under another key.
            del self.scored_with
            self.work.choose(self.journal, self.scored_with, self.pictures, self.there)

    def score(self) -> Iterator[RunEvent]:
        """Score what the ledger does not know yet, noting each result in it."""
        work, pictures = self.work, self.pictures
        self.journal.claim_pictures(self.scored_with, work.waiting)
        may_be_read = (one for ref, _ in work.to_score for one in refs_to_choose_from(ref))
        planned = (path for ref in may_be_read for path in pictures.planned(ref))
        self.journal.pictures.claim(planned, work.kept)
        started = self._started()
        log.info("%s", started.in_words())
        for note in (*self.names.notes, *self.discovery.remarks, *self.discovery.notes):
            log.warning("%s", note)
        yield started
        for problem, key in work.problems:
            yield self._note(problem.ref, key, failed_frame(pixels_alone(problem.ref), problem.reason))
        care = FrameCare(self.watched, work.around_read, pictures.write, self.request.stop)
        results = self.scorer.score((pixels_alone(ref) for ref, _ in work.to_score), care)
        for number, ((ref, key), result) in enumerate(zip(work.to_score, results, strict=False)):
            if number % FRAMES_A_LOCK_CHECK == 0:
                self.lock.check()
            if result is not None:
                work.waiting.discard(key)
                yield self._note(ref, key, result)
            elif not self.request.stop:
                log.warning("%s: still being written: left for the next run", ref.source)
        if stop := self.request.stop:
            log.warning("%s: %d frames are left", stop.reason, len(work.waiting))
            yield RunStopping(stop.reason)

    def _started(self) -> RunStarted:
        work = self.work
        return RunStarted(
            frames=len(work.frames) + len(work.problems),
            embryos=len({ref.embryo_id for ref, _ in work.frames}),
            already_scored=len(work.frames) - len(work.to_score),
            new=work.new_found,
            ignored=self.discovery.ignored,
            device=self.scorer.device_in_words,
            weights=self.scorer.card.name,
            settling=len(self.watched.settling),
        )

    def _note(self, ref: FrameRef, key: FrameKey, result: FrameResult) -> FrameScored:
        if result.status is Status.FAILED:
            log.warning("failed: %s", result.reason)
        around = self.work.around(ref)
        self.journal.record(self.scored_with, key, result, around.as_text())
        return FrameScored(placed(result, around, self.request.settings.quality).status)
