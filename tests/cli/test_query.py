"""``blastoseg query``: a report is asked in SQL, and nothing else is done."""

import pytest
from typer.testing import CliRunner

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.cli import app
from blastoseg.errors import InputNotFoundError, UsageError
from blastoseg.report.dataset import write_dataset
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.querying import ask
from blastoseg.report.tables import frames_table, write_csv
from tests.course.conftest import row

ASKED = """
SELECT e.embryo_id, count(*) AS frames, round(max(f.blastocyst_area_px2)) AS largest,
    any_value(f.zp_is_breached)
FROM frames f JOIN embryos e USING (embryo_id) GROUP BY ALL ORDER BY 1
"""


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out'[1]"
    folder.mkdir()
    rows = [row(name, index, area=100.0 + index) for name in ("A", "=B\x1b[31m") for index in range(3)]
    tables = GatheredTables([frames_table(rows)])
    write_csv(tables.frames_in_order(), folder / "frames.csv")
    write_csv(tables.embryos, folder / "embryos.csv")
    write_csv(tables.events, folder / "events.csv")
    return folder, tables


def test_the_answer_is_the_same_from_csv_and_parquet(out):
    folder, tables = out
    from_csv = ask(folder, ASKED)
    rows = list(from_csv.rows)
    assert rows == [("'=B\\x1b[31m", 3, 102.0, None), ("A", 3, 102.0, None)]
    assert from_csv.names[:3] == ["embryo_id", "frames", "largest"]
    write_dataset(folder, tables, by_patient=False)
    (folder / "frames.csv").unlink()
    assert list(ask(folder, ASKED).rows) == rows
    assert list(ask(folder, "SELECT DISTINCT month FROM frames").rows) == [("unknown",)]


@pytest.mark.parametrize(
    "sql",
    [
        *("", "SELEC", "SELECT nothing FROM frames", "SELECT 1; SELECT 2", "SELECT * FROM rows"),
        *("SELECT * FROM read_text('/etc/hostname')", "SELECT * FROM glob('/*')", "SELECT * FROM 'run.json'"),
        *("COPY frames TO '{out}/frames.csv'", "SET enable_external_access = true", "INSTALL httpfs"),
        *("LOAD httpfs", "ATTACH '{out}/a.db'", "CREATE TABLE a AS SELECT 1", "PRAGMA database_list"),
        *("SELECT * FROM 'https://localhost/a.csv'", "SELECT 'a'::INT FROM frames"),
    ],
)
def test_what_is_no_question_to_the_report_is_refused(out, sql):
    folder, _ = out
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UsageError):
        list(ask(folder, sql.format(out=folder)).rows)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_command_shows_safe_cells_writes_csv_and_says_research_use(out, tmp_path):
    folder, _ = out

    def said(*arguments):
        result = CliRunner().invoke(app, ["query", str(folder), *arguments], env={"COLUMNS": "80"})
        return result.exit_code, result.output

    code, shown = said("SELECT embryo_id, -1 AS n, chr(27) AS c FROM frames ORDER BY 1")
    assert (code, RESEARCH_USE_ONLY in shown, "\x1b" in shown) == (0, True, False)
    code, shown = said("SELECT * FROM frames LIMIT 1")
    assert (code, "blastocyst_area_px2: 100" in shown) == (0, True)
    assert said("SELECT embryo_id, -1 AS n FROM frames", "--csv", str(tmp_path / "a.csv"))[0] == 0
    lines = (tmp_path / "a.csv").read_text("utf-8").splitlines()
    assert lines[:2] == ["embryo_id,n,notice", f"A,-1,{RESEARCH_USE_ONLY}"]
    assert said("SELECT 1", "--csv", str(folder / "frames.csv"))[0] == 2
    assert said("SELEC")[0] == 2
    with pytest.raises(InputNotFoundError):
        ask(tmp_path, "SELECT 1")
