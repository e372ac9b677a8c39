"""What comes from around a frame is put to what its pixels told, whenever it becomes known."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from blastoseg.records import Flag, FrameRef, FrameResult, Status, TimeReference
from blastoseg.run.surroundings import Surroundings, pixels_alone, placed, result_of
from blastoseg.settings import Quality
from blastoseg.sources.addresses import WholeImage

REF = FrameRef("E1", "E1/a.png", Path("a.png"), 3, WholeImage(), focal_plane=0, time_h=1.5)
MEASURED = FrameResult(pixels_alone(REF), Status.OK, measures={"blastocyst_area_px2": 100_000.0})


def test_surroundings_come_back_from_their_text_as_they_were() -> None:
    for around in (Surroundings.of(REF, 0.5, "option"), Surroundings.of(pixels_alone(REF), math.nan, "")):
        assert Surroundings.from_text(around.as_text()).as_text() == around.as_text()


def test_hours_and_micrometres_that_come_later_are_in_the_row() -> None:
    kept = result_of(MEASURED.row(), REF)
    before = placed(kept, Surroundings.of(pixels_alone(REF), math.nan, ""), Quality())
    after = placed(kept, Surroundings.of(replace(REF, frame_index=4), 0.5, "option"), Quality())
    assert math.isnan(before.ref.time_h)
    assert before.flags == (Flag.UNCALIBRATED,)
    assert (after.ref.time_h, after.ref.frame_index, after.um_per_px) == (1.5, 4, 0.5)
    assert after.measures["blastocyst_area_um2"] == 25_000.0
    assert after.flags == ()


def test_a_clock_in_the_pixels_tells_the_hours_before_what_is_around() -> None:
    read = replace(MEASURED.ref, time_h=34.0, time_reference=TimeReference.UNKNOWN)
    kept = result_of(replace(MEASURED, ref=read).row(), REF)
    assert placed(kept, Surroundings.of(REF, 0.5, "option"), Quality()).ref.time_h == 34.0


@pytest.mark.parametrize(("is_choice", "plane"), [(False, 0), (True, 15)])
def test_the_plane_that_the_pixels_chose_stays_and_any_other_is_that_of_the_folder(is_choice, plane) -> None:
    kept = replace(MEASURED, ref=replace(MEASURED.ref, focal_plane=15))
    around = replace(Surroundings.of(REF, 0.5, "option"), pixels_choose_plane=is_choice)
    assert placed(kept, around, Quality()).ref.focal_plane == plane
