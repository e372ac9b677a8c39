"""Faults that networks make are repaired; what is right comes back as it was."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from skimage.morphology import convex_hull_image

from blastoseg.anatomy import clean_labels, tidy_labels
from blastoseg.measure import measure_labels
from blastoseg.tissues import CHANNEL_OF_LABEL, ZP

SIDE = 256
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, max_side=24)


def polar(centre: tuple[float, float] = (128.3, 127.6)) -> tuple[np.ndarray, np.ndarray]:
    """Radius and bearing in degrees of every pixel."""
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.hypot(x - centre[0], y - centre[1]), np.degrees(np.arctan2(y - centre[1], x - centre[0]))


def embryo(radius: float = 90, zona: float = 9, gap: float = 0, aspect: float = 1.0) -> np.ndarray:
    """A blastocyst with an inner cell mass at its wall, and a zona with one gap at the right."""
    y, x = np.mgrid[:SIDE, :SIDE]
    own = np.hypot((x - 128.3) / aspect, y - 127.6)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[own < radius + zona] = 4
    labels[(labels == 4) & (np.abs(polar()[1]) < gap / 2)] = 0
    labels[own < radius] = 3
    labels[own < radius * 0.88] = 2
    labels[(own < radius * 0.9) & (np.hypot(x - 128 + radius * 0.5, y - 128) < radius * 0.38)] = 1
    return labels


def figure_of_eight() -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    inner, outer = np.hypot(x - 95, y - 128), np.hypot(x - 195, y - 128)
    labels = np.where(inner < 68, 4, 0).astype(np.uint8)
    tissue = (inner < 60) | (outer < 45) | ((np.abs(y - 128) < 15) & (x > 95) & (x < 195))
    labels[tissue] = 3
    labels[(inner < 50) | (outer < 37)] = 2
    return labels


def collapsed() -> np.ndarray:
    radius, bearing = polar()
    labels = np.where((radius < 100) & (radius > 88) & (np.abs(bearing) > 12), 4, 0).astype(np.uint8)
    labels[radius < 55] = 3
    labels[radius < 40] = 2
    return labels


def standing_off(centre: float = 100, radius: float = 66) -> np.ndarray:
    """Two halves, the left one smaller than what is left of the zona: an arc that touches nothing."""
    y, x = np.mgrid[:SIDE, :SIDE]
    inner, outer = np.hypot(x - 110, y - 128), np.hypot(x - 190, y - 128)
    arc, bearing = polar((centre, 128))
    labels = np.where((np.abs(arc - radius) < 3) & (np.abs(bearing) > 105), 4, 0).astype(np.uint8)
    labels[(inner < 40) | (outer < 45)] = 3
    labels[(inner < 32) | (outer < 37)] = 2
    return labels


SOUND = {
    "closed": embryo(),
    "elliptic": embryo(radius=80, aspect=1.15),
    "thin zona": embryo(zona=4),
    "small": embryo(radius=45, zona=6),
    "opened": embryo(gap=30),
    "figure of eight": figure_of_eight(),
    "collapsed in an opened zona": collapsed(),
    "half out, the zona stands off": standing_off(),
    "without zona": np.where(embryo() == 4, 0, embryo()).astype(np.uint8),
}


def jaccard(first: np.ndarray, second: np.ndarray) -> float:
    """The worst tissue's overlap."""
    return min(
        np.count_nonzero((first == value) & (second == value))
        / np.count_nonzero((first == value) | (second == value))
        for value in np.union1d(np.unique(first), np.unique(second))
    )


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_map_comes_back_as_it_was(name):
    cleaned = tidy_labels(SOUND[name])
    assert jaccard(cleaned, SOUND[name]) > 0.98
    before, after = measure_labels(SOUND[name]), measure_labels(cleaned)
    for column in ("blastocyst_area_px2", "icm_area_px2", "te_thickness_mean_px", "zp_thickness_mean_px"):
        assert after[column] == pytest.approx(before[column], rel=0.01, nan_ok=True), column
    assert after["zp_gap_count"] == before["zp_gap_count"]


def test_probabilities_become_the_labels_of_their_winners():
    labels = embryo(gap=30)
    winners = np.array(CHANNEL_OF_LABEL)[labels]
    probabilities = np.stack([np.where(winners == channel, 0.96, 0.01) for channel in range(5)])
    copy = probabilities.copy()
    cleaned = clean_labels(probabilities.astype(np.float32))
    assert np.array_equal(cleaned, tidy_labels(labels))
    assert cleaned.dtype == np.uint8
    assert np.array_equal(probabilities, copy)


def test_islands_away_from_the_embryo_are_dropped():
    labels = embryo(radius=60)
    faulty = labels.copy()
    faulty[10:24, 10:24] = 3
    faulty[230:240, 20:60] = 4
    faulty[10:14, 240:250] = 1
    assert jaccard(tidy_labels(faulty), labels) > 0.98


def test_holes_and_specks_take_the_tissue_around_them():
    labels = embryo()
    faulty = labels.copy()
    for y, x, value in [
        (128, 170, 0),
        (128, 180, 4),
        (150, 160, 3),
        (128, 83, 2),
        (120, 90, 0),
        (100, 150, 1),
    ]:
        faulty[y : y + 4, x : x + 4] = value
    faulty[30:33, 127:130] = 0
    assert jaccard(tidy_labels(faulty), labels) > 0.98


def test_an_island_of_inner_cell_mass_within_te_is_a_te_cell():
    labels = embryo(radius=90)
    y, x = np.mgrid[:SIDE, :SIDE]
    labels[np.hypot(x - 128, y - 205) < 14] = 3
    faulty = labels.copy()
    faulty[np.hypot(x - 128, y - 205) < 9] = 1
    assert jaccard(tidy_labels(faulty), labels) > 0.98


def with_second_mass(radius: float) -> np.ndarray:
    labels = embryo()
    y, x = np.mgrid[:SIDE, :SIDE]
    labels[(np.hypot(x - 172, y - 128) < radius) & (labels == 2)] = 1
    return labels


@pytest.mark.parametrize("radius", [8, 20])
def test_a_small_second_inner_cell_mass_belongs_to_the_cavity(radius):
    assert jaccard(tidy_labels(with_second_mass(radius)), embryo()) > 0.98


@pytest.mark.parametrize(("sure", "masses"), [(0.7, 1), (0.9, 2)])
def test_a_large_second_inner_cell_mass_is_one_where_the_network_is_sure(sure, masses):
    labels = with_second_mass(30)
    probabilities = np.stack([np.where(labels == value, 0.96, 0.01) for value in (1, 2, 3, 4, 0)])
    second = (labels == 1) & (embryo() != 1)
    probabilities[CHANNEL_OF_LABEL[1]][second] = sure
    cleaned = clean_labels(probabilities.astype(np.float32))
    assert measure_labels(cleaned)["icm_components"] == masses


def test_a_crack_does_not_part_an_inner_cell_mass():
    labels = embryo()
    x = np.mgrid[:SIDE, :SIDE][1]
    cracked = np.where((labels == 1) & (np.abs(x - 85) < 1), 2, labels).astype(np.uint8)
    assert np.count_nonzero(tidy_labels(cracked) == 1) > 0.9 * np.count_nonzero(labels == 1)


def test_an_inner_cell_mass_that_the_zona_parts_keeps_a_piece_on_either_side():
    labels = figure_of_eight()
    y, x = np.mgrid[:SIDE, :SIDE]
    inside, outside = np.hypot(x - 75, y - 128) < 20, np.hypot(x - 210, y - 128) < 14
    labels[inside | outside] = 1
    cleaned = tidy_labels(labels)
    assert (cleaned[inside] == 1).mean() > 0.9
    assert (cleaned[outside] == 1).mean() > 0.9


def test_hairs_on_the_outside_and_in_the_cavity_are_removed():
    labels = np.where(embryo() == 4, 0, embryo()).astype(np.uint8)
    faulty = labels.copy()
    faulty[127:129, 215:245] = 3
    faulty[160:161, 130:205] = 3
    cleaned = tidy_labels(faulty)
    assert jaccard(cleaned, labels) > 0.98
    assert not cleaned[127:129, 225:].any()


@pytest.mark.parametrize("bearing", [0, 77, 160, -110])
def test_debris_at_the_outside_of_the_zona_is_cut_off(bearing):
    labels = embryo()
    y, x = np.mgrid[:SIDE, :SIDE]
    east, south = 103 * math.cos(math.radians(bearing)), 103 * math.sin(math.radians(bearing))
    debris = (np.hypot(x - 128 - east, y - 128 - south) < 11) & (labels == 0)
    faulty = np.where(debris, 4, labels).astype(np.uint8)
    cleaned = tidy_labels(faulty)
    assert np.count_nonzero(cleaned[debris]) < 0.15 * np.count_nonzero(debris)
    assert jaccard(cleaned, labels) > 0.98


def test_a_wavy_zona_becomes_a_smooth_one():
    labels = embryo(zona=12)
    radius, bearing = polar()
    wavy = np.where(labels == 4, 0, labels).astype(np.uint8)
    wavy[(wavy == 0) & (radius >= 90) & (radius < 102 + 4 * np.sin(np.radians(bearing) * 23))] = 4
    before, after = (measure_labels(some)["zp_thickness_sd_px"] for some in (wavy, tidy_labels(wavy)))
    assert before > 2.5
    assert after < 1.2


@pytest.mark.parametrize("gap", [8, 20, 60, 150])
def test_a_gap_in_the_zona_stays_open(gap):
    measures = measure_labels(tidy_labels(embryo(gap=gap)))
    assert measures["zp_gap_count"] == 1
    assert measures["zp_largest_gap_deg"] == pytest.approx(gap, abs=2)


def gap_probabilities(labels, background):
    """One-hot probabilities, but for the zona's gap, in which background has this share and zona the rest."""
    channels = np.array(CHANNEL_OF_LABEL)[labels]
    probabilities = np.stack([np.where(channels == channel, 1.0, 0.0) for channel in range(5)])
    whole = np.array(CHANNEL_OF_LABEL)[embryo(gap=0)]
    gap = (channels == CHANNEL_OF_LABEL[0]) & (whole != CHANNEL_OF_LABEL[0])
    probabilities[CHANNEL_OF_LABEL[0]][gap] = background
    probabilities[CHANNEL_OF_LABEL[4]][gap] = 1 - background
    return probabilities.astype(np.float32)


@pytest.mark.parametrize(("background", "gaps"), [(0.6, 0), (0.98, 1)])
def test_a_gap_in_the_zona_stays_open_only_where_the_network_is_sure_of_it(background, gaps):
    cleaned = clean_labels(gap_probabilities(embryo(gap=30), background))
    assert measure_labels(cleaned)["zp_gap_count"] == gaps


def test_a_doubtful_gap_with_tissue_outside_stays_open():
    labels = figure_of_eight()
    before = measure_labels(tidy_labels(labels))
    channels = np.array(CHANNEL_OF_LABEL)[labels]
    doubtful = np.stack([np.where(channels == channel, 0.6, 0.1) for channel in range(5)]).astype(np.float32)
    after = measure_labels(clean_labels(doubtful))
    assert before["zp_gap_count"] == after["zp_gap_count"] > 0
    assert after["zp_is_breached"]


def test_no_zona_is_invented_where_there_is_none():
    assert not np.any(tidy_labels(SOUND["without zona"]) == 4)


def test_both_halves_of_a_hatching_embryo_are_kept():
    measures = measure_labels(tidy_labels(figure_of_eight()))
    assert measures["extruded_area_frac"] > 0.25
    assert measures["zp_is_breached"] is True


def test_the_rim_of_a_half_that_is_out_neither_bends_the_zona_nor_counts_as_zona():
    truth = figure_of_eight()
    y, x = np.mgrid[:SIDE, :SIDE]
    rimmed = truth.copy()
    rimmed[(truth == 0) & (np.hypot(x - 195, y - 128) < 49) & (x > 200)] = 4
    cleaned = tidy_labels(rimmed)
    assert not np.any(cleaned[(np.hypot(x - 195, y - 128) < 52) & (x > 200)] == 4)
    assert jaccard(cleaned, truth) > 0.9


@pytest.mark.parametrize("foreign", [standing_off(centre=60, radius=8), standing_off(centre=150, radius=105)])
def test_an_arc_that_holds_nothing_or_all_of_an_embryo_is_dropped(foreign):
    assert np.any(foreign == 4)
    assert not np.any(tidy_labels(foreign) == 4)


@pytest.mark.parametrize("shape", [(1, 1), (64, 64), (256, 256)])
def test_background_stays_background(shape):
    assert not tidy_labels(np.zeros(shape, np.uint8)).any()


@settings(max_examples=20, deadline=None)
@given(
    noise=arrays.arrays(np.uint8, (16, 16), elements=st.integers(0, 4)),
    name=st.sampled_from(sorted(SOUND)),
)
def test_coarse_noise_never_leads_to_new_tissues_far_components_or_a_second_answer(noise, name):
    labels = SOUND[name].copy()
    blocks = np.kron(noise, np.ones((4, 4), np.uint8))
    labels[40:104, 40:104] = np.where(blocks > 0, blocks, labels[40:104, 40:104])
    cleaned = tidy_labels(labels)
    assert set(np.unique(cleaned)) <= set(np.unique(labels))
    is_new = (cleaned > 0) & ~grown(labels > 0, 3)
    # Only the zona's smooth outline may bridge what it finds dented, and never reaches beyond it.
    assert set(np.unique(cleaned[is_new])) <= {ZP.label}
    assert not np.any(is_new & ~grown(convex_hull_image(labels > 0), 3))
    assert np.array_equal(cleaned, tidy_labels(labels))
    again = tidy_labels(cleaned)
    assert np.count_nonzero(again != cleaned) <= 0.01 * np.count_nonzero(cleaned)


def grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask with the pixels next to it."""
    return cv2.dilate(mask.view(np.uint8), np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)) > 0


@settings(max_examples=60, deadline=None)
@given(labels=arrays.arrays(np.uint8, SHAPES, elements=st.integers(0, 4)))
def test_any_map_is_cleaned_without_error(labels):
    copy = labels.copy()
    cleaned = tidy_labels(labels)
    assert cleaned.shape == labels.shape
    assert np.array_equal(labels, copy)
    assert set(np.unique(cleaned)) <= set(range(5))
