"""A finished night whose frames can be corrected: two embryos, cheap networks, a page."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from blastoseg.report.review.page import key_of
from blastoseg.run import reporting
from blastoseg.run.events import RunEnded
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.run.reviewing.saving import Drawn, Reviewer
from blastoseg.run.reviewing.server import ReviewServer
from blastoseg.settings import Settings
from tests.cheap_nights import CheapNetworks, make_nights_cheap
from tests.gray_values import GRAY_OF_LABEL, drawn_labels

E1 = key_of("E1")
FRAMES = 5
SIDE = 200


def make_reviewed_nights_cheap(patch: pytest.MonkeyPatch) -> None:
    """``make_nights_cheap`` for frames of this size."""
    make_nights_cheap(patch)
    patch.setattr(reporting, "write_workbook", lambda path, *_, **__: path.write_bytes(b""))
    patch.setattr(reporting, "take_over", lambda _: SimpleNamespace(notes={}, said=[]))
    patch.setattr(CheapNetworks, "locator_side", SIDE)
    patch.setattr(CheapNetworks, "input_side", SIDE)


def picture(radius: int) -> bytes:
    """A PNG of an embryo."""
    labels = drawn_labels(SIDE, radius, icm=28)
    return bytes(cv2.imencode(".png", GRAY_OF_LABEL[labels])[1].tobytes())


def write_frames(folder: Path, embryos=("E1", "E2"), frames: int = FRAMES) -> Path:
    """Folders of frames; the zona is smaller in the later ones."""
    for embryo in embryos:
        (folder / embryo).mkdir(parents=True)
        for number in range(frames):
            (folder / embryo / f"{number}.png").write_bytes(picture(84 - min(number, 2)))
    return folder


def night(frames: Path, out: Path, **request) -> RunEnded:
    """One night over a folder."""
    asked = {"settings": Settings(frame_interval_h=1.0), "um_per_px": 3.0, "workers": 1} | request
    settings = asked["settings"].overridden(weights=asked.pop("weights", "a"))
    *_, ended = score_folder(RunRequest(paths=[frames], out=out, **asked | {"settings": settings}))
    assert isinstance(ended, RunEnded)
    return ended


@contextmanager
def serving(out: Path) -> Iterator[ReviewServer]:
    """The report in ``out`` served meanwhile."""
    with ReviewServer(Reviewer(out)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def with_larger_icm(labels):
    """Labels in which the inner cell mass has grown into the cavity."""
    from scipy import ndimage

    grown = ndimage.binary_dilation(labels == 1, iterations=4) & (labels == 2)
    changed = labels.copy()
    changed[grown] = 1
    assert (changed != labels).any()
    return changed


def correct(out: Path, key: str = E1, place: int = 1, by: str = "A. B."):
    """Grow the inner cell mass of a frame, as a person would; returns what the page is told."""
    reviewer = Reviewer(out)
    labels = reviewer.labels(key, place, of_network=True)
    revision = reviewer.state(key)["frames"].get(str(place), {"revision": ""})["revision"]
    drawn = Drawn(with_larger_icm(labels), by, revision)
    return reviewer.save(reviewer.report.stamp, key, place, drawn)


def tables(out: Path) -> dict[str, bytes]:
    """The bytes of every table."""
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.csv"))}


def same(first, second) -> bool:
    """Whether two label images are the same."""
    return bool(np.array_equal(first, second))


def request_to_save(out, place=0):
    """What the page sends to save a frame with a larger inner cell mass."""
    reviewer = Reviewer(out)
    labels = with_larger_icm(reviewer.labels(E1, place, of_network=True))
    known = reviewer.state(E1)["frames"].get(str(place), {"revision": ""})
    return {
        "report": reviewer.report.stamp,
        "embryo": E1,
        "place": place,
        "by": "A. B.",
        "revision": known["revision"],
        "shape": labels.shape,
        "labels": base64.b64encode(labels.tobytes()).decode(),
    }
