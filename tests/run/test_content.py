"""A frame is known by its file's size, time and samples, however the ledger knew it before."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import pytest

from blastoseg.run import pipeline
from blastoseg.run.events import RunEnded, RunStarted
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings
from tests.cheap_nights import make_nights_cheap
from tests.gray_values import GRAY_OF_LABEL, drawn_labels

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _cheap() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_nights_cheap(patch)
        yield


def _write(frame: Path, radius: int) -> None:
    frame.parent.mkdir(exist_ok=True)
    image = GRAY_OF_LABEL[drawn_labels(56, radius=radius, icm=6)]
    frame.write_bytes(cv2.imencode(".bmp", image)[1].tobytes())
    os.utime(frame, (1_700_000_000, 1_700_000_000))


def _night(folder: Path) -> tuple[int, str]:
    """How many frames were scored, and the tables."""
    started, *_, ended = pipeline.score_folder(RunRequest([folder / "E1"], Settings(), out=folder / "out"))
    assert isinstance(started, RunStarted)
    assert isinstance(ended, RunEnded)
    return started.frames - started.already_scored, (folder / "out" / "frames.csv").read_text()


def test_other_pixels_of_the_same_size_and_time_are_scored(tmp_path: Path) -> None:
    frame = tmp_path / "E1" / "E1_RUN1.bmp"
    _write(frame, 26)
    _, before = _night(tmp_path)
    assert _night(tmp_path) == (0, before)
    size = frame.stat().st_size
    _write(frame, 22)
    assert frame.stat().st_size == size
    scored, after = _night(tmp_path)
    assert scored == 1
    assert after != before


def test_what_was_known_by_size_and_time_alone_is_not_scored_again_and_known_better_now(
    tmp_path: Path,
) -> None:
    _write(tmp_path / "E1" / "E1_RUN1.bmp", 26)
    _, before = _night(tmp_path)
    content = "substr(content, 1, length(content) - 17)"
    _as_before(tmp_path / "out" / "journal.sqlite", content)
    assert _night(tmp_path) == (0, before)
    _write(tmp_path / "E1" / "E1_RUN1.bmp", 22)
    assert _night(tmp_path)[0] == 1


def _as_before(ledger: Path, content: str) -> None:
    from blastoseg.run.journal.schema import frame_digest

    with closing(sqlite3.connect(ledger)) as database, database:
        database.create_function("frame_digest", -1, frame_digest)
        database.execute(f"UPDATE frames SET content = {content}")
        columns = [row[1] for row in database.execute("PRAGMA table_info(frames)")][:-1]
        database.execute(f"UPDATE frames SET digest = frame_digest({', '.join(columns)})")
