"""Whatever the nights before it were, a run ends with the tables and pictures of one fresh run.

Folders, focal planes, tables of hours and of embryos, and options change between the nights, in any order;
the networks read the tissue from the gray value, and no process but this one works. BLASTOSEG_NIGHTS sets the
number of sequences.
"""

import os
import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blastoseg import stages
from blastoseg.errors import BlastosegError
from blastoseg.files import clash_key
from blastoseg.records import Status
from blastoseg.report.manifest import RunManifest, UsedPixelSize
from blastoseg.run import pipeline, provenance, reporting
from blastoseg.run.events import RunEnded
from blastoseg.run.journal import Journal
from blastoseg.run.prune import find_prunable, prune
from blastoseg.run.reporting import Report
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings
from tests.cheap_nights import LOOKS, make_nights_cheap, picture

pytestmark = pytest.mark.slow
SEQUENCES = int(os.environ.get("BLASTOSEG_NIGHTS", "8"))
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
EMBRYOS, RUNS = ("E1", "e1", "E2"), (1, 2, 3, 10)


PICTURES = [picture(look) for look in range(LOOKS)]


class _NoLock:
    """Nobody else is there."""

    def __init__(self, _out: Path) -> None:
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def check(self) -> None:
        pass


@pytest.fixture(scope="module", autouse=True)
def _cheap() -> Iterator[None]:
    measured: dict[bytes, object] = {}
    measure = stages.measure_labels

    def measure_once(labels):
        key = labels.tobytes()
        if key not in measured:
            measured[key] = measure(labels)
        return dict(measured[key])

    with pytest.MonkeyPatch.context() as patch:
        make_nights_cheap(patch)
        patch.setattr(reporting, "write_workbook", lambda path, *_, **__: path.write_bytes(b""))
        patch.setattr(reporting, "take_over", lambda _: SimpleNamespace(notes={}, said=[]))
        patch.setattr(stages, "measure_labels", measure_once)
        patch.setattr(pipeline, "OutputLock", _NoLock)
        patch.setattr(provenance, "RunManifest", partial(RunManifest, software={}))
        patch.setattr(os, "fsync", lambda _: None)
        yield


class _Ward:
    """The input of the nights, and what happens to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lab_table = root.with_name("lab.csv")
        self.lab_table.write_text("embryo\n")
        self._told: dict[str, str] = {}
        self._time = 1_700_000_000

    def happen(self, what: str, embryo: str, run: int, plane: int | None, look: int) -> None:
        """One change of the input; ``look`` chooses a frame's pixels, or a table's hours."""
        folder = self.root / embryo if plane is None else self.root / embryo / f"F{plane}"
        frame = folder / f"{embryo}_RUN{run}.png"
        table = self.root / f"{embryo}_timeElapsed.csv"
        if what == "frame":
            self._write(frame, PICTURES[look])
        elif what == "broken":
            self._write(frame, PICTURES[look][:200])
        elif what == "gone":
            frame.unlink(missing_ok=True)
        elif what == "embryo gone":
            shutil.rmtree(self.root / embryo, ignore_errors=True)
        elif what == "plane gone" and plane is not None:
            shutil.rmtree(folder, ignore_errors=True)
        elif what == "table":
            rows = "".join(f"{run},{run * (look + 1) / 2}\n" for run in RUNS[: look + 1])
            self._write(table, f"frame_index,time\n{rows}".encode())
        elif what == "table gone":
            table.unlink(missing_ok=True)
        elif what == "told":
            self._told[embryo] = f"{embryo},P{look},D{run},{'AB'[look % 2]}\n"
            rows = "".join(self._told.values())
            self.lab_table.write_text(f"embryo,patient,dish,te\n{rows}")

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self._time += 1
        os.utime(path, (self._time, self._time))


CHANGES = st.tuples(
    st.sampled_from(
        ["frame"] * 6
        + ["gone", "embryo gone", "plane gone", "table", "table", "table gone", "broken"]
        + ["told", "told"]
    ),
    st.sampled_from(EMBRYOS),
    st.sampled_from(RUNS),
    st.sampled_from([None, None, 0, 15]),
    st.integers(0, LOOKS - 1),
)
OPTIONS = st.fixed_dictionaries(
    {
        "focal": st.sampled_from(["0", "0", "15", "best"]),
        "frame_interval_h": st.sampled_from([None, None, 0.5, 2.0]),
        "um_per_px": st.sampled_from([None, None, 0.5, 3.0]),
        "weights": st.sampled_from(["a", "a", "b"]),
        "fresh": st.sampled_from([False] * 9 + [True]),
        "has_lab_table": st.booleans(),
        "patient": st.sampled_from(["", "", "(?P<patient>[eE][12])"]),
        "by_hand": st.integers(0, 5),
    }
)
NIGHTS = st.lists(st.tuples(st.lists(CHANGES, min_size=1, max_size=8), OPTIONS), min_size=2, max_size=5)


def _run(ward: Path, out: Path, options: dict[str, object]) -> RunEnded | None:
    """One night; None where there was nothing to be scored, or no such plane."""
    request = RunRequest(
        paths=[ward],
        out=out,
        settings=Settings().overridden(
            weights=options["weights"],
            focal=options["focal"],
            frame_interval_h=options["frame_interval_h"],
            naming={"patient": options["patient"]},
        ),
        embryos=ward.with_name("lab.csv") if options["has_lab_table"] else None,
        um_per_px=options["um_per_px"],
        fresh=bool(options["fresh"]),
        workers=1,
    )
    try:
        *_, ended = pipeline.score_folder(request)
    except BlastosegError as error:
        assert error.exit_code in (2, 4), error
        return None
    assert isinstance(ended, RunEnded)
    return ended


def _delete_by_hand(out: Path, count: int) -> None:
    pictures = sorted(out.glob("*/*/*.*g"))
    for path in random.Random(count).sample(pictures, min(count % 4, len(pictures))):
        path.unlink()


def _written(out: Path) -> dict[str, bytes]:
    """Tables, and every picture below OUT."""
    found = {name: (out / name).read_bytes() for name in ("frames.csv", "embryos.csv", "events.csv")}
    return found | {
        path.relative_to(out).as_posix(): path.read_bytes()
        for kind in ("masks", "overlays")
        for path in (out / kind).rglob("*.*")
    }


def _pruned(out: Path) -> None:
    with Journal(out) as journal:
        prune(out, journal, find_prunable(out, journal), lambda: None)


class _BareReport:
    """What a night before the last two needs of its report: it writes none, which the next could leave."""

    embryos = pd.DataFrame({"embryo_id": []})

    def __init__(self, rows: Iterable[dict[str, Any]], *_: object) -> None:
        rows = list(rows)
        self.counts = {status.value: sum(row["status"] == status for row in rows) for status in Status}
        self.pictures = [row[kind] for row in rows for kind in ("mask", "overlay") if row[kind]]
        self.tables = SimpleNamespace(frames_total=len(rows))
        self.pixel_sizes: list[UsedPixelSize] = []
        self.notes = ["bare"]

    def write(self, *_: object) -> None:
        """Nothing: no night reads the report before it, but for what it says of embryos that are gone."""

    write_review = write


class _ReportsByRows:
    """Reports of one request, made once for the same rows: made twice, they would say the same."""

    def __init__(self) -> None:
        self._made: dict[str, Report] = {}

    def __call__(self, rows: Iterable[dict[str, Any]], settings: Settings, _: Path) -> Report:
        rows = list(rows)
        key = repr(rows)
        if key not in self._made:
            self._made[key] = Report(rows, settings)
        return self._made[key]


@settings(max_examples=SEQUENCES, suppress_health_check=list(HealthCheck))
@given(NIGHTS)
def test_any_nights_end_in_the_tables_and_pictures_of_one_fresh_run(nights) -> None:
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY)))
        ward = _Ward(root / "ward")
        ward.root.mkdir()
        ended, reports = None, _ReportsByRows()
        for number, (changes, options) in enumerate(nights, 1):
            for change in changes:
                ward.happen(*change)
            _delete_by_hand(root / "out", options["by_hand"])
            # The last night may leave the report of the one before.
            kind = reports if number >= len(nights) - 1 else _BareReport
            with mock.patch.object(reporting, "Report", kind):
                ended = _run(ward.root, root / "out", options)
        with mock.patch.object(reporting, "Report", reports):
            fresh = _run(ward.root, root / "fresh", nights[-1][1])
        assert (ended is None) == (fresh is None)
        if fresh is None or ended is None:
            return
        assert ended.counts == fresh.counts
        _pruned(root / "out")
        after, once = _written(root / "out"), _written(root / "fresh")
        assert once.keys() <= after.keys()
        assert [name for name in once if after[name] != once[name]] == []
        # Prune leaves what a system without case may take for a picture that stays.
        stay = {clash_key(name) for name in once}
        assert [name for name in after.keys() - once.keys() if clash_key(name) not in stay] == []
