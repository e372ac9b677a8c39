"""One run at a time on an output folder, and no lock outlives its process."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from blastoseg.errors import LockedError, OutputError
from blastoseg.run.journal import OutputLock, lock

HOLD = """
import sys, time
from pathlib import Path
from blastoseg.errors import LockedError
from blastoseg.run.journal import OutputLock
try:
    with OutputLock(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
except LockedError as error:
    print("refused", error, flush=True)
"""


def _start(out: Path, seconds: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out), str(seconds)], stdout=subprocess.PIPE, text=True
    )


def _first_word(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().split(" ", 1)[0].strip()


def test_a_second_run_is_refused_at_once_and_told_host_process_and_start(tmp_path: Path) -> None:
    first = _start(tmp_path, 60)
    try:
        assert _first_word(first) == "held"
        began = time.monotonic()
        with pytest.raises(LockedError) as refusal, OutputLock(tmp_path):
            pass
        assert time.monotonic() - began < 5
        message = str(refusal.value)
        assert socket.gethostname() in message
        assert str(first.pid) in message
        assert "since 20" in message
    finally:
        first.kill()
        first.wait()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="tells dead processes by /proc")
def test_the_lock_of_a_killed_process_is_taken_over_by_one_of_many(tmp_path: Path) -> None:
    first = _start(tmp_path, 60)
    assert _first_word(first) == "held"
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    takers = [_start(tmp_path, 60) for _ in range(4)]
    words = [_first_word(taker) for taker in takers]
    for taker in takers:
        taker.kill()
        taker.wait()
    assert sorted(words) == ["held", "refused", "refused", "refused"]


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with OutputLock(tmp_path):
            pass


def test_another_machines_lock_holds_while_its_heart_beats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(lock, "_machine", lambda: "another boot")
        elsewhere.setattr(socket, "gethostname", lambda: "incubator-pc")
        other = OutputLock(tmp_path)
    with other, pytest.raises(LockedError, match="incubator-pc"), OutputLock(tmp_path):
        pass


def test_another_machines_lock_is_taken_over_when_its_heart_stopped_and_it_notices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "HEARTBEAT_S", 0.2)
    monkeypatch.setattr(lock, "_machine", lambda: "another boot")
    with OutputLock(tmp_path) as other:
        monkeypatch.undo()
        stopped = time.time() - 2 * lock.STALE_AFTER_S
        os.utime(tmp_path / lock.LOCK_FILE, (stopped, stopped))
        with OutputLock(tmp_path) as taker:
            deadline = time.monotonic() + 5
            while not other._is_lost and time.monotonic() < deadline:
                time.sleep(0.02)
            with pytest.raises(LockedError, match="took this folder over"):
                other.check()
            taker.check()


def test_a_heartbeat_moves_the_time_of_the_lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "HEARTBEAT_S", 0.02)
    with OutputLock(tmp_path):
        os.utime(tmp_path / lock.LOCK_FILE, (0, 0))
        deadline = time.monotonic() + 5
        while (tmp_path / lock.LOCK_FILE).stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert time.time() - (tmp_path / lock.LOCK_FILE).stat().st_mtime < 60


def test_a_folder_that_is_missing_is_an_output_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"), OutputLock(tmp_path / "nowhere"):
        pass


def test_a_folder_that_went_away_and_was_made_anew_was_not_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "HEARTBEAT_S", 0.05)
    out = tmp_path / "out"
    out.mkdir()
    with OutputLock(out) as held:
        out.rename(tmp_path / "elsewhere")
        out.mkdir()
        with pytest.raises(OutputError, match="went away while the run worked"):
            for _ in range(200):
                held.check()
                time.sleep(0.05)


@pytest.mark.parametrize("who", ["{", "[]", '{"token": 1}', "7", "", "null", "[" * 100_000])
def test_a_lock_whose_holder_cannot_be_read_is_an_output_error(tmp_path: Path, who: str) -> None:
    with OutputLock(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / lock.LOCK_FILE)) as database, database:
        database.execute("INSERT INTO holder VALUES (?)", (who,))
    with pytest.raises(OutputError, match="move the file away"), OutputLock(tmp_path):
        pass


def test_a_lock_that_is_no_database_is_an_output_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / lock.LOCK_FILE).write_bytes(b"no database, and longer than the header of one" * 90)
    with pytest.raises(OutputError, match="is damaged"), OutputLock(tmp_path):
        pass
