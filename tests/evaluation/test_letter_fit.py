"""Letters are fitted to a lab's grades and tested on patients not seen, or refused with a reason."""

import json

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.columns import EMBRYO_COLUMNS
from blastoseg.errors import DataError
from blastoseg.evaluation.letter_fit import fit_letters, read_grades
from blastoseg.report.letters import read_letters, with_letters
from blastoseg.report.tables import save_csv, typed_table

WEIGHTS = np.array([1.4, -0.8, 0.3])
CUTS = np.array([-1.2, 1.0])
LETTERS = np.array(["C", "B", "A"])


def simulated(count, patients, seed=0):
    """Embryos, their grades with logistic noise, and the letter that the noiseless model finds likeliest."""
    rng = np.random.default_rng(seed)
    of_icm, of_te = rng.normal(size=(2, count, 3))
    rows = [
        {
            "embryo_id": f"E{index:04d}",
            "status": "ok",
            "expansion_gardner": "4",
            "icm_area_frac": 0.12 + 0.03 * icm[0],
            "icm_solidity_frac": 0.92 + 0.01 * icm[1],
            "icm_roundness_index": 1.3 + 0.05 * icm[2],
            "blastocyst_diameter_px": 200.0,
            "te_thickness_mean_px": 8 + te[0],
            "te_thickness_sd_px": 3 + 0.2 * te[1],
            "te_coverage_frac": 0.9 + 0.01 * te[2],
        }
        for index, (icm, te) in enumerate(zip(of_icm, of_te, strict=True))
    ]
    embryos = typed_table(rows, EMBRYO_COLUMNS)
    scores = {"icm": of_icm @ WEIGHTS, "te": of_te @ WEIGHTS}
    given = {
        key: LETTERS[np.digitize(score + rng.logistic(size=count), CUTS)] for key, score in scores.items()
    }
    below = 1 / (1 + np.exp(scores["icm"][:, None] - CUTS))
    likeliest = LETTERS[np.diff(below, axis=1, prepend=0, append=1).argmax(axis=1)]
    owners = rng.integers(patients, size=count)
    lines = [
        f"{row['embryo_id']},{icm},{te},P{owner}"
        for row, icm, te, owner in zip(rows, given["icm"], given["te"], owners, strict=True)
    ]
    return embryos, "\n".join(["embryo,icm,te,patient", *lines]) + "\n", given["icm"], likeliest


def written(folder, count, patients, seed=0):
    embryos, text, *_ = simulated(count, patients, seed)
    save_csv(embryos, folder / "out" / "embryos.csv")
    (folder / "out" / "run.json").write_text('{"weights_sha256": "abc"}')
    (folder / "grades.csv").write_text(text)
    return [str(folder / "grades.csv"), str(folder / "out")]


def grade_fit(*arguments):
    return CliRunner().invoke(app, ["grade", "fit", *arguments])


@pytest.mark.slow
def test_simulated_grades_with_known_noise_give_the_kappa_that_can_be_had(tmp_path):
    embryos, text, given, likeliest = simulated(600, 60)
    (tmp_path / "grades.csv").write_text(text)
    _, [icm, _te] = fit_letters(read_grades(tmp_path / "grades.csv"), embryos, "")
    attainable = cohen_kappa_score(given, likeliest, weights="quadratic")
    found = icm.fitted.quadratic_kappa
    assert found.value == pytest.approx(attainable, abs=0.03)
    assert found.low < found.value < found.high
    ratios = [one.coefficient / icm.fitted.measures[0].coefficient for one in icm.fitted.measures]
    assert ratios == pytest.approx(list(WEIGHTS / WEIGHTS[0]), abs=0.15)


@pytest.mark.slow
def test_what_is_fitted_is_written_read_back_and_suggests_letters(tmp_path):
    to = tmp_path / "letters.json"
    result = grade_fit(*written(tmp_path, 120, 12), "--to", str(to))
    assert result.exit_code == 0, result.output
    assert "For Research Use Only" in result.output
    assert "Kromp 2023" in " ".join(result.output.split())
    model = read_letters(to).model
    assert (model.weights_sha256, set(model.tissues)) == ("abc", {"icm", "te"})
    assert json.loads(to.read_text())["notice"].startswith("For Research Use Only")
    embryos, *_ = simulated(30, 3, seed=7)
    suggested = with_letters(embryos, model)
    assert set(suggested["icm_letter"]) <= {"A", "B", "C"}
    chances = suggested[[f"icm_letter_{letter}_frac" for letter in "abc"]].to_numpy(float)
    assert chances.sum(axis=1) == pytest.approx(np.ones(30))


@pytest.mark.parametrize(
    ("count", "patients", "words"),
    [(12, 1, "12 grades of 1 patient: at least 50 of 5 patients are needed"), (60, 3, "of 3 patients")],
)
def test_too_few_grades_are_refused_with_the_reason(tmp_path, count, patients, words):
    result = grade_fit(*written(tmp_path, count, patients), "--to", str(tmp_path / "letters.json"))
    assert result.exit_code == DataError.exit_code
    assert words in " ".join(result.output.split())
    assert not (tmp_path / "letters.json").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [line.replace(",B,", ",A,").replace(",C,", ",A,") for line in lines], "are all A"),
        (
            lambda lines: [line.replace(",C,", ",B,", 1) if i > 15 else line for i, line in enumerate(lines)],
            "C",
        ),
    ],
)
def test_one_letter_and_a_letter_with_too_few_are_refused(tmp_path, change, words):
    embryos, text, *_ = simulated(80, 8)
    (tmp_path / "grades.csv").write_text("\n".join(change(text.splitlines())))
    _, [icm, _te] = fit_letters(read_grades(tmp_path / "grades.csv"), embryos, "")
    assert icm.fitted is None
    assert words in icm.refused


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("embryo,icm,patient,comment\nE1,A,P1,x\n", "1 heading not known, such as 'comment'"),
        ("icm,te\nA,B\n", "no column embryo"),
        ("embryo,icm,te,patient\nE1,A-,B,P1\n", "line 2 icm"),
        ("embryo,icm,te,patient\nE1,1,2,P1\n", "grades are letters, A to D: E1: 1"),
        ("embryo,icm,te,patient\nE1,A,B,\n", "whose are E1"),
        ("embryo,icm,te,patient\nE1,,,P1\n", "holds no grade"),
        ("embryo,icm,te,patient\nE1,A,B,P1\nE1,B,B,P1\n", "E1"),
    ],
)
def test_a_table_that_makes_no_sense_is_an_error_that_names_it(tmp_path, text, words):
    arguments = written(tmp_path, 3, 1)
    (tmp_path / "grades.csv").write_text(text)
    result = grade_fit(*arguments)
    assert result.exit_code in (2, DataError.exit_code)
    told = " ".join(result.output.split())
    assert "grades.csv" in told
    assert words in told


def test_grades_of_other_embryos_are_an_error(tmp_path):
    arguments = written(tmp_path, 3, 1)
    (tmp_path / "grades.csv").write_text("embryo,icm,te,patient\nX1,A,B,P1\n")
    result = grade_fit(*arguments)
    assert result.exit_code == DataError.exit_code
    assert "under pseudonyms" in " ".join(result.output.split())


def test_a_measure_that_is_the_same_in_nearly_all_embryos_takes_no_part(tmp_path):
    embryos, text, *_ = simulated(80, 8)
    (tmp_path / "grades.csv").write_text(text)
    embryos["te_coverage_frac"] = [0.9] + [1.0] * 79
    _, [_icm, te] = fit_letters(read_grades(tmp_path / "grades.csv"), embryos, "")
    assert [one.name for one in te.fitted.measures] == ["te_thickness", "te_thickness_sd"]


def test_letters_that_the_measures_tell_apart_completely_are_refused(tmp_path):
    embryos, text, *_ = simulated(80, 8)
    (tmp_path / "grades.csv").write_text(text)
    grades = read_grades(tmp_path / "grades.csv")
    order = embryos["icm_area_frac"].rank(pct=True)
    grades["icm"] = np.select([order < 0.3, order < 0.7], ["C", "B"], "A")
    _, [icm, _te] = fit_letters(grades, embryos, "")
    assert icm.fitted is None
    assert "more grades are needed" in icm.refused
