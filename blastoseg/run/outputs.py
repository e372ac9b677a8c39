"""The output folder: what lies where.

Everything a run writes is below OUT. Embryo and file names become safe names, so that no name from a disk or
a slide file can lead out of OUT or trouble another system.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from blastoseg.errors import InputNotFoundError, OutputError, UsageError
from blastoseg.files import clash_key, safe_name, safe_names
from blastoseg.records import FrameRef
from blastoseg.sources.names import printable

PAGES = "patients"
"""The folder below OUT that holds patients' pages, one folder a patient."""
PICTURE_KINDS = ("masks", "overlays", PAGES)
"""The folders below OUT that hold what runs draw: frames' pictures, one folder an embryo, and pages."""
CORRECTIONS = "corrections"
"""The folder below OUT that holds what people corrected: theirs, so that no run writes or prunes there."""
NO_PATIENT = safe_name("")
"""The folder of the page of embryos without a patient: no patient's own name becomes this one."""


def default_out(paths: list[Path]) -> Path:
    """``./<folder name>-blastoseg`` for the first path given."""
    return Path.cwd() / f"{printable(paths[0].resolve().name) or 'blastoseg'}-blastoseg"


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """Paths of everything a run writes below ``root``."""

    root: Path

    @property
    def workbook(self) -> Path:
        return self.root / "report.xlsx"

    @property
    def frames_csv(self) -> Path:
        return self.root / "frames.csv"

    @property
    def embryos_csv(self) -> Path:
        return self.root / "embryos.csv"

    @property
    def events_csv(self) -> Path:
        return self.root / "events.csv"

    @property
    def planes_csv(self) -> Path:
        return self.root / "planes.csv"

    @property
    def moments_csv(self) -> Path:
        return self.root / "moments.csv"

    @property
    def verdicts(self) -> Path:
        return self.root / "verdicts.json"

    @property
    def review(self) -> Path:
        return self.root / "review"

    @property
    def manifest(self) -> Path:
        return self.root / "run.json"

    @contextmanager
    def refusals(self, shown: Callable[[str], str] = str) -> Iterator[None]:
        """Say whose disk it was where the system refuses: OutputError, or InputNotFoundError for any other.

        ``shown`` is how a path outside OUT is told, empty where it may not be.
        """
        try:
            yield
        except OSError as error:
            what = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else self.root
            problem = (
                f"cannot be used ({error.strerror or error}): check the disk or the share, then run again"
            )
            if what.is_relative_to(self.root):
                raise OutputError(f"{what}: {problem}") from error
            raise InputNotFoundError(f"{shown(printable(str(what))) or 'the input'}: {problem}") from error

    def create(self) -> None:
        """Make the folder; OutputError where it cannot be. Whether it can be written shows at the lock."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.root}: cannot be written ({error.strerror}): choose another folder with --out"
            ) from error

    def check_apart(self, given: Iterable[Path]) -> None:
        """Raise UsageError where OUT is itself one of the folders given: the next run would pass it over."""
        if any(path.is_dir() and path.resolve() == self.root.resolve() for path in given):
            raise UsageError(
                f"--out {self.root}: is the folder of the frames itself, which the next run would take for a "
                "report: choose another folder, or leave --out out"
            )

    def check_without_frames(self, given: Iterable[Path], refs: Iterable[FrameRef]) -> None:
        """Raise UsageError where frames lie in OUT, below a folder given: the next run would lose them."""
        root = self.root.resolve()
        if not any(root.is_relative_to(path.resolve()) for path in given if path.is_dir()):
            return
        if any(folder.resolve().is_relative_to(root) for folder in {ref.path.parent for ref in refs}):
            raise UsageError(
                f"--out {self.root}: holds frames, which the next run would pass over with the report: "
                "choose a folder without frames"
            )

    def pictures(self) -> dict[str, str]:
        """Size and time of every picture below their folders.

        By the ``clash_key`` of its path relative to OUT with ``/`` between. Not of an empty file, as a disk
        that lost power can leave it.
        """
        found, folders = {}, list(reversed(PICTURE_KINDS))
        while folders:
            folder = folders.pop()
            with suppress(FileNotFoundError), os.scandir(self.root / folder) as entries:
                for entry in entries:
                    place = f"{folder}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(place)
                    elif status := _status_of_file(entry):
                        found[clash_key(place)] = f"{status.st_size} {status.st_mtime_ns}"
        return found

    def embryo_folders(self) -> set[str]:
        """The names of the folders that hold pictures of an embryo, or the page of a patient."""
        folders = (self.root / kind for kind in PICTURE_KINDS)
        names = {
            one.name for folder in folders if folder.is_dir() for one in folder.iterdir() if one.is_dir()
        }
        return names - {NO_PATIENT}


def _status_of_file(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        status = entry.stat()
    except FileNotFoundError:
        return None
    return status if status.st_size and not entry.is_dir() else None


class PictureNames:
    """What the pictures of a run's frames are called: names that no two frames of the run share.

    ``refs`` are all frames of the run. Nothing else decides a name, so that two runs over one input agree.
    """

    def __init__(self, refs: Sequence[FrameRef]) -> None:
        self._embryos = safe_names(ref.embryo_id for ref in refs)
        self._beside_another: set[tuple[str, int, str, int | None]] = set()
        # Planes of one moment follow each other: most runs have one of each, and nothing to compare.
        for _, of_moment in groupby(refs, key=lambda ref: (ref.embryo_id, ref.frame_index)):
            first, *others = of_moment
            stems = {_stem_of(first)} if others else set()
            for ref in others:
                stem = _stem_of(ref)
                if stem in stems:
                    self._beside_another.add((*stem, ref.focal_plane))
                stems.add(stem)

    def place(self, kind: str, ref: FrameRef, suffix: str) -> str:
        """``<kind>/<embryo>/<frame><suffix>``, relative to OUT; the frame's name is its index and file.

        Further focal planes of a moment that lie in the same file have theirs, too.
        """
        return f"{kind}/{self.of_frame(ref)}{suffix}"

    def of_frame(self, ref: FrameRef) -> str:
        """``<embryo>/<frame>``, as in ``place``."""
        embryo = self._embryos.get(ref.embryo_id) or safe_name(ref.embryo_id)
        stem = _stem_of(ref)
        plane = f"-F{ref.focal_plane}" if (*stem, ref.focal_plane) in self._beside_another else ""
        return f"{embryo}/{ref.frame_index:05d}-{safe_name(stem[2])}{plane}"


def _stem_of(ref: FrameRef) -> tuple[str, int, str]:
    name = ref.source.rpartition("/")[2]
    stem, _, suffix = name.rpartition(".")
    # As PurePosixPath has it, which takes ten times as long.
    return ref.embryo_id, ref.frame_index, stem if stem and suffix else name


def page_places(patients: Iterable[str]) -> dict[str, str]:
    """Where the page of each patient lies, relative to OUT; "" is the patient that is not given."""
    names = safe_names(patients)
    return {patient: f"{PAGES}/{name}/{name}.pdf" for patient, name in names.items()}
