"""Agreement statistics against published and hand-computed numbers."""

import numpy as np
import pandas as pd
import pytest

from blastoseg.evaluation.agreement import (
    AGREEMENT_COLUMNS,
    agreement_of,
    agreement_table,
    intraclass_correlation,
)

SHROUT_FLEISS_1979 = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)
"""Table 2 of the paper: six targets, four judges; ICC(2,1) = .29 in its Table 4."""


def test_the_icc_of_shrout_and_fleiss_comes_out_as_published():
    assert intraclass_correlation(SHROUT_FLEISS_1979) == pytest.approx(0.29, abs=0.005)
    # BMS 11.24, JMS 32.49, EMS 1.02 of their Table 3, to more digits.
    bms, jms, ems = 56.2083333 / 5, 97.4583333 / 3, 15.2916667 / 15
    expected = (bms - ems) / (bms + 3 * ems + 4 * (jms - ems) / 6)
    assert intraclass_correlation(SHROUT_FLEISS_1979) == pytest.approx(expected, rel=1e-7)


def test_a_constant_offset_lowers_the_icc_because_agreement_is_absolute():
    values = np.array([1.0, 2, 3, 4, 5])
    assert intraclass_correlation(np.stack([values, values], axis=1)) == pytest.approx(1)
    # BMS 5, JMS 2.5, EMS 0: 5 / (5 + 2 * 2.5 / 5).
    assert intraclass_correlation(np.stack([values, values + 1], axis=1)) == pytest.approx(5 / 6)


def test_the_icc_is_undefined_without_variance_or_with_one_target():
    assert np.isnan(intraclass_correlation(np.full((4, 2), 0.1)))
    assert np.isnan(intraclass_correlation(np.array([[1.0, 2.0]])))


def test_limits_of_agreement_are_those_computed_by_hand():
    # Differences 1, -1, 2, 2: mean 1, sum of squares about it 0 + 4 + 1 + 1 = 6, sd sqrt(6 / 3).
    agreement = agreement_of(np.array([11.0, 19, 32, 42]), np.array([10.0, 20, 30, 40]))
    assert agreement.n == 4
    assert agreement.bias == pytest.approx(1)
    assert agreement.sd == pytest.approx(np.sqrt(2))
    assert agreement.lower == pytest.approx(1 - 1.96 * np.sqrt(2))
    assert agreement.upper == pytest.approx(1 + 1.96 * np.sqrt(2))
    assert agreement.mean_absolute_error == pytest.approx(1.5)


def test_one_pair_has_a_bias_and_an_error_but_no_limits():
    agreement = agreement_of(np.array([3.0, np.nan]), np.array([5.0, 1.0]))
    assert (agreement.n, agreement.bias, agreement.mean_absolute_error) == (1, -2, 2)
    assert np.isnan([agreement.sd, agreement.lower, agreement.icc]).all()
    nothing = agreement_of(np.array([np.nan]), np.array([1.0]))
    assert nothing.n == 0
    assert np.isnan(nothing.bias)


def test_the_table_counts_what_could_not_be_paired_and_skips_what_the_reference_never_has():
    predicted = pd.DataFrame({"icm_area_px2": [10.0, np.nan, 30.0], "icm_area_um2": [1.0, 2.0, 3.0]})
    reference = pd.DataFrame({"icm_area_px2": [12.0, 20.0, np.nan], "icm_area_um2": [np.nan] * 3})
    table = agreement_table(predicted, reference, "truth")
    assert list(table.columns) == AGREEMENT_COLUMNS
    [row] = table.to_dict("records")
    assert row["measure"] == "icm_area_px2"
    assert (row["n"], row["only_predicted"], row["only_reference"]) == (1, 1, 1)
    assert (row["reference_mean"], row["bias"]) == (12, -2)
    assert list(agreement_table(predicted, reference * np.nan, "truth").columns) == AGREEMENT_COLUMNS
