"""Opens hostile files by every door: ``python -m tests.hostile.fuzz --minutes 10``, or ``make fuzz``.

A worker process opens one file after the other with the memory limit of the readers; this process watches it.
A finding is a traceback, a crash, a file of more than ``LONGEST_S`` seconds, or a peak above ``MOST_BYTES``.
"""

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .doors import CORPUS, DOORS
from .mutation import mutant

ROOT = CORPUS.parents[1]
LONGEST_S = 10.0
MOST_BYTES = 2 << 30
CURRENT = "current"
"""The file that is being opened, in the folder of findings."""
HANGS_S = 40.0
"""On a machine that does other things as well: then the worker is ended."""


@dataclass(slots=True)
class Outcome:
    """What a pass found; ``findings`` by door and the seed that makes the file again."""

    files: Counter[str] = field(default_factory=Counter)
    findings: dict[tuple[str, int], str] = field(default_factory=dict)
    slowest: tuple[float, str, int] = (0.0, "", 0)
    peak_bytes: int = 0
    lines: int = 0
    leading_on: int = 0


def seeds_of(door: str) -> list[Path]:
    """The corpus of a door: good files, and earlier findings."""
    return sorted((CORPUS / door).iterdir())


def hostile_file(door: str, seed: int) -> tuple[bytes, str]:
    """The file of a seed, and its suffix."""
    paths = seeds_of(door)
    like = paths[seed % len(paths)]
    kin = [path for path in paths if path.suffix == like.suffix]
    return mutant(seed, [like.read_bytes(), *(path.read_bytes() for path in kin)]), like.suffix


def kept_as(door: str, seed: int) -> str:
    """The name of a finding's file."""
    return f"{door}-{seed}"


def fuzz(
    doors: list[str],
    seconds: float,
    first_seed: int,
    most_files: int = sys.maxsize,
    keep: Path | None = None,
) -> Outcome:
    """Go round the doors until the time, or the number of files, is used up.

    With ``keep``, a folder for the files of findings, files that reach new code lead on to others: a seed
    alone then no longer makes a file again. Without it each file depends on its seed alone.
    """
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    outcome, until = Outcome(), time.monotonic() + seconds
    seed, last = first_seed, first_seed + most_files
    while seed < last and time.monotonic() < until:
        seed = _watch(doors, (seed, min(last, sys.maxsize)), until, outcome=outcome, keep=keep)
    return outcome


def _watch(
    doors: list[str], seeds: tuple[int, int], until: float, *, outcome: Outcome, keep: Path | None
) -> int:
    """One worker's life; returns the seed to go on with."""
    seed, last = seeds
    folder = str(keep.absolute()) if keep else ""
    command = [sys.executable, "-m", "tests.hostile.worker", str(seed), str(last), folder, *doors]
    # The worker may be killed: what it leaves is swept up here.
    with tempfile.TemporaryFile() as said, tempfile.TemporaryDirectory() as scratch:
        worker = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=ROOT,
            text=True,
            env=os.environ | {"TMPDIR": scratch},
        )
        assert worker.stdout is not None
        begun: tuple[str, int] | None = None
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(worker.stdout, selectors.EVENT_READ)
                while time.monotonic() < until:
                    if not selector.select(HANGS_S):
                        assert begun, "the worker does not start"
                        outcome.findings[begun] = f"no answer within {HANGS_S:g} s"
                        _keep_current(keep, begun)
                        return begun[1] + 1
                    line = worker.stdout.readline()
                    if not line:
                        break
                    begun = _note(json.loads(line), outcome)
            if time.monotonic() >= until:
                return last
            code = worker.wait()
            if code == 0:
                return last
            said.seek(0)
            text = said.read().decode("utf-8", "replace")[-1000:]
            assert begun, f"the worker does not start: {text}"
            outcome.findings[begun] = f"the process died ({code}): {text}"
            _keep_current(keep, begun)
            return begun[1] + 1
        finally:
            worker.kill()
            worker.wait()


def _keep_current(keep: Path | None, begun: tuple[str, int]) -> None:
    if keep:
        (keep / CURRENT).replace(keep / kept_as(*begun))


def _note(line: dict[str, object], outcome: Outcome) -> tuple[str, int]:
    door, seed = str(line["door"]), int(str(line["seed"]))
    if "seconds" in line:
        seconds, peak = float(str(line["seconds"])), int(str(line["peak"]))
        outcome.files[door] += 1
        outcome.lines = max(outcome.lines, int(str(line.get("lines", 0))))
        outcome.leading_on = max(outcome.leading_on, int(str(line.get("kept", 0))))
        outcome.slowest = max(outcome.slowest, (seconds, door, seed))
        if line["finding"]:
            outcome.findings[door, seed] = str(line["finding"])
        elif seconds > LONGEST_S:
            outcome.findings[door, seed] = f"took {seconds:.1f} s"
        elif peak > MOST_BYTES >= outcome.peak_bytes:
            outcome.findings[door, seed] = f"took the memory to {peak >> 20} MiB"
        outcome.peak_bytes = max(outcome.peak_bytes, peak)
    return door, seed


def main() -> None:
    """Prints counts, worst time and memory, and findings, which are kept as files; with any, exit code 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--door", choices=list(DOORS), action="append")
    parser.add_argument("--keep", type=Path, default=ROOT / ".fuzz", help="Where findings are put.")
    given = parser.parse_args()
    outcome = fuzz(given.door or list(DOORS), given.minutes * 60, given.seed, keep=given.keep)
    (given.keep / CURRENT).unlink(missing_ok=True)
    for (door, seed), finding in outcome.findings.items():
        print(f"{door}, seed {seed}: {finding}")
    counts = ", ".join(f"{door} {count:,}" for door, count in outcome.files.items())
    print(f"{outcome.files.total():,} files from seed {given.seed} on: {counts}")
    print(f"{outcome.lines:,} lines of code reached; {outcome.leading_on} files led on to others")
    print(f"slowest {outcome.slowest[0]:.2f} s ({outcome.slowest[1]}, seed {outcome.slowest[2]}), ", end="")
    print(f"peak memory {outcome.peak_bytes >> 20} MiB, {len(outcome.findings)} findings")
    sys.exit(bool(outcome.findings))


if __name__ == "__main__":
    main()
