"""What files and options tell is believed within bounds only."""

import math
from datetime import timedelta

import numpy as np
import pytest
import tifffile

from blastoseg.errors import UsageError
from blastoseg.settings import Settings
from blastoseg.sources.elapsed import read_elapsed
from blastoseg.sources.numbers import day, hours, number, whole
from blastoseg.sources.slide import _by_well


@pytest.mark.parametrize("told", ["1e999", "nan", "inf", math.inf, "9" * 5000, "1" * 65, b"7", None, "x"])
def test_what_is_no_finite_number_of_few_digits_is_nan(told):
    assert math.isnan(number(told))
    assert whole(told) is None


def test_numbers_are_read_also_with_a_decimal_comma():
    assert number(" 41000,25 ") == 41000.25
    assert whole("-15") == -15
    assert whole(11.0) == 11


def test_runs_hours_and_days_beyond_belief_are_none():
    assert whole(1e300) is None
    assert math.isnan(hours(1e308))
    assert hours(112.5) == 112.5
    assert math.isnan(day(1e308))
    assert math.isnan(day(0))


@pytest.mark.parametrize(
    "row",
    [
        (1, "9" * 5000, 1, 0, 41001.0),
        (1, 1e300, 1, 0, 41001.0),
        (1, "W" * 40_000, 1, 0, 41001.0),
        (1, 1, 1e300, 0, 41001.0),
        (1, 1, 1, 1e300, 41001.0),
    ],
    ids=["digits", "well", "name", "run", "plane"],
)
def test_a_slide_files_picture_with_an_impossible_number_is_a_named_failure(row):
    (well,), _ = _by_well([row], "a.pdb", "a.pdb", math.nan)
    ((_, _, shot),) = well.shots
    assert "tells no well, run or focal plane to use" in shot.problem


def test_an_impossible_time_costs_one_picture_its_hours_and_no_other():
    rows = [(1, 1, 1, 0, 41001.0), (2, 1, 2, 0, 1e308), (3, 1, 3, 0, 41001.5)]
    (well,), _ = _by_well(rows, "a.pdb", "a.pdb", 41000.0)
    times = [shot.time_h for *_, shot in well.shots]
    assert times[0] == 24
    assert math.isnan(times[1])
    assert times[2] == 36


@pytest.mark.parametrize("value", ["inf", "1e308", "nan", "9" * 400])
def test_a_table_of_hours_with_an_impossible_time_names_its_line(tmp_path, value):
    path = tmp_path / "a_timeElapsed.csv"
    path.write_text(f"frame_index,time\n0,1.5\n1,{value}\n")
    with pytest.raises(ValueError, match="line 3"):
        read_elapsed(path)


@pytest.mark.parametrize("step", [1e308, timedelta(days=4000).total_seconds()])
def test_an_impossible_step_in_a_tiff_tells_no_hours(tmp_path, find, step):
    path = tmp_path / "a.ome.tif"
    frames = np.random.default_rng(1).integers(0, 255, (3, 48, 48), dtype=np.uint8)
    metadata = {"axes": "TYX", "TimeIncrement": step, "TimeIncrementUnit": "s"}
    tifffile.imwrite(path, frames, metadata=metadata, ome=True)
    assert all(math.isnan(ref.time_h) for ref in find(path).refs)


@pytest.mark.parametrize("interval", [math.inf, 1e308, math.nan, -1.0])
def test_an_impossible_frame_interval_is_a_mistake_on_the_command_line(interval):
    with pytest.raises(UsageError, match="--frame-interval"):
        Settings().overridden(frame_interval_h=interval)
