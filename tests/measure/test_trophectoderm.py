"""Thickness of the trophectoderm against formulas."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blastoseg.measure import measure_labels


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_thickness_is_that_of_the_drawn_ring_or_necklace(shapes, data):
    shape = data.draw(shapes.closed)
    measures, truth = measure_labels(shape.labels()), shape.truth()
    for name, tolerance in (("mean", 0.35), ("median", 0.35), ("min", 1.0), ("max", 1.0)):
        column = f"te_thickness_{name}_px"
        assert measures[column] == pytest.approx(truth[column], abs=tolerance), column
    assert measures["te_coverage_frac"] == 1


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_stretches_without_te_lower_the_coverage_and_not_the_thickness(shapes, share):
    shape = shapes.Shape(diameter=220, te=14)
    labels = shape.labels()
    y, x = np.mgrid[: shape.size, : shape.size]
    bearing = np.degrees(np.arctan2(y - 250.0, x - 250.0)) % 360
    labels[(labels == 3) & (bearing >= 360 * share)] = 2
    measures = measure_labels(labels)
    assert measures["te_coverage_frac"] == pytest.approx(share, abs=0.01)
    assert measures["te_thickness_mean_px"] == pytest.approx(14, abs=0.35)


@pytest.mark.parametrize("thickness", [1.5, 2.0, 3.0])
def test_a_very_thin_layer_is_measured_and_not_lost(shapes, thickness):
    measures = measure_labels(shapes.Shape(diameter=300, te=thickness).labels())
    assert measures["te_thickness_mean_px"] == pytest.approx(thickness, abs=0.35)
    assert measures["te_coverage_frac"] > 0.97


def test_a_ray_ends_where_te_gives_way_to_the_inner_cell_mass(shapes):
    shape = shapes.Shape(diameter=220, te=14)
    labels = shape.labels()
    labels[labels == 2] = 1
    assert measure_labels(labels)["te_thickness_mean_px"] == pytest.approx(14, abs=0.35)


def test_a_blastocyst_of_te_alone_has_an_area_of_te_but_no_layer_to_measure(shapes):
    labels = shapes.Shape().labels()
    labels[labels == 2] = 3
    measures = measure_labels(labels)
    assert measures["te_area_frac"] == 1
    assert math.isnan(measures["te_thickness_mean_px"])


def test_te_that_was_not_seen_is_undefined_and_not_zero(shapes):
    labels = shapes.Shape().labels()
    labels[labels == 3] = 2
    measures = measure_labels(labels)
    assert all(math.isnan(value) for name, value in measures.items() if name.startswith("te_"))
