"""Paired tests: values known from tables, and what is undefined."""

import numpy as np
import pytest

from blastoseg.evaluation.comparison.significance import holm, mean_over_seeds, paired_p


def test_a_difference_with_one_sign_has_the_exact_p_of_the_sign_patterns() -> None:
    pairs = np.arange(1, 8) / 100
    assert paired_p(pairs, np.zeros(7)) == pytest.approx(2 / 2**7)
    assert paired_p(pairs, pairs) == 1
    assert np.isnan(paired_p(pairs[:5], np.zeros(5)))


def test_holm_multiplies_the_smallest_by_all_and_never_falls() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": float("nan")})
    assert adjusted["a"] == pytest.approx(0.03)
    assert adjusted["c"] == adjusted["b"] == pytest.approx(0.06)
    assert np.isnan(adjusted["d"])


def test_an_image_counts_once_however_many_seeds_tested_it() -> None:
    means = mean_over_seeds([{"x": 0.2, "y": 0.5}, {"x": 0.4, "y": float("nan")}])
    assert means == pytest.approx({"x": 0.3, "y": 0.5})
