"""Runs the command again and again, each time in a fork of this process, with one fault.

A line of JSON on stdin asks for one run; a line of JSON on the given descriptor says how it ended.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import pytest

from blastoseg.cli import main
from blastoseg.report import workbook
from tests.cheap_nights import make_nights_cheap, picture

SHIM = ctypes.CDLL(None)
for told in (SHIM.faults_hit_call, SHIM.faults_hit_path):
    told.restype = ctypes.c_char_p
SHIM.faults_calls.restype = ctypes.c_long


def serve() -> None:
    cv2.setNumThreads(1)
    workbook._EXPLAINED = workbook._EXPLAINED[:5]  # a long sheet that is the same in every run
    _load_everything()
    for line in sys.stdin:
        asked = json.loads(line)
        SHIM.faults_forget()
        child = os.fork()
        if child == 0:
            _run(asked)
        status = _wait(child, asked["patience_s"])
        answer = {
            "status": status,
            "calls": SHIM.faults_calls(),
            "hit": (SHIM.faults_hit_call() + b" " + SHIM.faults_hit_path()).decode("utf-8", "replace"),
        }
        print(json.dumps(answer), file=ANSWERS, flush=True)


def _load_everything() -> None:
    """One whole run, so that no fork has to import anything."""
    with tempfile.TemporaryDirectory() as folder:
        ward = Path(folder, "ward", "E1")
        ward.mkdir(parents=True)
        (ward / "E1_RUN1.png").write_bytes(picture(0))
        for out in ("out", "out"):
            _command("run", str(ward.parent), "--out", str(Path(folder, out)), "--settle", "0")


def _command(*arguments: str) -> int:
    sys.argv = ["blastoseg", *arguments]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _run(asked: dict[str, Any]) -> None:
    """In the fork: never returns."""
    said = os.open(asked["said"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(said, descriptor)
    if asked["record"]:
        SHIM.faults_record(os.open(asked["record"], os.O_CREAT | os.O_WRONLY | os.O_TRUNC))
    fault = (asked["classes"], ctypes.c_long(asked["at"]), asked["kind"], asked["error"])
    SHIM.faults_arm(asked["root"].encode(), *fault)
    code = 250
    try:
        code = _command(*asked["arguments"])
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _wait(child: int, patience_s: float) -> int:
    """The child's exit code, negative for a signal; -9999 where it had to be killed."""
    is_late = False

    def kill(*_: object) -> None:
        nonlocal is_late
        # The child may have ended, and been waited for, just before the clock is stopped.
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
            is_late = True

    signal.signal(signal.SIGALRM, kill)
    signal.setitimer(signal.ITIMER_REAL, patience_s)
    _, status = os.waitpid(child, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return -9999 if is_late else os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    # What the run of _load_everything prints must not be taken for an answer.
    ANSWERS = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    make_nights_cheap(pytest.MonkeyPatch())
    serve()
