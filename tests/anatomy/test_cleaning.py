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
from tests.anatomy.drawn import SIDE, collapsed, embryo, figure_of_eight, jaccard, polar, standing_off

SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, max_side=24)


SOUND = {
    "closed": embryo(),
    "elliptic": embryo(radius=80, aspect=1.15),
    "long": embryo(radius=62, zona=16, aspect=1.36),
    "thin zona": embryo(zona=4),
    "small": embryo(radius=45, zona=6),
    "opened": embryo(gap=30),
    "figure of eight": figure_of_eight(),
    "collapsed in an opened zona": collapsed(),
    "half out, the zona stands off": standing_off(),
    "without zona": np.where(embryo() == 4, 0, embryo()).astype(np.uint8),
}


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


def test_debris_beside_a_doubtful_gap_is_no_tissue_that_has_left_through_it():
    probabilities = gap_probabilities(embryo(gap=30), 0.6)
    radius, bearing = polar()
    debris = (np.abs(bearing) < 7) & (radius > 85) & (radius < 109)
    probabilities[:, debris] = np.eye(5, dtype=np.float32)[CHANNEL_OF_LABEL[3]][:, None]
    measures = measure_labels(clean_labels(probabilities))
    assert (measures["zp_gap_count"], measures["zp_is_breached"]) == (0, False)
    assert measures["extruded_area_px2"] == 0


def test_a_zona_that_ran_into_its_neighbour_has_no_gap_once_that_is_cut_off():
    labels = embryo()
    radius, bearing = polar()
    run_away = np.abs(bearing) < 8
    labels[run_away & (labels == 4)] = 0
    labels[run_away & (radius > 109) & (radius < 118)] = 4
    labels[(np.abs(np.abs(bearing) - 8) < 2) & (radius > 95) & (radius < 118)] = 4
    measures = measure_labels(clean_labels(gap_probabilities(labels, 0.6)))
    assert measures["zp_gap_count"] == 0


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
