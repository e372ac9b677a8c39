"""What is timed beside the networks: a run as it is, with networks that answer at once."""

import os
from pathlib import Path

import numpy as np
import pytest

from blastoseg.bench.beside_network import RememberedAnswers, time_beside_network
from blastoseg.bench.run import BenchPlan, draw_folder
from blastoseg.model.cores import usable_cores
from blastoseg.model.segmenter import Segmenter


@pytest.fixture
def plan(tmp_path: Path, tiny_model: Path) -> BenchPlan:
    return BenchPlan(folder=tmp_path, weights=str(tiny_model), frames=6, side=96, batch_size=2, flips=False)


def test_answers_once_given_are_given_again_without_the_networks(
    plan: BenchPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = RememberedAnswers(plan)
    crops = np.random.default_rng(1).integers(0, 255, (3, networks.input_side, networks.input_side), np.uint8)
    first = networks.segment_batch(crops)
    np.testing.assert_allclose(first, plan.segmenter().segment_batch(crops), atol=1e-5)
    monkeypatch.setattr(Segmenter, "segment_batch", None)
    np.testing.assert_array_equal(networks.segment_batch(crops[1:]), first[1:])


def test_one_core_is_timed_first_and_then_every_number_of_processes(
    plan: BenchPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blastoseg.bench.beside_network.COUNTS", (3,))
    monkeypatch.setattr("blastoseg.bench.beside_network.ROUNDS", 1)
    draw_folder(plan.folder / "frames", plan.frames, plan.side)
    rates = list(time_beside_network(plan, plan.folder / "frames"))
    on_one_core = [(2, 1)] if hasattr(os, "sched_setaffinity") else []
    assert [(rate.processes, rate.cores) for rate in rates] == [*on_one_core, (3, usable_cores())]
    assert all(np.isfinite(rate.frames_per_s) and rate.frames_per_s > 0 < rate.ready_s for rate in rates)
