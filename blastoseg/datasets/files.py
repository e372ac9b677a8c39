"""The files below a data set's folder, never beyond it, and the documents among them."""

import json
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from blastoseg.datasets.annotation import CaseError, ProblemKind
from blastoseg.errors import DataError
from blastoseg.files import natural_key
from blastoseg.sources.names import printable

MOST_FILES = 200_000
LARGEST_DOCUMENT = 128_000_000
"""Bytes of a JSON file; LabelMe puts the picture into it."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder's files in natural order, as paths relative to it."""

    root: Path
    files: tuple[PurePosixPath, ...]

    def below(self, folder: PurePosixPath) -> list[PurePosixPath]:
        """The files anywhere below a folder of the tree."""
        return [file for file in self.files if folder in file.parents]

    def folder(self, *names: str) -> PurePosixPath | None:
        """The first of the named top folders that holds files, in any case of letters."""
        tops = {file.parts[0].casefold(): file.parts[0] for file in self.files if len(file.parts) > 1}
        return next((PurePosixPath(tops[name.casefold()]) for name in names if name.casefold() in tops), None)

    def path(self, file: PurePosixPath) -> Path:
        return self.root / file


def list_tree(root: Path) -> Tree:
    """Every visible file below ``root``; links that lead out are passed over. DataError without a folder."""
    if not root.is_dir():
        raise DataError(f"{root}: is no folder of labelled images: check the path")
    inside = root.resolve()
    found: list[PurePosixPath] = []

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be listed ({error.strerror}): check the rights") from error

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        for name in files:
            path = Path(folder, name)
            if name.startswith(".") or (path.is_symlink() and not path.resolve().is_relative_to(inside)):
                continue
            found.append(PurePosixPath(path.relative_to(root).as_posix()))
        if len(found) > MOST_FILES:
            raise DataError(f"{root}: holds more than {MOST_FILES:,} files: name the labelled images' folder")
    return Tree(root, tuple(sorted(found, key=lambda file: natural_key(str(file)))))


def shown(file: PurePosixPath | str) -> str:
    """A file's relative path as valid text of one line."""
    return "".join(letter if letter.isprintable() else "?" for letter in printable(str(file)))


def read_json(path: Path, name: str) -> Any:
    """A JSON document of bounded size; CaseError naming the file for anything else."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_DOCUMENT + 1)
        if len(data) > LARGEST_DOCUMENT:
            raise ValueError(f"more than {LARGEST_DOCUMENT // 1_000_000} MB")
        return json.loads(data.decode("utf-8-sig"))
    except OSError as error:
        what = f"cannot be read ({error.strerror}): check the rights"
        raise CaseError(ProblemKind.UNREADABLE, name, what) from error
    except RecursionError as error:
        raise CaseError(ProblemKind.UNREADABLE, name, "is nested too deeply: export it again") from error
    except ValueError as error:
        what = f"is no valid JSON ({str(error)[:120]}): export it again"
        raise CaseError(ProblemKind.UNREADABLE, name, what) from error
