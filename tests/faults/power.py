"""What is left on a disk after a power cut: some of what was not flushed, or that a lying disk kept back.

shim.c records every change that a run makes below a folder. Here the changes up to some moment are made once
more, without those that a disk may lose: what was written to a file since it was flushed, wholly, in part or
torn at a sector; names since their folder was flushed, the latest first. A disk that lies flushes nothing
from some moment on.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Change:
    """A line of the record: what happened, to which path (``other`` is its new name), and to which inode."""

    what: str
    path: str
    other: str
    inode: int
    offset: int
    data: bytes


def read_record(path: Path) -> Iterator[Change]:
    with path.open("rb") as file:
        for line in file:
            what, one, other, inode, offset, length = line.decode().rstrip("\n").split("\t")
            yield Change(what, one, other, int(inode), int(offset), file.read(int(length)))


@dataclass(slots=True, eq=False)
class _File:
    flushed: bytearray = field(default_factory=bytearray)
    waiting: list[Change] = field(default_factory=list)

    def flush(self) -> None:
        for change in self.waiting:
            _apply(self.flushed, change, len(change.data))
        self.waiting.clear()


@dataclass(slots=True)
class _Naming:
    """A change of names; ``file`` is None for a folder."""

    change: Change
    file: _File | None

    @property
    def folder(self) -> str:
        return str(PurePosixPath(self.change.other or self.change.path).parent)


class Disk:
    """The files below a folder, while the changes of a record happen to them."""

    def __init__(self, before: Path, at: Path) -> None:
        self._at = at
        self._names: dict[str, _File | None] = {}
        for path in sorted(before.rglob("*")) if before.is_dir() else ():
            name = str(at / path.relative_to(before))
            self._names[name] = _File(bytearray(path.read_bytes())) if path.is_file() else None
        self._flushed_names = dict(self._names)
        self._waiting: list[_Naming] = []
        self._of_inode: dict[int, _File] = {}

    def happen(self, change: Change, is_flushing: bool = True) -> None:
        if change.what == "sync":
            if is_flushing:
                self._flush(change)
        elif change.what in ("write", "truncate"):
            file = self._of_inode.get(change.inode) or self._names.get(change.path)
            if file is not None:
                file.waiting.append(change)
        else:
            self._waiting.append(self._rename(change))

    def _rename(self, change: Change) -> _Naming:
        file: _File | None = None
        if change.what == "create":
            file = self._of_inode[change.inode] = _File()
            self._names[change.path] = file
        elif change.what == "mkdir":
            self._names[change.path] = None
        else:
            file = self._names.pop(change.path, None)
            if change.what == "rename":
                self._names[change.other] = file
            else:
                self._of_inode = {inode: one for inode, one in self._of_inode.items() if one is not file}
        return _Naming(change, file)

    def _flush(self, change: Change) -> None:
        file = self._of_inode.get(change.inode) or self._names.get(change.path)
        if file is not None:
            file.flush()
        else:
            # A journal of a file system keeps names in their order: with these go all before them.
            own = [number for number, one in enumerate(self._waiting) if one.folder == change.path]
            for naming in self._waiting[: max(own, default=-1) + 1]:
                _name(self._flushed_names, naming)
            del self._waiting[: max(own, default=-1) + 1]

    def cut_power(self, folder: Path, rng: random.Random) -> None:
        """Make ``folder``, which must not be there, as the disk shows it when the power is back."""
        names = dict(self._flushed_names)
        for naming in self._waiting[
            : rng.choice([0, len(self._waiting), rng.randint(0, len(self._waiting))])
        ]:
            _name(names, naming)
        keep = rng.choice([0.0, 1.0, 0.5])
        for name, file in sorted(names.items()):
            path = folder / PurePosixPath(name).relative_to(self._at)
            if file is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(_torn(file, keep, rng))


def _name(names: dict[str, _File | None], naming: _Naming) -> None:
    change = naming.change
    if change.what == "unlink":
        names.pop(change.path, None)
    elif change.what == "rename":
        names.pop(change.path, None)
        names[change.other] = naming.file
    else:
        names[change.path] = naming.file


def _torn(file: _File, keep: float, rng: random.Random) -> bytes:
    content = bytearray(file.flushed)
    for change in file.waiting:
        if rng.random() < keep:
            sectors = len(change.data) // SECTOR
            is_torn = sectors and keep < 1 and rng.random() < 0.3
            _apply(content, change, rng.randint(0, sectors) * SECTOR if is_torn else len(change.data))
    return bytes(content)


def _apply(content: bytearray, change: Change, length: int) -> None:
    if change.what == "truncate":
        del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
    elif length:
        end = change.offset + length
        content.extend(bytes(max(0, end - len(content))))
        content[change.offset : end] = change.data[:length]
