"""Files that hold many frames are listed in a process with limits, and cost themselves at most."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import cv2
import numpy as np
import pytest
import tifffile

from blastoseg.settings import Naming
from blastoseg.sources import IsolatedReaders, SourceOptions, discover_frames, isolated, slide
from blastoseg.sources.containers import Container
from blastoseg.sources.video import SUFFIX as AVI

pytestmark = pytest.mark.slow

OPTIONS = SourceOptions(Naming())


def write_slide(
    path, jpeg: bytes, well: object = 1, fertilization: object = "41000.5", rows: int = 1
) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE IMAGES (Well, Run, Focal, Time, Image)")
        database.execute("CREATE TABLE GENERAL (Par, Val, Type)")
        database.execute("INSERT INTO GENERAL VALUES ('Fertilization', ?, 'x')", (fertilization,))
        values = ((well, run, 0, 41001.0 + run / 24, jpeg) for run in range(rows))
        database.executemany("INSERT INTO IMAGES VALUES (?, ?, ?, ?, ?)", values)
        database.commit()


def test_what_is_listed_in_a_process_of_its_own_is_what_is_listed_here(tmp_path, jpeg):
    write_slide(tmp_path / "a.pdb", jpeg, rows=3)
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((3, 48, 48), np.uint8), photometric="minisblack")
    film = cv2.VideoWriter(str(tmp_path / "c.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 5, (48, 48))
    film.write(np.zeros((48, 48, 3), np.uint8))
    film.release()
    (tmp_path / "d.pdb").write_bytes(b"no slide file")
    with IsolatedReaders(OPTIONS, 1) as readers:
        apart = discover_frames([tmp_path], OPTIONS, readers.contents_of)
    # As text: NaN equals nothing.
    assert repr(apart) == repr(discover_frames([tmp_path], OPTIONS))
    assert len(apart.refs) == 3 + 3 + 1
    assert len(apart.problems) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes among the files of Windows")
@pytest.mark.parametrize("suffix", [AVI, ".pdb", ".tif"])
def test_a_file_that_hangs_its_reader_is_one_named_problem_and_the_next_is_listed(
    tmp_path, jpeg, monkeypatch, suffix
):
    monkeypatch.setattr(isolated, "LISTING_PATIENCE_S", 1.0)
    hanging = tmp_path / f"a{suffix}"
    os.mkfifo(hanging)
    write_slide(tmp_path / "b.pdb", jpeg)
    with IsolatedReaders(OPTIONS, 1) as readers:
        begun = time.monotonic()
        contents = readers.contents_of(Container(str(hanging), f"a{suffix}"))
        assert time.monotonic() - begun < 30
        shots = [shot for series in contents.series for moment in series.moments for shot in moment]
        shots += [shot for well in contents.wells for _, _, shot in well.shots]
        assert [shot.problem.startswith(f"a{suffix}: its reader gave no answer") for shot in shots] == [True]
        assert readers.contents_of(Container(str(tmp_path / "b.pdb"), "b.pdb")).wells[0].name == "Well 1"


def test_a_huge_value_beside_the_time_of_fertilization_is_not_read(tmp_path, jpeg):
    write_slide(tmp_path / "a.pdb", jpeg, fertilization="4" * (slide.LARGEST_PICTURE + 10))
    (well,), notes = slide.find_wells(str(tmp_path / "a.pdb"), "a.pdb")
    assert len(well.shots) == 1
    assert "no usable time of fertilization" in notes[0]


def test_a_well_named_by_a_book_is_refused_before_it_is_in_memory(tmp_path, jpeg):
    write_slide(tmp_path / "a.pdb", jpeg, well="W" * (slide.LARGEST_PICTURE + 10))
    (well,), _ = slide.find_wells(str(tmp_path / "a.pdb"), "a.pdb")
    assert "too big" in well.shots[0][2].problem


def test_a_slide_file_of_more_pictures_than_any_dish_has_is_refused(tmp_path, jpeg, monkeypatch):
    monkeypatch.setattr(slide, "MOST_PICTURES", 3)
    write_slide(tmp_path / "a.pdb", b"", rows=4)
    (well,), _ = slide.find_wells(str(tmp_path / "a.pdb"), "a.pdb")
    assert "more than 3 pictures" in well.shots[0][2].problem


def test_a_script_that_reads_at_its_top_runs_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from blastoseg.settings import Naming\n"
        "from blastoseg.sources import IsolatedReaders, SourceOptions\n"
        "from blastoseg.sources.containers import Container\n"
        "from pathlib import Path\n"
        "print('top')\n"
        "with IsolatedReaders(SourceOptions(Naming()), 1) as readers:\n"
        "    print(readers.contents_of(Container(Path('a.pdb'), 'a.pdb')))\n"
    )
    (tmp_path / "a.pdb").write_bytes(b"no slide file")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("top") == 1
    assert "its reader" not in done.stdout
