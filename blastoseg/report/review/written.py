"""What was written before: so that only what changed is written again, and only our own is deleted."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from blastoseg.files import replace_atomically

LIST_NAME = "written.json"
_OWN = re.compile(r"(data/[0-9a-f]{16}\.js|film/[0-9a-f]{16}-\d{1,6}\.webp|still/[0-9a-f]{16}\.webp)")
NOT_YET = -1
_MOST_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Written:
    """One embryo's files: what they were made of, and each one's size by its path below the page's folder.

    While they are being written ``made_of`` is empty and the sizes are ``NOT_YET``.
    ``entry`` is the embryo's line in the page's index.
    """

    made_of: str
    files: Mapping[str, int]
    entry: object = None


def read_list(folder: Path) -> dict[str, Written]:
    """What was written before, by an embryo's key: nothing without a list, or one that cannot be read."""
    path = folder / LIST_NAME
    try:
        if path.stat().st_size > _MOST_BYTES:
            return {}
        found = json.loads(path.read_text("utf-8"))
        return {
            str(key): Written(
                str(one["made_of"]),
                {str(name): int(size) for name, size in one["files"].items()},
                one["entry"],
            )
            for key, one in found.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def write_list(folder: Path, written: Mapping[str, Written]) -> None:
    """Note what was written; OSError where the disk refuses."""
    plain = {
        key: {"made_of": one.made_of, "files": dict(one.files), "entry": one.entry}
        for key, one in sorted(written.items())
    }
    write_if_changed(folder / LIST_NAME, json.dumps(plain, separators=(",", ":")).encode())


def write_if_changed(path: Path, content: bytes) -> bool:
    """Write a file whole, unless it holds these bytes; returns whether it was written. OSError as usual."""
    with suppress(OSError):
        if not path.is_symlink() and path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_atomically(path) as temporary:
        temporary.write_bytes(content)
    return True


def is_whole(folder: Path, written: Written) -> bool:
    """Whether all files of an embryo are there, as large as they were written."""
    return all(_size(folder / name) == size for name, size in written.files.items())


def remove_own(folder: Path, names: Mapping[str, int]) -> None:
    """Delete files that were written for an embryo: those of our names and of their size then, no links.

    Where a kill left no size, the name is enough.
    """
    root = folder.resolve()
    for name, size in names.items():
        path = root / name
        if (
            not _OWN.fullmatch(name)
            or path.parent.resolve() != path.parent
            or size not in (NOT_YET, _size(path))
        ):
            continue
        with suppress(OSError):
            path.unlink()


def _size(path: Path) -> int | None:
    try:
        return None if path.is_symlink() else path.stat().st_size
    except OSError:
        return None
