"""A night whose frames are all known: nothing is loaded that would score them."""

import subprocess
import sys
from pathlib import Path

import pytest

from blastoseg.model import planned
from blastoseg.run.events import RunEnded, RunStarted
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings
from tests.cheap_nights import make_nights_cheap, picture

FOR_SCORING = {"torch", "onnxruntime", "scipy.fft", "skimage.measure.fit"}


def _frames_in(folder: Path) -> Path:
    (folder / "E1").mkdir(parents=True)
    for number in range(3):
        (folder / "E1" / f"{number}.png").write_bytes(picture(0))
    return folder


@pytest.mark.slow
def test_a_night_with_nothing_new_loads_no_network_and_starts_no_process(
    tmp_path: Path, tiny_model: Path
) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "blastoseg", "run", _frames_in(tmp_path / "day5")]
    command += ["--out", tmp_path / "out", "--weights", tiny_model, "--settle", "0"]

    def night() -> tuple[str, set[str]]:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout, {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

    assert night()[1] >= FOR_SCORING - {"onnxruntime"}
    said, loaded = night()
    assert "nothing new" in said
    assert loaded.isdisjoint(FOR_SCORING | {"multiprocessing.forkserver"})


def test_frames_are_known_where_the_engine_that_was_planned_cannot_compute_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_nights_cheap(monkeypatch)
    monkeypatch.setattr(planned, "choose_engine", lambda *_: "onnx")  # and torch it will be
    request = RunRequest([_frames_in(tmp_path / "day5")], Settings(), out=tmp_path / "out", engine="auto")
    for known in (0, 3):
        [started] = [event for event in score_folder(request) if isinstance(event, RunStarted)]
        assert started.already_scored == known


def test_a_report_that_lacks_a_picture_says_so_and_is_written_again_until_it_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_nights_cheap(monkeypatch)
    out = tmp_path / "out"
    request = RunRequest([_frames_in(tmp_path / "day5")], Settings(), out=out, engine="auto")

    def night() -> tuple[str, bytes]:
        *_, ended = score_folder(request)
        assert isinstance(ended, RunEnded)
        return " ".join(ended.notes), (out / "report.xlsx").read_bytes()

    assert night()[0] == ""
    overlay = sorted((out / "overlays" / "E1").iterdir())[0]
    whole = overlay.read_bytes()
    overlay.write_bytes(b"damaged")
    for _ in range(2):
        assert f"1 picture cannot be read, the report goes without: E1/{overlay.name}" in night()[0]
    overlay.write_bytes(whole)
    said, workbook = night()
    assert said == ""
    assert night() == ("", workbook)
