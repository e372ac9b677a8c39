"""The command in forks of one process, under shim.c."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path

HERE = Path(__file__).parent
PATIENCE_S = 120.0
LATE = -9999
"""As in worker.py."""


class Kind(IntEnum):
    """What happens at a call: as in shim.c."""

    COUNT = 0
    FAIL = 1
    FAIL_FROM = 2
    SHORT = 3
    KILL_BEFORE = 4
    KILL_AFTER = 5
    SHARING = 6
    """At every call: what is open is neither moved nor deleted, as on Windows."""


class Calls(IntFlag):
    """Which calls are counted: as in shim.c."""

    OPEN = 1
    READ = 2
    WRITE = 4
    SYNC = 8
    NAME = 16
    LOOK = 32
    LOCK = 64
    CLOSE = 128
    MODE = 256
    ALL = 511
    CHANGING = WRITE | SYNC | NAME


@dataclass(frozen=True, slots=True)
class Fault:
    """``kind`` at call number ``at`` of those in ``classes``; by default nothing but counting."""

    kind: Kind = Kind.COUNT
    at: int = 0
    classes: Calls = Calls.ALL
    error: int = 0

    def __str__(self) -> str:
        name = errno.errorcode.get(self.error, "")
        return f"{self.kind.name} {name} at call {self.at} of {self.classes!r}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: exit code or negative signal, what it said, calls, and the call that was hit."""

    code: int
    said: str
    calls: int
    hit: str


def build_shim(folder: Path) -> Path:
    """Compile shim.c. Raises OSError or CalledProcessError where there is no compiler, or another system."""
    shim = folder / "shim.so"
    compiler = os.environ.get("CC", "cc")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", shim, HERE / "shim.c"], check=True, capture_output=True
    )
    return shim


class Worker:
    """Context manager over a process that runs the command in forks of itself, under the shim."""

    def __init__(self, shim: Path, folder: Path) -> None:
        self._shim, self._folder = shim, folder

    def __enter__(self) -> "Worker":
        for name in ("temporary",):
            (self._folder / name).mkdir(exist_ok=True)
        one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=HERE.parents[1],
            env=os.environ | one | {"LD_PRELOAD": str(self._shim), "TMPDIR": str(self._folder / "temporary")},
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()

    def run(
        self,
        root: Path,
        *arguments: object,
        fault: Fault = Fault(),
        record: Path | None = None,
        patience_s: float = PATIENCE_S,
    ) -> Ended:
        """``blastoseg`` with these arguments, and a fault among its calls on files below ``root``.

        It is killed after ``patience_s``: its code is LATE then.
        """
        said = self._folder / "said.txt"
        asked = {
            "arguments": [str(one) for one in arguments],
            "root": str(root),
            "classes": int(fault.classes),
            "at": fault.at,
            "kind": int(fault.kind),
            "error": fault.error,
            "record": str(record or ""),
            "said": str(said),
            "patience_s": patience_s,
        }
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        text = said.read_text("utf-8", "replace")
        return Ended(answer["status"], text, answer["calls"], answer["hit"].replace(f"{root}/", ""))

    @property
    def crashes(self) -> list[Path]:
        """What the command wrote about errors that nobody foresaw."""
        return list((self._folder / "temporary").glob("blastoseg-crash-*"))
