"""Two runs over the same frames, held against each other."""

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.course.tables import course_tables
from blastoseg.errors import InputNotFoundError, OutputError
from blastoseg.evaluation.runs import compare_runs
from blastoseg.report.finished import Run
from blastoseg.report.tables import frames_table, write_csv

BLASTULATION = 10
"""The frame of tSB, unless a test says otherwise."""
UNFORMED = {"status": "excluded", "flags": "not_blastocyst", "blastocyst_area_px2": math.nan}


def _frame(index: int, area: float, **others: Any) -> dict[str, object]:
    return {
        "embryo_id": "E001",
        "source": "E001.avi",
        "frame_index": index,
        "time_h": 90.0 + index,
        "time_reference": "insemination",
        "status": "ok",
        "flags": "",
        "blastocyst_area_px2": area,
        "blastocoel_area_frac": 0.3,
        **others,
    }


def _run(out: Path, start: int = BLASTULATION, factor: float = 1.0, frames: int = 20) -> Path:
    out.mkdir()
    rows = [_frame(n, factor * (10_000.0 + 10 * n), **(UNFORMED if n < start else {})) for n in range(frames)]
    rows[15] |= {"status": "review", "flags": "low_confidence"} if factor != 1 else {}
    tables = course_tables(frames_table(rows))
    write_csv(tables.frames, out / "frames.csv")
    write_csv(tables.events, out / "events.csv")
    return out


def test_a_run_agrees_with_itself(tmp_path: Path) -> None:
    run = Run.open(_run(tmp_path / "a"))
    found = compare_runs(run, run)
    area = found.measures.set_index("measure").loc["blastocyst_area_px2"]
    assert (area["n"], area["bias"], area["icc"]) == (10, 0, 1)
    assert (found.frames, found.only_first, found.only_second) == (20, 0, 0)
    assert found.changed.empty
    assert found.events.empty


def test_what_a_second_run_changes_is_told_with_its_sign(tmp_path: Path) -> None:
    first = Run.open(_run(tmp_path / "a"))
    second = Run.open(_run(tmp_path / "b", start=13, factor=1.1, frames=18))
    found = compare_runs(first, second)
    assert (found.frames, found.only_first, found.only_second) == (18, 2, 0)
    area = found.measures.set_index("measure").loc["blastocyst_area_px2"]
    assert area["bias"] == pytest.approx(0.1 * area["reference_mean"], rel=1e-3)
    [changed] = [row for row in found.changed.to_dict("records") if row["second_status"] != "excluded"]
    assert (changed["frame_index"], changed["second_status"]) == (15, "review")
    counts = {(row.first, row.second): row.frames for row in found.statuses.itertuples()}
    assert counts == {
        ("excluded", "excluded"): 10,
        ("ok", "excluded"): 3,
        ("ok", "ok"): 4,
        ("ok", "review"): 1,
    }
    blastulation = found.events.set_index("event").loc["tSB"]
    assert blastulation["shift_h"] == 3


def test_an_event_of_one_run_only_has_no_shift(tmp_path: Path) -> None:
    first, second = _run(tmp_path / "a"), _run(tmp_path / "b", start=20)
    found = compare_runs(Run.open(first), Run.open(second))
    assert math.isnan(found.events.set_index("event").loc["tSB", "shift_h"])


def test_folders_that_are_no_pair_of_runs_are_named(tmp_path: Path) -> None:
    run = _run(tmp_path / "a")
    with pytest.raises(InputNotFoundError, match=r"frames\.csv: there is no such table"):
        Run.open(tmp_path)
    other = Run.open(run)
    elsewhere = other.frames.assign(embryo_id="E002")
    with pytest.raises(InputNotFoundError, match="no frame in common"):
        compare_runs(other, Run(other.out, elsewhere))
    pd.read_csv(run / "frames.csv").drop(columns="status").to_csv(run / "frames.csv")
    with pytest.raises(OutputError, match="lacks status"):
        Run.open(run)


def test_the_command_shows_the_changes_and_writes_them(tmp_path: Path) -> None:
    first, second = _run(tmp_path / "a"), _run(tmp_path / "b", start=13, factor=1.1)
    answer = CliRunner().invoke(app, ["compare-runs", str(first), str(second), "--out", str(tmp_path / "c")])
    assert answer.exit_code == 0
    assert "20 frames in both runs" in answer.output
    assert "tSB" in answer.output
    assert {path.name for path in (tmp_path / "c").iterdir()} == {
        *("measures.csv", "statuses.csv", "changed_frames.csv", "events.csv")
    }
    assert CliRunner().invoke(app, ["compare-runs", str(first), str(tmp_path)]).exit_code == 4
