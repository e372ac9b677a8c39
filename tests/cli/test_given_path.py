"""Paths on the command line."""

import pytest
import typer
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.cli.given_path import given_path


def test_an_empty_path_is_no_path() -> None:
    with pytest.raises(typer.BadParameter, match="is empty"):
        given_path("")


@pytest.mark.parametrize("option", ["--out", "--settings", "--pseudonymise", "--summary-json"])
def test_an_unset_variable_of_a_shell_is_no_folder_to_write_to(option: str) -> None:
    done = CliRunner().invoke(app, ["run", "day5", option, ""])
    assert done.exit_code == 2
    assert "is empty" in done.output
