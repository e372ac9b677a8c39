"""The expansion stage, 1 to 6, suggested from an embryo's events: stage and timings cannot contradict.

Stages after Gardner & Schoolcraft 1999; how each is told from labels is ours (docs/grading.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from blastoseg.course.events import BEFORE_FIRST, NO_BASELINE, Event, cavity_of
from blastoseg.course.evidence import PERSISTENCE, first_run
from blastoseg.course.observed import Floats, Observed
from blastoseg.course.steady import Steady
from blastoseg.quality import HATCHING_MIN_SHARE
from blastoseg.settings import Grades

EARLY, HALF, FULL, EXPANDED, HATCHING, HATCHED = range(1, 7)
STAGE_OF_EVENT = {"tSB": EARLY, "tB": FULL, "tEB": EXPANDED, "tHB": HATCHING, "hatched": HATCHED}
"""The stage that begins with an event; stage 2 begins with no event that has a name."""
GARDNER = {stage: str(stage) for stage in range(EARLY, HATCHED + 1)}
ISTANBUL_2025 = {
    EARLY: "1, early blastocyst",
    HALF: "2, blastocyst",
    FULL: "3, full blastocyst",
    EXPANDED: "4, expanded",
    HATCHING: "5, hatching",
    HATCHED: "6, hatched",
}
ISTANBUL_2011 = {
    EARLY: "1, early",
    HALF: "2, blastocyst",
    FULL: "2, blastocyst",
    EXPANDED: "3, expanded",
    HATCHING: "4, hatched or hatching",
    HATCHED: "4, hatched or hatching",
}

NO_BLASTOCYST = "no blastocyst was measured"
CONTRADICTORY = "cannot be told: too few frames agree"
BEGINS_FULL = "the series begins with a full blastocyst: nothing tells how thick its zona was"
ONE_FRAME = "told from one frame"
LOOKS_EARLY = f"{ONE_FRAME}: a collapse would look alike"
LOOKS_FULL = f"{ONE_FRAME}, which cannot tell whether the zona has thinned"
NO_ZONA = f"{ONE_FRAME}, which shows no zona: hatched, or not seen"
IN_COLLAPSE = "in a collapse at the last frame: the stage is the one before it"


@dataclass(frozen=True, slots=True)
class Expansion:
    """The stage that an embryo has reached: between ``least`` and ``most``, both None where untold.

    ``note`` says why it is not told, or what weakens it.
    """

    least: int | None = None
    most: int | None = None
    note: str = ""

    @property
    def stage(self) -> int | None:
        """The one stage, None where it cannot be told."""
        return self.least if self.least == self.most else None

    def named(self, names: Mapping[int, str]) -> str:
        """The stage under other names: "3, full blastocyst or 4, expanded"; empty where it is untold."""
        if self.least is None or self.most is None:
            return ""
        return " or ".join(dict.fromkeys(names[stage] for stage in range(self.least, self.most + 1)))


def stage_course(observed: Observed, steady: Steady, events: Mapping[str, Event], grades: Grades) -> Floats:
    """The stage at each frame of one embryo: it never falls. NaN before a blastocyst, and where untold."""
    has_half = first_run(cavity_of(observed, steady, grades.half_volume_frac))
    starts = {stage: events[name].first_after for name, stage in STAGE_OF_EVENT.items()} | {HALF: has_half}
    stage = np.full(len(observed), np.nan)
    for reached in sorted(starts):
        start = starts[reached]
        if start is not None:
            stage[start:] = reached
    for name in STAGE_OF_EVENT:
        if events[name].note == BEFORE_FIRST:
            # No earlier frame tells of the event: what it was then is not known.
            stage[: events[name].first_after] = np.nan
    if events["tEB"].note == NO_BASELINE:
        stage[stage == FULL] = np.nan
    return stage


def reached_stage(
    observed: Observed, steady: Steady, events: Mapping[str, Event], *, stage: Floats, grades: Grades
) -> Expansion:
    """The stage by the last frame of a series, ``stage`` its course; with too few frames, by one frame."""
    used = np.flatnonzero(steady.is_used)
    if not len(used):
        return Expansion(note=NO_BLASTOCYST)
    if len(used) < PERSISTENCE:
        return stage_of_frame(observed, int(used[-1]), grades)
    if np.isfinite(stage[-1]):
        return Expansion(int(stage[-1]), int(stage[-1]))
    if events["tB"].first_after is not None:
        return Expansion(FULL, EXPANDED, BEGINS_FULL)
    return Expansion(note=CONTRADICTORY)


def stage_of_frame(observed: Observed, place: int, grades: Grades) -> Expansion:
    """What one measured frame tells of the stage, without any before or after it."""
    outside, volume = observed.extruded[place], observed.cavity_volume[place]
    if not np.isfinite(observed.zona_present[place]):
        return Expansion(note=NO_ZONA)
    if outside >= HATCHING_MIN_SHARE:
        stage = HATCHED if outside > grades.hatched_frac else HATCHING
        return Expansion(stage, stage, ONE_FRAME)
    if not volume >= grades.half_volume_frac:
        return Expansion(EARLY, EARLY, LOOKS_EARLY)
    if not volume >= grades.full_volume_frac or observed.parted[place] >= grades.parted_frac:
        return Expansion(HALF, HALF, LOOKS_EARLY)
    if observed.area_px2[place] * observed.um_per_px[place] ** 2 >= grades.expanded_um2:
        return Expansion(EXPANDED, EXPANDED, ONE_FRAME)
    return Expansion(FULL, EXPANDED, LOOKS_FULL)
