"""What is disturbed: a first night, a second one, pruning, repairing."""

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.cheap_nights import picture

from .disturbed import Scene, night_of, written
from .power import read_record
from .shim import Ended, Worker

LONG_AGO = 1_700_000_000


def first_night(worker: Worker, folder: Path) -> Scene:
    """Four frames of two embryos, and no output folder yet."""
    root = _ward(folder)
    return _known(worker, Scene(root, night_of(root), folder / "none"))


def second_night(worker: Worker, folder: Path) -> Scene:
    """After a night: a frame is gone, one is new, one changed, hours are known now."""
    root = _ward(folder)
    _whole(worker.run(root, *night_of(root)))
    _frame(root, "E1", 1, 2)
    _frame(root, "E3", 1, 0)
    (root / "ward" / "E2" / "E2_RUN2.png").unlink()
    (root / "ward" / "E1_timeElapsed.csv").write_text("frame_index,time\n1,100.0\n2,101.5\n")
    return _known(worker, Scene(root, night_of(root), _kept(root, folder)))


def pruning(worker: Worker, folder: Path) -> Scene:
    """Two embryos' frames are gone since the nights before."""
    root = _ward(folder)
    _whole(worker.run(root, *night_of(root)))
    shutil.rmtree(root / "ward" / "E2")
    _whole(worker.run(root, *night_of(root)))
    return _known(worker, Scene(root, ("prune", str(root / "out"), "--yes"), _kept(root, folder)))


def repairing(worker: Worker, folder: Path) -> Scene:
    """A row of the ledger is not as it was written."""
    root = _ward(folder)
    _whole(worker.run(root, *night_of(root)))
    with closing(sqlite3.connect(root / "out" / "journal.sqlite")) as database, database:
        database.execute("UPDATE frames SET row = row || ' ' WHERE source LIKE 'E1%RUN1.png'")
    return _known(worker, Scene(root, ("repair", str(root / "out")), _kept(root, folder)))


SCENES = {"first": first_night, "second": second_night, "prune": pruning, "repair": repairing}


def _ward(folder: Path) -> Path:
    root = folder / "root"
    for number, embryo in enumerate(("E1", "E2")):
        for run in (1, 2):
            _frame(root, embryo, run, (run + number) % 2)
    return root


def _frame(root: Path, embryo: str, run: int, look: int) -> None:
    path = root / "ward" / embryo / f"{embryo}_RUN{run}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(look))
    os.utime(path, (LONG_AGO + look, LONG_AGO + look))


def _kept(root: Path, folder: Path) -> Path:
    return Path(shutil.move(root / "out", folder / "before"))


def _known(worker: Worker, scene: Scene) -> Scene:
    """The scene with its calls, and what stands in OUT after it, undisturbed, and a whole run."""
    scene.reset()
    record = scene.root.parent / "record"
    _whole(worker.run(scene.root, *scene.command, record=record))
    after_it = written(scene.out)
    _whole(scene.set_right(worker))
    truth = written(scene.out)
    if scene.command[0] == "run":
        assert after_it == truth, "a night that changes what the night before it wrote"
    below_out = f"{scene.out}/"
    changes = tuple(one for one in read_record(record) if f"{one.path}/".startswith(below_out))
    return replace(scene, truth=truth, changes=changes)


def _whole(ended: Ended) -> Ended:
    assert ended.code == 0, ended
    return ended
