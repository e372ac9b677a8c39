"""What an evaluation leaves in its folder."""

import csv

import cv2
import pytest
from openpyxl import load_workbook

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.errors import OutputError
from blastoseg.evaluation import agreement
from blastoseg.evaluation.compare import ComparisonPlan, compare_cases
from blastoseg.evaluation.evaluate import write_evaluation
from blastoseg.evaluation.folder import EvaluationFolder
from blastoseg.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory, networks, make_case):
    folder = EvaluationFolder(tmp_path_factory.mktemp("evaluation") / "out")
    folder.create()
    cases = [make_case(f"={radius} embryo", radius=radius) for radius in (80, 95, 110)]
    plan = ComparisonPlan(networks, Settings(), folder.save_overlay, um_per_px=0.5)
    outcomes = list(compare_cases([lambda case=case: case for case in cases], plan))
    few = tuple(column for column in agreement.NUMERIC_MEASURES if column.name.startswith("icm_area"))
    with pytest.MonkeyPatch.context() as patch:
        # A plot takes a tenth of a second, and there are some fifty measures.
        patch.setattr(agreement, "NUMERIC_MEASURES", few)
        return write_evaluation(outcomes, folder, {"Weights": "drawn"})


def test_every_sheet_says_research_use_only_and_cases_show_their_pictures(written):
    book = load_workbook(written.root / "evaluation.xlsx")
    assert book.sheetnames == ["Scores", "Confusion", "Agreement", "Cases", "Run"]
    assert all(sheet["A2"].value == RESEARCH_USE_ONLY for sheet in book)
    sheet = book["Cases"]
    assert len(sheet._images) == 3
    # A name must never become a formula.
    names = [sheet.cell(row, 2).value for row in range(5, 8)]
    assert all(name.startswith("'=") for name in names)
    assert all(cell.data_type != "f" for cells in sheet for cell in cells)
    links = [cell.hyperlink.target for cells in sheet for cell in cells if cell.hyperlink]
    assert len(links) == 3
    assert all((written.root / link.replace("%20", " ")).is_file() for link in links)


def test_evaluations_and_runs_are_printed_alike(written):
    for sheet in load_workbook(written.root / "evaluation.xlsx"):
        assert (sheet.page_setup.orientation, str(sheet.page_setup.paperSize)) == ("landscape", "9")
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.oddFooter.left.text == RESEARCH_USE_ONLY


def test_tables_and_pictures_come_worst_first(written):
    with (written.root / "cases.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    scores = [float(row["jaccard_mean"]) for row in rows]
    assert scores == sorted(scores)
    pictures = sorted(path.name for path in (written.root / "overlays").iterdir())
    assert [row["overlay"] for row in rows] == [f"overlays/{name}" for name in pictures]
    assert cv2.imread(str(written.root / "overlays" / pictures[0])).shape[1] > 600
    assert {row["notice"] for row in rows} == {RESEARCH_USE_ONLY}


def test_the_pairs_behind_the_agreement_are_a_table(written):
    with (written.root / "measures.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["measure"] == "icm_area_um2"]
    assert len(rows) == 3
    assert all(
        float(row["predicted"]) == pytest.approx(float(row["reference_labels"]), rel=0.1) for row in rows
    )
    assert {row["truth"] for row in rows} == {""}


def test_plots_are_drawn_in_micrometres_where_the_pixel_size_is_known(written):
    names = {path.name for path in (written.root / "plots").iterdir()}
    assert {"reliability.png", "confusion.png"} <= names
    assert "agreement-reference-labels-icm_area_um2.png" in names
    assert not any("_px" in name for name in names)


def test_the_page_holds_scores_and_the_main_measures(written):
    page = (written.root / "summary.md").read_text("utf-8")
    assert RESEARCH_USE_ONLY in page
    assert "| icm_area_um2 | reference labels | 3 |" in page
    assert "| jaccard | dice |" in page
    assert "nan" not in page


def test_an_earlier_evaluation_s_overlays_go_and_other_files_stay(tmp_path):
    (tmp_path / "overlays").mkdir()
    for name in ("jaccard-0.512-earlier.jpg", "my-notes.jpg"):
        (tmp_path / "overlays" / name).write_bytes(b"")
    EvaluationFolder(tmp_path).create()
    assert [path.name for path in (tmp_path / "overlays").iterdir()] == ["my-notes.jpg"]


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="--out"):
        EvaluationFolder(tmp_path / "file" / "out").create()
