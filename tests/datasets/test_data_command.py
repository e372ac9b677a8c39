from pathlib import Path

import pytest
from typer.testing import CliRunner

from blastoseg.cli.data import data_app
from blastoseg.errors import DataError

pytestmark = pytest.mark.slow


def test_check_lists_each_problem_with_its_file_and_ends_with_the_data_error(several: Path) -> None:
    assert CliRunner().invoke(data_app, ["check", str(several)]).exit_code == 0
    (several / "masks/E0_RUN1.png").unlink()
    done = CliRunner().invoke(data_app, ["check", str(several)])
    assert "images/E0_RUN1.png\tmissing mask\t" in done.output
    assert isinstance(done.exception, DataError)
    assert done.exception.exit_code == 11


def test_split_writes_three_lists_where_it_is_told(several: Path, tmp_path: Path) -> None:
    out = tmp_path / "lists"
    done = CliRunner().invoke(data_app, ["split", str(several), "--out", str(out), "--seed", "3"])
    assert done.exit_code == 0, done.output
    lists = {path.name: path.read_text().split() for path in out.iterdir()}
    assert set(lists) == {"train.txt", "val.txt", "test.txt"}
    assert sum(map(len, lists.values())) == 10
