"""``doctor`` finds what a run would stumble over, and goes on to the next check."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blastoseg.cli import app, doctor
from blastoseg.model.card import available_weights

has_starter = pytest.mark.skipif("starter" not in available_weights(), reason="no starter weights yet")


@has_starter
def test_a_sound_installation_passes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["doctor", str(tmp_path), "--device", "cpu"])
    assert answer.exit_code == 0, answer.output
    assert "ms a crop" in answer.output
    assert "problem" not in answer.output
    assert list(tmp_path.iterdir()) == []


def test_unknown_weights_are_a_problem_and_the_other_checks_still_run(tmp_path: Path) -> None:
    checks = list(doctor.run_checks(tmp_path, "no-such-model", "cpu"))
    assert [check.subject for check in checks if check.error] == ["Weights no-such-model", "Network"]
    assert checks[-1].finding.endswith("can be written and locked")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    checks = list(doctor.run_checks(tmp_path, "no-such-model", "cpu"))
    assert str(tmp_path) in checks[-1].finding


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    (check,) = [
        check
        for check in doctor.run_checks(tmp_path / "nowhere", "no-such-model", "cpu")
        if check.subject == "Write access"
    ]
    assert check.error is not None
    assert "nowhere" in check.finding
