"""Cases through the stages of a run, held against their references."""

from dataclasses import replace

import numpy as np
import pytest

from blastoseg.evaluation.compare import ComparisonPlan, compare_cases
from blastoseg.evaluation.screening import WRONGLY_EXCLUDED, WRONGLY_MEASURED, screening_table
from blastoseg.evaluation.tables import (
    AGAINST_LABELS,
    AGAINST_TRUTH,
    agreement_tables,
    cases_table,
    compared_measures,
    scores_table,
    total_reliability,
)
from blastoseg.records import Flag, Status
from blastoseg.settings import Quality, Settings
from tests.gray_values import drawn_labels

# Drawn discs have no texture: their sharpness is not what is tested here.
CALM = Settings(quality=Quality(out_of_focus=0))


def outcomes_of(networks, *cases, um_per_px=None, save=lambda *_: ""):
    plan = ComparisonPlan(networks, CALM, save, um_per_px)
    return list(compare_cases([lambda case=case: case for case in cases], plan))


def test_a_right_prediction_scores_near_one_and_agrees_in_micrometres(networks, make_case):
    cases = [make_case(f"c{radius}", radius=radius) for radius in (90, 100, 110)]
    outcomes = outcomes_of(networks, *cases, um_per_px=0.5)
    assert [outcome.name for outcome in outcomes] == ["c90", "c100", "c110"]
    assert all(outcome.jaccard > 0.95 and outcome.is_blastocyst for outcome in outcomes)
    assert all(outcome.boundaries["zp"].mean_surface_px < 1 for outcome in outcomes)
    table = agreement_tables(compared_measures(outcomes)).set_index("measure")
    assert set(table["against"]) == {AGAINST_LABELS}
    diameter = table.loc["blastocyst_diameter_um"]
    assert diameter["n"] == 3
    assert diameter["icc"] > 0.99
    assert diameter["mean_absolute_error"] < 0.5
    scores = scores_table(outcomes)
    assert set(scores["cases"]) == {"all"}
    assert scores["hausdorff_95_um"].max() == pytest.approx(scores["hausdorff_95_px"].max() / 2)
    assert total_reliability(outcomes)[0].expected_calibration_error() < 0.05


def test_an_embryo_that_is_not_found_counts_against_the_model_and_is_the_worst_case(networks, make_case):
    unseen = make_case("unseen", shown=np.zeros((300, 300), np.uint8))
    outcomes = outcomes_of(networks, make_case("seen"), unseen)
    assert outcomes[1].result.status is Status.EXCLUDED
    assert outcomes[1].jaccard < 0.2
    assert list(cases_table(outcomes)["case"]) == ["unseen", "seen"]
    screening = screening_table(outcomes).set_index("question")
    assert screening.loc[WRONGLY_EXCLUDED, ["cases", "yes"]].tolist() == [2, 1]
    assert screening.loc[WRONGLY_MEASURED, "cases"] == 0
    assert np.isnan(screening.loc[WRONGLY_MEASURED, "share"])
    [agreement] = (
        agreement_tables(compared_measures(outcomes)).query("measure == 'icm_area_px2'").to_dict("records")
    )
    assert (agreement["n"], agreement["only_reference"]) == (1, 1)


def test_a_reference_that_was_drawn_for_another_crop_is_told(networks, make_case):
    drawn = drawn_labels()
    beside = make_case("beside", labels=np.roll(drawn, (-14, 20), axis=(0, 1)), shown=drawn)
    outcomes = outcomes_of(networks, make_case("right"), beside)
    assert outcomes[1].displacement == (-20, 14)
    assert not outcomes[0].displacement.is_one
    table = cases_table(outcomes).set_index("case")
    assert table.loc["beside", ["reference_moved_x_px", "reference_moved_y_px"]].tolist() == [-20, 14]
    assert table.loc["right", ["reference_moved_x_px", "reference_moved_y_px"]].isna().all()


def test_a_wrong_prediction_is_no_reference_beside_its_embryo(networks, make_case):
    wrong = make_case("wrong", labels=drawn_labels(radius=110), shown=drawn_labels(radius=70))
    assert not outcomes_of(networks, wrong)[0].displacement.is_one


def test_what_is_no_blastocyst_is_scored_apart_and_must_not_be_measured(networks, make_case):
    outcomes = outcomes_of(networks, make_case("blastocyst"), make_case("solid", cavity=False))
    assert [outcome.is_blastocyst for outcome in outcomes] == [True, False]
    assert Flag.NOT_BLASTOCYST in outcomes[1].result.flags
    scores = scores_table(outcomes)
    assert scores.groupby("cases")["images"].first().to_dict() == {"all": 2, "blastocysts": 1}
    assert screening_table(outcomes).set_index("question").loc[WRONGLY_MEASURED, "yes"] == 0


def test_synthetic_images_are_also_held_against_their_true_measures(networks, make_case):
    case = replace(make_case("c"), truth={"blastocyst_diameter_px": 200.0}, is_blastocyst=True)
    table = agreement_tables(compared_measures(outcomes_of(networks, case, um_per_px=0.5)))
    against_truth = table[table["against"] == AGAINST_TRUTH].set_index("measure")
    assert list(against_truth.index) == ["blastocyst_diameter_px", "blastocyst_diameter_um"]
    assert against_truth.loc["blastocyst_diameter_um", "bias"] == pytest.approx(0, abs=0.5)


def test_pictures_are_saved_with_their_score_and_a_reader_s_error_ends_it(networks, make_case):
    saved = []

    def save(case, predicted, result, jaccard):
        saved.append((case.name, predicted.max(), jaccard))
        return "overlays/x.jpg"

    [outcome] = outcomes_of(networks, make_case("c"), save=save)
    assert saved == [("c", 4, outcome.jaccard)]
    assert outcome.overlay_file == "overlays/x.jpg"

    def broken():
        raise OSError("gone")

    plan = ComparisonPlan(networks, CALM, save)
    with pytest.raises(OSError, match="gone"):
        list(compare_cases([broken], plan))
