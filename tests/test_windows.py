"""What can be held of Windows without one: docs/windows.md lists what it cannot."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from blastoseg import files
from blastoseg.errors import LockedError
from blastoseg.records import FrameRef
from blastoseg.run.journal import OutputLock, lock
from blastoseg.run.outputs import PictureNames
from blastoseg.sources.addresses import WholeImage

SOURCES = sorted((Path(__file__).parents[1] / "blastoseg").rglob("*.py"))
ONLY_ELSEWHERE = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"}
NOT_IN_OS = {
    *("fork", "getuid", "geteuid", "getgid", "pread", "pwrite", "mkfifo", "setsid", "killpg", "nice"),
    *("sched_getaffinity", "getloadavg", "statvfs", "uname", "fchmod", "chown", "posix_fadvise", "wait4"),
    *("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_DIRECTORY", "WNOHANG", "sysconf", "getpgid"),
}
LONGEST_PATH = 260
ROOM_FOR_OUT = 100


def _unguarded(tree: ast.Module) -> list[str]:
    """Names that Windows has not, outside functions that are left or guarded where they are missing."""
    found = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if (getattr(node, "module", None) or alias.name).partition(".")[0] in ONLY_ELSEWHERE
    ]
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            text = ast.unparse(function)
            is_guarded = any(word in text for word in ("hasattr(os", "os.name", "sys.platform"))
            found += [name for name in _of_os(function) if not is_guarded]
    return found


def _of_os(function: ast.FunctionDef) -> list[str]:
    return [
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in NOT_IN_OS
    ]


def test_nothing_is_asked_of_the_system_that_windows_has_not() -> None:
    found = {path.name: _unguarded(ast.parse(path.read_text("utf-8"))) for path in SOURCES}
    assert {name: names for name, names in found.items() if names} == {}


class _WindowsOs(SimpleNamespace):
    """The module ``os`` where ``os.name`` is "nt" and no folder can be opened."""

    name = "nt"
    O_BINARY = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Any, *arguments: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied", str(path))
        return os.open(path, *arguments)


def test_files_are_replaced_where_no_folder_can_be_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "os", _WindowsOs())
    path = tmp_path / "report.csv"
    for content in ("one", "two"):
        with files.replace_atomically(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    assert path.read_text("utf-8") == "two"
    assert [one.name for one in tmp_path.iterdir()] == ["report.csv"]


@pytest.mark.parametrize("letter", ["e", "\u00e9", "\u80da", "\U0001f423"])
def test_every_picture_has_a_path_that_windows_takes_below_a_folder_of_a_hundred_letters(letter: str) -> None:
    embryo = "/".join([letter * 200] * 3)
    ref = FrameRef(embryo, f"{embryo}/{letter * 250}.png", Path("a"), 99_999, WholeImage())
    for kind, suffix in (("masks", ".png"), ("overlays", ".jpg")):
        place = Path(PictureNames([ref]).place(kind, ref, suffix))
        units = len(str(place).encode("utf-16-le")) // 2
        assert units + ROOM_FOR_OUT + 1 < LONGEST_PATH
        unfinished = files.unfinished_beside(place)
        assert len(str(unfinished).encode("utf-16-le")) // 2 + ROOM_FOR_OUT + 1 < LONGEST_PATH


def test_where_no_process_can_be_looked_up_a_dead_holders_heartbeat_frees_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_machine", lambda: "")
    monkeypatch.setattr(lock, "_process_start", lambda _: "")
    killed = OutputLock(tmp_path)
    killed.__enter__()
    killed._stop.set()
    killed._heart.join()
    with pytest.raises(LockedError), OutputLock(tmp_path):
        pass
    stopped = (tmp_path / lock.LOCK_FILE).stat().st_mtime - lock.STALE_AFTER_S - 1
    os.utime(tmp_path / lock.LOCK_FILE, (stopped, stopped))
    with OutputLock(tmp_path):
        pass


STOPPED_BY_BREAK = """
import signal
# As on Windows: SIGBREAK, and none of the others. SIGUSR2 stands for it.
number = signal.SIGUSR2
for name in ("SIGHUP", "SIGUSR1", "SIGKILL", "SIGSTOP"):
    delattr(signal, name)
signal.SIGBREAK = number
from blastoseg import stopping
import os
stop = stopping.StopRequest()
with stopping.stopping_on_signals(stop):
    os.kill(os.getpid(), number)
    os.getpid()
print(stop.exit_code, len(stopping.STOP_SIGNALS))
"""


@pytest.mark.skipif(os.name == "nt", reason="stands in for it")
def test_a_console_that_breaks_off_stops_a_run() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STOPPED_BY_BREAK], capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["130", "3"]
