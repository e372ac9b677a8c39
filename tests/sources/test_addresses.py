"""Addresses travel to the reading processes, and their keys into the ledger."""

import pickle

import pytest

from blastoseg.records import Address
from blastoseg.sources.addresses import (
    LabelImage,
    Nowhere,
    Plane,
    SharpestOf,
    SlidePicture,
    StackPlane,
    VideoFrame,
    WholeImage,
)

KEYS: list[tuple[Address, str]] = [
    (WholeImage(), "image"),
    (WholeImage(look_for_clock=True), "image, clock"),
    (VideoFrame(7, 4096, 900, has_clock=False), "frame 7"),
    (VideoFrame(7, 4096, 900, has_clock=True), "frame 7, clock"),
    (SlidePicture(12), "row 12"),
    (StackPlane(0, 3), "series 0, image 3"),
    (LabelImage(), "label image"),
    (Nowhere(), "unreadable"),
    (Nowhere(is_end=True), "lost end"),
    (
        SharpestOf(
            (Plane(None, "a.png", "a.png", WholeImage()), Plane(15, "b.avi", "b.avi", SlidePicture(1)))
        ),
        'sharpest of [[null, "a.png", "image"], [15, "b.avi", "row 1"]]',
    ),
]


@pytest.mark.parametrize(("address", "key"), KEYS, ids=[key for _, key in KEYS])
def test_a_key_is_the_text_that_ledgers_already_hold(address, key):
    assert address.key == key


def test_no_two_addresses_share_a_key():
    assert len({address.key for address, _ in KEYS}) == len(KEYS)


def test_an_address_reaches_another_process_as_it_was():
    for address, _ in KEYS:
        assert pickle.loads(pickle.dumps(address)) == address
