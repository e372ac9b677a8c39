"""What a run knows a result by."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from blastoseg import stages
from blastoseg.run import pipeline
from blastoseg.run.journal import ScoredWith
from blastoseg.run.pipeline import Run
from blastoseg.run.request import RunRequest
from blastoseg.settings import Output, PixelSize, Settings


def _scored_with(
    settings: Settings | None = None, um_per_px: float | None = None, engine: str = "torch"
) -> ScoredWith:
    """As a run has it that differs from others in the settings or the pixel size."""
    run = SimpleNamespace(
        request=RunRequest([Path("day5")], settings or Settings(), um_per_px=um_per_px),
        scorer=SimpleNamespace(card=SimpleNamespace(fingerprint="f"), engine=engine),
        names=SimpleNamespace(fingerprint=""),
    )
    scored_with = Run.__dict__["scored_with"].func(run)
    assert isinstance(scored_with, ScoredWith)
    return scored_with


def test_a_result_is_known_by_all_that_changes_it_and_by_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = _scored_with()
    assert _scored_with(um_per_px=0.5) == before, "micrometres are computed at every report"
    for around in (
        Settings(focal="15"),
        Settings(frame_interval_h=0.25),
        Settings(pixel_size=PixelSize(um_per_px=0.5)),
    ):
        assert _scored_with(around) == before
    assert _scored_with(Settings(flips=False)) != before
    assert _scored_with(Settings(flips="unsure")) not in (before, _scored_with(Settings(flips=False)))
    assert _scored_with(engine="onnx") != before
    assert _scored_with(Settings(output=Output(keep_missing_days=9))) == before
    monkeypatch.setattr(pipeline, "__version__", "99.0")
    assert _scored_with() == before, "an update that changes no number"
    for stage, revision in dict(stages.REVISIONS).items():
        monkeypatch.setattr(stages, "REVISIONS", stages.REVISIONS | {stage: revision + 1})
        assert _scored_with() != before
