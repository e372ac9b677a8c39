"""Opening the page in a browser, without the token on a command line, which every user here can list."""

import html
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def opened_in_browser(address: str) -> Iterator[None]:
    """Open ``address`` by way of a file that only this user can read, which goes with the block."""
    # The folder is its owner's alone, on every system.
    with TemporaryDirectory(prefix="blastoseg-review-") as folder:
        file = Path(folder) / "open.html"
        url = html.escape(address, quote=True)
        file.write_text(f'<!doctype html><meta http-equiv="refresh" content="0;url={url}">\n', "utf-8")
        webbrowser.open(file.as_uri())
        yield
