"""Machines that cost little, and on which things go wrong: what a frame's file is called says which."""

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from blastoseg.run import workers
from blastoseg.run.distributed import remote
from blastoseg.run.distributed.remote import RemoteScorer
from blastoseg.run.workers import FrameWork
from blastoseg.sources import isolated
from tests.cheap_nights import CheapNetworks, HereProcesses

DEADLY, HANGING, UNSEEN, UNFORESEEN = "DEADLY", "HANGING", "UNSEEN", "UNFORESEEN"
STARTS = 4
DIE_ONCE = "die-once"
"""A file beside the frames' folder: who deletes it dies, as of memory."""
PATIENCE_S = 2.0


def add_node(cluster, processors):
    """A node more; Ray gives one half a minute to start, which is short where others work too."""
    for left in reversed(range(STARTS)):
        try:
            return cluster.add_node(num_cpus=processors)
        except Exception as error:
            if not left or "timed out" not in str(error):
                raise
    raise AssertionError("a node is started once at least")


@dataclass(frozen=True)
class HangingWork(FrameWork):
    """A decoder that never gets done with some files."""

    def done(self, job, arrays):
        if HANGING in str(getattr(job, "path", "")):
            time.sleep(1000)
        return super().done(job, arrays)


class CheapScorer(RemoteScorer):
    def begin(self):
        patch = pytest.MonkeyPatch()
        patch.setitem(sys.modules, "blastoseg.model.segmenter", SimpleNamespace(Segmenter=CheapNetworks))
        patch.setattr(
            remote,
            "load_card",
            lambda name: SimpleNamespace(name=name, fingerprint=name, sha256=name, has_ranges=False),
        )
        see = remote.size_and_time
        patch.setattr(remote, "size_and_time", lambda ref: "" if UNSEEN in ref.source else see(ref))
        self._folder = self._request.paths[0]
        if any(self._folder.rglob(f"*{HANGING}*")):
            patch.setattr(isolated, "PATIENCE_S", PATIENCE_S)
            patch.setattr(workers, "FrameWork", HangingWork)
        else:
            patch.setattr(isolated, "Processes", HereProcesses)
            patch.setattr(isolated, "memory_limited", contextlib.nullcontext)
        return super().begin()

    def score(self, frames):
        if any(UNFORESEEN in one.ref.source for one in frames):
            raise ZeroDivisionError("a defect")
        with contextlib.suppress(FileNotFoundError):
            Path(f"{self._folder}-{DIE_ONCE}").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        if any(DEADLY in one.ref.source for one in frames):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().score(frames)
