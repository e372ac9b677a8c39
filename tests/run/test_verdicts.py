"""Verdicts that were saved on the page are taken into OUT, and files that were not are refused."""

import json

import pandas as pd
import pytest

from blastoseg.errors import DataError, InputNotFoundError
from blastoseg.report.tables import write_csv
from blastoseg.run.journal import Journal
from blastoseg.run.verdicts import import_verdicts, read_verdicts, with_verdicts

ONE = {"embryo": "E1", "verdict": "accept", "grade": "4AB", "note": "", "at": "2026-03-01T10:00:00Z"}
FORMULA = '=HYPERLINK("http://x.example")'


def saved(path, *verdicts, **others):
    told = {
        "format": "blastoseg verdicts",
        "version": 1,
        "by": "A. B.",
        "software": "blastoseg 0.1.0",
        "weights": "starter",
        "weights_sha256": "ab" * 32,
        "verdicts": list(verdicts),
    }
    path.write_text(json.dumps(told | others), "utf-8")
    return path


@pytest.fixture
def out(tmp_path):
    """A folder with a ledger, a table of embryos and a page."""
    folder = tmp_path / "out"
    (folder / "review").mkdir(parents=True)
    with Journal(folder):
        pass
    write_csv(pd.DataFrame({"embryo_id": ["E1", "E2", FORMULA]}), folder / "embryos.csv")
    return folder


def test_who_when_and_which_weights_are_kept_and_the_page_shows_it(out, tmp_path):
    assert import_verdicts(saved(tmp_path / "v.json", ONE), out) == (1, 0)
    [kept] = read_verdicts(out)
    assert (kept.embryo, kept.verdict, kept.grade, kept.by) == ("E1", "accept", "4AB", "A. B.")
    assert (kept.weights, kept.weights_sha256) == ("starter", "ab" * 32)
    shown = (out / "review" / "verdicts.js").read_text("ascii")
    assert shown.startswith("blastoseg.verdicts([{")
    assert '"at":"2026-03-01T10:00:00.000000Z"' in shown


def test_a_file_taken_twice_counts_once_and_nothing_is_overwritten(out, tmp_path):
    file = saved(tmp_path / "v.json", ONE)
    import_verdicts(file, out)
    before = (out / "verdicts.json").read_bytes()
    assert import_verdicts(file, out) == (0, 1)
    assert (out / "verdicts.json").read_bytes() == before
    earlier = ONE | {"verdict": "reject", "at": "2026-02-01T10:00:00+02:00"}
    assert import_verdicts(saved(file, earlier, by="C. D."), out) == (1, 0)
    assert [(one.verdict, one.by) for one in read_verdicts(out)] == [("reject", "C. D."), ("accept", "A. B.")]


def test_an_embryo_is_known_by_its_name_also_where_a_table_shows_it_quoted(out, tmp_path):
    assert import_verdicts(saved(tmp_path / "v.json", ONE | {"embryo": FORMULA}), out) == (1, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "JSON"),
        ("[" * 100_000, "JSON"),
        ("{}", "format"),
        ('{"format": "blastoseg verdicts", "version": 2}', "version"),
        (json.dumps({"verdicts": [ONE] * 3}), "format"),
    ],
    ids=["empty", "nested", "nothing", "later", "no format"],
)
def test_what_no_page_saved_is_refused_with_what_to_do(out, tmp_path, text, said):
    file = tmp_path / "v.json"
    file.write_text(text)
    with pytest.raises(DataError, match=f"v.json: is no file of verdicts: {said}.*save it again"):
        import_verdicts(file, out)
    assert not (out / "verdicts.json").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "best"},
        {"note": "x" * 2001},
        {"grade": 4},
        {"at": "yesterday"},
        {"at": "2026-03-01T10:00:00"},
        {"__proto__": {}},
        {"embryo": ""},
        {"embryo": "E9"},
    ],
    ids=" ".join,
)
def test_one_wrong_verdict_refuses_the_whole_file(out, tmp_path, wrong):
    file = saved(tmp_path / "v.json", ONE, ONE | wrong)
    with pytest.raises(DataError, match=r"v\.json"):
        import_verdicts(file, out)
    assert not (out / "verdicts.json").exists()


def test_a_file_of_any_size_is_refused_before_it_is_read(out, tmp_path):
    with (tmp_path / "v.json").open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(DataError, match="too large"):
        import_verdicts(tmp_path / "v.json", out)


def test_a_folder_without_a_run_and_a_file_that_is_missing_are_named(out, tmp_path):
    with pytest.raises(InputNotFoundError, match="no such ledger"):
        import_verdicts(saved(tmp_path / "v.json", ONE), tmp_path / "no-run")
    with pytest.raises(InputNotFoundError, match=r"gone\.json"):
        import_verdicts(tmp_path / "gone.json", out)
    assert not (tmp_path / "no-run").exists()


def test_the_last_verdict_on_an_embryo_stands_in_its_row_and_under_pseudonyms_nobody_s_name(out, tmp_path):
    later = ONE | {"verdict": "reject", "grade": "", "note": "=1+1", "at": "2026-03-01T12:30:00+02:00"}
    import_verdicts(saved(tmp_path / "v.json", later, ONE, ONE | {"embryo": FORMULA}), out)
    embryos = pd.DataFrame({"embryo_id": ["E2", "E1", FORMULA]}, index=[7, 8, 9])
    table = with_verdicts(embryos, read_verdicts(out), is_hidden=False)
    assert table["embryo_id"].tolist() == ["E2", "E1", FORMULA]
    assert table.loc[7].isna().sum() == 5
    assert table.loc[8].dropna().tolist() == ["E1", "reject", "=1+1", "A. B.", "2026-03-01T10:30:00Z"]
    assert table.loc[9, ["verdict", "verdict_grade"]].tolist() == ["accept", "4AB"]
    hidden = with_verdicts(embryos, read_verdicts(out), is_hidden=True)
    assert hidden["verdict_by"].isna().all()
    assert hidden["verdict"].equals(table["verdict"])
    assert with_verdicts(embryos, (), is_hidden=False).isna().sum(axis=None) == 15
