"""The declared columns agree with their names, their documentation and what is written."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from blastoseg import columns
from blastoseg.course.tables import course_tables
from blastoseg.measure import measure_labels
from blastoseg.quality import MEANING_OF_FLAG, MEANING_OF_STATUS
from blastoseg.records import Flag, FrameRef, FrameResult, Status
from blastoseg.report.columns_doc import columns_markdown
from blastoseg.report.headline import COURSE, MEASURES
from blastoseg.report.tables import frames_table, write_csv
from blastoseg.sources.addresses import WholeImage

ROOT = Path(__file__).resolve().parents[1]
REF = FrameRef("e1", "e1/0.png", Path("0.png"), 0, WholeImage())
SUFFIXES = {
    "px": "_px",
    "px2": "_px2",
    "um": "_um",
    "um2": "_um2",
    "deg": "_deg",
    "h": "_h",
    "px2/h": "_px2_per_h",
    "um2/h": "_um2_per_h",
    "px/h": "_px_per_h",
    "um/h": "_um_per_h",
}


def test_the_documentation_is_what_columns_py_declares():
    written = (ROOT / "docs" / "columns.md").read_text("utf-8")
    assert written == columns_markdown(), "run: python -m blastoseg.report.columns_doc > docs/columns.md"


def test_names_are_unique_and_end_in_their_unit():
    names = [column.name for column in (*columns.EMBRYO_COLUMNS, columns.NOTICE)]
    assert len(names) == len(set(names))
    for column in columns.BY_NAME.values():
        assert column.definition
        assert column.dtype in columns.PANDAS_DTYPES
        assert column.name.endswith(SUFFIXES.get(column.unit, ""))
        if column.unit == "fraction":
            assert column.name.endswith(("_frac", "_frac_est"))


def test_every_length_and_area_is_declared_in_pixels_and_in_micrometres():
    names = {column.name for column in columns.MEASURE_COLUMNS}
    for pixel, physical in (("_px", "_um"), ("_px2", "_um2")):
        stems = {name.removesuffix(pixel) for name in names if name.endswith(pixel)}
        assert stems == {name.removesuffix(physical) for name in names if name.endswith(physical)}


def test_the_csv_files_have_exactly_the_declared_columns_and_the_notice(tmp_path):
    frames = frames_table([])
    tables = course_tables(frames)
    for table, declared in (
        (frames, columns.FRAME_COLUMNS),
        (tables.frames, columns.REPORTED_FRAME_COLUMNS),
        (tables.embryos, columns.EMBRYO_COLUMNS),
        (tables.events, columns.EVENT_COLUMNS),
        (tables.episodes, columns.EPISODE_COLUMNS),
        (tables.planes, columns.FRAME_COLUMNS),
        (tables.moments, columns.MOMENT_COLUMNS),
    ):
        write_csv(table, tmp_path / "table.csv")
        with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as lines:
            assert next(csv.reader(lines)) == [column.name for column in (*declared, columns.NOTICE)]


def test_the_sheets_with_a_choice_of_columns_choose_declared_ones():
    chosen = {shown.column(unit) for shown in MEASURES + COURSE for unit in ("px", "um")}
    assert chosen <= set(columns.EMBRYO_COLUMNS)


def test_every_status_and_flag_is_explained_in_the_documentation():
    page = columns_markdown()
    for code in (*Status, *Flag):
        assert f"| `{code}` | " in page
    assert set(MEANING_OF_FLAG) == set(Flag)
    assert set(MEANING_OF_STATUS) == set(Status)


def test_what_is_computed_and_declared_nowhere_is_an_error_and_vanishes_nowhere(monkeypatch):
    measures = {"icm_area_px2": 100.0, "icm_hue": 3.0}
    with pytest.raises(ValueError, match="icm_hue"):
        columns.add_micrometres(measures, 0.5)
    with pytest.raises(ValueError, match="icm_hue"):
        FrameResult(REF, Status.OK, measures=measures)
    monkeypatch.setattr("blastoseg.measure.measure_icm", lambda *_: {"icm_hue": 3.0})
    with pytest.raises(ValueError, match="icm_hue"):
        measure_labels(np.zeros((9, 9), np.uint8))


def test_every_row_has_every_measure_and_what_was_not_measured_is_undefined():
    row = FrameResult(REF, Status.OK, measures={"icm_components": 2}).row()
    assert [column.name for column in columns.FRAME_COLUMNS] == list(row)
    assert row["icm_components"] == 2
    assert math.isnan(row["icm_area_px2"])
    assert math.isnan(row["confidence_te_frac"])
    assert row["zp_gap_count"] is None


def test_the_pixel_size_multiplies_lengths_once_and_areas_twice():
    physical = columns.add_micrometres(
        {"icm_area_px2": 100.0, "icm_length_px": 10.0, "icm_components": 1}, 0.5
    )
    assert physical["icm_area_um2"] == pytest.approx(25)
    assert physical["icm_length_um"] == pytest.approx(5)
    assert physical["icm_components"] == 1
    assert math.isnan(columns.add_micrometres({"icm_length_px": 10.0}, math.nan)["icm_length_um"])
