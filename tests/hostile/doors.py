"""Every door by which something foreign comes in: how it is opened, and what it may say."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from blastoseg.datasets import open_dataset
from blastoseg.datasets.annotation import CaseError
from blastoseg.datasets.cvat import read_class_mask, read_colour_map
from blastoseg.datasets.groups import groups_from_table
from blastoseg.datasets.label_images import read_label_image as read_drawn_labels
from blastoseg.datasets.splitting import _read_list
from blastoseg.errors import BlastosegError
from blastoseg.evaluation.letter_fit import read_grades
from blastoseg.model.card import load_card, sha256_of
from blastoseg.model.loading import _verified_tensors
from blastoseg.records import FrameRef
from blastoseg.report.letters import read_letters
from blastoseg.run.journal import OutputLock
from blastoseg.run.journal.lock import LOCK_FILE
from blastoseg.run.pseudonyms import Pseudonyms
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
from blastoseg.training.fitted_optics import _read as read_fitted_optics
from blastoseg.training.pretrained import load_tensors
from blastoseg.training.recipe import load_recipe

from . import read_back
from .read_back import read_by_all

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
MOST_FRAMES = 4
"""Read of one file: more of them would be the same code again."""
SHAPE = (48, 56)


@dataclass(frozen=True, slots=True)
class Door:
    """``open`` is given a file, alone in its folder; ``name`` is its name there, if it must be.

    ``may_raise`` are the errors whose message a person reads; any other is a finding.
    """

    open: Callable[[Path], object]
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
    read_by_all(
        path,
        lambda: read_label_image(path, path.name),
        lambda: read_drawn_labels(path, path.name, SHAPE),
        lambda: read_class_mask(path, path.name, SHAPE, colours={}),
        refusals=(BlastosegError, CaseError),
    )


def _open_embryos(path: Path) -> None:
    read_embryo_table(path, AS_THEY_ARE)


def _open_verdicts(path: Path) -> None:
    """As a file that a browser saved, then as those that a report has."""
    read_by_all(path, lambda: _read_file(path), lambda: read_verdicts(path.parent))


def _open_card(path: Path) -> None:
    load_card(path.parent)


def _open_lock(path: Path) -> None:
    with OutputLock(path.parent):
        pass


def _open_groups(path: Path) -> None:
    groups_from_table(path, ["a", "b.png"])


def _open_names(path: Path) -> None:
    """The map beside a key, to which a run adds the names that it met."""
    keyfile = path.with_name("lab.key")
    keyfile.write_text("0" * 64)
    names = Pseudonyms.load(keyfile)
    assert names.map_file == path
    names.write_map()


def _open_tensors(path: Path) -> None:
    """As weights whose card was changed with them, and as what a recipe fills a network from."""
    network = nn.Linear(2, 3)
    read_by_all(path, lambda: _verified_tensors(path, sha256_of(path)), lambda: load_tensors(network, path))


DOORS = {
    "stills": Door(_open_still),
    "tiff": Door(_open_container),
    "avi": Door(_open_container),
    "slide": Door(_open_container),
    "elapsed": Door(read_elapsed, may_raise=(ValueError,)),
    "embryos": Door(_open_embryos),
    "verdicts": Door(_open_verdicts, "verdicts.json"),
    "labels": Door(_open_label_image),
    "labelme": Door(_open_labelled, "a.json"),
    "qupath": Door(_open_labelled, "a.geojson"),
    "cvat": Door(read_colour_map, "labelmap.txt"),
    "card": Door(_open_card, "card.toml"),
    "settings": Door(load_settings),
    "letters": Door(read_letters),
    "grades": Door(read_grades),
    "groups": Door(_open_groups),
    "list": Door(_read_list),
    "recipe": Door(load_recipe),
    "key": Door(Pseudonyms.load),
    "names": Door(_open_names, "lab.key.map.csv"),
    "tensors": Door(_open_tensors, "weights.safetensors"),
    "lock": Door(_open_lock, LOCK_FILE),
    "ledger": Door(read_back.open_ledger, "journal.sqlite"),
    "frames": Door(read_back.open_frames, "frames.csv"),
    "embryo_rows": Door(read_back.open_embryos, "embryos.csv"),
    "manifest": Door(read_back.open_manifest, "run.json"),
    "part": Door(read_back.open_part, "part.json"),
    "correction": Door(read_back.open_correction, read_back.RECORD),
    "page": Door(read_back.open_page, "written.json"),
    "page_data": Door(read_back.open_page_data, "0123456789abcdef.js"),
    "result": Door(read_back.open_result, "result.json"),
    "protocol": Door(read_back.open_protocol, "protocol.json"),
    "optics": Door(read_fitted_optics),
    "overlay": Door(read_back.open_overlay, "00010-a.jpg"),
}
"""By the name of the corpus's folder with their seeds."""
