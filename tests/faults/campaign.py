"""Many faults by hand: ``python -m tests.faults.campaign --scene first --step 7``."""

import argparse
import errno
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .disturbed import Scene, problems, problems_after_kills, problems_after_power_cut
from .scenes import SCENES
from .shim import Calls, Fault, Kind, Worker, build_shim

MEMORY = "/dev/shm"
KINDS = {
    "eio": (Kind.FAIL, Calls.ALL, errno.EIO),
    "dead": (Kind.FAIL_FROM, Calls.ALL, errno.EIO),
    "full": (Kind.FAIL_FROM, Calls.OPEN | Calls.CHANGING, errno.ENOSPC),
    "enospc": (Kind.FAIL, Calls.OPEN | Calls.CHANGING, errno.ENOSPC),
    "short": (Kind.SHORT, Calls.READ | Calls.WRITE, 0),
    "denied": (Kind.FAIL, Calls.OPEN | Calls.NAME | Calls.MODE, errno.EACCES),
    "kill": (Kind.KILL_BEFORE, Calls.OPEN | Calls.CHANGING, 0),
    "killed": (Kind.KILL_AFTER, Calls.CHANGING, 0),
}
"""What happens, at which calls, with which error."""
POWER, MOMENTS = "power", "moments"
KILLS = 10


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", choices=SCENES, action="append")
    parser.add_argument("--kind", choices=[*KINDS, POWER, MOMENTS], action="append")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1, help="every so many calls")
    parser.add_argument("--cuts", type=int, default=100, help="power cuts, or kills, in a scene")
    asked = parser.parse_args()
    faults = findings = 0
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        folder = Path(name)
        with Worker(build_shim(folder), folder) as worker:
            for scene_name in asked.scene or SCENES:
                (folder / scene_name).mkdir()
                scene = SCENES[scene_name](worker, folder / scene_name)
                for kind in asked.kind or [*KINDS, POWER, MOMENTS]:
                    began, tried = time.monotonic(), 0
                    for at, found in _cases(worker, scene, kind, asked):
                        tried += 1
                        for problem in found:
                            findings += 1
                            print(f"{scene_name} {kind} {at}: {problem}", flush=True)
                    faults += tried
                    print(f"{scene_name} {kind}: {tried}, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{faults} faults, {findings} findings")


def _cases(
    worker: Worker, scene: Scene, kind_name: str, asked: argparse.Namespace
) -> Iterator[tuple[int, Iterator[str]]]:
    if kind_name == POWER:
        for seed in range(asked.first, asked.first + asked.cuts):
            yield seed, problems_after_power_cut(worker, scene, seed)
        return
    if kind_name == MOMENTS:
        for seed in range(asked.first, asked.first + asked.cuts // KILLS):
            yield seed, problems_after_kills(worker, scene, seed, KILLS)
        return
    for at in range(asked.first, scene.calls(worker, KINDS[kind_name][1]) + 1, asked.step):
        yield at, problems(worker, scene, fault_at(kind_name, at))


def fault_at(kind_name: str, at: int) -> Fault:
    """The fault of a kind, at so many of its calls."""
    kind, classes, error = KINDS[kind_name]
    return Fault(kind, at, classes, error)


if __name__ == "__main__":
    main()
