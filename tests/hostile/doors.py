"""Every door by which something foreign comes in: how it is opened, and what it may say."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blastoseg.datasets import open_dataset
from blastoseg.datasets.annotation import CaseError
from blastoseg.datasets.cvat import read_class_mask, read_colour_map
from blastoseg.datasets.label_images import read_label_image as read_drawn_labels
from blastoseg.errors import BlastosegError
from blastoseg.model.card import load_card
from blastoseg.records import FrameRef
from blastoseg.report.letters import read_letters
from blastoseg.run.journal import FrameKey, Journal, OutputLock, ScoredWith, as_row, read_runs
from blastoseg.run.journal.lock import LOCK_FILE
from blastoseg.run.journal.repair import repair_ledger
from blastoseg.run.journal.shown import row_of, shown_frames
from blastoseg.run.prune import find_prunable
from blastoseg.run.verdicts import _read_file, read_verdicts
from blastoseg.settings import Naming, load_settings
from blastoseg.sources import SourceOptions
from blastoseg.sources.containers import Container, list_contents
from blastoseg.sources.elapsed import read_elapsed
from blastoseg.sources.embryo_table import read_embryo_table
from blastoseg.sources.images import read_picture_file
from blastoseg.sources.label_images import read_label_image
from blastoseg.sources.reading import read_frame
from blastoseg.sources.shown import AS_THEY_ARE

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
MOST_FRAMES = 4
"""Read of one file: more of them would be the same code again."""
SHAPE = (48, 56)
SCORED_WITH = ScoredWith("a" * 64, "b" * 64, "1")


@dataclass(frozen=True, slots=True)
class Door:
    """``open`` is given a file, alone in its folder; ``name`` is its name there, if it must be.

    ``may_raise`` are the errors whose message a person reads; any other is a finding.
    """

    open: Callable[[Path], None]
    name: str = ""
    may_raise: tuple[type[Exception], ...] = (BlastosegError,)


def _open_still(path: Path) -> None:
    read_picture_file(path, path.name)


def _open_container(path: Path) -> None:
    """Lists a file and reads its first frames; what is wrong with one of them must not hide the others."""
    contents = list_contents(Container(str(path), path.name))
    shots = [shot for series in contents.series for moment in series.moments for shot in moment]
    shots += [shot for well in contents.wells for *_, shot in well.shots]
    assert shots, "neither a frame nor a problem"
    for shot in [shot for shot in shots if not shot.problem][:MOST_FRAMES]:
        ref = FrameRef("embryo", path.name, path, 0, address=shot.address)
        try:
            read_frame(ref, SourceOptions(Naming()))
        except BlastosegError as error:
            assert path.name in str(error), f"does not name its file: {error}"


def _open_labelled(path: Path) -> None:
    """A drawing beside its image, as a data set."""
    shutil.copy(CORPUS / "stills" / "gray.png", path.with_name("a.png"))
    for case in open_dataset(path.parent).cases:
        case.read()


def _open_label_image(path: Path) -> None:
    problem: BlastosegError | None = None
    for read in (
        lambda: read_label_image(path, path.name),
        lambda: read_drawn_labels(path, path.name, SHAPE),
        lambda: read_class_mask(path, path.name, SHAPE, colours={}),
    ):
        try:
            read()
        except (BlastosegError, CaseError) as error:
            assert path.name in str(error), f"does not name its file: {error}"
            problem = error
    if problem:
        raise problem


def _open_colour_map(path: Path) -> None:
    read_colour_map(path)


def _open_table(path: Path) -> None:
    read_elapsed(path)


def _open_embryos(path: Path) -> None:
    read_embryo_table(path, AS_THEY_ARE)


def _open_verdicts(path: Path) -> None:
    """As a file that a browser saved, then as those that a report has."""
    problem: BlastosegError | None = None
    for read in (lambda: _read_file(path), lambda: read_verdicts(path.parent)):
        try:
            read()
        except BlastosegError as error:
            assert path.name in str(error), f"does not name its file: {error}"
            problem = error
    if problem:
        raise problem


def _open_card(path: Path) -> None:
    load_card(path.parent)


def _open_settings(path: Path) -> None:
    load_settings(path)


def _open_letters(path: Path) -> None:
    read_letters(path)


def _open_ledger(path: Path) -> None:
    """As every command that reads one: what one of them refuses must not hide the others."""
    problem: BlastosegError | None = None
    for use in (read_runs, _read_pictures, _go_on, repair_ledger, _go_on):
        try:
            use(path.parent)
        except BlastosegError as error:
            assert path.name in str(error), f"does not name its file: {error}"
            problem = error
    if problem:
        raise problem


def _read_pictures(out: Path) -> None:
    for shown in shown_frames(out).values():
        row_of(out, shown)


def _go_on(out: Path) -> None:
    """The next run, and what is pruned after it."""
    with Journal(out) as journal:
        journal.start_run({})
        rows = list(journal.all_stored(SCORED_WITH))
        keys = [FrameKey(row.source, row.address, row.content) for row in rows]
        list(journal.unseen(keys))
        list(journal.done(SCORED_WITH, keys, there=()))
        list(map(as_row, rows))
        find_prunable(out, journal)


def _open_lock(path: Path) -> None:
    with OutputLock(path.parent):
        pass


DOORS = {
    "stills": Door(_open_still),
    "tiff": Door(_open_container),
    "avi": Door(_open_container),
    "slide": Door(_open_container),
    "elapsed": Door(_open_table, may_raise=(ValueError,)),
    "embryos": Door(_open_embryos),
    "verdicts": Door(_open_verdicts, "verdicts.json"),
    "labels": Door(_open_label_image),
    "labelme": Door(_open_labelled, "a.json"),
    "qupath": Door(_open_labelled, "a.geojson"),
    "cvat": Door(_open_colour_map, "labelmap.txt"),
    "card": Door(_open_card, "card.toml"),
    "settings": Door(_open_settings),
    "letters": Door(_open_letters),
    "ledger": Door(_open_ledger, "journal.sqlite"),
    "lock": Door(_open_lock, LOCK_FILE),
}
"""By the name of the corpus's folder with their seeds."""
