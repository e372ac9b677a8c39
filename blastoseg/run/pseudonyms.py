"""Keyed hashes in place of the names of embryos, folders and files, wherever a name could leave the lab.

A pseudonym is ``p`` and twelve hexadecimal digits of HMAC-SHA256(key, name): the same name has the same one
in every run with the same key, and without the key no name can be guessed from it. The map back lies beside
the key and nowhere else.
"""

import csv
import hmac
import os
import re
import secrets
import stat
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Protocol, Self

from blastoseg.errors import BlastosegError, OutputError, UsageError
from blastoseg.files import replace_atomically
from blastoseg.report.tables import as_it_was, plain_text
from blastoseg.run.journal import RunRecord
from blastoseg.run.outputs import OutputFolder, default_out
from blastoseg.sources.names import printable
from blastoseg.sources.shown import AsTheyAre, Shown

_DIGITS = 12
_KEY_BYTES = 32
_KEPT_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,4}")
_ONLY_OWNER = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MAP_HEADER = ["pseudonym", "name"]
_PSEUDONYM = re.compile(rf"p[0-9a-f]{{{_DIGITS}}}")


class Names(Shown, Protocol):
    """How the names of embryos, folders and files are shown; a context manager around a whole run."""

    notes: list[str]
    """What a person must know of the names' keeping."""

    @property
    def fingerprint(self) -> str:
        """Tells apart under which key names are hidden; empty where none is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def begin(self, out: Path) -> None:
        """The run writes into ``out``. UsageError where something that must stay in the lab lies there."""

    def of_given(self, path: Path) -> str:
        """How a path that the user gave is shown."""

    def default_out(self, paths: list[Path]) -> Path:
        """The output folder where the user names none."""

    def is_shown(self, name: str) -> bool:
        """Whether the folder of an embryo's pictures may have this name."""

    def without_out(self, text: str) -> str:
        """A message as it leaves this machine: the way to the output folder may hold a name."""


class OwnNames(AsTheyAre):
    """Every name as it is: a run without pseudonyms."""

    fingerprint = ""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is kept of a run."""

    def begin(self, out: Path) -> None:
        """There is nothing to keep apart."""

    def of_given(self, path: Path) -> str:
        return printable(path.name)

    def default_out(self, paths: list[Path]) -> Path:
        return default_out(paths)

    def is_shown(self, name: str) -> bool:
        return True

    def without_out(self, text: str) -> str:
        return text


def names_under(keyfile: Path | None) -> Names:
    """Pseudonyms under the key in the file, which is made where there is none; without a file the own names.

    Raises UsageError for a file that holds no key, OutputError where none can be made.
    """
    return OwnNames() if keyfile is None else Pseudonyms.load(keyfile)


def check_earlier_names(names: Names, out: OutputFolder, earlier: list[RunRecord]) -> None:
    """Refuse to mix names and pseudonyms, or two keys' pseudonyms, in one output folder: UsageError."""
    is_same = all(run.details.get("pseudonyms", "") == names.fingerprint for run in earlier)
    # Where the ledger was moved away, the pictures tell.
    if is_same and (earlier or all(map(names.is_shown, out.embryo_folders()))):
        return
    held = "names" if names.fingerprint else "pseudonyms"
    raise UsageError(
        f"{out.root}: holds {held} of earlier runs that this one must not mix with its own: "
        "give the same --pseudonymise KEYFILE as then, or choose another folder with --out"
    )


class Pseudonyms:
    """Pseudonyms under one key. Remembers every name it was asked for, for ``write_map``.

    Names are replaced where they are found, before anything is said: no message is searched for them. Leaving
    it as a context manager writes the map, and keeps to itself what an error that nobody foresaw says.
    """

    def __init__(self, key: bytes, keyfile: Path, is_new: bool = False) -> None:
        self._key = key
        self._keyfile = keyfile
        self._is_new = is_new
        self._names: dict[str, str] = {}
        self._out = ""
        self._has_begun = False
        self.notes: list[str] = []

    @classmethod
    def load(cls, keyfile: Path) -> "Pseudonyms":
        """Read the key, or think of one, which ``begin`` writes. UsageError for a file that holds none."""
        try:
            text = keyfile.read_text("ascii").strip()
        except FileNotFoundError:
            return cls(secrets.token_bytes(_KEY_BYTES), keyfile, is_new=True)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--pseudonymise {keyfile}: cannot be read as a key ({error})") from error
        if not re.fullmatch(rf"[0-9a-f]{{{2 * _KEY_BYTES}}}", text):
            raise UsageError(
                f"--pseudonymise {keyfile}: holds no key of {2 * _KEY_BYTES} hexadecimal digits: "
                "name a new file, a key is made there"
            )
        return cls(bytes.fromhex(text), keyfile)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            # Without the error's own chain: its tracebacks would show what the message hides.
            if isinstance(error, BlastosegError):
                raise type(error)(self.without_out(str(error))) from None
            if isinstance(error, Exception):
                raise BlastosegError(
                    f"unexpected error: {type(error).__name__}; what it says may hold a name and is not "
                    "shown: where it came from stands in run.log"
                ) from None
        finally:
            if self._has_begun:
                self.write_map()

    @property
    def fingerprint(self) -> str:
        """Tells keys apart, and tells nothing of the key."""
        return self._digest("\0fingerprint")

    @property
    def map_file(self) -> Path:
        """Where the names behind the pseudonyms are listed."""
        return self._keyfile.with_name(self._keyfile.name + ".map.csv")

    def begin(self, out: Path) -> None:
        """The run writes into ``out``: a new key is written now, readable for its owner alone.

        Raises UsageError where key or map would lie inside the folder that may be passed on, whatever links
        lead there; OutputError where the key cannot be written, or the map cannot be added to.
        """
        self._out = str(out.absolute())
        for file in (self._keyfile, self.map_file):
            places = (file.resolve(), file.parent.resolve())
            if any(_lies_in(place, out.resolve()) for place in places):
                raise UsageError(
                    f"--pseudonymise {self._keyfile}: lies in the output folder, or leads there: "
                    "keep it elsewhere"
                )
        if self._is_new:
            _write_key(self._keyfile, self._key)
        elif os.name != "nt" and self._keyfile.stat().st_mode & _OTHERS:
            self.notes.append("the key of --pseudonymise can be read by others: chmod 600 KEYFILE")
        self._read_map()  # What is wrong with it is told now, and not after a night.
        self._has_begun = True

    def of_name(self, name: str) -> str:
        """The pseudonym of a name."""
        pseudonym = f"p{self._digest(name)}"
        self._names[pseudonym] = name
        return pseudonym

    def of_source(self, source: str) -> str:
        """The pseudonym of a relative path: of each folder, and of the file's name, its extension kept."""
        path = PurePosixPath(source)
        suffix = path.suffix if _KEPT_SUFFIX.fullmatch(path.suffix) else ""
        stem = path.name.removesuffix(path.suffix) if suffix else path.name
        folders = (self.of_name(part) for part in path.parts[:-1] if part != "/")
        return "/".join([*folders, self.of_name(stem) + suffix])

    def of_path(self, path: Path) -> str:
        """The pseudonym of the path's last name; what stands above it is not shown."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 (a given link must keep its own name)
        name = printable(absolute.name)
        return self.of_source(name) if absolute.is_file() else self.of_name(name)

    def of_given(self, path: Path) -> str:
        return self.of_path(path)

    def detail(self, text: str) -> str:
        return ""

    def default_out(self, paths: list[Path]) -> Path:
        """``./<pseudonym>-blastoseg`` for the first path given."""
        return Path.cwd() / f"{self.of_path(paths[0])}-blastoseg"

    def is_shown(self, name: str) -> bool:
        return bool(_PSEUDONYM.fullmatch(name))

    def without_out(self, text: str) -> str:
        for way in {self._out, printable(self._out)} - {""}:
            text = text.replace(way, "OUT")
        return text

    def write_map(self) -> None:
        """Add the names met to the map beside the key; OutputError where it cannot be written."""
        try:
            known = self._read_map()
            with replace_atomically(self.map_file) as temporary:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
                with os.fdopen(
                    descriptor, "w", encoding="utf-8", newline="", errors="backslashreplace"
                ) as file:
                    writer = csv.writer(file)
                    writer.writerow(_MAP_HEADER)
                    # A person opens it in a spreadsheet.
                    writer.writerows(
                        (key, plain_text(name)) for key, name in sorted((known | self._names).items())
                    )
        except OSError as error:
            raise OutputError(f"{self.map_file}: cannot be written ({error.strerror})") from error

    def _read_map(self) -> dict[str, str]:
        """Names by pseudonym; OutputError for a map that is not as a run wrote it: none may be lost."""
        try:
            with self.map_file.open(encoding="utf-8-sig", newline="") as file:
                rows = list(csv.reader(file, strict=True))
        except FileNotFoundError:
            return {}
        except (UnicodeDecodeError, csv.Error):
            rows = []
        except OSError as error:
            raise OutputError(f"{self.map_file}: cannot be read ({error.strerror})") from error
        if rows[:1] != [_MAP_HEADER] or any(len(row) != len(_MAP_HEADER) for row in rows):
            raise OutputError(
                f"{self.map_file}: is not as it was written: save it as CSV, UTF-8, with commas, or move it "
                "away: then a new one is begun, without the names that only this one has"
            )
        return {pseudonym: as_it_was(name) for pseudonym, name in rows[1:]}

    def _digest(self, name: str) -> str:
        data = name.encode("utf-8", "surrogatepass")
        return hmac.new(self._key, data, "sha256").hexdigest()[:_DIGITS]


def _lies_in(place: Path, folder: Path) -> bool:
    """Whether a path is a folder or below it, also where a system takes two names for one folder."""
    if place.is_relative_to(folder):
        return True
    return folder.exists() and any(one.exists() and one.samefile(folder) for one in (place, *place.parents))


def _write_key(keyfile: Path, key: bytes) -> None:
    try:
        descriptor = os.open(keyfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.hex() + "\n")
    except OSError as error:
        raise OutputError(f"{keyfile}: no key can be made there ({error.strerror})") from error
