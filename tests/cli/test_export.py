"""From a lab's frames to its own weights, by the commands alone."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lightning")
import tomli_w
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.report.review.page import key_of
from blastoseg.simulate import View, draw_frame
from blastoseg.sources.label_images import read_label_image
from tests.reviewed_night import correct, with_larger_icm
from tests.training.conftest import labelled_recipe, one_thread  # noqa: F401  (a fixture)

SIDE = 160


def command(*words: object) -> str:
    answer = CliRunner().invoke(app, [str(word) for word in words])
    assert answer.exit_code == 0, answer.output
    return answer.output


def write_frames(folder: Path) -> None:
    """Four embryos as pictures, one on a video."""
    view = View(SIDE, SIDE, fill=(0.6, 0.8), kind="expanded")
    images = [draw_frame(np.random.default_rng(seed), view).image for seed in (1, 2, 3, 4, 5, 7)]
    for number, image in enumerate(images[:4]):
        (folder / f"E{number}").mkdir(parents=True)
        cv2.imwrite(str(folder / f"E{number}" / f"E{number}_RUN1_F0.png"), image)
    film = cv2.VideoWriter(str(folder / "well5.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 5, (SIDE, SIDE))
    for image in images[4:]:
        film.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    film.release()


@pytest.mark.slow
def test_frames_of_a_folder_and_a_video_become_new_weights(tmp_path, tiny_model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_frames(tmp_path / "day5")
    command("run", "day5", "--out", "first", "--settle", 0)
    [network] = Path("first/masks/E0").iterdir()
    correct(Path("first"), key_of("E0"), place=0)
    command("run", "day5", "--out", "first", "--settle", 0)
    said = command("export", "first", "--as", "training", "--from", "day5")
    [taken] = Path("first-training/masks/E0").iterdir()
    assert taken.name == network.name
    labels, seen = (read_label_image(path, path.name) for path in (taken, network))
    np.testing.assert_array_equal(labels, with_larger_icm(seen))
    assert f"first-training: {len(list(Path('first-training/images').rglob('*.png')))} frames" in said
    assert {path.name for path in Path("first-training/images").iterdir()} >= {"E0", "well5"}
    assert "6 labelled images of 5 embryos" in command("data", "check", "first-training")
    recipe = labelled_recipe(tiny_model) | {"start_from": str(tiny_model)}
    del recipe["segmenter"]["network"], recipe["segmenter"]["input_size"]
    Path("tiny.toml").write_text(tomli_w.dumps(recipe), "utf-8")
    command("train", "first-training", "--recipe", "tiny.toml", "--out", "mylab", "--max-epochs", 1)
    command("run", "day5", "--out", "second", "--weights", "mylab", "--settle", 0, "--no-overlays")
    frames = pd.read_csv("second/frames.csv")
    assert len(frames) == 6
    assert not (frames["status"] == "failed").any()
