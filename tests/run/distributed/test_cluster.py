"""Runs over the machines of a cluster, with networks that cost nothing: whatever is lost, no frame is."""

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="the extra ray is not installed")

from ray.cluster_utils import Cluster

from blastoseg.errors import DeviceError, EnvironmentProblemError, UsageError
from blastoseg.run.distributed import machines
from blastoseg.run.distributed.connection import check_address
from blastoseg.run.events import FrameScored, RunEnded, RunEvent
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.settings import Output, Settings
from blastoseg.stopping import StopRequest
from tests.cheap_nights import LOOKS, make_nights_cheap, picture

from .cheap_machines import DEADLY, DIE_ONCE, HANGING, UNFORESEEN, UNSEEN, CheapScorer, add_node

pytestmark = pytest.mark.slow
TABLES = ("frames.csv", "embryos.csv", "events.csv")
LONG_AGO = 1_700_000_000
SETTINGS = Settings(output=Output(review_page=False))
ON_THIS_MACHINE = """
import os, psutil
from pathlib import Path
from blastoseg.run.distributed.connection import connected

before = dict(os.environ)
with connected("local", 1) as ray:
    [node] = ray.nodes()
    folder = Path(node["RayletSocketName"]).parents[2]
    processes = [
        one for one in psutil.Process().children(recursive=True) if "ray" in " ".join(one.cmdline())
    ]
    lines = [line for process in processes for line in process.net_connections() if line.status == "LISTEN"]
    assert lines
    assert {line.laddr.ip for line in lines} <= {"127.0.0.1", "::ffff:127.0.0.1", "::1"}, lines
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
assert dict(os.environ) == before
assert not folder.exists()
_, alive = psutil.wait_procs(processes, timeout=10)
assert not alive
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes, with room for one machine each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        both = Cluster()
        for _ in range(2):
            add_node(both, 1)
        yield both
        both.shutdown()


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    make_nights_cheap(monkeypatch)
    monkeypatch.setattr(machines, "RemoteScorer", CheapScorer)


def make_ward(folder: Path, *special: str) -> Path:
    """Three embryos of eight frames, one file that is no picture, and frames of which something is told."""
    names = [f"E{embryo}/E{embryo}_RUN{run}.png" for embryo in (1, 2, 3) for run in range(1, 9)]
    for number, name in enumerate([*names, *(f"{what}/{what}_RUN1.png" for what in special)]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(number % LOOKS))
    (folder / "E2" / "E2_RUN9.png").write_bytes(b"no picture")
    for path in folder.rglob("*.png"):
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


def request_of(ward: Path, out: Path, cluster: Cluster | None = None) -> RunRequest:
    address = cluster.address if cluster else None
    return RunRequest([ward], SETTINGS, out=out, workers=1, batch_size=1, ray=address)


def ended_of(events: Iterator[RunEvent]) -> RunEnded:
    [ended] = [event for event in events if isinstance(event, RunEnded)]
    return ended


def assert_same_tables(one: Path, other: Path) -> None:
    for table in TABLES:
        assert (one / table).read_bytes() == (other / table).read_bytes()


def test_a_stopped_run_goes_on_and_its_tables_are_in_bytes_those_of_a_run_without_a_cluster(
    cluster: Cluster, tmp_path: Path
) -> None:
    ward = make_ward(tmp_path / "ward")
    key = tmp_path / "key"
    whole = ended_of(score_folder(replace(request_of(ward, tmp_path / "whole"), keyfile=key)))
    request = replace(request_of(ward, tmp_path / "out", cluster), keyfile=key)
    events = score_folder(request)
    for event in events:
        if isinstance(event, FrameScored):
            request.stop.ask("stopped", 130)
            break
    stopped = ended_of(events)
    assert stopped.exit_code == 130
    assert 0 < stopped.left < 20
    ended = ended_of(score_folder(replace(request, stop=StopRequest())))
    assert ended.counts == whole.counts
    assert_same_tables(tmp_path / "whole", tmp_path / "out")
    for mask in (tmp_path / "whole" / "masks").rglob("*.png"):
        assert (tmp_path / "out" / mask.relative_to(tmp_path / "whole")).read_bytes() == mask.read_bytes()
    for told in ("frames.csv", "run.log"):
        assert "_RUN" not in (tmp_path / "out" / told).read_text("utf-8"), "a name, under pseudonyms"


def test_machines_that_would_give_other_numbers_are_refused(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward = make_ward(tmp_path / "ward")
    monkeypatch.setattr(machines, "__version__", "99.0")
    with pytest.raises(EnvironmentProblemError, match=r"this one 99\.0 .*: install the same on all"):
        ended_of(score_folder(request_of(ward, tmp_path / "out", cluster)))
    assert not (tmp_path / "out").exists()


def test_a_cluster_without_room_for_a_machine_is_told_and_not_waited_for_for_ever(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machines, "PATIENCE_S", 3.0)
    request = replace(request_of(make_ward(tmp_path / "ward"), tmp_path / "out", cluster), workers=64)
    with pytest.raises(DeviceError, match="had 64 free processors: see --workers"):
        ended_of(score_folder(request))


def test_what_kills_hangs_or_cannot_be_seen_is_a_row_with_its_reason_and_costs_no_other_frame(
    cluster: Cluster, tmp_path: Path
) -> None:
    ward = make_ward(tmp_path / "ward", DEADLY, HANGING, UNSEEN, UNFORESEEN)
    ended_of(score_folder(request_of(ward, tmp_path / "whole")))
    (tmp_path / f"ward-{DIE_ONCE}").touch()
    assert ended_of(score_folder(request_of(ward, tmp_path / "out", cluster))).exit_code == 3
    assert not (tmp_path / f"ward-{DIE_ONCE}").exists()
    whole, rows = (
        {row["source"]: row for row in csv.DictReader((tmp_path / out / "frames.csv").open(encoding="utf-8"))}
        for out in ("whole", "out")
    )
    assert list(rows) == list(whole), "in the same order"
    for what, words in {
        DEADLY: "the machine scoring it was lost, twice",
        HANGING: "its reader gave no answer within 2 s, twice",
        UNSEEN: "does not see the file that this one sees",
        UNFORESEEN: "unexpected error while scoring: ZeroDivisionError, twice",
    }.items():
        row = rows.pop(f"{what}/{what}_RUN1.png")
        assert row["status"] == "failed"
        assert words in row["reason"]
    assert all(row == whole[source] for source, row in rows.items())
    log = (tmp_path / "out" / "run.log").read_text("utf-8")
    assert "was lost: it died" in log
    assert "the process reading it gave no answer" in log, "what a machine tells"


def test_a_node_that_dies_in_the_middle_costs_nothing(cluster: Cluster, tmp_path: Path) -> None:
    ward = make_ward(tmp_path / "ward")
    ended_of(score_folder(request_of(ward, tmp_path / "whole")))
    further = add_node(cluster, 8)
    request = replace(request_of(ward, tmp_path / "out", cluster), workers=4)  # too many for the others
    events = score_folder(request)
    for event in events:
        if isinstance(event, FrameScored):
            cluster.remove_node(further, allow_graceful=False)
            add_node(cluster, 4)
            break
    ended_of(events)
    assert_same_tables(tmp_path / "whole", tmp_path / "out")
    assert "was lost" in (tmp_path / "out" / "run.log").read_text("utf-8")


def test_a_cluster_of_this_machine_listens_to_this_machine_alone_and_is_ended() -> None:
    # In a process of its own: Ray learns once whether it needs a token.
    done = subprocess.run([sys.executable, "-c", ON_THIS_MACHINE], capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""


@pytest.mark.parametrize("address", ["", "ray://head:10001", "head", "head:99999"])
def test_what_is_no_address_is_refused_with_what_is(address: str) -> None:
    with pytest.raises(UsageError, match="HOST:PORT"):
        check_address(address)


def test_where_nobody_answers_is_told_at_once() -> None:
    with pytest.raises(DeviceError, match="nobody answers there"):
        check_address("127.0.0.1:1")
