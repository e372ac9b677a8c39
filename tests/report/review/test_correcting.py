"""Labels are corrected in a browser: every tool, undone and done again, saved, carried, withdrawn."""

import base64
import os
from pathlib import Path

import numpy as np
import pytest

from blastoseg.run.corrections.folder import read_corrections, read_labels
from blastoseg.run.journal import OutputLock
from blastoseg.run.reviewing.saving import Reviewer
from blastoseg.run.verdicts import read_verdicts
from tests.reviewed_night import (
    E1,
    FRAMES,
    SIDE,
    correct,
    make_reviewed_nights_cheap,
    night,
    serving,
    write_frames,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def out(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        make_reviewed_nights_cheap(patch)
        night(write_frames(tmp_path / "frames", ["E1"]), tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def server(out):
    with serving(out) as server:
        yield server


@pytest.fixture
def page(server, open_page):
    """The page as the printed address opens it."""
    page = open_page(server.access.address, origins=(f"{server.access.origin}/",))
    page.wait_for_url("**/review/index.html*")
    assert server.access.token not in page.url
    page.wait_for_selector(".card")
    page.locator("#by").fill("A. B.")
    page.locator("#by").press("Tab")
    return page


def open_frame(page, place):
    page.evaluate(f"location.hash = 'correct={E1}&frame={place}'")
    page.wait_for_selector(f"h1 + p:has-text('frame {place},')")
    page.wait_for_selector(".paper")


def labels_drawn(page):
    """The labels as they are in the browser now."""
    text = page.evaluate("inBase64(view.labels.values)")
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(SIDE, SIDE)


def drag(page, *points):
    """Draw with the mouse through points in the frame's pixels, x and y."""
    box = page.locator(".layer[role=img]").bounding_box()
    scale = box["width"] / SIDE
    places = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def click(page, x, y, **options):
    box = page.locator(".layer[role=img]").bounding_box()
    scale = box["width"] / SIDE
    page.mouse.click(box["x"] + x * scale, box["y"] + y * scale, **options)


def save(page):
    page.locator("#save-correction").click()
    page.wait_for_selector("#told:has-text('measured anew')")


def test_a_stroke_shows_at_once_is_saved_and_gives_new_numbers(page, out):
    open_frame(page, 1)
    before = labels_drawn(page)
    page.keyboard.press("1")
    drag(page, (90, 120), (120, 120))
    drawn = labels_drawn(page)
    assert drawn[120, 105] == 1 != before[120, 105]
    shown = page.evaluate("[...view.canvas.front.getContext('2d').getImageData(105, 120, 1, 1).data]")
    assert shown[3] > 0
    assert shown[:3] == pytest.approx([213, 94, 0], abs=4)
    save(page)
    [kept] = read_corrections(out).kept.values()
    assert (kept.record.by, kept.record.how, kept.record.frame_index) == ("A. B.", "drawn", 1)
    assert (read_labels(out, kept) == drawn).all()
    row = page.locator("tr", has_text="ICM area, ").or_(page.locator("tr", has_text="ICM area")).first
    first, second = row.locator("td").all_inner_texts()
    assert first != second
    page.keyboard.press("Escape")
    page.wait_for_selector("#corrections li:has-text('drawn by A. B.')")
    assert "corrected (drawn)" in page.locator("#moment").inner_text()


def test_every_tool_does_what_it_says_and_is_undone_and_done_again(page):
    open_frame(page, 0)
    start = labels_drawn(page)
    page.keyboard.press("4")
    page.keyboard.press("g")
    for x, y in ((10, 10), (40, 10), (40, 40)):
        click(page, x, y)
    page.keyboard.press("Enter")
    polygon = labels_drawn(page)
    assert (polygon == 4).sum() - (start == 4).sum() == pytest.approx(450, abs=40)
    page.keyboard.press("f")
    page.keyboard.press("3")
    click(page, 30, 18)
    filled = labels_drawn(page)
    assert filled[18, 30] == 3
    assert (filled == 3).sum() - (start == 3).sum() == (polygon == 4).sum() - (start == 4).sum()
    page.keyboard.press("x")
    drag(page, (20, 15), (40, 15))
    erased = labels_drawn(page)
    assert erased[15, 30] == 0
    assert (erased[start > 0] == start[start > 0]).all()
    page.keyboard.press("b")
    page.get_by_label("Paint over").select_option("0")
    page.keyboard.press("1")
    drag(page, (SIDE / 2, 5), (SIDE / 2, SIDE / 2))
    over = labels_drawn(page)
    assert (over == 1).sum() > (erased == 1).sum()
    assert (over[erased > 0] == erased[erased > 0]).all()
    for expected in (erased, filled, polygon, start):
        page.keyboard.press("Control+z")
        assert (labels_drawn(page) == expected).all()
    for expected in (polygon, filled):
        page.keyboard.press("Control+y")
        assert (labels_drawn(page) == expected).all()
    page.get_by_label("Paint over").select_option("")


def test_smoothing_takes_corners_away_and_leaves_no_pixel_without_a_label(page):
    open_frame(page, 0)
    page.keyboard.press("1")
    before = labels_drawn(page)
    # A spike, one pixel wide, from the middle into the cavity.
    page.evaluate("paintLine(view.labels, {x: 100.5, y: 110.5}, {x: 130.5, y: 110.5}, 0.6, () => 1)")
    assert (labels_drawn(page)[110, 101:130] == 1).all()
    page.keyboard.press("s")
    smooth = labels_drawn(page)
    assert (smooth[110, 101:130] == before[110, 101:130]).all()
    assert smooth.max() <= 4
    assert (smooth != before).mean() < 0.002


def test_labels_come_from_the_neighbour_and_go_back_to_the_network(page, out):
    correct(out, place=1)
    open_frame(page, 2)
    network = labels_drawn(page)
    page.get_by_role("button", name="Copy from frame before").click()
    page.wait_for_selector("#told:has-text('other frame')")
    assert (labels_drawn(page) == Reviewer(out).labels(E1, 1, of_network=False)).all()
    save(page)
    page.locator("#to-network").click()
    page.wait_for_selector("#told:has-text('withdraw')")
    assert (labels_drawn(page) == network).all()
    page.locator("#save-correction").click()
    page.wait_for_selector("#told:has-text('is withdrawn')")
    assert len(read_corrections(out).kept) == 1
    assert "The labels are the network's" in page.locator("#whose").inner_text()


def test_a_tissue_is_carried_from_drawn_frames_to_those_between_and_marked(page, out):
    for place in (0, FRAMES - 1):
        correct(out, place=place)
    page.evaluate(f"location.hash = 'embryo={E1}&frame=0'")
    page.get_by_label("Tissue").select_option("icm")
    page.locator("#carry").click()
    page.wait_for_selector("#corrections li:has-text('carried by A. B.')")
    kept = sorted(read_corrections(out).kept.values(), key=lambda one: one.record.frame_index)
    assert [one.record.how for one in kept] == ["drawn", *["carried"] * (FRAMES - 2), "drawn"]
    assert kept[1].record.carried_from == (0, FRAMES - 1)
    page.evaluate(f"location.hash = 'correct={E1}&frame=2'")
    page.wait_for_selector(f"#whose:has-text('Carried from frames 0 and {FRAMES - 1} by A. B.')")


def test_what_was_not_saved_is_kept_while_the_page_is_open(page):
    open_frame(page, 1)
    drag(page, (90, 120), (120, 120))
    drawn = labels_drawn(page)
    open_frame(page, 2)
    open_frame(page, 1)
    assert (labels_drawn(page) == drawn).all()
    assert page.locator("#save-correction").is_enabled()
    page.evaluate("drafts.clear()")


def test_while_a_night_runs_the_page_says_why_nothing_was_saved(server, out, browser):
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(server.access.address)
    page.wait_for_selector(".card")
    page.locator("#by").fill("A. B.")
    page.locator("#by").press("Tab")
    open_frame(page, 1)
    drag(page, (90, 120), (120, 120))
    with OutputLock(out):
        page.locator("#save-correction").click()
        page.wait_for_selector("#told.wrong:has-text('another run works on this folder')")
    assert not read_corrections(out).kept
    save(page)
    assert len(read_corrections(out).kept) == 1
    context.close()


def test_after_a_night_the_page_is_loaded_again_and_nothing_drawn_meets_another_frame(page, out):
    open_frame(page, 1)
    drag(page, (90, 120), (120, 120))
    # As a night's report in its place.
    os.utime(out / "frames.csv", (1, 1))
    page.evaluate(f"location.hash = 'correct={E1}&frame=2'")
    page.wait_for_selector("main p:has-text('Load the page again')")
    page.evaluate("drafts.clear()")
    page.evaluate(f"location.hash = 'correct={E1}&frame=1'")
    page.wait_for_selector(".paper")
    drag(page, (90, 120), (120, 120))
    save(page)
    assert len(read_corrections(out).kept) == 1


def test_verdicts_go_straight_into_the_report(page, out):
    page.evaluate(f"location.hash = 'embryo={E1}&frame=0'")
    page.wait_for_selector(".film[data-shown]")
    # The cheap networks' card has no digest.
    page.evaluate("report.weights_sha256 = 'ab'.repeat(32)")
    page.keyboard.press("a")
    page.locator("#save").click()
    page.wait_for_selector("#verdict-bar:has-text('No new verdicts')")
    [kept] = read_verdicts(out)
    assert (kept.embryo, kept.verdict, kept.by) == ("E1", "accept", "A. B.")
    page.reload()
    page.wait_for_selector(".verdict:has-text('In the report: accept, by A. B.')")


def test_it_ends_from_the_page_and_an_old_address_says_so(page, server):
    page.locator("#end").click()
    page.wait_for_selector("h1:has-text('Ended')")
    server._BaseServer__is_shut_down.wait(5)
    assert server._BaseServer__is_shut_down.is_set()


def test_opened_from_the_disk_the_page_offers_no_correcting(out, open_page):
    page = open_page(out / "review" / "index.html")
    page.locator(".card a").first.click()
    page.wait_for_selector(".film[data-shown]")
    assert page.locator("#correct, #end").count() == 0
    page.evaluate(f"location.hash = 'correct={E1}&frame=1'")
    page.wait_for_selector(".card")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_that_keeps_people_from_correcting(server, browser, scheme):
    axe = Path(os.environ.get("AXE", "/nowhere"))
    if not axe.is_file():
        pytest.skip("set AXE to axe.min.js: npm pack axe-core")
    # The page's own policy lets nobody run other scripts.
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(server.access.address)
    page.wait_for_selector(".card")
    open_frame(page, 1)
    page.evaluate(axe.read_text("utf-8"))
    found = page.evaluate("axe.run({preload: false})")["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found] == []
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    far = "(all) => all.filter((one) => one.getBoundingClientRect().right > innerWidth + 1).map(String)"
    assert page.locator("main *").evaluate_all(far) == []
    context.close()
