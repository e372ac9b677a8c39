"""Events, collapses, rates and stages of simulated time-lapses, from labels alone, against their outlines.

One embryo in the suite. ``SIMULATED_COURSES=60`` follows sixty of 60 to 144 frames and prints the figures of
docs/validation.md: about half an hour on one core.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from blastoseg.course.evidence import lasting_start
from blastoseg.course.series import follow_embryos
from blastoseg.evaluation.agreement import intraclass_correlation
from blastoseg.records import FrameRef, TimeReference
from blastoseg.report.tables import frames_table
from blastoseg.settings import Grades, Quality
from blastoseg.simulate import View, timelapse, truth
from blastoseg.simulate.course import draw_course
from blastoseg.simulate.masks import tissue_masks
from blastoseg.simulate.reading import as_read, draw_reading
from blastoseg.sources.addresses import WholeImage
from blastoseg.stages import measure_label_image

BY_HAND = int(os.environ.get("SIMULATED_COURSES", "0"))
EMBRYOS = range(BY_HAND) if BY_HAND else [61]  # one that fills, collapses, expands and hatches
SEED, SUITE_FRAMES, SUITE_SIDE, SIDE = 11, 40, 240, 400
VIEW = View(fill=(0.5, 0.75), preset="embryoscope", scene="field")
GRADES, QUALITY = Grades(), Quality()
BASELINE_FRAMES = 5
LATEST_H = 6.0
"""After a collapse begins, until its area is least."""


def labels_only(seeds, embryo, optics, view, recorded=None):
    """In place of the drawing: what its labels would be."""
    masks = tissue_masks(embryo, (view.height, view.width))
    reading = draw_reading(np.random.default_rng([seeds.embryo, 1]), optics)
    read = as_read(masks, reading, embryo.scale, embryo.kind)
    return SimpleNamespace(labels=read.labels(), embryo=embryo, reading=reading)


def parted_share(embryo):
    """Share of the directions in which the outline stays away from the zona; 0 for another than one body."""
    if embryo.zona is None or len(embryo.bodies) != 1:
        return 0.0
    angles = np.radians(np.arange(360))
    radii = []
    for outline in (embryo.zona.inner, embryo.bodies[0].outline):
        offset = outline - np.array(embryo.zona.centre)
        at, radius = np.arctan2(offset[:, 1], offset[:, 0]), np.hypot(*offset.T)
        order = np.argsort(at)
        radii.append(np.interp(angles, at[order], radius[order], period=2 * np.pi))
    inner, body = radii
    return float((inner - body > max(2, 0.04 * inner.mean())).mean())


@dataclass(frozen=True)
class Truth:
    """What the outlines say of each frame of one embryo, and the hours of what was planned."""

    hours: np.ndarray
    volume: np.ndarray
    area: np.ndarray
    zona: np.ndarray
    parted: np.ndarray
    planned: dict[str, float]

    def since(self, name):
        """The first frame at or after a planned event; the number of frames where there is none."""
        return int(np.argmax([*(self.hours >= self.planned[name]), True]))

    @property
    def starts(self):
        """By stage the first frame that has it, by the rules of docs/grading.md; len(hours) for none."""
        frames = np.arange(len(self.hours))
        hatching, left = self.since("hatching"), self.since("hatched")
        has_cavity = self.volume ** (2 / 3) >= QUALITY.blastocoel_min_area_frac
        early = lasting_start(has_cavity.astype(float))
        within = frames < hatching
        half = first(within & (self.volume >= GRADES.half_volume_frac))
        is_full = (self.volume >= GRADES.full_volume_frac) & (self.parted < GRADES.parted_frac)
        full = first(within & is_full)
        before = np.flatnonzero(np.isfinite(self.area) & (frames < full))[-BASELINE_FRAMES:]
        thinned = self.zona <= GRADES.thinned_frac * np.median(self.zona[before]) if len(before) else False
        grown = self.area >= GRADES.grown_frac * np.median(self.area[before]) if len(before) else False
        expanded = first(within & (frames >= full) & (thinned | grown))
        early = len(frames) if early is None else early
        return {1: early, 2: half, 3: full, 4: expanded, 5: hatching, 6: left}

    @property
    def stages(self):
        stages = np.zeros(len(self.hours), int)
        for stage, start in sorted(self.starts.items()):
            stages[start:] = stage
        return stages

    @property
    def collapses(self):
        """The frame at which a collapse of a tenth or more begins, if there is one."""
        start = self.since("collapse")
        within = (self.hours <= self.planned["collapse"] + LATEST_H) & (np.arange(len(self.hours)) >= start)
        if not 0 < start < len(self.hours) or not within.any():
            return []
        return [start] if np.nanmin(self.area[within]) <= 0.9 * np.nanmax(self.area[:start]) else []


def first(says):
    return int(np.argmax(says)) if says.any() else len(says)


def simulated(index):
    """The rows of one embryo's frames, measured from labels, and the truth."""
    rng = np.random.default_rng([SEED, index])
    frames = int(rng.integers(60, 145)) if BY_HAND else SUITE_FRAMES
    course = draw_course(rng, hatching=index % 4 == 1, blastulates=index % 4 != 3)
    side = SIDE if BY_HAND else SUITE_SIDE
    view = View(side, side, fill=VIEW.fill, preset=VIEW.preset, scene=VIEW.scene)
    plan = timelapse.plan_timelapse(rng, frames, view, course)
    rows, told = [], []
    for number, (hour, frame) in enumerate(zip(plan.times_h, plan.frames(), strict=True)):
        name = f"E{index:03d}"
        ref = FrameRef(name, f"{name}/{number}.png", Path(f"{number}.png"), number, WholeImage())
        row = measure_label_image(ref, frame.labels, QUALITY, math.nan, um_per_px_source="").row()
        rows.append(row | {"time_h": float(hour), "time_reference": TimeReference.INSEMINATION.value})
        measures = truth.true_measures(frame.embryo, frame.reading)
        names = ("blastocoel_area_frac", "blastocyst_area_px2", "zp_thickness_mean_px")
        told.append([*(measures[one] for one in names), parted_share(frame.embryo)])
    cavity, area, zona, parted = np.array(told).T
    events = course.events(float(plan.times_h[-1]))
    return rows, Truth(plan.times_h, cavity**1.5, area=area, zona=zona, parted=parted, planned=events)


@pytest.mark.slow
def test_simulated_courses_are_told_as_their_outlines_are(monkeypatch):
    monkeypatch.setattr(timelapse, "render", labels_only)
    monkeypatch.setattr(truth, "SIDE", 500)
    made = [simulated(index) for index in EMBRYOS]
    table = frames_table([row for rows, _ in made for row in rows])
    followed = follow_embryos(table, GRADES)
    off = pd.DataFrame(columns=["event", "frames"])
    stages, rates, found, right, missed = [], [], 0, 0, 0
    for series, (_, true) in zip(followed, made, strict=True):
        starts, count = true.starts, len(true.hours)
        for stage, name in ((1, "tSB"), (3, "tB"), (4, "tEB"), (5, "tHB")):
            start = series.events[name].first_after
            told = count if start is None else start
            if min(told, starts[stage]) < count:
                both = max(told, starts[stage]) < count
                off.loc[len(off)] = [name, abs(told - starts[stage]) if both else count]
        stages += zip(true.stages, np.nan_to_num(series.stage).astype(int), strict=True)
        near = [any(abs(one.first_low - start) <= 6 for one in series.collapses) for start in true.collapses]
        found, right, missed = found + len(series.collapses), right + sum(near), missed + near.count(False)
        if np.isfinite(series.rates.area.slope) and starts[3] < count:
            since = true.hours - true.hours[starts[3]]
            window = (since >= 0) & (since <= 10) & np.isfinite(true.area)
            slope = np.polyfit(since[window], true.area[window], 1)[0]
            rates.append((series.rates.area.slope, slope))
    truly, told = np.array([pair for pair in stages if min(pair) > 0]).T
    kappa = cohen_kappa_score(truly, told, weights="quadratic")
    within = off.groupby("event")["frames"].agg(
        n="size", one=lambda frames: (frames <= 1).mean(), three=lambda frames: (frames <= 3).mean()
    )
    icc = intraclass_correlation(np.array(rates)) if len(rates) > 1 else math.nan
    print(f"\n{within}\nstages: kappa {kappa:.4f} of {len(truly)} frames, wrong {(truly != told).sum()}")
    print(f"collapses: {found} found, {right} of them true, {missed} missed")
    print(f"rates: ICC {icc:.4f} of {len(rates)}")
    assert kappa >= 0.9
    assert np.abs(truly - told).max() <= 1
    assert (within["one"] >= 0.90).all()
    assert (within["three"] >= 0.98).all()
    assert right >= 0.95 * max(found, right + missed, 1)
    assert not icc < 0.95
