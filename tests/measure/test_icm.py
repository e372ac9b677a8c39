"""The inner cell mass against formulas."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blastoseg.measure import measure_labels


def embryo_with_mass(
    radius_a: float, radius_b: float, rotation: float, shift: tuple[float, float]
) -> np.ndarray:
    """An elliptic mass floating in the cavity of a blastocyst of radius 130."""
    y, x = np.mgrid[:300, :300]
    labels = np.zeros((300, 300), np.uint8)
    radius = np.hypot(x - 150, y - 150)
    labels[radius < 140] = 4
    labels[radius < 130] = 3
    labels[radius < 115] = 2
    turn = math.radians(rotation)
    east, south = x - 150 - shift[0], y - 150 - shift[1]
    along = east * math.cos(turn) + south * math.sin(turn)
    across = -east * math.sin(turn) + south * math.cos(turn)
    labels[(along / radius_a) ** 2 + (across / radius_b) ** 2 < 1] = 1
    return labels


@settings(max_examples=10, deadline=None)
@given(
    width=st.floats(20, 40),
    aspect=st.floats(1, 1.6),
    rotation=st.floats(0, 180),
    shift=st.tuples(st.floats(-10, 10), st.floats(-10, 10)),
)
def test_an_elliptic_mass_has_its_size_and_shape(width, aspect, rotation, shift):
    a, b = width * aspect, width
    measures = measure_labels(embryo_with_mass(a, b, rotation, shift))
    area = math.pi * a * b
    eccentricity = ((a - b) / (a + b)) ** 2
    # Ramanujan 1914
    perimeter = math.pi * (a + b) * (1 + 3 * eccentricity / (10 + math.sqrt(4 - 3 * eccentricity)))
    assert measures["icm_area_px2"] == pytest.approx(area, rel=0.015)
    assert measures["icm_perimeter_px"] == pytest.approx(perimeter, rel=0.01)
    assert measures["icm_length_px"] == pytest.approx(2 * a, abs=1)
    assert measures["icm_width_px"] == pytest.approx(2 * b, abs=1)
    assert measures["icm_roundness_index"] == pytest.approx(aspect, rel=0.03)
    assert measures["icm_solidity_frac"] == pytest.approx(1, abs=0.01)
    assert measures["icm_area_frac"] == pytest.approx(area / (math.pi * 130**2), rel=0.015)
    assert measures["icm_diameter_ratio_frac"] == pytest.approx(math.sqrt(a * b) / 130, rel=0.01)
    assert measures["icm_components"] == 1
    assert measures["icm_te_contact_frac"] == 0


def test_contact_is_the_share_of_the_outline_at_the_wall():
    labels = embryo_with_mass(40, 40, 0, (0, 0))
    y, x = np.mgrid[:300, :300]
    labels[(labels == 2) & (x > 150) & (np.hypot(x - 150, y - 150) < 60)] = 3
    assert measure_labels(labels)["icm_te_contact_frac"] == pytest.approx(0.5, abs=0.02)


def test_components_above_two_percent_count_and_smaller_ones_do_not():
    labels = embryo_with_mass(50, 40, 0, (-40, 0))
    alone = measure_labels(labels)["icm_area_px2"]
    labels[150:170, 210:230] = 1
    labels[100:103, 210:213] = 1
    measures = measure_labels(labels)
    assert measures["icm_components"] == 2
    assert measures["icm_area_px2"] == alone + 400


def test_a_bent_mass_is_less_solid_than_its_hull():
    labels = embryo_with_mass(60, 60, 0, (0, 0))
    labels[150:230, 150:230][labels[150:230, 150:230] == 1] = 2
    assert measure_labels(labels)["icm_solidity_frac"] == pytest.approx(
        0.75 / (0.75 + 1 / (2 * math.pi)), abs=0.02
    )


def test_a_mass_that_was_not_seen_is_undefined_and_not_zero(shapes):
    measures = measure_labels(shapes.Shape().labels())
    assert measures["icm_components"] is None
    undefined = [value for name, value in measures.items() if name.startswith("icm_") and value is not None]
    assert all(math.isnan(value) for value in undefined)
