"""blastoseg review prints its address, and ends when it is asked to."""

import signal
import subprocess
import sys

import pytest

from tests.reviewed_night import make_reviewed_nights_cheap, night, write_frames

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_it_prints_its_address_and_ends_well_when_asked(tmp_path, asked):
    with pytest.MonkeyPatch.context() as patch:
        make_reviewed_nights_cheap(patch)
        night(write_frames(tmp_path / "frames", ["E1"], frames=1), tmp_path / "out")
    command = [sys.executable, "-m", "blastoseg", "review", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "for this machine alone" in process.stdout.readline()
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.send_signal(asked)
        said, complained = process.communicate(timeout=30)
    assert process.returncode == 0, complained
    assert "Ended; 0 changes saved." in said
    assert complained == ""


def test_a_folder_without_a_report_is_named(tmp_path):
    command = [sys.executable, "-m", "blastoseg", "review", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "run blastoseg on this folder first" in " ".join(done.stderr.split())
