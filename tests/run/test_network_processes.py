"""The networks on several devices: one process each, the same bytes, and what happens where one dies."""

import os
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest

pytest.importorskip("torch")

from blastoseg.errors import DeviceError
from blastoseg.model.card import load_card
from blastoseg.model.segmenter import Segmenter
from blastoseg.run.events import RunEnded
from blastoseg.run.network_processes import NetworkProcesses, NetworkWork
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings
from tests.cli.night import make_frames

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="processes are told apart as Linux does"),
]


def work(model: Path, engine: str = "torch") -> NetworkWork:
    return NetworkWork(load_card(model), "", batch_size=4, flips=False, engine=engine)


def network_processes() -> list[psutil.Process]:
    """Those that hold torch: a gigabyte of address space more than others."""
    children = psutil.Process().children(recursive=True)
    return [one for one in children if any("libtorch" in mapped.path for mapped in one.memory_maps())]


def test_two_processes_answer_as_one_segmenter_and_one_that_is_killed_is_replaced(tiny_model, caplog):
    crops = np.random.default_rng(1).integers(0, 256, (5, 64, 64), np.uint8)
    here = Segmenter(load_card(tiny_model), "cpu")
    with here.side_by_side():
        expected = here.segment_batch(crops)
    with NetworkProcesses(work(tiny_model), ("cpu", "cpu")) as networks:
        assert (networks.engine, networks.precision) == ("torch", "float32")
        first, second = network_processes()
        first.send_signal(signal.SIGKILL)
        second.send_signal(signal.SIGKILL)
        for _ in range(2):
            np.testing.assert_array_equal(networks.segment_batch(list(crops)), expected)
            assert networks.locate_batch(list(crops[:, ::2, ::2])).shape == (5, 32, 32)
        assert "died (signal SIGKILL): a new one is started" in caplog.text
        with networks.side_by_side() as asking:
            assert asking == 4
    assert not network_processes()


def test_what_a_segmenter_raises_is_raised_here(tiny_model):
    with (
        pytest.raises(DeviceError, match=r"no CUDA device is usable|no device cuda:5"),
        NetworkProcesses(work(tiny_model), ("cpu", "cuda:5")),
    ):
        pass


def test_a_batch_that_costs_two_processes_their_lives_ends_the_run_with_what_to_do(tiny_model, monkeypatch):
    with NetworkProcesses(work(tiny_model), ("cpu", "cpu")) as networks:
        monkeypatch.setattr("blastoseg.sources.processes._Child.answer", _dies)
        with pytest.raises(DeviceError, match=r"network process of cpu died, twice: .*the next run goes on"):
            networks.locate_batch([np.zeros((32, 32), np.uint8)])


def _dies(*_: object) -> None:
    from blastoseg.sources.processes import ProcessLostError

    raise ProcessLostError("died")


def test_a_run_writes_the_same_bytes_with_two_network_processes_and_stops_in_good_order(tmp_path, tiny_model):
    folder = make_frames(tmp_path / "ward", "WELL1", 14)
    tables = []
    for device in ("cpu", "cpu,cpu"):
        request = RunRequest(
            paths=[folder],
            settings=Settings(weights=str(tiny_model), flips=False),
            out=tmp_path / device,
            device=device,
            batch_size=4,
        )
        assert [event.exit_code for event in score_folder(request) if isinstance(event, RunEnded)] == [0]
        tables.append([(tmp_path / device / name).read_bytes() for name in ("frames.csv", "embryos.csv")])
    assert tables[0] == tables[1]
    stopped = RunRequest(
        paths=[folder], settings=request.settings, out=tmp_path / "stopped", device="cpu,cpu", batch_size=1
    )
    for event in score_folder(stopped):
        if type(event).__name__ == "FrameScored" and not stopped.stop:
            stopped.stop.ask("asked to stop", 130)
        ended = event
    assert isinstance(ended, RunEnded)
    assert ended.exit_code == 130
    assert 0 < ended.left < 14
    assert not network_processes()
