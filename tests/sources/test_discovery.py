import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blastoseg.errors import InputNotFoundError, UnreadableFrameError, UsageError
from blastoseg.records import TimeReference
from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, discover_frames, read_frame

Find = Callable[..., Discovery]
Lay = Callable[..., Path]


def _ids(discovery: Discovery) -> list[tuple[str, str, int]]:
    return [(ref.embryo_id, ref.source, ref.frame_index) for ref in discovery.refs]


def test_one_sub_folder_is_one_embryo_and_its_runs_are_in_natural_order(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    lay(tmp_path, "B/x_RUN10.jpg", "B/x_RUN2.jpg", "A/x_RUN1.jpg")
    assert _ids(find(tmp_path)) == [
        ("A", "A/x_RUN1.jpg", 0),
        ("B", "B/x_RUN2.jpg", 0),
        ("B", "B/x_RUN10.jpg", 1),
    ]


def test_a_flat_folder_is_grouped_by_the_well_in_the_names(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path, "S1_WELL2_RUN2.jpg", "S1_WELL10_RUN1.jpg", "S1_WELL2_RUN1.jpg")
    assert [(ref.embryo_id, ref.frame_index) for ref in find(tmp_path).refs] == [
        ("S1_WELL2", 0),
        ("S1_WELL2", 1),
        ("S1_WELL10", 0),
    ]


def test_pictures_without_a_well_in_a_flat_folder_are_embryos_of_their_own(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    lay(tmp_path, "Blast 12 D5.jpg", "Blast 3 D5.jpg")
    assert [ref.embryo_id for ref in find(tmp_path).refs] == ["Blast 3 D5", "Blast 12 D5"]


def test_wells_in_one_sub_folder_are_told_apart(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path, "slide/WELL1_RUN1.jpg", "slide/WELL2_RUN1.jpg")
    assert [ref.embryo_id for ref in find(tmp_path).refs] == ["slide/WELL1", "slide/WELL2"]


def test_two_pictures_that_claim_one_moment_are_both_kept(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path, "A/x_RUN1.jpg", "A/x_RUN1.jpeg", "A/x_RUN2.jpg")
    assert [ref.frame_index for ref in find(tmp_path).refs] == [0, 1, 2]


def test_equal_embryo_names_and_sources_in_two_given_folders_are_told_apart(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    for day in ("monday", "tuesday"):
        lay(tmp_path / day / "export", "WELL1.jpg")
    discovery = find(tmp_path / "monday/export", tmp_path / "tuesday/export")
    assert _ids(discovery) == [
        ("monday/export/WELL1", "monday/export/WELL1.jpg", 0),
        ("tuesday/export/WELL1", "tuesday/export/WELL1.jpg", 0),
    ]


def test_a_file_given_twice_is_one_frame(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path, "WELL1.jpg")
    assert len(find(tmp_path, tmp_path / "WELL1.jpg").refs) == 1


ODD_NAMES = [
    "a b.jpg",
    'it\'s "x".jpg',
    "new\nline.jpg",
    "\N{WHITE HEART SUIT}\U0001f9eb.jpg",
    "=1+1.jpg",
    "n" * 246 + ".jpg",
]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow these names")
def test_odd_names_are_found_and_read(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path / "A", *ODD_NAMES)
    refs = find(tmp_path).refs
    assert {ref.source for ref in refs} == {f"A/{name}" for name in ODD_NAMES}
    assert all(read_frame(ref, SourceOptions(Naming())).image.shape == (48, 48) for ref in refs)


@given(
    st.sets(
        st.tuples(st.sampled_from("ABC"), st.integers(1, 30), st.sampled_from([-15, 0, 15])),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_moment_is_a_frame_or_a_failed_row_and_indices_run_from_0(
    tmp_path_factory: pytest.TempPathFactory, shots: set[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("day5")
    for well, run, plane in shots:
        (folder / well).mkdir(exist_ok=True)
        (folder / well / f"RUN{run}_F{plane}.jpg").touch()
    if not any(plane == 0 for *_, plane in shots) and len({plane for *_, plane in shots}) > 1:
        with pytest.raises(UsageError, match="choose one of -15, 15, best"):
            discover_frames([folder], SourceOptions(Naming()))
        return
    discovery = discover_frames([folder], SourceOptions(Naming()))
    rows = [*discovery.refs, *(problem.ref for problem in discovery.problems)]
    for well in {well for well, *_ in shots}:
        indices = sorted(row.frame_index for row in rows if row.embryo_id == well)
        assert indices == list(range(len(indices)))
    assert len({(row.source, row.address.key) for row in rows}) == len(rows)


@pytest.mark.parametrize("names", [[], ["notes.txt"], [".hidden.jpg"]])
def test_a_folder_without_frames_is_named(tmp_path: Path, find: Find, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputNotFoundError, match=f"{tmp_path.name}: .*give a folder with"):
        find(tmp_path)


def test_a_missing_path_and_a_file_of_another_kind_are_named(tmp_path: Path, find: Find) -> None:
    with pytest.raises(InputNotFoundError, match=r"gone: does not exist"):
        find(tmp_path / "gone")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputNotFoundError, match=r"notes\.txt: is of no kind that can be read"):
        find(tmp_path / "notes.txt")


def test_other_files_are_counted_and_our_reports_and_label_folders_passed_over(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    lay(
        tmp_path,
        "A/x.jpg",
        "A/masks/x.jpg",
        "day5-blastoseg/overlays/A/x.jpg",
        "set/Images/y.jpg",
        "set/GT_ICM/y.jpg",
    )
    (tmp_path / "A" / "notes.txt").touch()
    (tmp_path / "day5-blastoseg" / "journal.sqlite").touch()
    discovery = find(tmp_path)
    assert [(ref.embryo_id, ref.source) for ref in discovery.refs] == [
        ("A", "A/x.jpg"),
        ("set/y", "set/Images/y.jpg"),
    ]
    assert discovery.ignored == 4
    with pytest.raises(InputNotFoundError, match="is a report of blastoseg"):
        find(tmp_path / "day5-blastoseg")


def test_links_that_leave_the_folder_are_followed_only_when_wanted(
    tmp_path: Path, find: Find, lay: Lay
) -> None:
    outside, inside = lay(tmp_path / "other", "A/x.jpg"), lay(tmp_path / "day5", "B/x.jpg")
    (inside / "out").symlink_to(outside / "A")
    (inside / "B" / "y.jpg").symlink_to(outside / "A" / "x.jpg")
    (inside / "B" / "round").symlink_to(inside)
    discovery = find(inside)
    assert [ref.source for ref in discovery.refs] == ["B/x.jpg"]
    assert discovery.ignored == 2
    # Both links lead to one picture, which is one frame.
    assert len(find(inside, follow_symlinks=True).refs) == 2


def test_a_named_pipe_does_not_stop_the_run(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path, "A/x.jpg")
    os.mkfifo(tmp_path / "A" / "y.jpg")
    assert len(find(tmp_path).refs) == 1


def test_hours_come_from_the_table_of_gomez(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path / "embryo_dataset", "V1/V1_WELL7_RUN1.jpg", "V1/V1_WELL7_RUN2.jpg", "V2/V2_RUN1.jpg")
    times = tmp_path / "embryo_dataset_time_elapsed"
    times.mkdir()
    (times / "V1_timeElapsed.csv").write_text("frame_index,time\n1,19.5\n2,19.9\n")
    (times / "V2_timeElapsed.csv").write_text("frame_index,time\n1,soon\n")
    discovery = find(tmp_path / "embryo_dataset")
    assert [ref.time_h for ref in discovery.refs[:2]] == [19.5, 19.9]
    assert discovery.refs[0].time_reference is TimeReference.RECORDING
    assert discovery.refs[2].time_h != discovery.refs[2].time_h
    assert "V2_timeElapsed.csv: cannot be used" in discovery.remarks[0]


def test_the_frame_interval_gives_hours_where_nothing_else_does(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path, "A/RUN1.jpg", "A/RUN2.jpg")
    refs = find(tmp_path, frame_interval_h=0.25).refs
    assert [(ref.time_h, ref.time_reference) for ref in refs] == [
        (0.0, TimeReference.RECORDING),
        (0.25, TimeReference.RECORDING),
    ]
    assert find(tmp_path).refs[0].time_reference is TimeReference.UNKNOWN


def test_a_broken_file_is_found_and_fails_only_when_it_is_read(tmp_path: Path, find: Find, lay: Lay) -> None:
    lay(tmp_path, "A/x.jpg")
    (tmp_path / "A" / "y.jpg").write_bytes(b"")
    x, y = find(tmp_path).refs
    assert read_frame(x, SourceOptions(Naming())).image.dtype == "uint8"
    with pytest.raises(UnreadableFrameError, match=r"^A/y\.jpg: the file is empty"):
        read_frame(y, SourceOptions(Naming()))


def test_the_real_cases_are_all_found(real: Path, find: Find) -> None:
    discovery = find(real / "frames", real / "videos")
    assert len(discovery.refs) == 2 + 121
    assert not discovery.problems
