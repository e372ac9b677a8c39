"""Names that are no text, a folder that is gone, Python without docstrings: a message, no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from .night import finish, make_frames, start

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="Windows has no such names and keeps its folders"),
]


def said(*arguments: object, **how: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "blastoseg", *map(str, arguments)],
        capture_output=True,
        check=False,
        **how,
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


@pytest.fixture
def odd(tmp_path) -> Path:
    """A folder whose name is no UTF-8 text."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    plain = make_frames(tmp_path / "plain", "WELL1", 1)
    try:
        plain.rename(folder)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    return folder


def test_frames_in_a_folder_whose_name_is_no_utf8_are_scored(odd, tmp_path):
    code, text = finish(start(odd, tmp_path / "out"))
    assert code == 0, text
    assert len(pd.read_csv(tmp_path / "out" / "frames.csv")) == 1
    assert r"caf\\xe9" in (tmp_path / "out" / "run.json").read_text("utf-8")


def test_an_output_folder_whose_name_is_no_utf8_is_refused(odd):
    code, text = said("run", odd, "--out", odd / "out")
    assert code == 2, text
    assert "no UTF-8 text: choose another folder" in " ".join(text.split())
    assert "Traceback" not in text


def test_a_working_directory_that_is_gone_is_told(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m blastoseg doctor"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "working directory cannot be used" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_python_without_docstrings_is_told(tmp_path):
    code, text = said("doctor", tmp_path, env=os.environ | {"PYTHONOPTIMIZE": "2"})
    assert code == 10, text
    assert "unset PYTHONOPTIMIZE" in " ".join(text.split())
    assert "Traceback" not in text
