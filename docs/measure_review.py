"""Measures the review page of many embryos: size, writing, and how fast a browser opens it.

    python docs/measure_review.py [EMBRYOS [FRAMES [FOLDER]]]

1,000 embryos of 144 frames, unless told: their pictures are links to a few synthetic ones, made in FOLDER (a
temporary one). Opening is timed in headless Chromium, from the disk, medians of five; without playwright and
a Chromium that part is left out.
"""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from blastoseg.report.review.page import Content, write_page
from tests.report.review.finished import content_of, finished

TIMES = 5
CHANGED = 10


def timed(what: str, work: Callable[[], object]) -> object:
    """What ``work`` gives, with its seconds printed."""
    begun = time.perf_counter()
    result = work()
    print(f"{what}: {time.perf_counter() - begun:.1f} s")
    return result


def after_a_night(content: Content, out: Path) -> Content:
    """The same report with another number in one frame of ten embryos."""
    frames = content.tables.frames
    first = ~frames["embryo_id"].duplicated()
    changed = frames.index[first][:CHANGED]
    frames.loc[changed, "te_thickness_mean_um"] += 0.01
    own = [name for name in frames if not name.startswith(("steady", "course"))]
    return content_of(out, frames[own].to_dict("records"))


def opened(page_at: Path) -> None:
    """Seconds from opening to the gallery's first picture, and from a key to an embryo's first frame."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  not everybody has it

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        galleries, embryos = [], []
        for number in range(TIMES):
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            begun = time.perf_counter()
            page.goto(page_at.as_uri(), wait_until="commit")
            page.wait_for_selector(".card img", state="attached")
            page.wait_for_load_state("load")
            galleries.append(time.perf_counter() - begun)
            page.wait_for_timeout(300)
            for _ in range(number):
                page.keyboard.press("ArrowRight")
            begun = time.perf_counter()
            page.keyboard.press("Enter")
            page.wait_for_selector(".film[data-shown]")
            embryos.append(time.perf_counter() - begun)
            page.close()
        browser.close()
    print(f"opened to the gallery: {statistics.median(galleries):.2f} s, most {max(galleries):.2f} s")
    print(f"opened an embryo: {statistics.median(embryos):.2f} s, most {max(embryos):.2f} s")


def main(embryos: int, frames: int, out: Path) -> None:
    """Print every figure."""
    content = finished(out, (f"Patient{place // 8} Well {place % 8}" for place in range(embryos)), frames)
    timed(f"page of {embryos:,} embryos of {frames} frames", lambda: write_page(content))
    page = out / "review"
    files = [path for path in page.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    index = (page / "index.js").stat().st_size
    print(f"{len(files):,} files, {size / 1e6:.1f} MB; index.js {index / 1e6:.2f} MB")
    timed("a night with nothing new", lambda: write_page(content))
    changed = after_a_night(content, out)
    count = timed(f"a night that changes {CHANGED}", lambda: write_page(changed))
    print(f"embryos written again: {count}")
    try:
        opened(page / "index.html")
    except ImportError:
        print("opening was not timed: playwright is not installed")


if __name__ == "__main__":
    given = sys.argv[1:]
    numbers = [int(one) for one in given[:2]]
    with tempfile.TemporaryDirectory() as temporary:
        main(*(numbers + [1000, 144][len(numbers) :]), Path(given[2] if len(given) > 2 else temporary))
