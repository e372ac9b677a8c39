"""Kills runs over a Ray cluster at random moments: ``python -m tests.faults.ray_kills --kills 20``.

Two nodes, networks that cost nothing, one output folder. Every other kill hits the run itself, the others a
machine that scores for it. After ten of them a whole run must leave what an undisturbed one without a cluster
does; then a node dies, too.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.cheap_nights import LOOKS, make_nights_cheap, picture
from tests.run.distributed.cheap_machines import CheapScorer, add_node

from .disturbed import Scene, after_all, in_good_order, night_of, written
from .shim import LATE, Ended

EMBRYOS, FRAMES = 4, 10
KILLS = 10
LONG_AGO = 1_700_000_000
MACHINE = "ray::CheapScorer"
NIGHT = "night"


def main() -> None:
    from ray.cluster_utils import Cluster

    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    asked = parser.parse_args()
    os.environ |= {"RAY_worker_niceness": "0"}
    findings = kills = 0
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster()
        _, node = add_node(cluster, 1), add_node(cluster, 1)
        scene, whole_s = known(Path(folder), cluster.address)
        print(f"a whole run: {whole_s:.0f} s", flush=True)
        for seed in range(asked.first, asked.first + asked.kills // KILLS):
            scene.reset()
            for problem in problems_after_kills(scene, random.Random(seed), whole_s):
                findings += 1
                print(f"{seed}: {problem}", flush=True)
            kills += KILLS
            print(f"{kills} kills, {findings} findings, {len(machines())} machines left", flush=True)
            if kills < asked.kills:
                cluster.remove_node(node, allow_graceful=False)
                node = add_node(cluster, 1)
        cluster.shutdown()


def known(folder: Path, address: str) -> tuple[Scene, float]:
    """The scene with what a run without a cluster leaves, and how long one on the cluster takes."""
    root = folder / "root"
    for embryo in range(EMBRYOS):
        for number in range(FRAMES):
            path = root / "ward" / f"E{embryo}" / f"E{embryo}_RUN{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture((embryo + number) % LOOKS))
            os.utime(path, (LONG_AGO, LONG_AGO))
    alone = night(root, *night_of(root))
    assert alone.code == 0, alone
    command = (*night_of(root), "--batch-size", "1", "--ray", address)
    scene = Scene(root, command, folder / "none", truth=written(root / "out"))
    scene.reset()
    began = time.monotonic()
    for problem in after_all(scene, night(root, *command)):
        raise AssertionError(problem)
    return scene, time.monotonic() - began


def problems_after_kills(scene: Scene, rng: random.Random, whole_s: float) -> Iterator[str]:
    """What is wrong after some kills and a whole run."""
    for number in range(KILLS):
        anew = ("--fresh",) if rng.random() < 0.5 else ()
        patience_s = rng.uniform(0.1, 1.0) * whole_s
        if number % 2:
            ended = night(scene.root, *scene.command, *anew, patience_s=patience_s)
        else:
            ended = night(scene.root, *scene.command, *anew, machine_lives_s=patience_s)
        if ended.code != LATE:
            yield from in_good_order(scene, ended)
    yield from after_all(scene, night(scene.root, *scene.command))


def night(
    root: Path, *arguments: str, patience_s: float | None = None, machine_lives_s: float | None = None
) -> Ended:
    """The command in a process of its own; it, or one of its machines, is killed after so long."""
    said = root / "said"
    with said.open("w", encoding="utf-8") as file:
        command = [sys.executable, "-m", "tests.faults.ray_kills", NIGHT, *arguments]
        process = subprocess.Popen(command, stdout=file, stderr=file)
        if machine_lives_s is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(machine_lives_s)
            for machine in machines()[:1]:
                with suppress(psutil.NoSuchProcess):
                    machine.kill()
        try:
            code = process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = LATE
    return Ended(code, said.read_text("utf-8", "replace"), calls=0, hit="")


def machines() -> list[psutil.Process]:
    """Those that score for a run at present, in no order that anybody knows."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if MACHINE in " ".join(process.cmdline()):
                found.append(process)
    return found


def night_alone() -> None:
    """What the command line says, with networks that cost nothing, here and on all machines."""
    from blastoseg.cli import main as command
    from blastoseg.run.distributed import machines as of_runs

    make_nights_cheap(pytest.MonkeyPatch())
    of_runs.RemoteScorer = CheapScorer
    command()


if __name__ == "__main__":
    if sys.argv[1:2] == [NIGHT]:
        del sys.argv[1]
        night_alone()
    else:
        main()
