"""``blastoseg prune``, and what a run says is new: as their user meets them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from blastoseg.cli import app
from blastoseg.run.journal import OutputLock

from .night import LONG_AGO, finish, make_frames

pytestmark = pytest.mark.slow
"""Each starts the command in processes of its own."""
FRAMES = 4


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    """A folder of two embryos, ``Name D5`` and WELL2, of four frames each."""
    folder = make_frames(tmp_path / "ward", "Name D5", FRAMES)
    shutil.copytree(folder / "Name D5", folder / "WELL2")
    for path in folder.rglob("*.jpg"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def _run(folder: Path, out: Path, *options: str) -> tuple[int, str]:
    """As ``night.start``, with overlays."""
    command = [sys.executable, "-m", "blastoseg", "run", str(folder), "--out", str(out)]
    command += ["--settings", str(folder.parent / "quick.toml"), *options]
    return finish(
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    )


def _pictures(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.glob("*/*/*") if path.suffix in {".png", ".jpg"}}


def _named(out: Path) -> set[str]:
    frames = pd.read_csv(out / "frames.csv")
    return {*frames["mask"].dropna(), *frames["overlay"].dropna()}


def test_rows_lead_to_their_pictures_and_pictures_follow_the_input(ward, tmp_path):
    out, summary = tmp_path / "out", tmp_path / "summary.json"
    code, text = _run(ward, out, "--summary-json", str(summary))
    assert code == 0, text
    assert "8 new, 0 unchanged" in text.splitlines()[-1]
    assert json.loads(summary.read_text())["frames_new"] == 8
    assert _named(out) == _pictures(out)
    assert "overlays/Name D5/00000-Name D5_RUN001.jpg" in _pictures(out)
    assert set(pd.read_csv(out / "embryos.csv")["mask"]) < _pictures(out)

    code, text = _run(ward, out, "--warn-if-nothing-new")
    assert code == 13, text
    assert "nothing new" in text.splitlines()[-1]

    deleted = sorted(_pictures(out))[0]
    (out / deleted).unlink()
    assert _run(ward, out)[0] == 0
    assert deleted in _pictures(out), "made again"

    shutil.rmtree(ward / "WELL2")
    whole = (out / "frames.csv").read_bytes()
    code, text = _run(ward, out, "--keep-missing")
    assert code == 0, text
    assert "1 embryo no longer in the input, reported from earlier runs: WELL2" in text
    assert (out / "frames.csv").read_bytes() == whole
    code, text = _run(ward, out, "--summary-json", str(summary))
    assert code == 0, text
    assert "1 embryo of the report before no longer in the input, nor in this report: WELL2" in text
    assert "WELL2" in " ".join(json.loads(summary.read_text())["notes"])
    before = _pictures(out)
    refused = CliRunner().invoke(app, ["prune", str(out)])
    assert refused.exit_code == 2
    assert "8 files" in refused.output
    assert "--yes" in refused.stderr
    assert _pictures(out) == before
    with OutputLock(out):
        assert CliRunner().invoke(app, ["prune", str(out), "--yes"]).exit_code == 9
    assert _pictures(out) == before
    assert CliRunner().invoke(app, ["prune", str(out), "--yes"]).exit_code == 0
    assert _pictures(out) == _named(out) == {path for path in before if "/Name D5/" in path}
    assert "nothing to delete" in CliRunner().invoke(app, ["prune", str(out)]).output


def test_a_changed_frame_is_new_and_a_failed_one_from_yesterday_is_not(ward, tmp_path):
    out = tmp_path / "out"
    (ward / "WELL2" / "broken.jpg").write_bytes(b"no picture")
    os.utime(ward / "WELL2" / "broken.jpg", (LONG_AGO, LONG_AGO))
    code, text = _run(ward, out, "--no-overlays", "--warn-if-nothing-new")
    assert code == 3, text
    code, text = _run(ward, out, "--no-overlays", "--warn-if-nothing-new")
    assert code == 13, text
    assert "1 failed; 0 new, 9 unchanged" in text.splitlines()[-1]
    os.utime(ward / "WELL2" / "broken.jpg", (LONG_AGO + 1, LONG_AGO + 1))
    code, text = _run(ward, out, "--no-overlays", "--warn-if-nothing-new")
    assert code == 3, text
    assert "1 new, 8 unchanged" in text.splitlines()[-1]


def test_a_folder_that_no_run_wrote_is_left_alone(tmp_path):
    answer = CliRunner().invoke(app, ["prune", str(tmp_path), "--yes"])
    assert answer.exit_code == 4
    assert list(tmp_path.iterdir()) == []
