"""Files: written whole or not at all, named so that any system takes them, sorted as people count; TOML."""

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

LONGEST_NAME = 60
MOST_TOML_BYTES = 512 * 2**10
MOST_TOML_DOTS = 300
"""In a line. The parser's time and memory grow with the square of a key's names: 90,000 of them, in a file of
180 kB, take all of a machine's memory."""

NaturalKey = tuple[tuple[str | int, ...], str]

_UNSAFE = re.compile(r"""[<>:"/\\|?*#=`$']""")
"""In file names: "#" ends a link in a workbook, "=" begins a formula, quotes, "`" and "$" are a shell's, the
rest Windows refuses."""
_DIGITS = re.compile(r"(\d+)")
UNFINISHED_MARK = secrets.token_hex(8)
"""In the names of what this process has not finished: nobody else's file can have it by chance."""
_UNFINISHED = re.compile(r"\.part-([0-9a-f]{16})-[0-9a-f]{8}")
_LONGEST_SUFFIX = 16
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MOST_BYTES = 110
# A workbook open in Excel: Windows says access denied, shares mounted elsewhere say busy.
_LOCKED_BY_A_READER = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY}
# Some network file systems cannot flush a folder; the file itself is flushed by then.
_CANNOT_FLUSH_FOLDER = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF}


@contextmanager
def replace_atomically(
    path: Path, on_locked: Callable[[Path], None] | None = None, *, is_one_of_many: bool = False
) -> Iterator[Path]:
    """Give a temporary path beside ``path``; what is written there takes its place when the block ends.

    The temporary name keeps the suffix, for writers that choose a format by it. The file is on the disk
    before it is renamed; after an error the old file stands untouched and the temporary one is gone.
    Its mode is that of any new file, by the umask, also where the writer kept its file to itself.
    Where another program holds ``path`` (a workbook open in Excel) the file lands beside it under a dated
    name, which ``on_locked`` is called with; without ``on_locked`` that is a PermissionError. Raises OSError.
    ``is_one_of_many``: the new name is on the disk once ``flush_folders`` was called for its folder, once for
    all of them; a power cut before that leaves the old file or the new one.
    """
    temporary = unfinished_beside(path)
    try:
        yield temporary
        _open_to_others(temporary)
        _flush_file(temporary)
        landed = _move_into_place(temporary, path, may_land_elsewhere=on_locked is not None)
        if not is_one_of_many:
            _flush_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    if on_locked is not None and landed != path:
        on_locked(landed)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path`` that becomes ``path`` when the block ends: whole or not at all.

    ``path`` may be an empty folder, else it must not exist: FileExistsError. After an error the temporary
    folder is gone. Raises OSError.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(errno.EEXIST, "is no new or empty folder", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = unfinished_beside(path)
    temporary.mkdir()
    try:
        yield temporary
        if path.exists():
            # Windows moves nothing onto a folder; a full one is refused here.
            path.rmdir()
        temporary.replace(path)
        _flush_folder(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def unfinished_beside(path: Path) -> Path:
    """A new name in the folder of ``path``, and with its suffix, that ``remove_unfinished`` knows as ours."""
    return path.with_name(f".part-{UNFINISHED_MARK}-{secrets.token_hex(4)}{path.suffix[:_LONGEST_SUFFIX]}")


def remove_unfinished(folder: Path, marks: Collection[str], is_deep: bool = True) -> int:
    """Remove what processes left anywhere below ``folder``, known by their ``UNFINISHED_MARK``.

    Whatever else is named like that stays: somebody put it there. Not ``is_deep``: only what lies in the
    folder itself. Returns the number of files and folders.
    """
    removed = 0
    for parent, folders, names in islice(os.walk(folder), None if is_deep else 1):
        for name in (*folders, *names):
            found = _UNFINISHED.match(name)
            if found and found[1] in marks:
                with suppress(OSError):
                    _remove(Path(parent, name))
                    removed += 1
    return removed


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


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
    probe = unfinished_beside(path.with_suffix(""))
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


def flush_folders(folders: Iterable[Path]) -> None:
    """Put the names in these folders on the disk; one that is gone by now has none. OSError as usual."""
    for folder in sorted(set(folders)):
        with suppress(FileNotFoundError, NotADirectoryError):
            _flush_folder(folder)


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
    """A file name that any system takes: ``text`` in Unicode's composed form, with what is unsafe replaced.

    Letters of any script, spaces and signs stay. A name that had to be changed carries a hash of ``text``.
    Names that differ in case alone stay apart only where ``safe_names`` is given all of them.
    """
    composed = unicodedata.normalize("NFC", text)
    # What nobody can see is no more wanted in a name than what means something elsewhere.
    seen = (
        composed if composed.isprintable() else "".join(one if one.isprintable() else "_" for one in composed)
    )
    plain = _shortened(_UNSAFE.sub("_", seen).lstrip(" ."))
    plain = plain.rstrip(" .")
    if plain and plain == composed and not _is_reserved(plain):
        return plain
    return _with_hash(plain.strip(" ._") or "unnamed", text)


def safe_names(texts: Iterable[str]) -> dict[str, str]:
    """``safe_name`` of each text; those that some system takes for one name carry their hashes."""
    names = {text: safe_name(text) for text in texts}
    count = Counter(map(clash_key, names.values()))
    return {
        text: _with_hash(name, text) if count[clash_key(name)] > 1 else name for text, name in names.items()
    }


def valid_text(text: str) -> str:
    """The text with lone surrogates spelled out: names from a disk may have them, no UTF-8 holds them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def clash_key(name: str) -> str:
    """Equal for names that Windows or macOS may take for one: case and Unicode's form make no difference."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _shortened(name: str) -> str:
    # File systems count bytes: most take 255, some that encrypt take 143.
    return name[:LONGEST_NAME].encode("utf-8", "replace")[:_MOST_BYTES].decode("utf-8", "ignore")


def _with_hash(name: str, text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return name if name.endswith(f"-{digest}") else f"{name}-{digest}"


def _is_reserved(name: str) -> bool:
    # Windows keeps these device names, with any extension; the folder may be opened there.
    return bool(re.fullmatch(r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[\d¹²³]) *(\..*)?", name))


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file in UTF-8, with or without the mark that Windows begins one with.

    Raises OSError as the system does, and ValueError in words for a file that is no TOML, too large, nested
    too deep, or has a line with over ``MOST_TOML_DOTS`` dots.
    """
    with path.open("rb") as file:
        data = file.read(MOST_TOML_BYTES + 1)
    if len(data) > MOST_TOML_BYTES:
        raise ValueError(f"it is larger than {MOST_TOML_BYTES // 2**10} kB")
    text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    crowded = [number for number, line in enumerate(text.split("\n"), 1) if line.count(".") > MOST_TOML_DOTS]
    if crowded:
        raise ValueError(f"line {crowded[0]} has more than {MOST_TOML_DOTS} dots")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
