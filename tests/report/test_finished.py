"""A finished run, read from a folder that may be damaged or changed."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from blastoseg.course.tables import course_tables
from blastoseg.errors import InputNotFoundError, OutputError, UnreadableFrameError
from blastoseg.report.finished import Run
from blastoseg.report.tables import frames_table, write_csv

LABELS = np.tile(np.arange(5, dtype=np.uint8), (40, 8))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of four frames: pictures, none, deleted ones, and paths that lead out of its folder."""
    out = tmp_path / "out"
    for kind in ("masks", "overlays"):
        (out / kind).mkdir(parents=True)
    cv2.imwrite(str(out / "masks" / "a.png"), LABELS)
    cv2.imwrite(str(out / "overlays" / "a.jpg"), np.full((40, 40, 3), (0, 0, 200), np.uint8))
    cv2.imwrite(str(tmp_path / "secret.png"), LABELS)
    files = [("masks/a.png", "overlays/a.jpg"), ("", ""), ("masks/b.png", "overlays/b.jpg")]
    files.append(("masks/../../secret.png", str(tmp_path / "secret.png")))
    rows = [
        {"embryo_id": f"E{number}", "source": "a.jpg", "frame_index": 0, "status": "ok"}
        | {"flags": "", "time_reference": "unknown", "mask": mask, "overlay": overlay}
        for number, (mask, overlay) in enumerate(files)
    ]
    tables = course_tables(frames_table(rows))
    for name in ("frames", "events"):
        write_csv(getattr(tables, name), out / f"{name}.csv")
    return Run.open(out)


def test_the_pictures_of_a_row_are_what_was_written(run: Run) -> None:
    row = run.frames.iloc[0]
    np.testing.assert_array_equal(run.mask(row), LABELS)
    overlay = run.overlay(row.to_dict())
    assert overlay.shape == (40, 40, 3)
    assert overlay[20, 20].tolist() == pytest.approx([200, 0, 0], abs=3)
    assert len(run.events) == 0


@pytest.mark.parametrize("kind", ["mask", "overlay"])
def test_a_row_without_a_picture_and_a_deleted_one_are_told_apart(run: Run, kind: str) -> None:
    read = getattr(run, kind)
    with pytest.raises(InputNotFoundError, match=f"the row of E1, a.jpg, names no {kind}"):
        read(run.frames.iloc[1])
    with pytest.raises(InputNotFoundError, match="names no"):
        read({})
    with pytest.raises(InputNotFoundError, match=r"b\.\w+: is gone"):
        read(run.frames.iloc[2])


@pytest.mark.parametrize("kind", ["mask", "overlay"])
def test_a_changed_table_leads_nowhere_outside_the_folder(run: Run, kind: str) -> None:
    with pytest.raises(OutputError, match="lies outside"):
        getattr(run, kind)(run.frames.iloc[3])


def test_damage_is_named(run: Run) -> None:
    row = run.frames.iloc[0]
    for path in (run.out / "masks" / "a.png", run.out / "overlays" / "a.jpg"):
        path.write_bytes(b"\0" * 99)
    with pytest.raises(UnreadableFrameError, match=r"a\.png: is not an image"):
        run.mask(row)
    with pytest.raises(OutputError, match=r"a\.jpg: cannot be read as an image"):
        run.overlay(row)
    with pytest.raises(InputNotFoundError, match=r"embryos\.csv: there is no such table"):
        _ = run.embryos
    pd.read_csv(run.out / "frames.csv").drop(columns="status").to_csv(run.out / "frames.csv")
    with pytest.raises(OutputError, match="lacks status"):
        Run.open(run.out)
