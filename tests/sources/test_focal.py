from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from blastoseg.errors import UsageError
from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, read_frame
from blastoseg.sources.focal import focus_measure

Find = Callable[..., Discovery]
Lay = Callable[..., Path]


def test_planes_in_names_or_folders_belong_to_one_moment(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path / "names", "A/x_RUN1_F-15.jpg", "A/x_RUN1_F0.jpg", "A/x_RUN1_F15.jpg")
    lay(tmp_path / "folders", "A/F-15/x_RUN1.jpg", "A/F0/x_RUN1.jpg", "A/F15/x_RUN1.jpg")
    lay(tmp_path / "over", "F-15/A/x_RUN1.jpg", "F0/A/x_RUN1.jpg", "F15/A/x_RUN1.jpg")
    lay(tmp_path / "gomez", "set_F-15/A/x_RUN1.jpg", "set/A/x_RUN1.jpg", "set_F15/A/x_RUN1.jpg")
    for kind, centre in (
        ("names", "A/x_RUN1_F0.jpg"),
        ("folders", "A/F0/x_RUN1.jpg"),
        ("over", "F0/A/x_RUN1.jpg"),
        ("gomez", "set/A/x_RUN1.jpg"),
    ):
        [ref] = find(tmp_path / kind).refs
        assert (ref.source, ref.focal_plane) == (centre, 0)
        assert ref.embryo_id == ("set/A" if kind == "gomez" else "A")
        assert [ref.focal_plane for ref in find(tmp_path / kind, focal="15").refs] == [15]


def test_sibling_folders_given_as_two_paths_are_planes_of_the_same_embryos(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    lay(tmp_path, "set/A/x_RUN1.jpg", "set_F15/A/x_RUN1.jpg")
    [ref] = find(tmp_path / "set", tmp_path / "set_F15", focal="15").refs
    assert (ref.embryo_id, ref.source) == ("A", "set_F15/A/x_RUN1.jpg")


def test_the_sharpest_plane_is_taken_and_named(
    tmp_path: Path, find: Find, lay: Lay, jpeg_of: Callable[[int], bytes]
) -> None:
    lay(tmp_path, "A/x_F-15.jpg", "A/x_F0.jpg", "A/x_F15.jpg")
    for plane, blur in ((-15, 0), (0, 2), (15, 4)):
        (tmp_path / "A" / f"x_F{plane}.jpg").write_bytes(jpeg_of(blur))
    [ref] = find(tmp_path, focal="best").refs
    frame = read_frame(ref, SourceOptions(Naming(), "best"))
    assert (frame.ref.focal_plane, frame.ref.source) == (-15, "A/x_F-15.jpg")


def test_all_planes_of_a_moment_share_its_number_and_hours_the_nearest_to_the_centre_first(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    lay(tmp_path, *(f"A/x_RUN{run}_F{plane}.jpg" for run in (1, 2) for plane in (-15, 0, 15, 30)))
    lay(tmp_path, "B/y_RUN1.jpg")
    refs = find(tmp_path, focal="all", frame_interval_h=0.5).refs
    assert [(ref.embryo_id, ref.frame_index, ref.focal_plane, ref.time_h) for ref in refs] == [
        *(("A", 0, plane, 0.0) for plane in (0, -15, 15, 30)),
        *(("A", 1, plane, 0.5) for plane in (0, -15, 15, 30)),
        ("B", 0, None, 0.0),
    ]


def test_a_broken_plane_does_not_count_among_the_sharpest(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path, "A/x_F0.jpg", "A/x_F15.jpg")
    (tmp_path / "A" / "x_F0.jpg").write_bytes(b"")
    [ref] = find(tmp_path, focal="best").refs
    assert read_frame(ref, SourceOptions(Naming(), "best")).ref.focal_plane == 15


def test_a_moment_without_the_chosen_plane_is_a_failed_row(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path, "A/RUN1_F0.jpg", "A/RUN1_F15.jpg", "A/RUN2_F15.jpg", "A/RUN3_F0.jpg")
    discovery = find(tmp_path)
    assert [ref.frame_index for ref in discovery.refs] == [0, 2]
    [problem] = discovery.problems
    assert problem.ref.frame_index == 1
    assert "focal plane 0 is missing at this moment (found: 15)" in problem.reason


def test_pictures_whose_names_do_not_tell_their_moment_are_left_to_the_chosen_plane(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    lay(tmp_path, "A/001_F0.jpg", "A/002_F15.jpg", "A/003_F0.jpg", "A/004_F15.jpg")
    discovery = find(tmp_path)
    assert [ref.source for ref in discovery.refs] == ["A/001_F0.jpg", "A/003_F0.jpg"]
    assert "2 pictures of other planes left out" in discovery.notes[0]


def test_a_plane_that_nothing_has_is_answered_with_the_planes_found(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    lay(tmp_path, "A/x_F-15.jpg", "A/x_F0.jpg")
    with pytest.raises(UsageError, match=r"--focal 30: .*choose one of -15, 0, best, all"):
        find(tmp_path, focal="30")
    with pytest.raises(UsageError, match="--focal sharp: must be"):
        find(tmp_path, focal="sharp")


def test_the_only_plane_of_an_input_is_taken_whatever_its_number(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    lay(tmp_path, "set_F15/A/RUN1.jpg")
    assert [ref.focal_plane for ref in find(tmp_path / "set_F15").refs] == [15]


def test_the_focus_measure_falls_with_blur_and_not_with_contrast(
    picture: Callable[[int], np.ndarray],
) -> None:
    sharpness = [focus_measure(picture(blur)) for blur in (0, 1, 2, 4)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert focus_measure(picture(0) // 2) == pytest.approx(focus_measure(picture(0)), rel=0.05)
    assert focus_measure(np.full((40, 40), 7, np.uint8)) == 0
