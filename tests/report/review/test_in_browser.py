"""The page as a person uses it, opened from the disk in a headless browser."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.columns import EVENT_COLUMNS, FRAME_COLUMNS
from blastoseg.report.review.page import key_of, write_page
from blastoseg.report.tables import typed_table, write_csv
from blastoseg.run.journal import Journal
from blastoseg.run.verdicts import import_verdicts

from .finished import content_of, finished, page_of
from .test_page import HOSTILE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    content = finished(out, ["W1", "W2", "W3"], frames=8)
    told = {"patient": ["P1", "P2", "P1"], "dish": ["D1", "D1", "D2"], "t_b_h": [101.0, 101.5, float("nan")]}
    for name, values in told.items():
        content.tables.embryos[name] = values
    content.tables.embryos.loc[1, ["status", "flags"]] = ["review", "low_confidence;hatching"]
    write_page(content)
    return out / "review" / "index.html"


def shown_names(page):
    # Not their inner text: that is empty until the browser has laid a card out.
    return page.locator(".card-name").all_text_contents()


def shown_frame(page):
    page.wait_for_selector(".film[data-shown]")
    return int(page.locator(".film").first.get_attribute("data-shown"))


def test_the_gallery_is_grouped_filtered_and_remembers_it_in_the_address(address, open_page):
    page = open_page(address)
    assert page.locator("#notice").inner_text() == RESEARCH_USE_ONLY
    assert page.locator("#cards h2").all_inner_texts() == [
        "patient P1, dish D1",
        "patient P1, dish D2",
        "patient P2, dish D1",
    ]
    assert shown_names(page) == ["W1", "W3", "W2"]
    page.get_by_label("Flag").select_option("hatching")
    assert shown_names(page) == ["W2"]
    page.reload()
    assert shown_names(page) == ["W2"]
    page.get_by_label("Flag").select_option("")
    page.get_by_label("Find").fill("p1")
    assert shown_names(page) == ["W1", "W3"]
    assert page.locator("#count").inner_text() == "2 of 3 embryos"
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")


def test_an_embryo_is_watched_by_keyboard_slider_and_curve(address, open_page):
    page = open_page(address)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('W1')")
    page.keyboard.press("Home")
    assert shown_frame(page) == 0
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".film[data-shown='1']")
    assert page.locator("#moment").inner_text() == "Frame 1 (2 of 8), 100.3 h, focal plane 0: ok"
    page.locator(".slider").fill("4")
    page.wait_for_selector(".film[data-shown='4']")
    assert "the network is unsure of ICM" in page.locator("#doubt").inner_text()
    page.locator(".u-over").first.click(position={"x": 2, "y": 40})
    page.wait_for_selector(".film[data-shown='0']")
    page.keyboard.press("Space")
    page.wait_for_selector(".film[data-shown='7']")
    rows = page.locator("tbody tr").all_inner_texts()
    assert any("µm²" in row and "90\u00a0%" in row and "area of the inner cell mass" in row for row in rows)
    href = page.locator(".watch a").get_attribute("href")
    assert (address.parent / href).resolve().is_file()
    page.keyboard.press("n")
    page.wait_for_selector("h1:has-text('W2')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".card")


def test_outlines_are_lines_that_go_all_at_once_or_by_tissue(address, open_page):
    page = open_page(f"{address.as_uri()}#embryo={key_of('W1')}")
    shown_frame(page)
    lines = page.locator(".film .outlines path[stroke]")
    assert lines.count() == 4
    fills = lines.evaluate_all("(lines) => lines.map((line) => getComputedStyle(line).fill)")
    assert fills == ["none"] * 4
    page.keyboard.press("1")
    assert [line.is_visible() for line in lines.all()].count(False) == 1
    assert page.locator("[data-switch=icm]").get_attribute("aria-pressed") == "false"
    page.keyboard.press("o")
    assert not any(line.is_visible() for line in lines.all())
    page.keyboard.press("o")
    page.keyboard.press("+")
    widths = page.evaluate("['.film-inner', '.film'].map((one) => document.querySelector(one).clientWidth)")
    assert widths[0] > 1.4 * widths[1]


def test_another_focal_plane_of_a_moment_is_shown_in_the_film_and_lies_where_the_film_s_does(
    tmp_path, open_page
):
    content = finished(tmp_path, ["E1"], frames=2)
    own = [name for name in content.tables.frames if not name.startswith(("steady", "course"))]
    rows = content.tables.frames[own].to_dict("records")
    # The same picture: so that it must lie just over the film's.
    others = [row | {"focal_plane": 15} for row in rows]
    write_page(content_of(tmp_path, [*rows, *others]))
    page = open_page(f"{(tmp_path / 'review' / 'index.html').as_uri()}#embryo={key_of('E1')}&frame=0")
    shown_frame(page)
    plane = page.locator(".plane")
    plane.wait_for(state="hidden")
    page.get_by_label("Focal plane").select_option("15")
    plane.wait_for(state="visible")
    page.wait_for_function("document.querySelector('.plane').naturalWidth > 0")
    boxes = [page.locator(name).bounding_box() for name in (".plane", ".film-inner")]
    data = page.evaluate("[view.data.film.window, view.film.plane.naturalWidth]")
    (left, top, side), _ = data
    scale = boxes[1]["width"] / side
    assert boxes[0]["width"] == pytest.approx(scale, rel=0.01)
    assert boxes[0]["x"] == pytest.approx(boxes[1]["x"] - left * scale, abs=2)
    assert boxes[0]["y"] == pytest.approx(boxes[1]["y"] - top * scale, abs=2)
    page.locator(".slider").fill("1")
    page.wait_for_selector(".film[data-shown='1']")
    plane.wait_for(state="visible")
    page.get_by_label("Focal plane").select_option("0")
    plane.wait_for(state="hidden")


def test_embryos_are_compared_by_hour_and_by_event(tmp_path, open_page):
    content = finished(tmp_path, ["A", "B"], frames=8)
    frames = content.tables.frames
    frames.loc[frames["embryo_id"] == "B", "time_h"] += 10
    content = content_of(tmp_path, frames[[column.name for column in FRAME_COLUMNS]].to_dict("records"))
    rows = [{"embryo_id": name, "event": "tB", "first_after_frame": at} for name, at in (("A", 2), ("B", 5))]
    content.tables.events = typed_table(rows, EVENT_COLUMNS)
    write_page(content)
    page = open_page(tmp_path / "review" / "index.html")
    page.keyboard.press("c")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    page.locator("#compare").click()
    page.wait_for_selector(".film[data-shown]")
    films = page.locator(".film")
    assert [one.get_attribute("data-shown") for one in films.all()] == ["7", "0"]
    page.get_by_label("Align by").select_option("tB")
    page.wait_for_function("document.querySelectorAll('.film')[1].dataset.shown === '5'")
    assert [one.get_attribute("data-shown") for one in films.all()] == ["2", "5"]
    page.locator(".slider").fill("0.5")
    page.wait_for_function("document.querySelectorAll('.film')[1].dataset.shown === '7'")
    assert [one.get_attribute("data-shown") for one in films.all()] == ["4", "7"]


def test_verdicts_outlive_the_page_and_are_saved_with_who_when_and_which_weights(
    address, open_page, tmp_path
):
    page = open_page(f"{address.as_uri()}#embryo={key_of('W2')}")
    page.wait_for_selector(".verdict")
    page.locator("h1").click()
    page.keyboard.press("l")
    page.get_by_label("Own grade").fill("4AB")
    page.get_by_label("Note", exact=True).fill("</script><b>two ICM?</b>")
    page.get_by_label("Note", exact=True).blur()
    page.reload()
    assert page.get_by_label("Note", exact=True).input_value() == "</script><b>two ICM?</b>"
    page.locator("#save").click()
    assert page.evaluate("document.activeElement.id") == "by"
    page.locator("#by").fill("A. B.")
    page.locator("#by").blur()
    with page.expect_download() as saved:
        page.locator("#save").click()
    saved.value.save_as(tmp_path / "verdicts.json")
    told = json.loads((tmp_path / "verdicts.json").read_text("utf-8"))
    assert (told["by"], told["weights"], told["weights_sha256"]) == ("A. B.", "starter", "ab" * 32)
    [one] = told["verdicts"]
    assert (one["embryo"], one["verdict"], one["grade"]) == ("W2", "look at", "4AB")
    assert one["at"].endswith("Z")
    assert "0 not saved" in page.locator("#verdict-bar").inner_text()
    out = address.parent.parent
    with Journal(out):
        pass
    write_csv(pd.DataFrame({"embryo_id": ["W1", "W2", "W3"]}), out / "embryos.csv")
    assert import_verdicts(tmp_path / "verdicts.json", out) == (1, 0)
    page.reload()
    page.wait_for_selector(".verdict")
    assert "In the report: look at, grade 4AB" in page.locator(".verdict").inner_text()
    assert "No new verdicts" in page.locator("#verdict-bar").inner_text()
    other = open_page(f"{address.as_uri()}#embryo={key_of('W2')}")
    assert other.get_by_label("Own grade").input_value() == "4AB"


@pytest.mark.parametrize("view", ["gallery", "embryo", "compare"])
def test_hostile_names_are_shown_as_text_in_every_view(tmp_path, open_page, view):
    address = page_of(tmp_path, HOSTILE, frames=3, reason=HOSTILE[1], flags=HOSTILE[0]).as_uri()
    keys = [key_of(name) for name in HOSTILE]
    fragments = {"gallery": "", "embryo": f"#embryo={keys[0]}", "compare": f"#compare={','.join(keys[:4])}"}
    page = open_page(address + fragments[view])
    page.wait_for_selector(".card" if view == "gallery" else ".film[data-shown]")
    assert page.locator("main script, main [onerror], main b").count() == 0
    assert HOSTILE[0] in page.locator("main").inner_text()
    if view == "gallery":
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator(".on-paper").count() == len(HOSTILE)


def test_a_page_that_was_copied_in_part_says_so(address, browser, open_page, tmp_path):
    page = open_page(f"{address.as_uri()}#embryo=0000000000000000")
    page.wait_for_selector("h1:has-text('cannot be shown')")
    for name in ("index.html", "elements.js", "store.js", "page.js"):
        (tmp_path / name).write_bytes((address.parent / name).read_bytes())
    half = browser.new_page()
    half.goto((tmp_path / "index.html").as_uri())
    assert "was not copied as a whole" in half.locator("main").inner_text()
    half.close()


def test_print_gives_a_page_an_embryo(address, open_page):
    page = open_page(address)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = page.pdf()
    assert printed.count(b"/Type /Page") - printed.count(b"/Type /Pages") == 3
    page.goto(f"{address.as_uri()}#embryo={key_of('W1')}")
    shown_frame(page)
    printed = page.pdf(format="A4")
    assert printed.count(b"/Type /Page") - printed.count(b"/Type /Pages") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["gallery", "embryo", "compare"])
def test_axe_finds_nothing_that_keeps_people_out(address, open_page, scheme, view):
    axe = Path(os.environ.get("AXE", "/nowhere"))
    if not axe.is_file():
        pytest.skip("set AXE to axe.min.js: npm pack axe-core")
    fragments = {
        "gallery": "",
        "embryo": f"#embryo={key_of('W1')}",
        "compare": f"#compare={key_of('W1')},{key_of('W2')}",
    }
    page = open_page(address.as_uri() + fragments[view], color_scheme=scheme)
    page.wait_for_selector(".card" if view == "gallery" else ".film[data-shown]")
    page.evaluate(axe.read_text("utf-8"))
    found = page.evaluate("axe.run({preload: false})")["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found] == []


def test_text_of_twice_the_size_stays_on_the_page(address, open_page):
    page = open_page(f"{address.as_uri()}#embryo={key_of('W1')}", viewport={"width": 1280, "height": 900})
    shown_frame(page)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.wait_for_timeout(100)
    far = "(all) => all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1).map(String)"
    assert page.locator("main *").evaluate_all(far) == []
