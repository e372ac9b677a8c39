import math
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from blastoseg.records import TimeReference
from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, glyphs, read_frame
from blastoseg.sources.burned_in import read_hours, read_well

Find = Callable[..., Discovery]
OPTIONS = SourceOptions(Naming())


def _ink(glyph: str) -> np.ndarray:
    rows = [[0 if mark == "." else int(mark) for mark in row] for row in glyph.split()]
    return np.array(rows) * 255 // 9


def _box(text: list[np.ndarray]) -> np.ndarray:
    """A white box with a line of text, as the viewer draws it: 1 column and 3 rows of margin."""
    return 255 - np.pad(np.hstack(text), ((3, 3), (1, 1))).astype(np.uint8)


def draw_frame(hours: str, well: str, background: int = 90) -> np.ndarray:
    """A frame of 200 x 200 with both labels in its bottom corners, 10 pixels from the border."""
    frame = np.full((200, 200), background, np.uint8)
    digits = [_ink(glyphs.POINT if mark == "." else glyphs.DIGITS[int(mark)]) for mark in hours]
    right = _box([*digits, _ink(glyphs.HOURS)])[:, :-1]
    left = _box([_ink(glyphs.WELL), *(_ink(glyphs.DIGITS[int(mark)]) for mark in well)])
    frame[175:190, 190 - right.shape[1] : 190] = right
    frame[175:190, 9 : 9 + left.shape[1]] = left
    return frame


def _write_video(path: Path, frames: list[np.ndarray], codec: str = "MJPG") -> Path:
    height, width = frames[0].shape
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 9, (width, height), isColor=True)
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


@pytest.mark.parametrize("background", [0, 90, 255])
@pytest.mark.parametrize("hours", ["0.0", "9.9", "19.5", "34.7", "60.8", "112.3", "121.6"])
def test_the_burned_in_hours_are_read_to_the_digit(hours: str, background: int) -> None:
    assert read_hours(draw_frame(hours, "6", background)) == float(hours)


@pytest.mark.parametrize("well", ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"])
def test_the_burned_in_well_is_read(well: str) -> None:
    frame = draw_frame("19.5", well)
    assert read_well(frame) == int(well)
    assert read_well(frame.astype(np.uint16) * 257) == int(well)


def test_a_label_is_found_away_from_its_usual_place() -> None:
    assert read_hours(np.roll(draw_frame("19.5", "6"), (-9, -14), (0, 1))) == 19.5


def test_a_damaged_label_is_unreadable_and_never_another_number() -> None:
    generator = np.random.default_rng(5)
    read = []
    for _ in range(120):
        frame = draw_frame("21.8", "6", int(generator.integers(0, 256)))
        y, x = generator.integers((172, 148), (188, 188))
        height, width = generator.integers(1, 9, 2)
        frame[y : y + height, x : x + width] = generator.choice([0, 128, 255])
        read.append(read_hours(frame))
    assert {hours for hours in read if not math.isnan(hours)} == {21.8}


def test_other_pictures_have_no_labels() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200)).astype(np.uint8)
    for image in (noise, np.zeros_like(noise), np.full_like(noise, 255), noise[:33, :32]):
        assert math.isnan(read_hours(image))
        assert read_well(image) is None


def test_well_and_hours_of_a_video_come_from_its_pixels(tmp_path: Path, find: Find) -> None:
    path = _write_video(
        tmp_path / "export.avi", [draw_frame(hours, "12") for hours in ("19.5", "19.9", "20.2")]
    )
    refs = find(path).refs
    assert [(ref.embryo_id, ref.frame_index) for ref in refs] == [
        ("Well 12", 0),
        ("Well 12", 1),
        ("Well 12", 2),
    ]
    frames = [read_frame(ref, OPTIONS) for ref in reversed(refs)]
    assert [frame.ref.time_h for frame in frames] == [20.2, 19.9, 19.5]
    assert frames[0].ref.time_reference is TimeReference.UNKNOWN


def test_a_video_without_labels_is_named_by_its_file_and_timed_by_the_interval(
    tmp_path: Path, find: Find
) -> None:
    path = _write_video(tmp_path / "export.avi", [np.full((64, 64), 90, np.uint8)] * 2)
    discovery = find(path, frame_interval_h=0.5)
    assert [(ref.embryo_id, ref.time_h) for ref in discovery.refs] == [("export", 0.0), ("export", 0.5)]
    assert read_frame(discovery.refs[1], OPTIONS).ref.time_h == 0.5
    assert "no hours could be read" in discovery.notes[0]


def test_equal_wells_of_two_videos_are_two_embryos(tmp_path: Path, find: Find) -> None:
    for name in ("slide 1.avi", "slide 2.avi"):
        _write_video(tmp_path / name, [draw_frame("19.5", "6")])
    assert [ref.embryo_id for ref in find(tmp_path).refs] == ["slide 1/Well 6", "slide 2/Well 6"]


def test_a_video_cut_short_keeps_its_whole_frames(tmp_path: Path, find: Find) -> None:
    path = _write_video(tmp_path / "export.avi", [draw_frame("19.5", "6")] * 6)
    whole = find(path).refs
    path.write_bytes(path.read_bytes()[: whole[4].address.offset + 100])
    discovery = find(path)
    assert len(discovery.refs) == 5
    assert "cut short" in discovery.notes[0]
    assert read_frame(discovery.refs[3], OPTIONS).ref.time_h == 19.5


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"RIFF\0\0\0\0WAVE", "is no AVI"), (b"RIFF\4\0\0\0AVI ", "no video stream")],
)
def test_a_video_that_cannot_be_opened_is_one_failed_row(
    tmp_path: Path, find: Find, content: bytes, words: str
) -> None:
    (tmp_path / "export.avi").write_bytes(content)
    [problem] = find(tmp_path).problems
    assert problem.reason.startswith("export.avi: ")
    assert words in problem.reason


def test_a_video_of_another_compression_says_so(tmp_path: Path, find: Find) -> None:
    path = _write_video(tmp_path / "export.avi", [draw_frame("19.5", "6")])
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"XVID"))
    [problem] = find(path).problems
    assert "compressed as XVID, not as Motion JPEG" in problem.reason


def test_chunk_lengths_that_lie_do_not_hang_or_read_beyond_the_file(tmp_path: Path, find: Find) -> None:
    path = _write_video(tmp_path / "export.avi", [draw_frame("19.5", "6")] * 3)
    content = bytearray(path.read_bytes())
    position = content.find(b"00dc", content.find(b"movi"))
    content[position + 4 : position + 8] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content)
    assert len(find(path).refs) == 1


def test_the_real_video_runs_from_19_5_to_59_5_h_in_well_6(real: Path, find: Find) -> None:
    refs = find(real / "videos" / "embryoscope_well6.avi").refs
    assert len(refs) == 121
    assert {ref.embryo_id for ref in refs} == {"Well 6"}
    hours = [read_frame(ref, OPTIONS).ref.time_h for ref in refs]
    assert (hours[0], hours[-1]) == (19.5, 59.5)
    steps = np.diff(hours)
    assert steps.min() > 0.29
    assert steps.max() < 0.41
