"""What a run that came to its end leaves, and says to the scheduler."""

import json

import pytest
from openpyxl import load_workbook

from blastoseg.columns import REPORTED_FRAME_COLUMNS
from blastoseg.errors import EXIT_NOTHING_MEASURED, EXIT_NOTHING_NEW, InputNotFoundError
from blastoseg.records import NOTHING_TOLD
from blastoseg.report.dataset import read_long_table
from blastoseg.report.letters import LetterModel, Letters
from blastoseg.report.tables import save_csv
from blastoseg.run.archive import read_archive
from blastoseg.run.journal import RunRecord, is_dead_night
from blastoseg.run.outputs import OutputFolder
from blastoseg.run.reporting import OTHER_WEIGHTS, Report
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings
from tests.course.conftest import row
from tests.report.test_letters import MODEL, many


def counts(ok: int = 0, review: int = 0, excluded: int = 0, failed: int = 0) -> dict[str, int]:
    return {"ok": ok, "review": review, "excluded": excluded, "failed": failed}


def ran(**of_run: int) -> RunRecord:
    return RunRecord(1, "", {}, "", {"counts": counts(**of_run)} if of_run else {})


@pytest.mark.parametrize(
    ("now", "earlier", "is_dead"),
    [
        (counts(ok=3), [], False),
        (counts(review=3), [ran(ok=9)], False),
        (counts(excluded=3), [], False),
        (counts(excluded=3), [ran(excluded=3), ran()], False),
        (counts(excluded=3), [ran(excluded=3), ran(review=1)], True),
        (counts(failed=3), [ran(ok=1)], True),
    ],
)
def test_a_night_in_which_nothing_is_measured_any_more_is_dead(now, earlier, is_dead) -> None:
    assert is_dead_night(now, earlier) is is_dead


def test_a_dead_night_says_so_before_it_says_that_nothing_is_new() -> None:
    request = RunRequest(paths=[], settings=Settings(), warn_if_nothing_new=True)
    code = request.exit_code(is_nothing_new=True, has_failed_frames=True, is_dead=True)
    assert code == EXIT_NOTHING_MEASURED
    code = request.exit_code(is_nothing_new=True, has_failed_frames=True, is_dead=False)
    assert code == EXIT_NOTHING_NEW


def reported(**of_request) -> Report:
    shown = {
        "about": NOTHING_TOLD,
        "blastocoel_volume_frac_est": 0.4,
        "zp_parted_frac": 0.0,
        "zp_integrity_frac": 1.0,
        "icm_area_frac": 0.1,
        "icm_solidity_frac": 0.9,
        "icm_roundness_index": 1.2,
    }
    return Report([row(**shown)], RunRequest(paths=[], settings=Settings(), **of_request))


def test_a_lab_s_letters_and_its_archive_stand_in_the_report_and_in_its_provenance(
    tmp_path, manifest
) -> None:
    for number in (1, 2):  # the same embryos twice count once
        save_csv(many(25), tmp_path / f"earlier{number}" / "embryos.csv")
    archive = read_archive([tmp_path / "earlier1", tmp_path / "earlier2"])
    letters = Letters(LetterModel.model_validate(MODEL), "0123")
    report = reported(letters=letters, archive=archive)
    [embryo] = report.embryos.to_dict("records")
    assert (embryo["icm_letter"], embryo["expansion_gardner"]) == ("B", "3 or 4")
    assert embryo["icm_area_percentile"] == 42
    assert embryo["percentile_note"].startswith("ICM among 25 gradable embryos of the archive")
    (tmp_path / "out").mkdir()
    report.write(OutputFolder(tmp_path / "out"), manifest())
    assert report.notes == [OTHER_WEIGHTS]
    said = (tmp_path / "out" / "run.json").read_text()
    assert '"letters_sha256": "0123"' in said
    assert '"archive_embryos": 25' in said


def test_without_a_lab_s_grades_there_are_no_letters_and_no_note_of_them(tmp_path, manifest) -> None:
    report = reported()
    assert report.embryos[["icm_letter", "te_letter", "icm_area_percentile"]].isna().all(axis=None)
    (tmp_path / "out").mkdir()
    report.write(OutputFolder(tmp_path / "out"), manifest())
    assert report.notes == []


def test_an_archive_that_is_no_run_is_an_error_that_names_it(tmp_path) -> None:
    with pytest.raises(InputNotFoundError, match="embryos"):
        read_archive([tmp_path])
    assert read_archive([]) is None


@pytest.mark.parametrize("pseudonyms", ["", "ab12"])
def test_a_verdict_in_out_stands_in_the_tables_and_the_workbook(tmp_path, manifest, pseudonyms) -> None:
    out = OutputFolder(tmp_path)
    report = reported()
    [name] = report.embryos["embryo_id"]
    one = {"embryo": name, "verdict": "look at", "grade": "4AB", "note": "two ICMs?", "by": "A. B."}
    one |= {"at": "2026-03-01T10:00:00Z", "weights": "starter", "weights_sha256": "ab" * 32}
    out.verdicts.write_text(json.dumps({"verdicts": [one]}))
    report.write(out, manifest(pseudonyms=pseudonyms))
    written = out.embryos_csv.read_text("utf-8")
    assert "look at,4AB,two ICMs?," in written
    assert ("A. B." in written) == (not pseudonyms)
    cells = [str(cell) for row in load_workbook(out.workbook)["Summary"].values for cell in row]
    assert any(text.startswith("verdict: look at: two ICMs?") for text in cells)
    assert any("(verdict: look at 4AB)" in text for text in cells)


def test_damaged_verdicts_are_told_once_and_end_no_report(tmp_path, manifest) -> None:
    out = OutputFolder(tmp_path)
    out.verdicts.write_text("{")
    report = reported()
    report.write(out, written := manifest())
    report.write_review(out, written, lambda: None)
    [note] = report.notes
    assert "is no file of verdicts" in note
    assert report.embryos["verdict"].isna().all()


def test_the_long_tables_are_of_the_kind_asked_for_and_the_other_kind_of_a_run_before_goes(
    tmp_path, manifest
):
    out = OutputFolder(tmp_path)
    for kind, has_csv, has_parquet in (("both", True, True), ("parquet", False, True), ("csv", True, False)):
        request = RunRequest(paths=[], settings=Settings().with_tables(kind))
        Report([row(about=NOTHING_TOLD)], request, tmp_path).write(out, manifest())
        assert (out.frames_csv.exists(), (tmp_path / "tables").exists()) == (has_csv, has_parquet)
        assert len(read_long_table(tmp_path, "frames", REPORTED_FRAME_COLUMNS)) == 1
        assert out.embryos_csv.exists()
