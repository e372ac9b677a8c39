"""The clock burned into a still picture: read like a video's, never seen where there is none."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from blastoseg.records import TimeReference
from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, glyphs, read_frame
from blastoseg.sources.burned_in import read_clock_of_still
from blastoseg.sources.images import SUFFIXES, read_image

pytestmark = pytest.mark.slow

Find = Callable[..., Discovery]
OPTIONS = SourceOptions(Naming())
DAY5 = Path(__file__).resolve().parents[2] / "examples" / "day5"


def _ink(glyph: str) -> np.ndarray:
    rows = [[0 if mark == "." else int(mark) for mark in row] for row in glyph.split()]
    return np.array(rows) * 255 // 9


def draw_still(hours: str, in_font_of_stills: bool, background: int = 10) -> np.ndarray:
    """A picture with the hours in its bottom right corner, in either font."""
    own = glyphs.DIGITS_OF_STILLS if in_font_of_stills else {}
    point = glyphs.POINT_OF_STILLS if in_font_of_stills else glyphs.POINT
    text = [_ink(point if mark == "." else own.get(int(mark), glyphs.DIGITS[int(mark)])) for mark in hours]
    if in_font_of_stills:
        text.append(np.zeros((9, 1), int))
    box = 255 - np.pad(np.hstack([*text, _ink(glyphs.HOURS)]), ((3, 3), (1, 0))).astype(np.uint8)
    still = np.full((200, 200), background, np.uint8)
    still[175:190, 190 - box.shape[1] : 190] = box
    return still


def _write(folder: Path, **stills: np.ndarray) -> Path:
    for name, still in stills.items():
        cv2.imwrite(str(folder / f"{name}.png"), still)
    return folder


@pytest.mark.parametrize("background", [0, 90, 255])
@pytest.mark.parametrize("in_font_of_stills", [False, True])
@pytest.mark.parametrize("hours", ["0.0", "9.9", "33.0", "46.8", "57.2", "112.3", "130.1"])
def test_the_hours_are_read_to_the_digit_in_both_fonts(
    hours: str, in_font_of_stills: bool, background: int
) -> None:
    still = draw_still(hours, in_font_of_stills, background)
    assert read_clock_of_still(still) == float(hours)
    assert read_clock_of_still(still.astype(np.uint16) * 257) == float(hours)


@pytest.mark.parametrize("in_font_of_stills", [False, True])
def test_a_damaged_clock_is_unreadable_or_unseen_and_never_another_number(in_font_of_stills: bool) -> None:
    generator = np.random.default_rng(5)
    for _ in range(300):
        still = draw_still("33.0", in_font_of_stills, int(generator.integers(0, 256)))
        y, x = generator.integers((172, 148), (188, 188))
        height, width = generator.integers(1, 9, 2)
        still[y : y + height, x : x + width] = generator.choice([0, 128, 255])
        hours = read_clock_of_still(still)
        assert hours is None or math.isnan(hours) or hours == 33.0


def test_noise_and_plain_pictures_have_no_clock() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)
    for image in (noise, np.zeros_like(noise), np.full_like(noise, 255), noise[:33, :32], noise[:1, :1]):
        assert read_clock_of_still(image) is None


def test_a_still_has_the_hours_of_its_clock_and_they_win_over_the_frame_interval(
    tmp_path: Path, find: Find
) -> None:
    unreadable = draw_still("33.0", in_font_of_stills=True)
    unreadable[178:187, 160:163] = 0
    plain = np.full((200, 200), 90, np.uint8)
    _write(tmp_path, WELL1_RUN1=draw_still("33.0", True), WELL1_RUN2=unreadable, WELL1_RUN3=plain)
    for interval_h, last in ((None, math.nan), (0.5, 1.0)):
        refs = [read_frame(ref, OPTIONS).ref for ref in find(tmp_path, frame_interval_h=interval_h).refs]
        assert [ref.time_h for ref in refs] == pytest.approx([33.0, math.nan, last], nan_ok=True)
        assert {ref.time_reference for ref in refs[:2]} == {TimeReference.UNKNOWN}


def test_a_table_or_a_name_wins_over_the_clock_in_the_picture(tmp_path: Path, find: Find) -> None:
    _write(tmp_path, WELL1_RUN1=draw_still("33.0", True))
    (tmp_path / "WELL1_timeElapsed.csv").write_text("frame_index,time\n1,19.5\n")
    [ref] = find(tmp_path).refs
    frame = read_frame(ref, OPTIONS)
    assert (frame.ref.time_h, frame.ref.time_reference) == (19.5, TimeReference.RECORDING)


def test_the_sharpest_plane_brings_its_clock(tmp_path: Path, find: Find) -> None:
    _write(
        tmp_path, **{"WELL1_RUN1_F0": draw_still("33.0", True), "WELL1_RUN1_F15": draw_still("33.0", True)}
    )
    [ref] = find(tmp_path, focal="best").refs
    assert read_frame(ref, SourceOptions(Naming(), focal="best")).ref.time_h == 33.0


def test_the_real_still_shows_33_h(real: Path, find: Find) -> None:
    [ref] = find(real / "frames" / "embryoscope_cleavage_33h.jpg").refs
    frame = read_frame(ref, OPTIONS)
    assert (frame.ref.time_h, frame.ref.time_reference) == (33.0, TimeReference.UNKNOWN)


def _stills(folder: Path) -> list[np.ndarray]:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    assert files
    return [read_image(path, path.name) for path in files]


@pytest.mark.parametrize("folder", ["pcrm/BlastsOnline/Images", "embryoscope/frames"])
def test_real_stills_without_a_clock_show_none_and_cost_next_to_nothing(real: Path, folder: str) -> None:
    stills = _stills(real / folder)
    begun = time.process_time()
    assert {read_clock_of_still(still) for still in stills} == {None}
    assert (time.process_time() - begun) / len(stills) < 1e-3


def test_the_example_folder_shows_no_clock() -> None:
    assert {read_clock_of_still(still) for still in _stills(DAY5)} == {None}
