"""Walking a folder: every file once, label folders and our own reports passed over, links kept inside."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from blastoseg.errors import counted
from blastoseg.files import natural_key
from blastoseg.sources.shown import AS_THEY_ARE, Shown

LABEL_FOLDERS = frozenset({"masks", "labels", "overlays", "gt_icm", "gt_te", "gt_zp"})
REPORT_MARKS = ("journal.sqlite", "run.json")


@dataclass(slots=True)
class Folder:
    """The files directly inside one folder; ``parts`` are the folders between the given one and it."""

    parts: tuple[str, ...]
    path: str
    files: list[os.DirEntry[str]]
    beside_labels: bool = False


@dataclass(slots=True)
class Walk:
    """Walks ``root``; afterwards ``ignored`` counts what was passed over, ``notes`` are for the log.

    ``unreadable`` lists folders that the system does not let us into, with its reason.
    """

    root: Path
    follow_symlinks: bool = False
    shown: Shown = AS_THEY_ARE
    ignored: int = 0
    notes: list[str] = field(default_factory=list)
    unreadable: list[tuple[tuple[str, ...], str, str]] = field(default_factory=list)
    is_report: bool = False

    def folders(self) -> Iterator[Folder]:
        """Every folder that holds files, the given one first, in natural order.

        Raises OSError where the given folder itself cannot be listed.
        """
        inside = os.path.realpath(self.root)
        seen = {inside}
        waiting: list[tuple[tuple[str, ...], str, bool]] = [((), str(self.root), False)]
        while waiting:
            parts, path, beside_labels = waiting.pop()
            try:
                entries = self._list(path)
            except OSError as error:
                if not parts:
                    raise
                self.unreadable.append((parts, path, error.strerror or str(error)))
                continue
            if _is_report({entry.name for entry in entries}):
                self.is_report |= not parts
                self._pass_over(path, entries, "a report of blastoseg")
                continue
            files: list[os.DirEntry[str]] = []
            folders: list[os.DirEntry[str]] = []
            for entry in entries:
                if entry.is_symlink() and not self._may_follow(entry, inside):
                    self.ignored += 1
                elif entry.is_dir():
                    folders.append(entry)
                elif entry.is_file() and not entry.name.startswith("."):
                    files.append(entry)
                else:
                    self.ignored += 1
            if files:
                yield Folder(parts, path, files, beside_labels)
            waiting.extend(self._descend(parts, folders, seen))

    def _descend(
        self, parts: tuple[str, ...], folders: list[os.DirEntry[str]], seen: set[str]
    ) -> list[tuple[tuple[str, ...], str, bool]]:
        """The sub-folders to walk, last one first, as a stack wants them."""
        has_labels = any(folder.name.casefold().startswith("gt_") for folder in folders)
        wanted = []
        for folder in folders:
            if folder.name.startswith("."):
                continue
            if folder.name.casefold() in LABEL_FOLDERS:
                self._pass_over(folder.path, self._list_quietly(folder.path), "labels, not frames")
                continue
            real = (
                os.path.realpath(folder.path) if self.follow_symlinks or folder.is_symlink() else folder.path
            )
            if real not in seen:
                seen.add(real)
                wanted.append(((*parts, folder.name), folder.path, has_labels))
        return wanted[::-1]

    def _list(self, path: str) -> list[os.DirEntry[str]]:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: natural_key(entry.name))

    def _list_quietly(self, path: str) -> list[os.DirEntry[str]]:
        try:
            return self._list(path)
        except OSError:
            return []

    def _pass_over(self, path: str, entries: list[os.DirEntry[str]], why: str) -> None:
        files = sum(entry.is_file() for entry in entries)
        self.ignored += files
        self.notes.append(f"{self.shown.of_path(Path(path))}: {counted(files, 'file')} passed over: {why}")

    def _may_follow(self, link: os.DirEntry[str], inside: str) -> bool:
        if self.follow_symlinks:
            return True
        target = os.path.realpath(link.path)
        if target == inside or target.startswith(inside.rstrip(os.sep) + os.sep):
            return True
        name = self.shown.of_path(Path(link.path))
        self.notes.append(f"{name}: a link that leads out of the given folder is not followed")
        return False


def _is_report(names: set[str]) -> bool:
    journal, manifest = REPORT_MARKS
    return journal in names or (manifest in names and "frames.csv" in names)
