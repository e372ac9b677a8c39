"""Runs in which one call of the file system goes wrong, and what must be true after them."""

import csv
import io
import random
import re
import shutil
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from blastoseg.errors import exit_codes

from .power import Change, Disk
from .shim import LATE, Calls, Ended, Fault, Kind, Worker

REPORT = ("frames.csv", "embryos.csv", "events.csv")
HOURS = ("time_h", "time_reference")
FREE = ("steady_", "course_", "mask", "overlay")
"""Columns that look at a frame's neighbours, or whether its pictures are there."""
NO_HOURS = "has no hours from it"
TOLD = (
    "still being written: left for the next run",
    "is open in another program",
    "no copy of the earlier workbook was kept",
    "its notes cannot be read",
    "the report goes without",
    NO_HOURS,
)
"""What a run that is not whole says of it, there or in its log, and ends with exit code 0."""


def written(out: Path) -> dict[str, bytes]:
    """What a run leaves for people: tables, pictures, and the sheets of the workbook that tell no time."""
    found = {name: (out / name).read_bytes() for name in REPORT if (out / name).is_file()}
    for kind in ("masks", "overlays"):
        for path in (out / kind).rglob("*.*"):
            found[path.relative_to(out).as_posix()] = path.read_bytes()
    if (out / "report.xlsx").is_file():
        found |= _sheets(out / "report.xlsx")
    return found


def _everything(out: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes() if path.is_file() else None
        for path in out.rglob("*")
    }


def _sheets(workbook: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(workbook) as book:
        titles = re.findall(r'<sheet [^>]*name="([^"]+)"', book.read("xl/workbook.xml").decode())
        of_this_run = f"xl/worksheets/sheet{titles.index('Run') + 1}.xml"
        return {
            f"report.xlsx/{name}": book.read(name)
            for name in book.namelist()
            if name not in (of_this_run, "docProps/core.xml")
        }


@dataclass(frozen=True, slots=True)
class Scene:
    """A command on an output folder, the runs before it, and the run that must bring all in order again."""

    root: Path
    command: tuple[str, ...]
    before: Path
    truth: dict[str, bytes] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    @property
    def out(self) -> Path:
        return self.root / "out"

    def reset(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        if self.before.is_dir():
            shutil.copytree(self.before, self.out)

    def calls(self, worker: Worker, classes: Calls) -> int:
        """How many such calls the command makes."""
        self.reset()
        return worker.run(self.root, *self.command, fault=Fault(classes=classes)).calls

    def set_right(self, worker: Worker) -> Ended:
        """The command once more, where it is no night, and a whole night."""
        if self.command[0] != "run":
            worker.run(self.root, *self.command)
        return worker.run(self.root, *night_of(self.root))


def night_of(root: Path) -> tuple[str, ...]:
    """The arguments of a run over the ward."""
    return ("run", str(root / "ward"), "--out", str(root / "out"), "--settle", "0", "--workers", "1")


def problems(worker: Worker, scene: Scene, fault: Fault) -> Iterator[str]:
    """Runs the scene with a fault, and a whole run after it; yields what should not be."""
    scene.reset()
    before, all_before = written(scene.out), _everything(scene.out)
    ended = worker.run(scene.root, *scene.command, fault=fault)
    yield from (f"{one} [{ended.hit}]" for one in _after_the_fault(scene, fault, ended, before))
    if _everything(scene.out) != all_before:
        after = scene.set_right(worker)
        yield from (f"the run after it: {one} [{ended.hit}]" for one in after_all(scene, after))
    for crash in worker.crashes:
        yield f"a crash: {crash.read_text()[-600:]} [{ended.hit}]"
        crash.unlink()


def problems_after_power_cut(worker: Worker, scene: Scene, seed: int) -> Iterator[str]:
    """Cuts the power at some moment of the scene; an odd seed's disk lies from another moment on."""
    rng, changes = random.Random(seed), scene.changes
    end, lies_from = rng.randint(1, len(changes)), len(changes)
    if seed % 2:
        lies_from = rng.randint(0, end)
    disk = Disk(scene.before, scene.out)
    for number, change in enumerate(changes[:end]):
        disk.happen(change, is_flushing=number < lies_from)
    shutil.rmtree(scene.out, ignore_errors=True)
    disk.cut_power(scene.out, rng)
    after = scene.set_right(worker)
    is_honest = not seed % 2
    if after.code == 8 and is_honest:
        yield f"damaged by an honest disk: {after.said[-300:]!r}"
    elif after.code == 8:
        yield from _done_as_told(worker, scene, after.said)
        after = scene.set_right(worker)
    if not is_honest:
        # Such a disk can lose the ledger, and with it whose the unfinished files are, and parts of a picture;
        # or bring back a picture that was deleted and struck off.
        deleted = [scene.out / name for name in written(scene.before) if name not in scene.truth]
        for path in [*scene.out.rglob(".part-*"), *filter(Path.is_file, deleted)]:
            path.unlink() if path.is_file() else shutil.rmtree(path)
        now = written(scene.out)
        yield from (f"{name} is not as it should be" for name in REPORT if now.get(name) != scene.truth[name])
        after = worker.run(scene.root, *night_of(scene.root), "--fresh")
    yield from after_all(scene, after)


def _done_as_told(worker: Worker, scene: Scene, said: str) -> Iterator[str]:
    """What the message of exit code 8 tells to do."""
    if ".lock.sqlite" in said and "move the file away" in " ".join(said.split()):
        (scene.out / ".lock.sqlite").unlink()
        said = scene.set_right(worker).said
    if "blastoseg repair" in " ".join(said.split()):
        repaired = worker.run(scene.root, "repair", str(scene.out))
        if repaired.code:
            yield f"no repair: {repaired.said[-300:]!r}"


def problems_after_kills(worker: Worker, scene: Scene, seed: int, kills: int = 10) -> Iterator[str]:
    """Kills the scene's command at random moments, again and again on one output folder, then a whole run."""
    rng = random.Random(seed)
    scene.reset()
    began = time.monotonic()
    scene.set_right(worker)
    whole_s = time.monotonic() - began
    scene.reset()
    for _ in range(kills):
        # A run has less to do after another: some score everything anew.
        anew = ("--fresh",) if scene.command[0] == "run" and rng.random() < 0.5 else ()
        patience_s = rng.uniform(0.05, 1.0) * whole_s
        ended = worker.run(scene.root, *scene.command, *anew, patience_s=patience_s)
        if ended.code != LATE:
            yield from in_good_order(scene, ended)
    yield from after_all(scene, scene.set_right(worker))


def _after_the_fault(scene: Scene, fault: Fault, ended: Ended, before: dict[str, bytes]) -> Iterator[str]:
    is_killed = ended.code == -9 and fault.kind in (Kind.KILL_BEFORE, Kind.KILL_AFTER)
    if not is_killed:
        yield from in_good_order(scene, ended)
    now = written(scene.out)
    log = scene.out / "run.log"
    said = f"{ended.said} {log.read_text('utf-8', 'replace') if log.is_file() else ''}"
    is_told = any(words in " ".join(said.split()) for words in TOLD)
    if ended.code == 0 and scene.command[0] == "run" and not is_told:
        yield from (f"exit 0, and {one}: {ended.said[-300:]!r}" for one in _differences(now, scene.truth))
    if ended.code in (0, 3) and scene.command[0] == "run":
        # Without its table of hours an embryo has those of another clock, or none.
        free = (*FREE, *(HOURS if NO_HOURS in said else ()))
        whole = ended.code == 0 and not is_told
        yield from _wrong_rows(_table_of_frames(scene.out), scene.truth["frames.csv"], whole, free)
    for name in REPORT:
        if ended.code not in (0, 3, 130) and now.get(name) not in (None, before.get(name), scene.truth[name]):
            yield f"{name} is neither the one before nor the new one"


def _table_of_frames(out: Path) -> bytes:
    """The one that the run wrote: beside the one before, where that seemed to be open in another program."""
    [*_, newest] = [out / "frames.csv", *sorted(out.glob("frames-*.csv"))]
    return newest.read_bytes()


def _wrong_rows(now: bytes, truth: bytes, is_whole: bool, free: tuple[str, ...]) -> Iterator[str]:
    """Frames are measured as ever, or failed with a reason; none is missing where the run is ``whole``.

    Columns that begin as those of ``free`` may differ.
    """
    rows, known = (
        {row["source"]: row for row in csv.DictReader(io.StringIO(text.decode()))} for text in (now, truth)
    )
    for source, row in rows.items():
        if row["status"] == "failed":
            if not row["reason"]:
                yield f"{source} failed without a reason"
            continue
        if source not in known:
            yield f"a measured row of {source}, which is not there"
            continue
        other = [
            name for name, value in row.items() if value != known[source][name] and not name.startswith(free)
        ]
        if other:
            yield f"{source} is wrong in {other[:5]}"
    if is_whole and rows.keys() != known.keys():
        yield f"no row of {sorted(known.keys() - rows.keys())}"


def in_good_order(scene: Scene, ended: Ended) -> Iterator[str]:
    if ended.code not in exit_codes() or ended.code == 1:
        yield f"exit code {ended.code}: {ended.said[-400:]!r}"
    log = scene.out / "run.log"
    if "Traceback" in ended.said or (log.is_file() and "Traceback" in log.read_text("utf-8", "replace")):
        where = ended.said if "Traceback" in ended.said else log.read_text("utf-8", "replace")
        yield f"a traceback: {where[-700:]!r}"
    if ended.code not in (0, 3, 13) and "Error" not in ended.said:
        yield f"exit code {ended.code} without a word: {ended.said[-200:]!r}"


def after_all(scene: Scene, after: Ended) -> Iterator[str]:
    """What is wrong after a whole run."""
    if after.code != 0:
        yield f"exit code {after.code}: {after.said[-400:]!r}"
    yield from _differences(written(scene.out), scene.truth)
    left = [path.name for path in scene.out.rglob(".part-*")]
    if left:
        yield f"left behind: {left}"


def _differences(now: dict[str, bytes], truth: dict[str, bytes]) -> Iterator[str]:
    lost, more = truth.keys() - now.keys(), now.keys() - truth.keys()
    other = [name for name in truth.keys() & now.keys() if truth[name] != now[name]]
    if lost or more or other:
        yield f"lost {sorted(lost)[:4]}, more {sorted(more)[:4]}, other {sorted(other)[:4]}"
