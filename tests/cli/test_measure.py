"""``blastoseg measure`` on folders of label images."""

import json
import os

import numpy as np
import pandas as pd
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.cli.measure import measure
from blastoseg.errors import EXIT_FRAMES_FAILED, InputNotFoundError

pytestmark = pytest.mark.slow


def disc_embryo() -> np.ndarray:
    y, x = np.mgrid[:200, :200]
    radius = np.hypot(x - 100, y - 100)
    return np.select([radius < 60, radius < 70, radius < 80], [2, 3, 4], 0).astype(np.uint8)


def run(*arguments: str):
    app = typer.Typer()
    app.command()(measure)
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def masks(tmp_path):
    folder = tmp_path / "masks" / "well 6"
    folder.mkdir(parents=True)
    for name in ("RUN10.png", "RUN2.png"):
        Image.fromarray(disc_embryo()).save(folder / name)
    return folder.parent


def test_a_folder_becomes_a_table_in_natural_order_with_the_notice_last(masks, tmp_path):
    result = run(str(masks), "--out", str(tmp_path / "out"), "--um-per-px", "0.5")
    assert result.exit_code == 0
    assert RESEARCH_USE_ONLY in result.output
    table = pd.read_csv(tmp_path / "out" / "frames.csv")
    assert list(table["source"]) == ["well 6/RUN2.png", "well 6/RUN10.png"]
    assert set(table["embryo_id"]) == {"well 6"}
    assert table["blastocyst_diameter_um"].to_numpy() == pytest.approx(70, rel=0.01)
    assert table.columns[-1] == "notice"
    assert set(table["notice"]) == {RESEARCH_USE_ONLY}


def test_names_that_are_no_utf8_are_spelled_out(masks, tmp_path):
    folder = tmp_path / os.fsdecode(b"lab\xff")
    try:
        masks.rename(folder)
        (folder / "well 6" / "RUN2.png").rename(folder / "well 6" / os.fsdecode(b"RUN2\xfe.png"))
    except OSError as error:
        pytest.skip(f"this disk takes no such name ({error})")
    result = run(str(folder), "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    sources = pd.read_csv(tmp_path / "out" / "frames.csv")["source"]
    assert list(sources) == ["well 6/RUN2\\xfe.png", "well 6/RUN10.png"]
    assert json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["inputs"] == ["lab\\xff"]


def test_what_cannot_be_measured_has_a_row_that_says_why(masks, tmp_path):
    folder = masks / "well 6"
    (folder / "text.png").write_text("no image")
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(folder / "colour.png")
    Image.fromarray(np.full((20, 20), 255, np.uint8)).save(folder / "wrong.tif")
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(folder / "empty.png")
    result = run(str(masks), "--out", str(tmp_path / "out"))
    assert result.exit_code == EXIT_FRAMES_FAILED
    rows = pd.read_csv(tmp_path / "out" / "frames.csv").set_index("source")
    assert len(rows) == 6
    for name, word in (("text.png", "not an image"), ("colour.png", "RGB"), ("wrong.tif", "255")):
        assert rows.loc[f"well 6/{name}", "status"] == "failed"
        assert word in rows.loc[f"well 6/{name}", "reason"]
    assert rows.loc["well 6/empty.png", "status"] == "excluded"
    assert rows.loc["well 6/empty.png", "flags"] == "no_embryo"
    assert rows.loc["well 6/RUN2.png", "flags"] == "icm_not_visible;uncalibrated"
    assert rows.loc["well 6/RUN2.png", "status"] == "review"
    assert "inner cell mass" in rows.loc["well 6/RUN2.png", "reason"]
    assert "0 ok, 2 review, 1 excluded, 3 failed" in result.output


def test_the_lab_s_thresholds_count_for_label_images_too(masks, tmp_path):
    (tmp_path / "lab.toml").write_text("[quality]\nicm_min_area_frac = 0.0\nblastocoel_min_area_frac = 0.9\n")
    run(str(masks), "--out", str(tmp_path / "out"), "--settings", str(tmp_path / "lab.toml"))
    rows = pd.read_csv(tmp_path / "out" / "frames.csv")
    assert set(rows["status"]) == {"excluded"}
    assert set(rows["flags"]) == {"not_blastocyst"}


def test_a_missing_path_is_named(tmp_path):
    result = run(str(tmp_path / "nowhere"))
    assert isinstance(result.exception, InputNotFoundError)
    assert "nowhere" in str(result.exception)
