"""Overlays and thumbnails."""

import cv2
import numpy as np
import pytest

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.report import overlay
from blastoseg.report.overlay import STRIP_HEIGHT, draw_overlay, draw_thumbnail, stretch_contrast
from blastoseg.tissues import FOREGROUND, ICM, TE, ZP


def embryo(side=500):
    """Concentric tissues about the middle, on a gray ramp."""
    labels = np.zeros((side, side), np.uint8)
    for tissue, radius in zip(reversed(FOREGROUND), (0.4, 0.36, 0.32, 0.1), strict=True):
        cv2.circle(labels, (side // 2, side // 2), int(radius * side), tissue.label, -1)
    image = np.tile(np.linspace(60, 180, side).astype(np.uint8), (side, 1))
    return image, labels


def is_tinted(picture):
    return np.ptp(picture.astype(int), axis=2) > 0


def test_tissue_is_tinted_in_its_colour_and_the_rest_stays_gray():
    image, labels = embryo()
    picture = draw_overlay(image, labels)[:-STRIP_HEIGHT]
    assert picture.shape == (500, 500, 3)
    near = cv2.dilate((labels > 0).astype(np.uint8), np.ones((5, 5))) > 0
    assert not is_tinted(picture)[~near].any()
    assert is_tinted(picture)[labels > 0].mean() > 0.98
    inside = cv2.erode((labels == ICM.label).astype(np.uint8), np.ones((7, 7))) > 0
    red, green, blue = picture[inside].astype(int).mean(axis=0)
    assert red > max(green, blue) + 10


def test_each_tissue_has_an_outline_in_its_own_colour():
    image, labels = embryo()
    picture = draw_overlay(image, labels)
    for tissue in (ICM, TE, ZP):
        assert (np.abs(picture[:500].astype(int) - tissue.colour).max(axis=2) < 12).sum() > 60


def test_sixteen_bits_look_like_eight_and_a_flat_frame_is_gray():
    image, labels = embryo()
    wide = draw_overlay(image.astype(np.uint16) * 257, labels).astype(int)
    assert np.abs(wide - draw_overlay(image, labels)).max() <= 2
    assert (stretch_contrast(np.full((8, 8), 7, np.uint8)) == 128).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (90, 60), (3000, 2000)], ids=str)
def test_any_shape_of_frame_gives_a_picture_with_a_strip(shape):
    labels = np.zeros(shape, np.uint8)
    labels[: shape[0] // 2] = ZP.label
    picture = draw_overlay(np.zeros(shape, np.uint8), labels, "Zoë\n🧬" * 40)
    assert picture.dtype == np.uint8
    assert STRIP_HEIGHT < picture.shape[0] <= 1600 + STRIP_HEIGHT or shape[0] == 1
    thumbnail = draw_thumbnail(picture, labels, 110)
    assert thumbnail.shape == (110, 110, 3)


def test_a_frame_without_labels_is_drawn_alone():
    image, labels = embryo()
    assert not is_tinted(draw_overlay(image, None)[:500]).any()
    assert not is_tinted(draw_overlay(image, np.zeros_like(labels))[:500]).any()


def test_the_embryo_fills_its_thumbnail():
    image, labels = embryo()
    small = np.roll(labels, (150, 120), axis=(0, 1))
    small[:150], small[:, :120] = 0, 0
    for one in (labels, small):
        thumbnail = draw_thumbnail(draw_overlay(image, one), one, 110)
        rows, columns = np.nonzero(is_tinted(thumbnail))
        assert max(np.ptp(rows), np.ptp(columns)) > 80


def test_frame_and_labels_are_left_as_they_were():
    image, labels = embryo()
    before = image.copy(), labels.copy()
    draw_overlay(image, labels)
    assert (image == before[0]).all()
    assert (labels == before[1]).all()


def test_the_notice_is_drawn_whole_on_the_narrowest_picture(monkeypatch):
    image, labels = embryo(100)
    drawn = []
    monkeypatch.setattr(
        overlay, "write_small", lambda strip, text, at, _colour: drawn.append((strip, text, at))
    )
    monkeypatch.setattr(overlay, "_legend", overlay._legend.__wrapped__)  # drawn anew, and not kept
    draw_overlay(image, labels)
    [(strip, text, (x, y))] = [one for one in drawn if one[1] == RESEARCH_USE_ONLY]
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)
    assert x + width <= strip.shape[1]
    assert y - height > 34
    assert y + below <= strip.shape[0]
