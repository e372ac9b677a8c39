import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import TimeReference
from blastoseg.settings import Naming
from blastoseg.sources import Discovery, SourceOptions, read_frame

Find = Callable[..., Discovery]
OPTIONS = SourceOptions(Naming())
DAY = 41000.25


@dataclass
class Slide:
    """Writes an EmbryoScope slide file: two wells, two runs, three planes."""

    path: Path
    jpeg: bytes
    general: list[tuple[str, object]] = field(
        default_factory=lambda: [("Fertilization", str(DAY)), ("PatientIDx", "PERSON-4711")]
    )
    images: dict[tuple[object, object, object], object] = field(default_factory=dict)

    def write(self) -> Path:
        with closing(sqlite3.connect(self.path)) as database:
            database.execute("CREATE TABLE IMAGES (Well, Run, Focal, Time, Image)")
            database.execute("CREATE TABLE GENERAL (Par, Val, Type)")
            database.executemany("INSERT INTO GENERAL VALUES (?, ?, 'x')", self.general)
            for well in (10, 2):
                for run in (11, 2):
                    for focal in (-15, 0, 15):
                        image = self.images.get((well, run, focal), self.jpeg)
                        row = (well, run, focal, DAY + 1 + run / 24, image)
                        database.execute("INSERT INTO IMAGES VALUES (?, ?, ?, ?, ?)", row)
            database.commit()
        return self.path


@pytest.fixture
def slide(tmp_path: Path, jpeg: bytes) -> Slide:
    return Slide(tmp_path / "slide 1#?.pdb", jpeg)


def test_wells_runs_and_hours_since_insemination_come_from_the_slide_file(slide: Slide, find: Find) -> None:
    refs = find(slide.write()).refs
    assert [(ref.embryo_id, ref.frame_index, ref.focal_plane) for ref in refs] == [
        ("Well 2", 0, 0),
        ("Well 2", 1, 0),
        ("Well 10", 0, 0),
        ("Well 10", 1, 0),
    ]
    assert refs[1].time_h == pytest.approx(24 + 11, abs=1e-6)
    assert refs[1].time_reference is TimeReference.INSEMINATION


def test_pictures_are_read_from_several_threads(slide: Slide, find: Find) -> None:
    refs = find(slide.write()).refs
    with ThreadPoolExecutor(4) as pool:
        frames = list(pool.map(lambda ref: read_frame(ref, OPTIONS), refs * 5))
    assert {frame.image.shape for frame in frames} == {(48, 48)}


def test_another_plane_and_the_sharpest_one_can_be_chosen(
    slide: Slide, find: Find, jpeg_of: Callable[[int], bytes]
) -> None:
    slide.images = {(2, 2, -15): jpeg_of(3), (2, 2, 0): jpeg_of(2), (2, 2, 15): jpeg_of(0)}
    path = slide.write()
    assert {ref.focal_plane for ref in find(path, focal="-15").refs} == {-15}
    sharpest = read_frame(find(path, focal="best").refs[0], SourceOptions(Naming(), "best"))
    assert sharpest.ref.focal_plane == 15


def test_a_picture_cut_short_or_missing_fails_alone_and_is_named(slide: Slide, find: Find) -> None:
    slide.images = {(2, 2, 0): slide.jpeg[:300], (2, 11, 0): None}
    refs = find(slide.write()).refs
    for ref, words in zip(refs, ("cut short", "holds no picture"), strict=False):
        with pytest.raises(UnreadableFrameError, match=rf"^slide 1#\?\.pdb, Well 2, .*{words}"):
            read_frame(ref, OPTIONS)
    assert read_frame(refs[2], OPTIONS).image.shape == (48, 48)


@pytest.mark.parametrize("fertilization", [[], [("Fertilization", "0")], [("Fertilization", "x")]])
def test_without_a_time_of_fertilization_hours_count_from_the_first_picture(
    slide: Slide, find: Find, fertilization: list[tuple[str, object]]
) -> None:
    slide.general = fertilization
    refs = find(slide.write()).refs
    assert (refs[0].time_h, refs[1].time_h) == (0, pytest.approx(9, abs=1e-6))
    assert refs[0].time_reference is TimeReference.RECORDING


def test_nothing_that_identifies_a_person_leaves_the_slide_file(slide: Slide, find: Find) -> None:
    discovery = find(slide.write())
    assert "4711" not in repr(discovery)
    assert "4711" not in repr(read_frame(discovery.refs[0], OPTIONS).ref)


def test_the_slide_file_is_not_changed_and_nothing_is_written_beside_it(slide: Slide, find: Find) -> None:
    content = slide.write().read_bytes()
    read_frame(find(slide.path).refs[0], OPTIONS)
    assert slide.path.read_bytes() == content
    assert [path.name for path in slide.path.parent.iterdir()] == [slide.path.name]


def test_a_slide_file_that_is_none_or_damaged_is_one_failed_row(slide: Slide, find: Find) -> None:
    slide.path.write_text("not a database")
    [problem] = find(slide.path).problems
    assert problem.reason.startswith("slide 1#?.pdb: is not an SQLite slide file")
    slide.path.unlink()
    content = bytearray(slide.write().read_bytes())
    content[100:4096] = bytes(3996)
    slide.path.write_bytes(content)
    [problem] = find(slide.path).problems
    assert "is a damaged slide file" in problem.reason


def test_a_row_without_a_well_is_a_failed_row_beside_the_good_ones(slide: Slide, find: Find) -> None:
    with closing(sqlite3.connect(slide.write())) as database:
        database.execute("INSERT INTO IMAGES VALUES (NULL, 1, 0, 1.0, x'00')")
        database.commit()
    discovery = find(slide.path)
    assert len(discovery.refs) == 4
    assert [("tells no well" in problem.reason) for problem in discovery.problems] == [True]
