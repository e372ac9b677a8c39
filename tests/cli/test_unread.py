"""Output that nobody reads, a terminal that is closed, signals at a bad moment: the report is written."""

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .night import finish, make_frames, masks, start, wait_for

FRAMES = 12
FULL = Path("/dev/full")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="signals and devices as POSIX knows them"),
]
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")

SIGNALS_DURING_THE_WORKBOOK = """
import os, signal
from blastoseg.report.sheet import Sheet
append, rows = Sheet.append, []
def disturbed(self, cells, height=None):
    rows.append(1)
    append(self, cells, height)
    if len(rows) in {times}:
        os.kill(os.getpid(), {by})
Sheet.append = disturbed
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_frames(tmp_path_factory.mktemp("unread") / "ward", "WELL1", FRAMES)


def report_is_whole(out):
    return (out / "run.json").is_file() and zipfile.ZipFile(out / "report.xlsx").testzip() is None


def test_a_run_whose_reader_goes_away_writes_its_report(folder, tmp_path):
    process = start(folder, tmp_path / "out")
    process.stdout.close()
    assert process.wait(timeout=120) == 0
    assert report_is_whole(tmp_path / "out")


@needs_full
def test_a_run_that_prints_to_a_full_disk_writes_its_report(folder, tmp_path):
    with FULL.open("w", encoding="utf-8") as full:
        process = start(folder, tmp_path / "out", into=full)
    assert process.wait(timeout=120) == 0
    assert report_is_whole(tmp_path / "out")


@needs_full
def test_a_mistake_that_nobody_reads_has_its_own_exit_code(tmp_path):
    make_frames(tmp_path / "ward", "WELL1", 1)
    with FULL.open("w", encoding="utf-8") as full:
        process = start(tmp_path / "nowhere", tmp_path / "out", into=full)
    assert process.wait(timeout=120) == 4


def test_a_run_without_standard_streams_prints_into_none_of_its_files(folder, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "blastoseg", "run", folder, "--out", out, "--no-overlays"]
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], timeout=120, check=False
    )
    assert done.returncode == 0
    assert report_is_whole(out)
    assert not [path for path in out.rglob("*") if path.is_file() and b"Report:" in path.read_bytes()]


def start_where_hanging_up_is(disposition, folder, out):
    """Start a run that inherits this; else it depends on whether the tests themselves run under ``nohup``."""
    before = signal.signal(signal.SIGHUP, disposition)
    try:
        return start(folder, out)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_closed_terminal_stops_a_run_in_good_order(tmp_path):
    many, out = make_frames(tmp_path / "ward", "WELL1", 200), tmp_path / "out"
    process = start_where_hanging_up_is(signal.SIG_DFL, many, out)
    wait_for(lambda: masks(out) >= 3)
    process.send_signal(signal.SIGHUP)
    code, text = finish(process)
    assert code == 130, text
    assert report_is_whole(out)


def test_a_run_under_nohup_outlives_the_terminal(folder, tmp_path):
    out = tmp_path / "out"
    process = start_where_hanging_up_is(signal.SIG_IGN, folder, out)
    wait_for(lambda: masks(out) >= 3)
    process.send_signal(signal.SIGHUP)
    code, text = finish(process)
    assert code == 0, text


@pytest.mark.parametrize("times", [(30,), (30, 40), (30, 31, 32, 33)])
def test_signals_while_the_report_is_written_do_not_disturb_it(folder, tmp_path, times):
    out = tmp_path / "out"
    code, text = finish(start(folder, out, injected=SIGNALS_DURING_THE_WORKBOOK.format(times=times, by=15)))
    assert code == 0, text
    assert "Traceback" not in text
    assert report_is_whole(out)


def test_a_person_who_will_not_wait_for_the_report_sees_no_traceback(folder, tmp_path):
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    temporary.mkdir()
    injected = f"import tempfile\ntempfile.tempdir = {str(temporary)!r}\n" + SIGNALS_DURING_THE_WORKBOOK
    code, text = finish(start(folder, out, injected=injected.format(times=(30, 40), by=2)))
    assert code == 130, text
    assert "Traceback" not in text
    assert "ignored" not in text
    assert not [*temporary.iterdir(), *out.glob(".part-*")]
