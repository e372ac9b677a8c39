"""Optics as points of a space, there and back."""

import numpy as np
import pytest

from blastoseg.simulate import View, draw_frame
from blastoseg.simulate.optics_space import (
    AXES,
    LEAST,
    MOST,
    any_point,
    optics_at,
    point_at,
    point_near,
    values_at,
)


def test_optics_of_a_point_stand_at_that_point() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        point = any_point(rng)
        optics = optics_at(rng, point)
        np.testing.assert_allclose(point_at({axis.name: getattr(optics, axis.name) for axis in AXES}), point)
        np.testing.assert_allclose(point_at(values_at(point)), point)


def test_points_near_the_wall_of_the_space_stay_inside() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        point = point_near(rng, MOST, 0.5)
        assert (point >= LEAST).all() and (point <= MOST).all()
        np.testing.assert_allclose(point_at(values_at(point)), point)


def test_values_that_are_no_point_are_refused_by_name() -> None:
    values = values_at((LEAST + MOST) / 2)
    with pytest.raises(ValueError, match="relief, line, halo"):
        point_at({name: value for name, value in values.items() if name != "veil"})
    with pytest.raises(ValueError, match=r"focus 0\.5: must lie from 0\.0015 to 0\.02"):
        point_at(values | {"focus": 0.5})


def test_a_view_with_optics_of_its_own_is_drawn_by_them_and_not_by_its_preset() -> None:
    middle = values_at((LEAST + MOST) / 2)
    calm, noisy = (
        draw_frame(
            np.random.default_rng(5),
            View(128, 128, kind="expanded", optics=optics_at(np.random.default_rng(6), point_at(values))),
        )
        for values in (middle | {"noise": 0.003}, middle | {"noise": 0.08})
    )
    np.testing.assert_array_equal(calm.labels, noisy.labels)
    steps = [np.abs(np.diff(frame.image.astype(float))).mean() for frame in (calm, noisy)]
    assert steps[1] > 2 * steps[0]
