"""A release names the licences of what it installs, and stops at one that is not known to be free."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "docs" / "check_licences.py"


@pytest.mark.parametrize(
    ("licence", "code"),
    [
        ({"license": {"id": "MIT"}}, 0),
        ({"expression": "Apache-2.0 OR BSD-2-Clause"}, 0),
        ({"license": {"name": "License :: OSI Approved :: BSD License"}}, 0),
        ({"expression": "MIT AND GPL-3.0-only"}, 1),
        ({"license": {"name": "Proprietary"}}, 1),
        ({}, 1),
    ],
)
def test_only_what_declares_a_free_licence_passes(
    tmp_path: Path, licence: dict[str, object], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("check_licences", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    bill = tmp_path / "bill.json"
    bill.write_text(json.dumps({"components": [{"name": "a", "version": "1", "licenses": [licence]}]}))
    assert script.main(bill) == code
    assert "uPlot in the package: The MIT License (MIT)" in capsys.readouterr().out
