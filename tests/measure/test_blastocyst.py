"""Size and shape of B and E against formulas."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blastoseg.measure import measure_labels


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_size_and_shape_are_those_of_the_drawn_ellipse(shapes, data):
    shape = data.draw(shapes.closed)
    measures, truth = measure_labels(shape.labels()), shape.truth()
    assert measures["blastocyst_area_px2"] == pytest.approx(truth["blastocyst_area_px2"], rel=0.01)
    for name in ("diameter", "feret_max", "feret_min"):
        column = f"blastocyst_{name}_px"
        assert measures[column] == pytest.approx(truth[column], rel=0.005, abs=0.5), column
    assert measures["blastocyst_circularity_frac"] == pytest.approx(
        truth["blastocyst_circularity_frac"], abs=0.01
    )


@pytest.mark.parametrize("diameter", [80, 233.3, 400])
def test_the_perimeter_is_unbiased_on_digitised_discs(shapes, diameter):
    shape = shapes.Shape(diameter=diameter, te=diameter / 10, zona=5, centre=(250.37, 249.81))
    measures = measure_labels(shape.labels())
    assert measures["blastocyst_circularity_frac"] == pytest.approx(1, abs=0.01)
    assert measures["embryo_diameter_px"] == pytest.approx(diameter + 10, rel=0.005)


def test_the_embryo_includes_the_space_under_a_closed_zona_and_the_blastocyst_does_not():
    y, x = np.mgrid[:300, :300]
    radius = np.hypot(x - 150, y - 150)
    labels = np.where((radius < 120) & (radius > 110), 4, 0).astype(np.uint8)
    labels[np.hypot(x - 150, y - 190) < 50] = 3
    measures = measure_labels(labels)
    assert measures["embryo_area_px2"] == pytest.approx(math.pi * 120**2, rel=0.01)
    assert measures["blastocyst_area_px2"] == pytest.approx(math.pi * 50**2, rel=0.01)


def test_specks_beside_the_blastocyst_change_nothing(shapes):
    labels = shapes.Shape().labels()
    with_specks = labels.copy()
    with_specks[5:12, 5:12] = 3
    with_specks[480:484, 200:204] = 2
    clean, specked = measure_labels(labels), measure_labels(with_specks)
    for column in ("blastocyst_area_px2", "blastocyst_feret_max_px", "embryo_feret_max_px"):
        assert specked[column] == pytest.approx(clean[column], rel=1e-5)


def test_an_enclosed_hole_belongs_to_the_blastocyst(shapes):
    labels = shapes.Shape().labels()
    holed = labels.copy()
    holed[240:260, 240:260] = 0
    assert measure_labels(holed)["blastocyst_area_px2"] == measure_labels(labels)["blastocyst_area_px2"]
