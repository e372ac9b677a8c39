"""A drawn time-lapse follows one embryo, and the truth says when what happened."""

import csv
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blastoseg.errors import OutputError
from blastoseg.simulate import View, draw, plan_timelapse
from blastoseg.simulate.collection import Collection, write_collection
from blastoseg.simulate.course import draw_course
from blastoseg.simulate.growth import draw_traits, grow
from blastoseg.simulate.reading import TOUCHING
from blastoseg.simulate.truth import true_measures

SMALL = View(height=128, width=128, fill=(0.5, 0.6), scene="field")


def test_the_kinds_follow_the_events() -> None:
    rng = np.random.default_rng(4)
    plan = plan_timelapse(rng, 16, SMALL, draw_course(rng, hatching=True))
    for time, frame in zip(plan.times_h, plan.frames(), strict=True):
        assert frame.is_blastocyst == (time > plan.events["cavity_appears"])
        if time > plan.events["hatching"]:
            assert frame.kind in ("hatching", "hatched")


def test_the_same_seed_draws_the_same_series() -> None:
    series = [
        [frame.image.tobytes() for frame in plan_timelapse(np.random.default_rng(8), 5, SMALL).frames()]
        for _ in range(2)
    ]
    assert series[0] == series[1]


def test_the_zona_thins_and_the_embryo_grows_while_it_expands() -> None:
    rng = np.random.default_rng(1)
    course, traits = draw_course(rng, hatching=False), draw_traits(rng, 16)
    course = replace(course, collapse_h=math.nan)
    early, late = (
        true_measures(grow(traits, course.state_at(time)), TOUCHING)
        for time in (course.cavity_h + 1.0, course.expanded_h + 1.0)
    )
    assert late["zp_thickness_mean_px"] < 0.7 * early["zp_thickness_mean_px"]
    assert late["blastocyst_diameter_px"] > 1.1 * early["blastocyst_diameter_px"]


def test_one_well_holds_the_embryo_from_the_first_frame_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    wells = []
    monkeypatch.setattr(draw, "well_ring", lambda _rng, _contrast, *well: wells.append(well))
    for seed in range(3):
        wells.clear()
        series = plan_timelapse(np.random.default_rng(seed), 8, View(96, 96, fill=(0.9, 0.95), scene="field"))
        reaches = [frame.embryo.everything() for frame in series.frames()]
        centre, radius = wells[0]
        assert wells == [(centre, radius)] * 8
        assert max(np.hypot(*(points - centre).T).max() for points in reaches) < radius


def test_a_collapse_shrinks_the_body_and_is_made_good() -> None:
    rng = np.random.default_rng(2)
    course = replace(draw_course(rng, hatching=False), recovery_h=4.0)
    course = replace(course, collapse_h=course.expanded_h + 1.0)
    traits = draw_traits(rng, 16)
    before, during, after = (
        true_measures(grow(traits, course.state_at(course.collapse_h + wait)), TOUCHING)[
            "blastocyst_area_px2"
        ]
        for wait in (-0.1, 0.6, 4.1)
    )
    assert during < 0.85 * before
    assert after == pytest.approx(before, rel=0.01)


def test_frames_that_were_not_recorded_leave_a_hole_in_the_run_numbers() -> None:
    plan = plan_timelapse(np.random.default_rng(3), 24, SMALL)
    assert len(plan.numbers) == 24
    assert plan.numbers[-1] - plan.numbers[0] >= 23
    assert (np.diff(plan.times_h) > 0).all()


def test_a_collection_holds_images_masks_and_the_truth(tmp_path: Path) -> None:
    out = tmp_path / "set"
    written = list(write_collection(out, Collection("timelapse", 4, 3, 0, SMALL)))
    assert len(written) == 12
    assert all(path.with_name(path.name).is_file() for path in written)
    with (out / "truth.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == [path.relative_to(out).as_posix() for path in written]
    assert all((out / "labels" / row["source"]).with_suffix(".png").is_file() for row in rows)
    arrested = [row for row in rows if row["embryo_id"] == "E004"]
    assert {row["is_blastocyst"] for row in arrested} == {"False"}
    assert {row["icm_area_px2"] for row in arrested} == {""}
    with (out / "events.csv").open() as file:
        events = {(row["embryo_id"], row["event"]): row["time_h"] for row in csv.DictReader(file)}
    assert events["E002", "hatching"] != ""
    assert events["E003", "hatching"] == ""


def test_a_folder_that_holds_something_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="not empty"):
        list(write_collection(tmp_path, Collection("still", 1, 1, 0, SMALL)))
