"""Hours from the names of files, and which source of hours counts where there are several."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blastoseg.errors import SettingsError
from blastoseg.records import TimeReference
from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, discover_frames, names
from blastoseg.sources.names import LONGEST_H, NO_HOURS, NameReader

Lay = Callable[..., Path]
HOURS = r"_(?P<time>[\d.,]+)h(?![a-z0-9])"
HOURS_AND_MINUTES = r"_(?P<time>\d+)h(?P<minutes>\d\d)"
CAREFUL = NameReader(Naming(time=r"(?P<time>-?[^_]*)h(?P<minutes>.*)"))


def _found(folder: Path, time: str = HOURS, interval_h: float | None = None, **naming: str) -> Discovery:
    return discover_frames(
        [folder],
        SourceOptions(Naming(time=time, **naming), frame_interval_h=interval_h),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("pattern", "unit", "stem", "hours", "rest"),
    [
        (HOURS, "h", "E1_38.5h", 38.5, "E1"),
        (HOURS, "h", "E1_38,5h_F15", 38.5, "E1"),
        (HOURS_AND_MINUTES, "h", "E1_38h20_F15", 38 + 20 / 60, "E1"),
        (r"T(?P<time>\d+)", "min", "T90_E1", 1.5, "E1"),
        (r"T(?P<time>\d+)", "s", "T5400_E1", 1.5, "E1"),
        (r"T(?P<time>\d+\.\d)", "days", "E1 T4.5", 108.0, "E1"),
    ],
)
def test_a_name_tells_hours_in_any_unit(pattern: str, unit: str, stem: str, hours: float, rest: str) -> None:
    parts = NameReader(Naming(time=pattern, time_unit=unit)).read(stem)  # type: ignore[arg-type]
    assert parts.hours == pytest.approx(hours)
    assert parts.rest == rest


@pytest.mark.parametrize("stem", ["E1_.h", "E1_1.2.3h", "E1_20130308h", "E1", "E1_,5h", f"E1_{'9' * 200}h"])
def test_hours_that_make_no_sense_are_none_and_stay_in_the_name(stem: str) -> None:
    parts = NameReader(Naming(time=HOURS)).read(stem)
    assert (parts.hours, parts.rest) == (NO_HOURS, stem)


@pytest.mark.parametrize(
    "stem", ["-5h20", "nanh10", "infh10", "5h60", "5h-1", "5h", "\N{ARABIC-INDIC DIGIT FIVE}h10"]
)
def test_signs_words_and_minutes_beyond_59_are_no_hours(stem: str) -> None:
    assert CAREFUL.read(stem).hours == NO_HOURS


@given(st.text(max_size=250))
def test_any_name_gives_hours_that_are_finite_and_not_negative_or_none(stem: str) -> None:
    hours = CAREFUL.read(stem).hours
    assert hours == NO_HOURS or 0 <= hours <= LONGEST_H


@given(st.floats(0, 999).map(lambda hours: f"{hours:.2f}"), st.sampled_from(["", "_F15", "_F0", "_RUN7"]))
def test_hours_written_into_a_name_are_read_back(hours: str, rest: str) -> None:
    assert NameReader(Naming(time=HOURS)).read(f"E1_{hours}h{rest}").hours == float(hours)


def test_frames_are_ordered_by_the_hours_in_their_names_and_planes_of_one_moment_belong_together(
    tmp_path: Path, lay: Lay
) -> None:
    lay(tmp_path, "E1_100.0h.jpg", "E1_99.5h.jpg", "E1_99.5h_F15.jpg", "E1_9.0h.jpg", "E2_1h.jpg")
    found = _found(tmp_path, time_reference="insemination")
    assert [(ref.embryo_id, ref.frame_index, ref.time_h) for ref in found.refs] == [
        ("E1", 0, 9.0),
        ("E1", 1, 99.5),
        ("E1", 2, 100.0),
        ("E2", 0, 1.0),
    ]
    assert {ref.time_reference for ref in found.refs} == {TimeReference.INSEMINATION}
    assert not found.notes


def test_the_reference_is_unknown_unless_the_settings_say_it(tmp_path: Path, lay: Lay) -> None:
    lay(tmp_path, "E1_9.0h.jpg")
    assert _found(tmp_path).refs[0].time_reference is TimeReference.UNKNOWN


def test_names_win_over_the_frame_interval_and_the_table_over_names(tmp_path: Path, lay: Lay) -> None:
    lay(tmp_path, "V1/V1_RUN1_5.0h.jpg", "V1/V1_RUN2_6.0h.jpg", "V2/V2_RUN1_5.0h.jpg")
    (tmp_path / "V2" / "V2_timeElapsed.csv").write_text("frame_index,time\n1,19.5\n")
    refs = _found(tmp_path, interval_h=0.25).refs
    assert [ref.time_h for ref in refs] == [5.0, 6.0, 19.5]
    assert [ref.time_reference for ref in refs][1:] == [TimeReference.UNKNOWN, TimeReference.RECORDING]


def test_a_series_has_one_clock_and_the_names_that_lack_it_are_noted(tmp_path: Path, lay: Lay) -> None:
    lay(tmp_path, "A/x_5.0h.jpg", "A/x_6.0h.jpg", "A/y_soon.jpg", "B/z.jpg")
    found = _found(tmp_path, interval_h=0.25)
    assert [ref.time_h for ref in found.refs[:2]] == [5.0, 6.0]
    assert math.isnan(found.refs[2].time_h), "a position is no hour of the names' clock"
    assert found.refs[3].time_h == 0.0
    assert found.notes == ["no hours by [naming] time in 2 file names"]


def test_a_pattern_that_takes_too_long_tells_nothing_and_is_noted(
    tmp_path: Path, lay: Lay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "PATIENCE_S", 0.02)
    lay(tmp_path, f"A/{'1' * 200}y.jpg", "A/77.jpg")
    found = _found(tmp_path, time=r"(?P<time>(?:\d|\d\d)+)$")
    assert sorted(ref.time_h for ref in found.refs)[0] == 77.0
    assert len(found.refs) == 2
    assert any("1 name took too long for a pattern of [naming]" in note for note in found.notes)


def test_a_pattern_that_takes_too_long_again_and_again_is_a_settings_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names, "PATIENCE_S", 0.01)
    reader = NameReader(Naming(embryo=r"(?P<embryo>(?:\d|\d\d)+)$"))
    with pytest.raises(SettingsError, match=r"\[naming\] embryo: takes longer"):
        for number in range(100):
            reader.read(f"{number}" + "1" * 200 + "y")


def test_frames_that_a_table_lacks_have_no_hours(tmp_path: Path, lay: Lay) -> None:
    lay(tmp_path, "V1/RUN1_5.0h.jpg", "V1/RUN2_6.0h.jpg")
    (tmp_path / "V1" / "V1_timeElapsed.csv").write_text("frame_index,time\n1,19.5\n")
    found = _found(tmp_path)
    assert found.refs[0].time_h == 19.5
    assert math.isnan(found.refs[1].time_h)
    assert "tells no hours for 1 frame of V1" in found.remarks[0]
