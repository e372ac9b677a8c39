"""A headless Chromium, where the machine has one."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    """A browser that is driven; the test is skipped where there is none."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with driver.sync_playwright() as playwright:
        # A container's root has no sandbox; the pages are our own.
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser):
    """Opens a page from the disk; whatever it complains of, or asks the network for, fails the test."""
    contexts, wrong = [], []

    def open_(address, origins=("file:", "blob:"), **options):
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(origins) else wrong.append(asked.url),
        )
        page.goto(address if isinstance(address, str) else address.as_uri())
        page.set_default_timeout(10_000)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert wrong == []
