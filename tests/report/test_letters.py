"""Letters are suggested by a lab's own model, percentiles within its archive; else there are none."""

import json
import math

import pandas as pd
import pytest

from blastoseg.columns import EMBRYO_COLUMNS
from blastoseg.errors import SettingsError
from blastoseg.report.letters import FARTHEST, LetterModel, read_letters, with_letters
from blastoseg.report.percentiles import LEAST_EMBRYOS, with_percentiles
from blastoseg.report.row_words import stage_in_words
from blastoseg.report.tables import typed_table

FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6}
TISSUE = {
    "letters": ["C", "B", "A"],
    "measures": [{"name": "icm_area", "mean": 0.1, "scale": 0.05, "coefficient": 2.0}],
    "cut_points": [-1.0, 1.0],
    "embryos": 60,
    "patients": 6,
    "accuracy": FIGURE,
    "quadratic_kappa": FIGURE,
}
MODEL = {
    "format": "blastoseg letters 1",
    "notice": "n",
    "software": "s",
    "weights_sha256": "w",
    "tissues": {"icm": TISSUE},
}


def embryo(name="e1", **others):
    return {
        "embryo_id": name,
        "status": "ok",
        "expansion_gardner": "4",
        "icm_area_frac": 0.1,
        "icm_solidity_frac": 0.9,
        "icm_roundness_index": 1.2,
        "te_thickness_mean_px": 8.0,
        "te_thickness_sd_px": 3.0,
        "te_coverage_frac": 1.0,
        "blastocyst_diameter_px": 200.0,
        **others,
    }


def suggested(**others):
    model = LetterModel.model_validate(MODEL)
    [row] = with_letters(typed_table([embryo(**others)], EMBRYO_COLUMNS), model).to_dict("records")
    return row


def test_a_letter_has_the_probabilities_of_the_proportional_odds_model():
    row = suggested()
    below = 1 / (1 + math.exp(1.0))
    assert row["icm_letter"] == "B"
    assert row["icm_letter_c_frac"] == pytest.approx(below)
    assert row["icm_letter_b_frac"] == pytest.approx(1 - 2 * below)
    assert row["icm_letter_a_frac"] == pytest.approx(below)
    assert [suggested(icm_area_frac=area)["icm_letter"] for area in (0.03, 0.18)] == ["C", "A"]
    assert pd.isna(row["te_letter"])


@pytest.mark.parametrize(
    ("others", "note"),
    [
        ({"status": "excluded"}, "not measured"),
        ({"icm_area_frac": math.nan}, "ICM was not measured"),
        (
            {"status": "review", "flags": "icm_not_visible", "reason": "no inner cell mass was found"},
            "doubtful: ",
        ),
        ({"status": "review", "flags": "out_of_focus", "reason": "out of focus"}, "doubtful: out of focus"),
        ({"expansion_gardner": "2"}, "stage 2: letters are given from stage 3 on"),
        ({"expansion_gardner": ""}, "no expansion stage is told"),
        ({"icm_area_frac": 0.1 + 0.05 * (FARTHEST + 0.1)}, "like none of the lab's grades"),
    ],
)
def test_what_is_missing_doubtful_early_or_like_nothing_known_is_not_gradable(others, note):
    row = suggested(**others)
    assert row["icm_letter"] == "not gradable"
    assert note in row["icm_letter_note"]
    assert math.isnan(row["icm_letter_a_frac"])


def test_doubt_about_another_tissue_takes_no_letter():
    row = suggested(status="review", flags="te_incomplete", reason="the trophectoderm has stretches")
    assert row["icm_letter"] == "B"


def changed(path, value):
    model = json.loads(json.dumps(MODEL))
    part = model
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return json.dumps(model)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{" * 50_000,
        "x" * 200_000,
        "\xff\xfe",
        changed(["format"], "blastoseg letters 2"),
        changed(["tissues"], {}),
        changed(["tissues"], {"zp": TISSUE}),
        changed(["surprise"], 1),
        changed(["tissues", "icm", "letters"], ["A", "B", "C"]),
        changed(["tissues", "icm", "letters"], ["D", "B", "A"]),
        changed(["tissues", "icm", "cut_points"], [1.0, -1.0]),
        changed(["tissues", "icm", "cut_points"], [1.0]),
        changed(["tissues", "icm", "cut_points"], [math.nan, 1.0]),
        changed(["tissues", "icm", "measures", 0, "scale"], 0.0),
        changed(["tissues", "icm", "measures", 0, "mean"], math.inf),
        changed(["tissues", "icm", "measures", 0, "coefficient"], math.nan),
        changed(["tissues", "icm", "measures", 0, "name"], "te_coverage"),
        changed(["tissues", "icm", "measures"], TISSUE["measures"] * 2),
    ],
)
def test_a_file_that_is_no_model_is_refused_by_its_name(tmp_path, content):
    path = tmp_path / "letters.json"
    path.write_text(content, "latin-1")
    with pytest.raises(SettingsError, match=r"letters\.json: .* --grades|letters\.json: .*write it anew"):
        read_letters(path)


def test_a_missing_file_is_refused_by_its_name_and_a_whole_one_is_read(tmp_path):
    with pytest.raises(SettingsError, match=r"none\.json"):
        read_letters(tmp_path / "none.json")
    (tmp_path / "letters.json").write_text(json.dumps(MODEL))
    assert read_letters(tmp_path / "letters.json").model == LetterModel.model_validate(MODEL)


def many(count, **others):
    rows = [embryo(f"e{index}", **({"icm_area_frac": index / 100} | others)) for index in range(count)]
    return typed_table(rows, EMBRYO_COLUMNS)


def test_percentiles_are_among_the_archive_s_gradable_embryos():
    archive = pd.concat([many(100), many(30, expansion_gardner="1")], ignore_index=True)
    table = with_percentiles(many(3).assign(icm_area_frac=[-1.0, 0.495, 2.0]), archive)
    assert list(table["icm_area_percentile"]) == [0, 50, 100]
    assert list(table["te_coverage_percentile"]) == [50, 50, 50]
    assert set(table["percentile_note"]) == {
        "ICM among 100 gradable embryos of the archive; TE among 100 gradable embryos of the archive"
    }


def test_without_an_archive_the_run_s_own_embryos_count_where_they_are_enough():
    assert list(with_percentiles(many(LEAST_EMBRYOS), None)["icm_area_percentile"])[-1] == 98
    few = with_percentiles(many(LEAST_EMBRYOS - 1), None)
    assert few["icm_area_percentile"].isna().all()
    assert "ICM: 19 gradable embryos in this run, 20 are needed" in few["percentile_note"].iloc[0]


def test_what_cannot_be_graded_has_no_percentile():
    table = many(30)
    table.loc[3, "expansion_gardner"] = "2"
    assert table["icm_area_percentile"].isna().all()
    found = with_percentiles(table, None)
    assert pd.isna(found["icm_area_percentile"].iloc[3])
    assert "among 29" in found["percentile_note"].iloc[3]


def test_the_summary_says_letters_or_else_percentiles():
    table = with_percentiles(many(40), None)
    unlettered = table.iloc[10].to_dict()
    assert stage_in_words(unlettered | {"expansion_istanbul_2025": "4, expanded"}) == [
        "4, expanded",
        "ICM percentile 26, TE percentile 50",
    ]
    lettered = with_letters(table, LetterModel.model_validate(MODEL)).iloc[10].to_dict()
    assert stage_in_words(lettered)[0] == "ICM B 46%, TE percentile 50"
    assert (
        stage_in_words(lettered | {"icm_letter": "not gradable"})[0] == "ICM not gradable, TE percentile 50"
    )
