"""The tables of a report that memory need not hold, and what holds them meanwhile."""

import pandas as pd
import pytest

from blastoseg.columns import REPORTED_FRAME_COLUMNS
from blastoseg.course.tables import course_tables
from blastoseg.files import valid_text
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.spool import Spool
from blastoseg.report.tables import frames_table, write_csv
from tests.course.conftest import row


def arriving():
    """Rows as discovery gives them: embryos one after another, then the files that could not be read."""
    found = [
        row(index=index, embryo=f"E{embryo}", area=100.0 + index * embryo, focal_plane=plane)
        | {"um_per_px": 0.5 if embryo % 2 else None, "sharpness_blastocyst": 1.0 + plane}
        for embryo in range(7)
        for index in range(5)
        for plane in ((0, 15) if embryo == 3 else (0,))
    ]
    unread = [{"embryo_id": f"E{embryo}", "frame_index": 9, "status": "failed"} for embryo in (5, 1, 8)]
    return [*found, *unread]


@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_tables_gathered_a_few_embryos_at_a_time_are_those_of_all_at_once(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr("blastoseg.report.gathered.ROWS_A_BATCH", at_once)
    monkeypatch.setattr("blastoseg.report.spool.IN_MEMORY", 1)
    rows = arriving()
    whole = course_tables(frames_table(rows))
    parts = [frames_table(rows[start : start + 3]) for start in range(0, len(rows), 3)]
    gathered = GatheredTables(parts, tmp_path)
    told = {
        "frames": gathered.frames_in_order(),
        "planes": gathered.planes_in_order(),
        "moments": gathered.moments_in_order(),
        **{name: getattr(gathered, name) for name in ("embryos", "events", "episodes")},
    }
    for name, table in told.items():
        write_csv(table, tmp_path / "gathered.csv")
        write_csv(getattr(whole, name), tmp_path / "whole.csv")
        assert (tmp_path / "gathered.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes(), name
    pd.testing.assert_frame_equal(gathered.frames, whole.frames.reset_index(drop=True))
    own = gathered.rows_of("frames", "E5", ["status"])
    assert list(own["status"]) == ["ok"] * 5 + ["failed"]
    assert gathered.unit == "px", "one embryo without a pixel size is enough"


def test_a_spool_gives_back_what_was_set_aside_to_the_last_digit(tmp_path):
    name = valid_text("\ud800") + "王\x00"
    table = course_tables(frames_table([row(area=1 / 3, embryo=name), row(status="failed", index=1)])).frames
    table["icm_components"] = pd.array([2, None], "Int64")
    table["zp_is_breached"] = pd.array([None, False], "boolean")
    table["reason"] = pd.array([None, ""], "string[python]")
    spool = Spool(REPORTED_FRAME_COLUMNS, tmp_path)
    spool.append(table)
    spool.append(table.iloc[:0])
    pd.testing.assert_frame_equal(spool.read(0), table, check_index_type=False)
    assert spool.read(0, ["reason"])["reason"].isna().tolist() == [True, False]
    assert spool.read(1).empty
