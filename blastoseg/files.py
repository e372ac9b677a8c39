"""Files: written whole or not at all, named so that any system takes them, sorted as people count."""

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

LONGEST_NAME = 60

NaturalKey = tuple[tuple[str | int, ...], str]

_DIGITS = re.compile(r"(\d+)")
_UNFINISHED = ".part-"
_LONGEST_SUFFIX = 16
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# A workbook open in Excel: Windows says access denied, shares mounted elsewhere say busy.
_LOCKED_BY_A_READER = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY}
# Some network file systems cannot flush a folder; the file itself is flushed by then.
_CANNOT_FLUSH_FOLDER = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF}


@contextmanager
def replace_atomically(path: Path, on_locked: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """Give a temporary path beside ``path``; what is written there takes its place when the block ends.

    The temporary name keeps the suffix, for writers that choose a format by it. The file is on the disk
    before it is renamed; after an error the old file stands untouched and the temporary one is gone.
    Its mode is that of any new file, by the umask, also where the writer kept its file to itself.
    Where another program holds ``path`` (a workbook open in Excel) the file lands beside it under a dated
    name, which ``on_locked`` is called with; without ``on_locked`` that is a PermissionError. Raises OSError.
    """
    temporary = path.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}{path.suffix[:_LONGEST_SUFFIX]}")
    try:
        yield temporary
        _open_to_others(temporary)
        _flush_file(temporary)
        landed = _move_into_place(temporary, path, may_land_elsewhere=on_locked is not None)
        _flush_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    if on_locked is not None and landed != path:
        on_locked(landed)


def remove_unfinished(folder: Path) -> int:
    """Remove the temporary files that a killed run left anywhere below ``folder``; returns their number."""
    removed = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            if name.startswith(_UNFINISHED):
                with suppress(OSError):
                    Path(parent, name).unlink()
                    removed += 1
    return removed


def _move_into_place(temporary: Path, path: Path, may_land_elsewhere: bool) -> Path:
    try:
        temporary.replace(path)
    except OSError as error:
        if not may_land_elsewhere or error.errno not in _LOCKED_BY_A_READER or not path.is_file():
            raise
        path = _dated_name(path)
        temporary.replace(path)
    return path


def _dated_name(path: Path) -> Path:
    stem = f"{path.stem}-{datetime.now():%Y%m%d-%H%M%S}"
    candidate, attempt = path.with_name(stem + path.suffix), 2
    while candidate.exists():
        candidate = path.with_name(f"{stem}-{attempt}{path.suffix}")
        attempt += 1
    return candidate


def _open_to_others(path: Path) -> None:
    """Give a file that its writer made for its owner alone (safetensors does) the mode of any new file."""
    if os.name == "nt" or stat.S_IMODE(path.stat().st_mode) & _OTHERS:
        return
    # The umask can only be asked for by setting it, for all threads; a new file tells it without.
    probe = path.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}")
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        mode = stat.S_IMODE(probe.stat().st_mode)
    finally:
        probe.unlink(missing_ok=True)
    # A share without modes of its own refuses; there the file is as open as any other.
    with suppress(PermissionError):
        path.chmod(mode)


def _flush_file(path: Path) -> None:
    # Windows flushes only what is open for writing.
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH_FOLDER:
            raise


def natural_key(text: str) -> NaturalKey:
    """Sort key in which runs of digits compare as numbers and letters without case.

    Equal keys mean equal texts. Text and numbers alternate, so that keys always compare.
    """
    parts = _DIGITS.split(text.casefold())
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), text


def safe_name(text: str) -> str:
    """A file name made of ``A-Z a-z 0-9 . _ -`` alone, unique to ``text``: a changed name carries a hash."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")[:LONGEST_NAME].rstrip("._")
    if plain and plain == text and not _is_reserved(plain):
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain or 'unnamed'}-{digest}"


def _is_reserved(name: str) -> bool:
    # Windows keeps these device names, with any extension; the folder may be opened there.
    return bool(re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name))
