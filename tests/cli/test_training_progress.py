"""What a training shows: lines in a log, a bar on a terminal, nothing where it shall be quiet."""

import math

import pytest

from blastoseg.cli import training_progress
from blastoseg.cli.training_progress import TrainingProgress
from blastoseg.training.state import TrainingState

pytestmark = pytest.mark.slow


def state(step: int = 40, is_validated: bool = False, seconds_left: float = 150.0) -> TrainingState:
    validation = {"labelled": (0.4, 0.812)}
    return TrainingState(step, 200, step / 200, seconds_left, 0.5, validation, is_validated)


def shown(quiet: bool, *states: TrainingState) -> None:
    with TrainingProgress(quiet) as progress:
        progress.tell("training the segmenter")
        for one in states:
            progress.show(one)


def test_a_log_gets_a_line_a_validation(capsys: pytest.CaptureFixture[str]) -> None:
    shown(False, state(39), state(40, is_validated=True), state(41))
    assert capsys.readouterr().err.splitlines() == [
        "training the segmenter",
        "step 40 of 200: loss 0.500, validation 0.400, mean Jaccard 81.2%, 2 min left",
    ]


def test_a_log_gets_a_line_a_minute_where_validations_are_rare(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_progress, "SECONDS_BETWEEN_LINES", 0.0)
    shown(False, state(39), state(40))
    assert capsys.readouterr().err.count("min left") == 2


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "140")
    shown(False, state(39), state(40, is_validated=True))
    said = capsys.readouterr().err
    assert "20%" in said
    assert "step 40 of 200: loss 0.500" in said
    assert "2 min left" in said
    assert "\x1b[" in said


@pytest.mark.parametrize("is_terminal", [False, True])
def test_quiet_shows_nothing(
    is_terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    shown(True, state(40, is_validated=True))
    assert capsys.readouterr().err == ""


def test_the_time_left_is_left_out_until_it_is_known() -> None:
    assert "left" not in state(seconds_left=math.nan).in_words()
    assert state(seconds_left=3 * 3600 + 120.0).time_left == "3 h 02 min left"
