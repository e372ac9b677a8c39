"""Whatever call of a run fails, it ends in good order, and the next run leaves what one undisturbed leaves.

A sample of what ``python -m tests.faults.campaign`` does by hand, call by call.
"""

import subprocess
from collections.abc import Iterator

import pytest

from .campaign import KINDS, fault_at
from .disturbed import Scene, after_all, problems, problems_after_kills, problems_after_power_cut
from .scenes import first_night, second_night
from .shim import Fault, Kind, Worker, build_shim

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("shim")
    try:
        shim = build_shim(folder)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no compiler for calls of a GNU C library here ({error})")
    with Worker(shim, folder) as started:
        yield started


@pytest.fixture(scope="module")
def first(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return first_night(worker, tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def second(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return second_night(worker, tmp_path_factory.mktemp("second"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_in_a_second_night_ends_it_in_order_and_the_next_brings_all_right(
    worker: Worker, second: Scene, kind: str
) -> None:
    calls = second.calls(worker, KINDS[kind][1])
    for share in (0.2, 0.8):
        assert list(problems(worker, second, fault_at(kind, int(share * calls)))) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_power_cut_loses_nothing_that_the_next_night_does_not_bring_back(
    worker: Worker, first: Scene, seed: int
) -> None:
    assert list(problems_after_power_cut(worker, first, seed)) == []


def test_no_run_moves_or_deletes_what_it_has_open_which_windows_refuses(
    worker: Worker, first: Scene, second: Scene
) -> None:
    for scene in (first, second):
        scene.reset()
        ended = worker.run(scene.root, *scene.command, fault=Fault(Kind.SHARING))
        assert (ended.hit, ended.code) == (" ", 0)
        assert list(after_all(scene, ended)) == []


def test_runs_killed_at_any_moment_lose_nothing(worker: Worker, second: Scene) -> None:
    assert list(problems_after_kills(worker, second, seed=1, kills=6)) == []
