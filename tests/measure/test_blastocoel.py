"""The cavity's share of the blastocyst."""

import math

import pytest

from blastoseg.measure import measure_labels


def test_half_of_the_volume_is_63_percent_of_the_area(shapes):
    share = 0.5 ** (1 / 3)
    shape = shapes.Shape(diameter=300, te=150 * (1 - share), centre=(250.4, 249.9))
    measures = measure_labels(shape.labels())
    assert measures["blastocoel_area_frac"] == pytest.approx(0.63, abs=0.003)
    assert measures["blastocoel_volume_frac_est"] == pytest.approx(0.5, abs=0.004)
    assert measures["blastocoel_diameter_px"] == pytest.approx(300 * share, rel=0.005)


def test_a_cavity_that_was_not_seen_is_undefined_and_not_zero(shapes):
    labels = shapes.Shape().labels()
    labels[labels == 2] = 3
    measures = measure_labels(labels)
    assert all(math.isnan(value) for name, value in measures.items() if name.startswith("blastocoel_"))
