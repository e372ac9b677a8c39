"""The tissues' colours stay apart, also for people who see fewer of them."""

from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from blastoseg.report.timeline_sheet import LINE_COLOUR, MARK_COLOUR
from blastoseg.tissues import BACKGROUND, BLASTOCOEL, FOREGROUND, INSIDE_OUT

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
LEAST_DISTANCE = 20
"""CIEDE2000; 2 is a just noticeable difference, and the colours before Okabe and Ito's came down to 8."""


def seen(colour: tuple[int, int, int], vision: str) -> np.ndarray:
    """L*a*b* of an sRGB colour as it is seen."""
    values = np.asarray(colour) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(VISION[vision]) @ linear, 0, 1)
    back = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(back)


def distance(one: tuple[int, int, int], other: tuple[int, int, int], vision: str) -> float:
    return float(deltaE_ciede2000(seen(one, vision), seen(other, vision)))


@pytest.mark.parametrize("vision", VISION)
def test_every_two_tissues_differ_in_colour_whatever_a_person_sees(vision):
    for one, other in combinations(INSIDE_OUT, 2):
        assert distance(one.colour, other.colour, vision) > LEAST_DISTANCE, (one.key, other.key)


@pytest.mark.parametrize("vision", VISION)
def test_every_tissue_differs_from_the_gray_of_a_frame(vision):
    for tissue in FOREGROUND:
        assert distance(tissue.colour, (128, 128, 128), vision) > LEAST_DISTANCE, tissue.key


@pytest.mark.parametrize("vision", VISION)
def test_the_events_of_a_chart_differ_from_its_curve_and_both_from_the_paper(vision):
    mark = (int(MARK_COLOUR[:2], 16), int(MARK_COLOUR[2:4], 16), int(MARK_COLOUR[4:], 16))
    for curve in (LINE_COLOUR, BLASTOCOEL.colour):
        for one, other in combinations((curve, mark, (255, 255, 255)), 2):
            assert distance(one, other, vision) > LEAST_DISTANCE, (one, other)


def test_the_background_is_black_so_that_a_label_image_shows_the_embryo():
    assert BACKGROUND.colour == (0, 0, 0)
