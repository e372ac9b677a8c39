"""Taking up what the given paths hold: which file belongs to which embryo and moment.

One sub-folder is one embryo. Pictures that lie directly in the given folder are grouped by the well in
their names; without a well every name, less its run, focal plane and hours, is an embryo of its own.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath

from blastoseg.errors import InputNotFoundError, counted
from blastoseg.files import natural_key
from blastoseg.sources import images, stack
from blastoseg.sources.addresses import Nowhere, WholeImage
from blastoseg.sources.containers import SUFFIXES as CONTAINERS
from blastoseg.sources.containers import Container, Contents, list_contents
from blastoseg.sources.elapsed import is_elapsed_file, video_of
from blastoseg.sources.folders import Folder, Walk
from blastoseg.sources.hours import set_hours
from blastoseg.sources.names import NameParts, NameReader, printable
from blastoseg.sources.options import SourceOptions
from blastoseg.sources.shots import Embryos, MomentKey, Shot
from blastoseg.sources.shown import AS_THEY_ARE, Shown

CLOCKS_APART_S = 3600.0
"""A file from further in the future has a wrong time; whether it still grows shows when it is read."""

FORMATS_IN_WORDS = "JPEG, PNG, BMP and TIFF pictures, TIFF stacks, .avi videos, .pdb slide files"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file was found: the given folder (its focal plane taken off), the folders below, the plane.

    ``is_flat``: the folder holds several embryos, told apart by the names of their files.
    """

    root: PurePath
    parts: tuple[str, ...]
    plane: int | None
    source_prefix: str
    is_flat: bool = False

    def named(self, name: str) -> str:
        """The embryo's name: its folders and what its own name tells."""
        return printable("/".join(part for part in (*self.parts, name) if part)) or self.root.name


SUFFIXES = images.SUFFIXES | CONTAINERS

Picture = tuple[NameParts, list[Shot]]
"""A picture's name and its planes: one, but for a TIFF with a focal axis."""


class Gathering:
    """Everything that the given paths hold, so far. ``contents_of`` opens a file that holds many frames."""

    def __init__(
        self,
        options: SourceOptions,
        contents_of: Callable[[Container], Contents] = list_contents,
        shown: Shown = AS_THEY_ARE,
    ) -> None:
        self._shown = shown
        self._contents_of = contents_of
        self.embryos = Embryos()
        self.ignored = 0
        self.notes: list[str] = []
        self.remarks: list[str] = []
        self.settling: set[Path] = set()
        self._now = time.time()
        self._options = options
        self.names = NameReader(options.naming, shown)
        self._seen: set[str] = set()
        self._elapsed: dict[str, Path] = {}
        self.shots_of: list[tuple[Path, list[Shot]]] = []

    def gather(self, given: Path) -> None:
        """Take up one path. Raises InputNotFoundError where it is missing or holds no frames."""
        path = Path(os.path.abspath(given))  # noqa: PTH100 (a given link must keep its own name)
        self.shots_of.append((path, []))
        if path.is_dir():
            self._gather_folder(path, given)
        elif path.is_file():
            self._gather_file(path, given)
        else:
            raise InputNotFoundError(
                f"{self._shown.of_path(given)}: does not exist, or is no file or folder: check the path"
            )

    def _gather_folder(self, path: Path, given: Path) -> None:
        walk = Walk(path, self._options.follow_symlinks, self._shown)
        name, root_plane = self.names.read_folder(path.name)
        root = path.parent / name if name else path.parent
        try:
            for folder in walk.folders():
                self._take_folder(folder, root, root_plane)
        except OSError as error:
            problem = f"cannot be listed ({error.strerror}): check the rights and the disk"
            raise InputNotFoundError(f"{self._shown.of_path(given)}: {problem}") from error
        self.ignored += walk.ignored
        self.notes += walk.notes
        for parts, folder_path, reason in walk.unreadable:
            source = self._shown.of_source(printable("/".join(parts)))
            problem = f"{source}: this folder cannot be listed ({reason}): check its rights"
            self._add(
                Place(root, parts, None, ""),
                "",
                NameParts(""),
                [Shot(source, folder_path, Nowhere(), problem=problem)],
            )
        if not self.shots_of[-1][1] and not any(one.is_relative_to(path) for one in self.settling):
            raise InputNotFoundError(f"{self._shown.of_path(given)}: {self._why_nothing(walk)}")
        self._find_elapsed_beside(path.parent / f"{name or path.name}_time_elapsed")

    def _why_nothing(self, walk: Walk) -> str:
        if walk.is_report:
            return "is a report of blastoseg: give the folder that holds the frames themselves"
        if any(file for _, shots in self.shots_of[:-1] for file in shots) and not walk.ignored:
            return "holds nothing but what another path already gave: leave it out"
        if walk.ignored or self.ignored:
            return f"holds no frames, only other files: give a folder with {FORMATS_IN_WORDS}"
        return f"is empty: give a folder with {FORMATS_IN_WORDS}"

    def _gather_file(self, path: Path, given: Path) -> None:
        with os.scandir(path.parent) as entries:
            files = [entry for entry in entries if entry.name == path.name]
        ignored = self.ignored
        if files:
            self._take_folder(Folder((), str(path.parent), files), path.parent, None)
        if self.ignored > ignored:
            raise InputNotFoundError(
                f"{self._shown.of_path(given)}: is of no kind that can be read: give {FORMATS_IN_WORDS}"
            )
        video_name = self.names.read(path.stem).rest
        self._find_elapsed_beside(path.parent, video_name)

    def _take_folder(self, folder: Folder, root: PurePath, root_plane: int | None) -> None:
        parts, plane = [], root_plane
        for part in folder.parts:
            name, part_plane = self.names.read_folder(part)
            plane = part_plane if part_plane is not None else plane
            parts.append(name)
        if folder.beside_labels:
            # PCRM / SFU: Images/ beside GT_ICM/ holds many embryos, not one.
            parts.pop()
        prefix = printable("".join(f"{part}/" for part in folder.parts))
        named_parts = tuple(part for part in parts if part)
        place = Place(
            root=root,
            parts=named_parts,
            plane=plane,
            source_prefix=prefix,
            is_flat=folder.beside_labels or not named_parts,
        )
        real = os.path.realpath(folder.path)
        pictures: list[Picture] = []
        time_stacks: list[tuple[NameParts, list[list[Shot]]]] = []
        for file in folder.files:
            real_file = os.path.realpath(file.path) if file.is_symlink() else os.path.join(real, file.name)  # noqa: PTH118
            if real_file in self._seen:
                continue
            self._seen.add(real_file)
            self._take_file(file, place, pictures, time_stacks)
        self._add_pictures(place, pictures)
        self._add_time_stacks(place, time_stacks, alone=not pictures)

    def _take_file(
        self,
        file: os.DirEntry[str],
        place: Place,
        pictures: list[Picture],
        time_stacks: list[tuple[NameParts, list[list[Shot]]]],
    ) -> None:
        stem, suffix = os.path.splitext(file.name)  # noqa: PTH122 (this runs for every file)
        suffix = suffix.casefold()
        source = self._shown.of_source(place.source_prefix + printable(file.name))
        is_settling = suffix in SUFFIXES and self._is_settling(file)
        if suffix in images.SUFFIXES or (is_settling and suffix in stack.SUFFIXES):
            parts = self.names.read(stem)
            plane = parts.plane if parts.plane is not None else place.plane
            pictures.append((parts, [Shot(source, file.path, WholeImage(), plane, is_settling=is_settling)]))
        elif is_settling:
            # A recording that is not yet whole cannot tell its wells.
            self.settling.add(Path(file.path))
        elif suffix in stack.SUFFIXES:
            parts = self.names.read(stem.removesuffix(".ome"))
            plane = parts.plane if parts.plane is not None else place.plane
            for series in self._contents_of(Container(file.path, source, plane)).series:
                named = NameParts(
                    parts.rest + series.name,
                    parts.embryo + series.name if parts.embryo else "",
                    parts.run,
                    hours=parts.hours,
                )
                if len(series.moments) == 1:
                    pictures.append((named, series.moments[0]))
                else:
                    time_stacks.append((named, series.moments))
        elif suffix in CONTAINERS:
            self._take_recording(file, source, place, self.names.read(stem))
        elif is_elapsed_file(file.name):
            self._elapsed[video_of(file.name)] = Path(file.path)
        else:
            self.ignored += 1

    def _is_settling(self, file: os.DirEntry[str]) -> bool:
        if not self._options.settle_s:
            return False
        try:
            age_s = self._now - file.stat().st_mtime
        except OSError:
            return False
        return -CLOCKS_APART_S <= age_s < self._options.settle_s

    def _take_recording(self, file: os.DirEntry[str], source: str, place: Place, parts: NameParts) -> None:
        """A video or slide file: its wells name the embryos, the file itself where no well can be told."""
        contents = self._contents_of(Container(file.path, source))
        self.notes += contents.notes
        for well in contents.wells:
            if well.name:
                embryo = self.embryos.of(Path(file.path).with_suffix(""), well.name)
            else:
                embryo = self.embryos.of(place.root, place.named(parts.embryo or parts.rest))
            embryo.has_clock |= well.has_clock
            for position, run, shot in well.shots:
                embryo.add(MomentKey(natural_key(parts.rest), run, position=position), shot)
                self.shots_of[-1][1].append(shot)

    def _add_pictures(self, place: Place, pictures: list[Picture]) -> None:
        several_wells = len({parts.embryo for parts, _ in pictures if parts.embryo}) > 1
        for parts, shots in pictures:
            by_name = parts.embryo or parts.rest if place.is_flat else ""
            name = parts.embryo if several_wells and parts.embryo else by_name
            self._add(place, name, parts, shots)

    def _add(self, place: Place, name: str, parts: NameParts, shots: list[Shot]) -> None:
        embryo = self.embryos.of(place.root, place.named(name))
        for shot in shots:
            embryo.add(MomentKey(natural_key(parts.rest), parts.run, parts.hours), shot)
        self.shots_of[-1][1].extend(shots)

    def _add_time_stacks(
        self, place: Place, stacks: list[tuple[NameParts, list[list[Shot]]]], alone: bool
    ) -> None:
        only = alone and len({parts.rest for parts, _ in stacks}) == 1
        for parts, moments in stacks:
            name = "" if only and not place.is_flat else parts.embryo or parts.rest
            embryo = self.embryos.of(place.root, place.named(name))
            for position, shots in enumerate(moments):
                for shot in shots:
                    embryo.add(MomentKey(natural_key(parts.rest), parts.run, position=position), shot)
                self.shots_of[-1][1].extend(shots)

    def _find_elapsed_beside(self, folder: Path, video_name: str = "") -> None:
        """Tables of hours in the folder where Gomez 2022 keeps them, beside the frames' own."""
        if not folder.is_dir():
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_elapsed_file(entry.name) and entry.is_file():
                    video_key = video_of(entry.name)
                    if not video_name or video_key == video_name.casefold():
                        self._elapsed.setdefault(video_key, Path(entry.path))

    def set_hours(self) -> None:
        """Give every embryo the hours that its table or the names of its files tell."""
        unnamed = 0
        for embryo in self.embryos.found.values():
            table = self._elapsed.get(embryo.name.rpartition("/")[2].casefold())
            remarks, without = set_hours(embryo, table, self._options, self._shown)
            self.remarks += remarks
            unnamed += without
        if unnamed:
            self.notes.append(f"no hours by [naming] time in {counted(unnamed, 'file name')}")
        self.notes += self.names.notes()

    def tell_equal_sources_apart(self) -> None:
        """Where two given paths hold equal relative names, put as much of the paths in front as it takes."""
        holders = Counter(source for _, shots in self.shots_of for source in {shot.source for shot in shots})
        clashing = [
            (path if path.is_dir() else path.parent, shots)
            for path, shots in self.shots_of
            if any(holders[shot.source] > 1 for shot in shots)
        ]
        folders = {folder for folder, _ in clashing}
        if not folders:
            return
        deepest = max(len(folder.parts) for folder in folders)
        depth = next(d for d in range(1, deepest + 1) if len({f.parts[-d:] for f in folders}) == len(folders))
        for folder, shots in clashing:
            parts = [printable(part) for part in folder.parts[-depth:] if part != folder.anchor]
            prefix = "/".join(map(self._shown.of_name, parts))
            for shot in shots:
                shot.source = f"{prefix}/{shot.source}"
