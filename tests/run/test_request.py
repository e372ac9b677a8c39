"""What a run does where it was not told."""

from pathlib import Path

import pytest

from blastoseg.run import request
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings


@pytest.mark.parametrize(("cores", "processes"), [(1, 2), (2, 2), (6, 3), (16, 8), (128, 8)])
def test_more_cores_have_more_processes_that_measure(
    monkeypatch: pytest.MonkeyPatch, cores: int, processes: int
) -> None:
    monkeypatch.setattr(request, "usable_cores", lambda: cores)
    asked = [Path("day5")]
    assert RunRequest(asked, Settings()).processes == processes
    assert RunRequest(asked, Settings(), workers=5).processes == 5
    # The machines of a cluster may have fewer cores than this one.
    assert RunRequest(asked, Settings(), ray="auto").processes == 2
