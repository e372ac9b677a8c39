"""Nights that cost next to nothing: the networks read the tissue from the gray value, nothing is spawned."""

import sys
from contextlib import nullcontext
from types import SimpleNamespace

import cv2
import pytest

from blastoseg.model import planned
from blastoseg.run import pipeline
from blastoseg.sources import isolated
from tests.gray_values import GRAY_OF_LABEL, GrayValueNetworks, drawn_labels

SIDE = 56
LOOKS = 4


def picture(look: int) -> bytes:
    """A PNG of an embryo that looks so, of ``LOOKS``."""
    labels = drawn_labels(SIDE, radius=26 - look, icm=6, cavity=look != 3)
    return bytes(cv2.imencode(".png", GRAY_OF_LABEL[labels])[1].tobytes())


class CheapNetworks(GrayValueNetworks):
    """A segmenter that costs nothing; the model's name decides how sure it is."""

    locator_side = input_side = SIDE
    batch_size = 4
    precision = "float32"
    device_in_words = "none"
    engine = "torch"

    def __init__(self, card, *_: object, **__: object) -> None:
        self.card = card

    def segment_batch(self, crops):
        answers = super().segment_batch(crops)
        return answers if self.card.name == "a" else answers * 0.7 + 0.06


class HereProcesses:
    """Does the work in this process."""

    def __init__(self, work, _count: int) -> None:
        self._work = work

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self) -> None:
        pass

    def ask(self, request):
        return self._work.done(request.job, request.arrays)


def make_nights_cheap(patch: pytest.MonkeyPatch) -> None:
    """Runs of this process take these for the networks of any weights, and do all work themselves."""
    patch.setitem(sys.modules, "blastoseg.model.segmenter", SimpleNamespace(Segmenter=CheapNetworks))
    patch.setattr(planned, "check_files", lambda card: None)
    patch.setattr(
        pipeline,
        "load_card",
        lambda name: SimpleNamespace(name=name, fingerprint=name, sha256=name, has_ranges=False),
    )
    patch.setattr(isolated, "Processes", HereProcesses)
    # Threads of one process that each raise the limit again leave it standing for what comes after.
    patch.setattr(isolated, "memory_limited", nullcontext)
