"""Runs as a night has them: the command as a subprocess, on folders made of one drawn embryo."""

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pypdf import PdfReader

from blastoseg.simulate import View, draw_frame

LONG_AGO = 1_700_000_000


def make_frames(folder: Path, well: str, count: int) -> Path:
    """``folder`` with so many frames of one embryo, links to one file; beside it ``quick.toml``."""
    drawn = draw_frame(np.random.default_rng(3), View(160, 160, fill=(0.6, 0.8), kind="expanded")).image
    (folder / well).mkdir(parents=True)
    first = folder / well / f"{well}_RUN001.jpg"
    cv2.imwrite(str(first), drawn)
    os.utime(first, (LONG_AGO, LONG_AGO))
    for number in range(2, count + 1):
        os.link(first, first.with_name(f"{well}_RUN{number:03d}.jpg"))
    (folder.parent / "quick.toml").write_text("flips = false\n")
    return folder


def start(
    folder: Path, out: Path, *options: object, injected: str = "", into: Any = subprocess.PIPE
) -> subprocess.Popen[str]:
    """``blastoseg run`` on the folder, after the statements ``injected`` in its process; prints ``into``."""
    arguments = ["run", folder, "--out", out, "--batch-size", "4", "--no-overlays"]
    arguments += ["--settings", folder.parent / "quick.toml", *options]
    how = ["-m", "blastoseg"]
    if injected:
        script = out.parent / "injected.py"
        script.write_text(
            f"{injected}\n\nif __name__ == '__main__':\n    from blastoseg.cli import main\n    main()\n"
        )
        how = [str(script)]
    return subprocess.Popen(
        [sys.executable, *how, *map(str, arguments)],
        stdout=into,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and everything said."""
    text, _ = process.communicate(timeout=120)
    return process.returncode, text


def tables(out: Path) -> list[bytes]:
    return [(out / name).read_bytes() for name in ("frames.csv", "embryos.csv", "events.csv")]


def everything_written(out: Path) -> bytes:
    """Names and contents of all files, of those inside workbooks, and the texts of PDF pages."""
    written = b""
    for path in out.rglob("*"):
        written += str(path.relative_to(out)).encode()
        if path.suffix == ".pdf":
            pages = PdfReader(path)
            written += repr(pages.metadata).encode()
            written += "".join(page.extract_text() for page in pages.pages).encode(
                "utf-8", "backslashreplace"
            )
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                written += b"".join(book.read(name) for name in book.namelist())
        elif path.is_file():
            written += path.read_bytes()
    return written


def masks(out: Path) -> int:
    return len(list(out.glob("masks/*/*.png")))


def wait_for(happened: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not happened() and time.monotonic() < until:
        time.sleep(0.005)
