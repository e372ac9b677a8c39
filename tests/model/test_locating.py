"""Finding the embryo: boxes in frame pixels, whatever the frame's size and shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blastoseg.model.locating import (
    SquareFit,
    crop_embryo,
    fit_square,
    locate_embryo,
    part_embryos,
    place_labels,
    place_probabilities,
    resample_labels,
)
from blastoseg.records import Box, Segmentation


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(y + 0.5 - centre[0], x + 0.5 - centre[1]) <= radius


def locate(mask: np.ndarray):
    """Locate in a frame-sized mask as if the locator had answered perfectly."""
    square, fit = fit_square(mask.astype(np.uint8) * 255, 128)
    probability = np.zeros((128, 128), np.float32)
    probability[fit.inside()] = square[fit.inside()] / np.float32(255)
    return locate_embryo(probability, fit, 0.5)


@given(
    height=st.integers(200, 900),
    width=st.integers(200, 900),
    fill=st.floats(0.25, 0.7),
    offset=st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
)
@settings(max_examples=40, deadline=None)
def test_the_box_holds_the_whole_embryo_with_a_margin_whatever_the_frame(height, width, fill, offset):
    shorter = min(height, width)
    radius = fill * shorter / 2
    centre = height / 2 + offset[0] * shorter, width / 2 + offset[1] * shorter
    location = locate(disc((height, width), centre, radius))
    assert location.box is not None
    assert location.embryo_count == 1
    box = location.box
    slack = max(height, width) / 128 * 1.5
    for position, start in zip(centre, (box.y, box.x), strict=True):
        assert start < position - radius
        assert start + box.side > position + radius
        assert abs(start + box.side / 2 - position) <= slack
    assert box.side == pytest.approx(2 * radius * 1.26, abs=4 * slack)


def test_an_empty_map_has_no_embryo():
    location = locate(np.zeros((300, 400), bool))
    assert location.box is None
    assert location.embryo_count == 0


def test_a_speck_of_debris_is_no_embryo():
    assert locate(disc((500, 500), (250, 250), 15)).box is None


def test_of_several_embryos_the_central_large_one_is_taken_and_all_are_counted():
    central = disc((500, 500), (250, 250), 90)
    location = locate(central | disc((500, 500), (60, 60), 55) | disc((500, 500), (440, 430), 60))
    assert location.embryo_count == 3
    assert location.box is not None
    assert abs(location.box.y + location.box.side / 2 - 250) < 8


def test_a_higher_threshold_gives_a_smaller_box():
    _, fit = fit_square(np.zeros((300, 300), np.uint8), 128)
    y, x = np.mgrid[:128, :128]
    probability = np.clip(1 - np.hypot(y - 63.5, x - 63.5) / 64, 0, 1).astype(np.float32)
    sides = [locate_embryo(probability, fit, threshold).box.side for threshold in (0.3, 0.5, 0.7)]
    assert sides[0] > sides[1] > sides[2]
    assert locate_embryo(probability, fit, 0.999999).box is None


def test_both_halves_of_a_hatching_embryo_are_in_the_box():
    eight = disc((500, 500), (200, 200), 80) | disc((500, 500), (310, 310), 85)
    box = locate(eight).box
    assert box is not None
    assert box.y < 120
    assert box.x < 120
    assert box.y + box.side > 395
    assert box.x + box.side > 395


@given(y=st.integers(-60, 260), x=st.integers(-60, 360), side=st.integers(64, 300))
@settings(max_examples=40, deadline=None)
def test_labels_cropped_and_placed_back_are_where_they_were(y, x, side):
    labels = np.zeros((300, 400), np.uint8)
    labels[disc((300, 400), (150, 200), 60)] = 4
    labels[disc((300, 400), (150, 200), 50)] = 3
    box = Box(y, x, side)
    crop = crop_embryo(labels, box, side)
    placed = place_labels(crop, box, labels.shape)
    window = np.s_[max(0, y) : max(0, y + side), max(0, x) : max(0, x + side)]
    assert np.array_equal(placed[window], labels[window])
    placed[window] = 0
    assert not placed.any()


def test_enlarged_labels_keep_their_area_within_one_percent():
    labels = np.zeros((192, 192), np.uint8)
    labels[disc((192, 192), (96, 96), 70)] = 3
    labels[disc((192, 192), (96, 96), 55)] = 2
    big = resample_labels(labels, 411)
    for value in (2, 3):
        assert (big == value).sum() / (labels == value).sum() == pytest.approx((411 / 192) ** 2, rel=0.01)
    assert set(np.unique(big)) == {0, 2, 3}


def test_a_square_fit_knows_its_padding():
    square, fit = fit_square(np.full((100, 200), 7, np.uint16), 128)
    assert square.dtype == np.uint16
    assert square.shape == (128, 128)
    assert fit == SquareFit(0.64, 32, 0, 128, (100, 200))
    assert fit.inside() == (slice(32, 96), slice(0, 128))


def test_probabilities_lie_where_their_labels_lie_and_sum_to_one_everywhere():
    labels = np.zeros((40, 40), np.uint8)
    labels[5:30, 5:30] = 4
    probabilities = np.stack([(labels == value).astype(np.float32) for value in (1, 2, 3, 4, 0)])
    box = Box(-20, 30, 80)
    placed = place_probabilities(Segmentation(probabilities, box), (50, 90))
    np.testing.assert_allclose(placed.sum(axis=0), 1, atol=1e-6)
    is_zona = place_labels(labels, box, (50, 90)) == 4
    assert is_zona.any()
    assert ((placed[3] > 0.5) == is_zona).mean() > 0.99
    assert placed[4, 45, 85] == 1
    nothing = place_probabilities(None, (50, 90))
    assert nothing.shape == (5, 50, 90)
    assert (nothing[4] == 1).all()


def test_touching_embryos_are_parted_by_a_seam() -> None:
    main, other = np.zeros((1, 4, 8), np.float32), np.zeros((1, 4, 8), np.float32)
    main[..., :4], other[..., 4:] = 0.9, 0.8
    parted = part_embryos(main, other, 0.5)
    assert (parted[..., :4] == np.float32(0.9)).all()
    assert not parted[..., 4].any()
    assert (parted[..., 5:] == np.float32(0.8)).all()


def test_what_could_be_either_embryo_stays_whole() -> None:
    main, other = np.full((1, 4, 8), 0.55, np.float32), np.full((1, 4, 8), 0.5, np.float32)
    main[..., 4:], other[..., 4:] = 0.45, 0.6
    assert (part_embryos(main, other, 0.5) >= 0.5).all()
