"""Nights that go wrong: stopped, killed, with files still being written; and nights without names."""

import json
import os
import random
import signal
import time
import zipfile

import pytest

from .night import everything_written, finish, make_frames, masks, start, tables, wait_for

FRAMES = 200
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals as POSIX knows them"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_frames(tmp_path_factory.mktemp("night") / "Ward7", "JaneDoe_WELL1", FRAMES)


@pytest.fixture(scope="module")
def undisturbed(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "out"
    code, text = finish(start(folder, out))
    assert code == 0, text
    return out


def test_a_run_that_is_asked_to_stop_writes_what_it_has_and_the_next_goes_on(folder, undisturbed, tmp_path):
    out, summary = tmp_path / "out", tmp_path / "summary.json"
    process = start(folder, out, "--summary-json", summary)
    wait_for(lambda: masks(out) >= 5)
    process.send_signal(signal.SIGTERM)
    code, text = finish(process)
    assert code == 130, text
    assert json.loads(summary.read_text())["exit_code"] == 130
    rows = (out / "frames.csv").read_text().count("\n") - 1
    assert 0 < rows < FRAMES
    assert zipfile.ZipFile(out / "report.xlsx").testzip() is None
    code, text = finish(start(folder, out))
    assert code == 0, text
    assert tables(out) == tables(undisturbed)


def test_a_run_killed_again_and_again_ends_as_one_never_killed(folder, undisturbed, tmp_path):
    out, rng = tmp_path / "out", random.Random(7)
    kills = int(os.environ.get("BLASTOSEG_KILLS", "12"))
    for kill in range(kills):
        process = start(folder, out)
        wait_for(lambda: masks(out) >= min(FRAMES * kill // kills, FRAMES))  # noqa: B023 (called at once)
        time.sleep(rng.uniform(0.0, 0.4))
        process.kill()
        finish(process)
    code, text = finish(start(folder, out))
    assert code == 0, text
    assert tables(out) == tables(undisturbed)
    assert not [path.name for path in out.rglob("*.tmp")]


def test_a_file_just_written_is_left_for_the_next_run_and_counted(folder, tmp_path):
    growing = folder.parent / "growing" / "WELL2"
    growing.mkdir(parents=True)
    (growing / "WELL2_RUN1.jpg").write_bytes(
        (folder / "JaneDoe_WELL1" / "JaneDoe_WELL1_RUN001.jpg").read_bytes()
    )
    os.link(folder / "JaneDoe_WELL1" / "JaneDoe_WELL1_RUN001.jpg", growing / "WELL2_RUN2.jpg")
    summary = tmp_path / "summary.json"
    code, text = finish(
        start(growing.parent, tmp_path / "out", "--settle", "3600", "--summary-json", summary)
    )
    assert code == 0, text
    assert "1 file" in text
    assert "WELL2_RUN1" not in (tmp_path / "out" / "frames.csv").read_text()
    assert "WELL2_RUN2" in (tmp_path / "out" / "frames.csv").read_text()


def test_pseudonyms_leave_no_name_in_any_output(folder, tmp_path):
    out, key = tmp_path / "out", tmp_path / "keys" / "lab.key"
    key.parent.mkdir()
    code, text = finish(start(folder, out, "--pseudonymise", key))
    assert code == 0, text
    written = text.encode() + everything_written(out)
    for name in (b"JaneDoe", b"Ward7"):
        assert name not in written
    assert key.stat().st_mode & 0o077 == 0
    assert any(b"JaneDoe" in path.read_bytes() for path in key.parent.iterdir())
