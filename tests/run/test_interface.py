"""What ``import blastoseg`` offers: the same numbers as a run's, and errors that say what to do."""

import math
import tempfile
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import blastoseg
from blastoseg.cli import app
from blastoseg.errors import BlastosegError, InputNotFoundError, SettingsError, UsageError
from blastoseg.run import interface
from tests.cheap_nights import make_nights_cheap, picture


@pytest.fixture
def day5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two embryos and a file that is no picture, scored by networks that cost nothing."""
    make_nights_cheap(monkeypatch)
    monkeypatch.setattr(interface, "load_card", lambda name: SimpleNamespace(name=name))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    folder = tmp_path / "day5"
    for embryo, looks in (("E001", (0, 1)), ("E002", (2,))):
        (folder / embryo).mkdir(parents=True)
        for look in looks:
            (folder / embryo / f"{embryo}_RUN{look}_F0.png").write_bytes(picture(look))
    (folder / "E002" / "E002_RUN9_F0.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def run(day5: Path, tmp_path: Path) -> blastoseg.Run:
    out = tmp_path / "out"
    options = ["--out", str(out), "--weights", "a", "--um-per-px", "0.5", "--settle", "0"]
    assert CliRunner().invoke(app, ["run", str(day5), *options]).exit_code == 3
    return blastoseg.Run.open(out)


def test_all_that_is_offered_is_there_and_nothing_else() -> None:
    assert all(getattr(blastoseg, name) for name in blastoseg.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Modell'"):
        blastoseg.Modell  # noqa: B018


def test_a_folder_gives_the_rows_of_a_run_and_leaves_nothing(day5: Path, run: blastoseg.Run) -> None:
    frames, embryos = blastoseg.score(str(day5), "a", um_per_px=0.5)
    assert frames["status"].tolist()[::3] == ["review", "failed"]
    for table, written in ((frames, run.frames), (embryos, run.embryos)):
        assert table[["mask", "overlay"]].isna().all(axis=None)
        pd.testing.assert_frame_equal(
            table.drop(columns=["mask", "overlay"]), written.drop(columns=["mask", "overlay"])
        )
    with pytest.raises(InputNotFoundError, match="nowhere"):
        blastoseg.score([day5 / "nowhere"], "a")
    assert not list(Path(tempfile.gettempdir()).iterdir())


def test_what_a_run_would_have_said_last_is_logged(
    day5: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("embryo,patient\nE001,P1\nE009,P2\n")
    _, embryos = blastoseg.score([day5], "a", embryos=table)
    assert embryos["patient"].fillna("").tolist() == ["P1", ""]
    assert any(
        "E009" in record.getMessage() for record in caplog.records if record.name == interface.__name__
    )


def test_an_image_in_memory_gives_the_mask_and_the_measures_of_a_run(day5: Path, run: blastoseg.Run) -> None:
    model = blastoseg.Model("a")
    measured = run.frames[run.frames["status"] == "review"]
    assert len(measured) == 3
    for _, row in measured.iterrows():
        image = cv2.imread(str(day5 / row["source"]), cv2.IMREAD_GRAYSCALE)
        labels, probabilities = model.segment(image)
        np.testing.assert_array_equal(labels, run.mask(row))
        np.testing.assert_allclose(probabilities.sum(axis=0), 1, atol=1e-6)
        assert run.overlay(row).shape[2] == 3
        measures = model.measure(labels, um_per_px=0.5)
        assert (measures["status"], measures["um_per_px"]) == ("review", 0.5)
        for name in ("blastocyst_area_um2", "te_area_px2", "zp_thickness_mean_um"):
            assert measures[name] == pytest.approx(row[name], abs=0.06), name


def test_without_an_embryo_all_is_background_and_without_a_pixel_size_micrometres_are_undefined(
    day5: Path,
) -> None:
    model = blastoseg.Model("a")
    labels, probabilities = model.segment(np.zeros((64, 80), np.uint16))
    assert labels.shape == (64, 80)
    assert not labels.any()
    assert (probabilities[4] == 1).all()
    assert model.measure(labels)["status"] == "excluded"
    drawn, _ = model.segment(cv2.imdecode(np.frombuffer(picture(0), np.uint8), cv2.IMREAD_GRAYSCALE))
    measures = model.measure(drawn)
    assert measures["blastocyst_area_px2"] > 0
    assert math.isnan(measures["blastocyst_area_um2"])


def test_a_labs_settings_file_counts(day5: Path, tmp_path: Path) -> None:
    lab = tmp_path / "lab.toml"
    lab.write_text('weights = "a"\n[pixel_size]\num_per_px = 0.5\n')
    model = blastoseg.Model(settings=lab)
    assert model.card.name == "a"
    assert model.measure(np.ones((40, 40), int))["um_per_px"] == 0.5
    assert set(blastoseg.score(day5, settings=lab).frames["um_per_px"].dropna()) == {0.5}
    lab.write_text("wights = 1\n")
    with pytest.raises(SettingsError, match="wights"):
        blastoseg.Model(settings=lab)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((64, 64)), "float64.*uint8 or uint16"),
        (np.zeros((64, 64, 3), np.uint8), r"\(64, 64, 3\).*one gray channel"),
        (np.zeros((0, 0), np.uint8), "too small"),
    ],
)
def test_an_array_that_is_no_image_is_refused_in_words(day5: Path, image: np.ndarray, said: str) -> None:
    with pytest.raises(BlastosegError, match=f"^image: .*{said}"):
        blastoseg.Model("a").segment(image)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.full((40, 40), 7), "the value 7"),
        (np.full((40, 40), -1), "the value -1"),
        (np.full((40, 40), 257), "the value 257"),
        (np.ones((40, 40)), "float64.*whole numbers"),
        (np.ones((5, 40, 40), int), "whole numbers"),
        (np.ones((0, 40), int), "whole numbers"),
    ],
)
def test_an_array_that_is_no_label_image_is_refused_in_words(
    day5: Path, labels: np.ndarray, said: str
) -> None:
    with pytest.raises(UsageError, match=f"^labels: .*{said}.*4 zona"):
        blastoseg.Model("a").measure(labels)


def test_a_pixel_size_that_no_microscope_has_is_refused(day5: Path) -> None:
    for wrong in (0.0, 353.0, math.nan):
        with pytest.raises(UsageError, match="must lie between"):
            blastoseg.Model("a").measure(np.ones((40, 40), int), um_per_px=wrong)
