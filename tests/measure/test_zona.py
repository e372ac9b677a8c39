"""The zona against formulas: thickness, gaps, hatching."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blastoseg.measure import measure_labels


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_gaps_are_counted_and_their_angles_measured(shapes, data):
    shape = data.draw(shapes.with_gaps)
    measures = measure_labels(shape.labels())
    widths = [width for _, width in shape.gaps]
    assert measures["zp_gap_count"] == len(widths)
    assert measures["zp_largest_gap_deg"] == pytest.approx(max(widths), abs=2)
    assert measures["zp_integrity_frac"] == pytest.approx(1 - sum(widths) / 360, abs=0.015)
    assert measures["zp_is_breached"] is True
    assert measures["extruded_area_px2"] == 0


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_thickness_is_that_of_the_drawn_zona_with_and_without_gaps(shapes, data):
    shape = data.draw(shapes.closed | shapes.with_gaps)
    measures, truth = measure_labels(shape.labels()), shape.truth()
    for name, tolerance in (("mean", 0.35), ("min", 1.0), ("max", 1.0)):
        column = f"zp_thickness_{name}_px"
        assert measures[column] == pytest.approx(truth[column], abs=tolerance), column


def test_a_closed_zona_has_a_true_zero_of_gaps(shapes):
    measures = measure_labels(shapes.Shape(zona=4).labels())
    assert measures["zp_gap_count"] == 0
    assert measures["zp_largest_gap_deg"] == 0
    assert measures["zp_largest_gap_px"] == 0
    assert measures["zp_integrity_frac"] == 1
    assert measures["zp_is_breached"] is False
    assert measures["extruded_area_frac"] == 0


def test_a_gap_below_five_degrees_counts_for_integrity_alone(shapes):
    measures = measure_labels(shapes.Shape(diameter=300, gaps=[(70, 3.5)]).labels())
    assert measures["zp_gap_count"] == 0
    assert measures["zp_integrity_frac"] == pytest.approx(1 - 3.5 / 360, abs=0.004)
    assert measures["zp_is_breached"] is False


def test_the_arc_of_a_gap_runs_along_the_middle_of_the_zona(shapes):
    shape = shapes.Shape(diameter=240, zona=12, gaps=[(-20, 40)])
    assert measure_labels(shape.labels())["zp_largest_gap_px"] == pytest.approx(
        math.radians(40) * 126, rel=0.02
    )


def collapsed(gap_deg: float, offset: float) -> np.ndarray:
    """A blastocyst of radius 60 that has shrunk away from its zona, radii 100 to 112."""
    y, x = np.mgrid[:300, :300]
    radius = np.hypot(x - 150.3, y - 149.6)
    labels = np.where((radius < 112) & (radius > 100), 4, 0).astype(np.uint8)
    own = np.hypot(x - 150.3 - offset, y - 149.6)
    labels[own < 60] = 3
    labels[own < 45] = 2
    bearing = np.degrees(np.arctan2(y - 149.6, x - 150.3 - offset))
    labels[(labels == 4) & (np.abs(bearing) < gap_deg / 2)] = 0
    return labels


@pytest.mark.parametrize("offset", [0.0, 15.0])
def test_a_zona_keeps_its_thickness_when_the_blastocyst_has_collapsed(offset):
    measures = measure_labels(collapsed(0, offset))
    assert measures["zp_thickness_mean_px"] == pytest.approx(12, abs=0.35)
    assert measures["zp_thickness_min_px"] == pytest.approx(12, abs=1)
    assert measures["zp_gap_count"] == 0


@pytest.mark.parametrize("offset", [0.0, 15.0])
def test_a_gap_above_a_collapsed_blastocyst_is_seen_from_its_centroid_and_no_breach(offset):
    measures = measure_labels(collapsed(30, offset))
    assert measures["zp_largest_gap_deg"] == pytest.approx(30, abs=2)
    assert measures["zp_is_breached"] is False
    assert measures["zp_thickness_mean_px"] == pytest.approx(12, abs=0.35)


def test_a_collapsed_blastocyst_is_parted_from_its_zona_all_round_and_a_full_one_nowhere(shapes):
    assert measure_labels(collapsed(0, 0))["zp_parted_frac"] == 1
    assert measure_labels(shapes.Shape(icm_radius=30).labels())["zp_parted_frac"] == 0


def test_the_share_that_is_parted_is_that_of_the_directions_in_which_the_blastocyst_stays_away():
    # A disc of radius 80 that touches the zona's inner outline, radius 100, on one side.
    y, x = np.mgrid[:300, :300]
    radius = np.hypot(x - 150, y - 150)
    labels = np.where((radius < 112) & (radius > 100), 4, 0).astype(np.uint8)
    own = np.hypot(x - 170, y - 150)
    labels[own < 80] = 3
    labels[own < 70] = 2
    angle = np.linspace(0, np.pi, 100_000)
    reach = 20 * np.cos(angle) + np.sqrt(80**2 - (20 * np.sin(angle)) ** 2)
    expected = np.mean(100 - reach > 4)
    assert measure_labels(labels)["zp_parted_frac"] == pytest.approx(expected, abs=0.04)


def hatching(outer_radius: float, angle: float, scale: int = 1) -> np.ndarray:
    """A disc of radius 90 in its zona, 90 to 100, and second outside a 40 degree gap."""
    turn = math.radians(angle)
    y, x = (np.mgrid[: 500 * scale, : 500 * scale] - (scale - 1) / 2) / scale
    east, south = x - 220.4, y - 230.7
    along = east * math.cos(turn) + south * math.sin(turn)
    across = -east * math.sin(turn) + south * math.cos(turn)
    radius = np.hypot(east, south)
    opening = (np.abs(np.degrees(np.arctan2(across, along))) < 20) & (radius < 104)
    tissue = (radius < 90) | opening | (np.hypot(along - 98 - outer_radius, across) < outer_radius)
    labels = np.where((radius >= 90) & (radius < 100), 4, 0).astype(np.uint8)
    labels[tissue] = 3
    labels[radius < 78] = 2
    return labels


@settings(max_examples=5, deadline=None)
@given(outer_radius=st.floats(35, 65), angle=st.floats(0, 360))
def test_the_half_of_a_figure_of_eight_outside_the_zona_is_extruded(outer_radius, angle):
    fine = hatching(outer_radius, angle, scale=2)
    y, x = (np.mgrid[:1000, :1000] - 0.5) / 2
    truth = np.count_nonzero((fine == 3) & (np.hypot(x - 220.4, y - 230.7) >= 100)) / 4
    measures = measure_labels(hatching(outer_radius, angle))
    assert measures["extruded_area_px2"] == pytest.approx(truth, rel=0.01)
    assert measures["zp_gap_count"] == 1
    assert measures["zp_largest_gap_deg"] == pytest.approx(40, abs=2)
    assert measures["zp_is_breached"] is True
    assert measures["zp_thickness_mean_px"] == pytest.approx(10, abs=0.35)


def test_a_seam_of_two_pixels_outside_the_zona_is_no_extrusion(shapes):
    shape = shapes.Shape(diameter=240, zona=10)
    labels = shape.labels()
    y, x = np.mgrid[: shape.size, : shape.size]
    seam = (np.abs(np.hypot(x - 250, y - 250) - 131) < 1) & (x > 300)
    labels[seam & (labels == 0)] = 3
    assert measure_labels(labels)["extruded_area_px2"] == 0


def test_specks_of_zona_inside_and_outside_do_not_move_its_outlines(shapes):
    shape = shapes.Shape(diameter=240, zona=10)
    labels = shape.labels()
    labels[248:251, 300:303] = 4
    labels[20:24, 20:24] = 4
    measures = measure_labels(labels)
    assert measures["zp_thickness_mean_px"] == pytest.approx(10, abs=0.35)
    assert measures["zp_thickness_max_px"] == pytest.approx(10, abs=1)
    assert measures["zp_gap_count"] == 0


def test_a_zona_that_was_not_seen_is_undefined_and_not_zero(shapes):
    labels = shapes.Shape().labels()
    labels[labels == 4] = 0
    measures = measure_labels(labels)
    undefined = {name: value for name, value in measures.items() if name.startswith(("zp_", "extruded_"))}
    assert undefined.pop("zp_gap_count") is None
    assert undefined.pop("zp_is_breached") is None
    assert all(math.isnan(value) for value in undefined.values())


def test_an_empty_zona_is_measured_about_its_own_centre():
    y, x = np.mgrid[:300, :300]
    radius = np.hypot(x - 150, y - 150)
    labels = np.where((radius < 120) & (radius > 110), 4, 0).astype(np.uint8)
    labels[:, 230:] = 0
    measures = measure_labels(labels)
    assert measures["zp_thickness_mean_px"] == pytest.approx(10, abs=0.35)
    assert measures["zp_gap_count"] == 1
    assert measures["zp_is_breached"] is None
    assert math.isnan(measures["extruded_area_px2"])


@pytest.mark.parametrize("span", [20, 60, 150])
def test_a_remnant_of_zona_is_measured_without_inventing_the_rest(shapes, span):
    shape = shapes.Shape(diameter=240, zona=10, gaps=[(0, 360 - span)])
    measures = measure_labels(shape.labels())
    assert measures["zp_integrity_frac"] == pytest.approx(span / 360, abs=0.02)
    assert measures["zp_thickness_mean_px"] == pytest.approx(10, abs=0.5)
