"""From a lab's frames over corrections in the browser to its own weights."""

from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("lightning")
import tomli_w

from blastoseg.report.review.page import key_of
from tests.cli.test_export import command, write_frames
from tests.reviewed_night import serving, tables
from tests.training.conftest import labelled_recipe, one_thread  # noqa: F401  (a fixture)

pytestmark = pytest.mark.slow
CORRECTED = [("E0", 0), ("E1", 0), ("well5", 1)]


def correct_in_browser(browser, out):
    with serving(out) as server:
        context = browser.new_context()
        try:
            page = context.new_page()
            page.goto(server.access.address)
            page.wait_for_selector(".card")
            page.locator("#by").fill("A. B.")
            page.locator("#by").press("Tab")
            for embryo, place in CORRECTED:
                page.evaluate(f"location.hash = 'correct={key_of(embryo)}&frame={place}'")
                page.wait_for_selector(f"h1:has-text('{embryo}')")
                page.keyboard.press("1")
                box = page.locator(".layer[role=img]").bounding_box()
                middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
                page.mouse.move(*middle)
                page.mouse.down()
                page.mouse.move(middle[0] + 40, middle[1], steps=5)
                page.mouse.up()
                page.locator("#save-correction").click()
                page.wait_for_selector("#told:has-text('measured anew')")
        finally:
            context.close()


def corrected_in(out):
    frames = pd.read_csv(out / "frames.csv")
    drawn = frames[frames["corrected"] == "drawn"]
    return sorted(zip(drawn["embryo_id"], drawn["frame_index"], strict=True))


def test_masks_that_were_corrected_in_the_browser_become_weights_that_a_run_uses(
    tmp_path, tiny_model, monkeypatch, browser
):
    monkeypatch.chdir(tmp_path)
    write_frames(tmp_path / "day5")
    out = Path("first")
    command("run", "day5", "--out", out, "--settle", 0)
    correct_in_browser(browser, out)
    command("run", "day5", "--out", out, "--settle", 0)
    assert corrected_in(out) == CORRECTED
    after = tables(out)
    command("run", "day5", "--out", out, "--settle", 0)
    assert tables(out) == after
    command("export", out, "--as", "training", "--from", "day5", "--corrected", "--to", "mine")
    assert "3 labelled images of 3 embryos" in command("data", "check", "mine")
    recipe = labelled_recipe(tiny_model) | {"start_from": str(tiny_model)}
    del recipe["segmenter"]["network"], recipe["segmenter"]["input_size"]
    Path("tiny.toml").write_text(tomli_w.dumps(recipe), "utf-8")
    command("train", "mine", "--recipe", "tiny.toml", "--out", "mylab", "--max-epochs", 1)
    command("run", "day5", "--out", out, "--weights", "mylab", "--settle", 0)
    assert corrected_in(out) == CORRECTED
