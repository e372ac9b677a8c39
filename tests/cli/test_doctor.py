"""``doctor`` finds what a run would stumble over, and goes on to the next check."""

import os
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blastoseg.cli import app, doctor, libraries
from blastoseg.errors import EnvironmentProblemError
from blastoseg.model.card import available_weights

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
has_starter = pytest.mark.skipif("starter" not in available_weights(), reason="no starter weights yet")


@has_starter
def test_a_sound_installation_passes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["doctor", str(tmp_path), "--device", "cpu"])
    assert answer.exit_code == 0, answer.output
    assert "ms per crop" in answer.output
    assert "problem" not in answer.output
    assert list(tmp_path.iterdir()) == []


def test_unknown_weights_are_a_problem_and_the_other_checks_still_run(tmp_path: Path) -> None:
    checks = list(doctor.run_checks(tmp_path, "no-such-model", "cpu"))
    assert [check.subject for check in checks if check.error] == ["Weights no-such-model", "Network"]
    (access,) = [check for check in checks if check.subject == "Write access"]
    assert access.finding.endswith("can be written and locked")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    checks = {check.subject: check for check in doctor.run_checks(tmp_path, "no-such-model", "cpu")}
    assert str(tmp_path) in checks["Write access"].finding


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    (check,) = [
        check
        for check in doctor.run_checks(tmp_path / "nowhere", "no-such-model", "cpu")
        if check.subject == "Write access"
    ]
    assert check.error is not None
    assert "nowhere" in check.finding


def declare(monkeypatch: pytest.MonkeyPatch, *requirements: str) -> None:
    """Let the package declare these requirements, some of them of an extra ``train``."""
    monkeypatch.setattr(libraries, "requires", lambda _: list(requirements))
    monkeypatch.setattr(libraries, "extras", lambda: ["train"])
    monkeypatch.setattr(doctor, "extras", lambda: ["train"])


def test_an_extra_that_is_absent_is_named_with_its_purpose_and_is_no_problem(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declare(monkeypatch, "numpy>=1", "no-such-library>=2; extra == 'train'")
    (check,) = doctor._extras()
    assert (check.subject, check.error, check.is_absent) == ("Extra train", None, True)
    for words in ("blastoseg train", "no-such-library is missing", "blastoseg[train]"):
        assert words in check.finding


def test_an_extra_that_is_installed_says_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, "numpy>=1", "numpy>=1; extra == 'train'")
    (check,) = doctor._extras()
    assert not check.is_absent
    assert check.finding == "for blastoseg train and bench --training"


@pytest.mark.parametrize(
    ("requirement", "words"),
    [("no-such-library", "no-such-library is missing"), ("numpy<1", "is not <1")],
)
def test_a_library_that_every_command_may_need_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, requirement: str, words: str
) -> None:
    declare(monkeypatch, requirement)
    with pytest.raises(EnvironmentProblemError, match=words):
        libraries.check_libraries()


def test_the_build_of_opencv_without_windows_counts_as_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, "opencv-python>=4.9")
    assert libraries.check_libraries() == "all 1 are installed"


def test_every_extra_of_the_project_has_a_purpose() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["optional-dependencies"]) <= set(libraries.PURPOSES)
