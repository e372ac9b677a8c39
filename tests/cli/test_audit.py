"""``audit`` lists every run from the ledger."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.run.journal import Journal

pytestmark = pytest.mark.slow


def test_every_run_is_listed_with_how_it_ended(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        number = journal.start_run({"weights": "starter", "paths": ["day5\x1b[2J"]})
        journal.end_run(number, {"exit_code": 3, "failed": 2})
        journal.start_run({"weights": "finetuned"})
    shown = CliRunner().invoke(app, ["audit", str(tmp_path)]).output
    assert "run 1: started" in shown
    assert "exit_code: 3" in shown
    assert "\x1b" not in shown
    assert "run 2" in shown
    assert "it was killed" in shown
    lines = CliRunner().invoke(app, ["audit", str(tmp_path), "--json"]).output.splitlines()
    assert [json.loads(line)["details"]["weights"] for line in lines] == ["starter", "finetuned"]


def test_a_folder_without_a_ledger_is_named(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["audit", str(tmp_path)])
    assert answer.exit_code == 4
    assert "journal.sqlite" in answer.stderr
