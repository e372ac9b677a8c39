"""The report on a GPU, with the CPU in its place; and without either."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from blastoseg.bench.gpu_report import report_on_device, write_report  # noqa: E402
from blastoseg.bench.run import BenchPlan  # noqa: E402
from blastoseg.errors import DeviceError  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="several processes as Linux starts them")
def test_every_part_is_measured_with_a_cpu_in_place_of_the_gpu(tmp_path: Path) -> None:
    plan = BenchPlan(tmp_path, 4, 160, device="cpu", batch_size=2, flips=False)
    report = report_on_device(plan)
    exact, rounded = report.agreement
    assert (exact.precision, exact.labels_equal, exact.measures_off) == ("float32", 1, 0)
    assert 0.9 < rounded.least_jaccard < 1
    *alone, together = report.runs
    assert {run.devices for run in alone} == {"cpu"} and together.devices == "cpu,cpu"
    assert [run.processes for run in alone] == [2, 4, 8, 16][: len(alone)]
    assert all(run.same_tables and run.frames_per_s > 0 for run in report.runs)
    page, data = write_report(report, tmp_path)
    assert json.loads(data.read_text())["runs"] == [asdict(run) for run in report.runs]
    for part in ("Agreement", "Batches", "Overlap", "Passes", "Runs"):
        assert f"## {part}" in page.read_text("utf-8")


def test_without_a_gpu_the_report_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="no CUDA device is usable"):
        report_on_device(BenchPlan(tmp_path))
    assert not list(tmp_path.iterdir())
