"""Processes that work for this one: what passes between them, and what happens when something dies."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from blastoseg.sources.line import SHARED_BYTES
from blastoseg.sources.processes import Processes, ProcessLostError, Request, WorkFailedError

pytestmark = pytest.mark.slow


class Echo:
    """Gives arrays back turned round; some jobs go wrong."""

    is_discreet = False
    libraries = ()

    def done(self, job, arrays):
        if job == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if job == "fail":
            raise ZeroDivisionError
        if job == "tell":
            name = " ".join(("JANE", "DOE"))  # in pieces: a traceback shows the line
            raise ValueError(name)
        if job == "hang":
            time.sleep(1000)
        return job, [array[::-1] for array in arrays]


class Discreet(Echo):
    """The same under pseudonyms."""

    is_discreet = True


def asked(job, *arrays, patience_s=60.0, tries=2):
    return Request(job, arrays, "a frame", "trying", patience_s, tries)


def test_arrays_arrive_as_they_were_sent_whether_or_not_the_shared_memory_holds_them():
    small = np.arange(30, dtype=np.float32).reshape(5, 6)
    large = np.arange(SHARED_BYTES // 2 + 1000, dtype=np.uint16)
    with Processes(Echo(), 1) as processes:
        for _ in range(2):
            answer, back = processes.ask(asked("turn", small, large, small[:, ::2]))
            assert answer == "turn"
            for array, sent in zip(back, (small, large, small[:, ::2]), strict=True):
                assert array.dtype == sent.dtype
                assert np.array_equal(array, sent[::-1])


def test_a_job_that_costs_two_processes_their_lives_is_given_up_and_the_next_is_done():
    with Processes(Echo(), 1) as processes:
        with pytest.raises(ProcessLostError, match="SIGKILL"):
            processes.ask(asked("die"))
        with pytest.raises(WorkFailedError, match="ZeroDivisionError"):
            processes.ask(asked("fail"))
        with pytest.raises(ProcessLostError, match="gave no answer"):
            processes.ask(asked("hang", patience_s=0.5, tries=1))
        assert processes.ask(asked("on"))[0] == "on"


def test_under_pseudonyms_a_defect_is_told_without_its_text(caplog):
    with Processes(Discreet(), 1) as processes, pytest.raises(WorkFailedError, match=r"^ValueError$"):
        processes.ask(asked("tell", tries=1))
    with Processes(Echo(), 1) as processes, pytest.raises(WorkFailedError, match="JANE DOE"):
        processes.ask(asked("tell", tries=1))
    discreet, open_ = (record.getMessage() for record in caplog.records)
    assert "test_processes.py" in discreet
    assert "JANE DOE" not in discreet
    assert "JANE DOE" in open_


@pytest.mark.parametrize("job", ["hang", "idle"])
def test_a_killed_parent_leaves_no_process_behind(tmp_path, job):
    script = (
        "import sys, time\n"
        f"sys.path.insert(0, {os.path.dirname(__file__)!r})\n"  # noqa: PTH120
        "from test_processes import Echo, asked\n"
        "from blastoseg.sources.processes import Processes\n"
        "with Processes(Echo(), 2) as processes:\n"
        "    processes.start_all()\n"
        "    print('started', flush=True)\n"
        f"    processes.ask(asked({job!r}))\n"
        "    time.sleep(1000)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "started\n"
    time.sleep(0.3)
    below = psutil.Process(parent.pid).children(recursive=True)
    assert len(below) >= 2
    parent.kill()
    parent.wait()
    _, left = psutil.wait_procs(below, timeout=30)
    assert left == []
    parent.stdout.close()
