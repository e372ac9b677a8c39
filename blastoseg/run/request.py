"""What a run is asked to do."""

import hashlib
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from blastoseg.errors import EXIT_FRAMES_FAILED, EXIT_NOTHING_MEASURED, EXIT_NOTHING_NEW, EXIT_OK
from blastoseg.model.card import Card
from blastoseg.model.cores import usable_cores
from blastoseg.model.engine import default_engine
from blastoseg.model.planned import PlannedNetworks, plan_networks
from blastoseg.records import FrameRef
from blastoseg.report.letters import Letters
from blastoseg.run.journal import ScoredWith
from blastoseg.settings import Settings
from blastoseg.sources import SourceOptions
from blastoseg.stages import stages_in_words
from blastoseg.stopping import StopRequest

if TYPE_CHECKING:
    from blastoseg.model.segmenter import Segmenter
    from blastoseg.run.part import Part

FEWEST, MOST = 2, 8
"""Processes that read and measure, where nobody says how many."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What the user asked for. ``settings`` already holds the options that override the file.

    ``settle_s``: files that changed less than so many seconds ago wait for the next run. ``by_content``: a
    frame is known by its bytes' hash alone. ``keyfile``: names become pseudonyms under the
    key in it. ``warn_if_nothing_new``: a run without a new frame has an exit code of its own.
    ``keep_missing``: embryos of earlier runs that are not in the input stay in the report. ``stop`` may be
    asked for at any time, from any thread. ``engine`` computes the networks' passes, one of
    ``model.engine.ENGINES``. ``part``: score that share of the embryos alone. ``ray``: on the machines of
    the Ray cluster with that address, or of one that is started here (``local``); None: in own processes.
    ``embryos`` is the lab's table of them, ``letters`` its model of ICM and TE letters, ``archive`` the rows
    of earlier runs' embryos for percentiles; without it those of this run are taken. ``pdf``: a page for each
    patient is written. ``batch_size`` None: as many frames at once as suit the device. ``workers``: so many
    processes read and measure, on each machine of a cluster; None: as ``processes`` says.
    """

    paths: list[Path]
    settings: Settings
    out: Path | None = None
    um_per_px: float | None = None
    device: str = "auto"
    engine: str = field(default_factory=default_engine)
    part: "Part | None" = None
    ray: str | None = None
    batch_size: int | None = None
    workers: int | None = None
    overlays: bool = True
    fresh: bool = False
    warn_if_nothing_new: bool = False
    keep_missing: bool = False
    settle_s: float = 0.0
    by_content: bool = False
    follow_links: bool = False
    keyfile: Path | None = None
    embryos: Path | None = None
    letters: Letters | None = None
    archive: pd.DataFrame | None = None
    pdf: bool = False
    log_level: int = logging.INFO
    stop: StopRequest = field(default_factory=StopRequest)

    def exit_code(self, *, is_nothing_new: bool, has_failed_frames: bool, is_dead: bool) -> int:
        """What the run ends with, once its report is written."""
        if self.stop:
            return self.stop.exit_code
        if is_dead:
            return EXIT_NOTHING_MEASURED
        # Before failed frames: where nothing is new, these are old ones, and were told of before.
        if self.warn_if_nothing_new and is_nothing_new:
            return EXIT_NOTHING_NEW
        return EXIT_FRAMES_FAILED if has_failed_frames else EXIT_OK

    @property
    def source_options(self) -> SourceOptions:
        """How frames are found and read."""
        settings = self.settings
        return SourceOptions(
            naming=settings.naming,
            focal=settings.focal,
            frame_interval_h=settings.frame_interval_h,
            follow_symlinks=self.follow_links,
            settle_s=self.settle_s,
            is_discreet=self.keyfile is not None,
            embryos=self.embryos,
        )

    @property
    def processes(self) -> int:
        """How many processes read and measure.

        Where none are asked for, one for every two cores, two to eight: the networks or, beside a GPU, the
        process with the ledger have work for the other. Two on each machine of a cluster, whose cores are
        not known here.
        """
        return self.workers or (FEWEST if self.ray else min(max(FEWEST, usable_cores() // 2), MOST))

    def planned_networks(self, card: Card) -> PlannedNetworks:
        """What ``networks`` will give, without loading them. Raises the same, as far as can be told."""
        return plan_networks(card, self.device, self.engine, self.batch_size)

    def networks(self, card: Card) -> "Segmenter":
        """The networks of a model. Raises WeightsError or DeviceError."""
        from blastoseg.model.segmenter import Segmenter  # noqa: PLC0415  torch loads only for frames to score

        flips = self.settings.flips
        return Segmenter(card, self.device, self.batch_size, flips=flips, engine=self.engine)

    def scored_with(self, weights: str, engine: str, pseudonyms: str) -> ScoredWith:
        """What a frame's pixels are scored with: both networks, the settings that count, the stages.

        ``weights`` and ``pseudonyms`` are fingerprints. Not the pixel size: micrometres are computed at every
        report. So a lab that measures its pixel size anew scores nothing again, and one that gives another at
        every run keeps one row a frame.
        """
        settings = f"{self.settings.digest_for_pixels()} {pseudonyms}"
        return ScoredWith(weights, hashlib.sha256(settings.encode()).hexdigest(), stages_in_words(engine))

    def pixel_size(self, ref: FrameRef) -> tuple[float, str]:
        """um/px of a frame and where it comes from."""
        return self.settings.pixel_size.known(self.um_per_px, ref.um_per_px, ref.um_per_px_source)
