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
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Protocol, Self

from blastoseg.errors import BlastosegError, OutputError, UsageError
from blastoseg.files import replace_atomically
from blastoseg.records import FrameRef
from blastoseg.run.journal import RunRecord
from blastoseg.run.outputs import default_out
from blastoseg.sources import Discovery, Problem, with_sources
from blastoseg.sources.names import printable

_DIGITS = 12
_KEY_BYTES = 32
_SHORTEST = 3
"""Letters of a name that is looked for in messages: shorter ones are parts of ordinary words."""
_KEPT_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,4}")
_ONLY_OWNER = 0o600


class Names(Protocol):
    """How the names of embryos, folders and files are shown; a context manager around a whole run."""

    @property
    def fingerprint(self) -> str:
        """Tells apart under which key names are hidden; empty where none is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def check_apart(self, out: Path) -> None:
        """Raise UsageError where something that must stay in the lab lies in the output folder."""

    def of_given(self, path: Path) -> str:
        """How a path that the user gave is shown."""

    def default_out(self, paths: list[Path]) -> Path:
        """The output folder where the user names none."""

    def of_discovery(self, found: Discovery) -> Discovery:
        """Everything found, as it is shown."""

    def hide(self, text: str) -> str:
        """The text without any name that must not be seen."""


class OwnNames:
    """Every name as it is: a run without pseudonyms."""

    fingerprint = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is kept of a run."""

    def check_apart(self, out: Path) -> None:
        """There is nothing to keep apart."""

    def of_given(self, path: Path) -> str:
        return printable(path.name)

    def default_out(self, paths: list[Path]) -> Path:
        return default_out(paths)

    def of_discovery(self, found: Discovery) -> Discovery:
        return found

    def hide(self, text: str) -> str:
        return text


def names_under(keyfile: Path | None) -> Names:
    """Pseudonyms under the key in the file, which is made where there is none; without a file the own names.

    Raises UsageError for a file that holds no key, OutputError where none can be made.
    """
    return OwnNames() if keyfile is None else Pseudonyms.load(keyfile)


def check_earlier_names(names: Names, out: Path, earlier: Iterable[RunRecord]) -> None:
    """Refuse to mix names and pseudonyms, or two keys' pseudonyms, in one output folder: UsageError."""
    if all(run.details.get("pseudonyms", "") == names.fingerprint for run in earlier):
        return
    held = "names" if names.fingerprint else "pseudonyms"
    raise UsageError(
        f"{out}: holds {held} of earlier runs that this one must not mix with its own: "
        "give the same --pseudonymise KEYFILE as then, or choose another folder with --out"
    )


class Pseudonyms:
    """Pseudonyms under one key. Remembers every name it was asked for, for ``hide`` and ``write_map``.

    Leaving it as a context manager writes the map, and hides the names in an error that ends the run.
    """

    def __init__(self, key: bytes, keyfile: Path) -> None:
        self._key = key
        self._keyfile = keyfile
        self._names: dict[str, str] = {}
        self._hidden: dict[str, str] = {}
        self._lengths: list[int] = []
        self._above: list[str] = []

    @classmethod
    def load(cls, keyfile: Path) -> "Pseudonyms":
        """Read the key, or make one, readable for its owner alone.

        Raises UsageError for a file that holds no key, OutputError where none can be made.
        """
        try:
            text = keyfile.read_text("ascii").strip()
        except FileNotFoundError:
            text = _make_key(keyfile)
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
            if isinstance(error, BlastosegError):
                # Without the error's own chain: its tracebacks would show what the message hides.
                raise type(error)(self.hide(str(error))) from None
        finally:
            self.write_map()

    @property
    def fingerprint(self) -> str:
        """Tells keys apart, and tells nothing of the key."""
        return self._digest("\0fingerprint")

    @property
    def map_file(self) -> Path:
        """Where the names behind the pseudonyms are listed."""
        return self._keyfile.with_name(self._keyfile.name + ".map.csv")

    def check_apart(self, out: Path) -> None:
        """Raise UsageError where key and map would lie inside the folder that may be passed on."""
        if self._keyfile.resolve().is_relative_to(out.resolve()):
            raise UsageError(f"--pseudonymise {self._keyfile}: lies in the output folder: keep it elsewhere")

    def of(self, name: str) -> str:
        """The pseudonym of a name."""
        pseudonym = f"p{self._digest(name)}"
        self._names[pseudonym] = name
        self._hide(name, pseudonym)
        return pseudonym

    def of_source(self, source: str) -> str:
        """The pseudonym of a relative path: of each folder, and of the file's name, its extension kept."""
        path = PurePosixPath(source)
        suffix = path.suffix.lower() if _KEPT_SUFFIX.fullmatch(path.suffix) else ""
        stem = path.name.removesuffix(path.suffix) if suffix else path.name
        shown = "/".join(
            [*(self.of(part) for part in path.parts[:-1] if part != "/"), self.of(stem) + suffix]
        )
        self._hide(source, shown)
        return shown

    def of_given(self, path: Path) -> str:
        """The pseudonym of a path that the user gave; what stands above it is left out of every message."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 (a given link must keep its own name)
        self._above.append(str(absolute.parent).rstrip(os.sep) + os.sep)
        shown = self.of_source(absolute.name) if absolute.is_file() else self.of(absolute.name)
        self._hide(str(path), shown)
        return shown

    def default_out(self, paths: list[Path]) -> Path:
        """``./<pseudonym>-blastoseg`` for the first path given."""
        return Path.cwd() / f"{self.of_given(paths[0])}-blastoseg"

    def of_ref(self, ref: FrameRef) -> FrameRef:
        """The ref under pseudonyms; where its pixels lie stays, since they must be read."""
        return with_sources(replace(ref, embryo_id=self.of(ref.embryo_id)), self.of_source)

    def of_discovery(self, found: Discovery) -> Discovery:
        """Everything found under pseudonyms, what was said of it too."""
        refs = [self.of_ref(ref) for ref in found.refs]
        refs_of_problems = [self.of_ref(problem.ref) for problem in found.problems]
        for path in found.settling:
            self.of_source(path.name)
        problems = [
            Problem(ref, self.hide(problem.reason))
            for ref, problem in zip(refs_of_problems, found.problems, strict=True)
        ]
        return replace(found, refs=refs, problems=problems, notes=[self.hide(note) for note in found.notes])

    def hide(self, text: str) -> str:
        """The text with every name known so far replaced, the longest first."""
        for above in self._above:
            text = text.replace(above, "")
        if len(self._lengths) != len({len(name) for name in self._hidden}):
            self._lengths = sorted({len(name) for name in self._hidden}, reverse=True)
        parts, position, done = [], 0, 0
        while position < len(text):
            for length in self._lengths:
                shown = self._hidden.get(text[position : position + length])
                if shown is not None:
                    parts += [text[done:position], shown]
                    position += length
                    done = position
                    break
            else:
                position += 1
        return "".join([*parts, text[done:]])

    def write_map(self) -> None:
        """Add the names met to the map beside the key; OutputError where it cannot be written."""
        try:
            known = dict(self._read_map())
            with replace_atomically(self.map_file) as temporary:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
                with os.fdopen(
                    descriptor, "w", encoding="utf-8", newline="", errors="backslashreplace"
                ) as file:
                    writer = csv.writer(file)
                    writer.writerow(["pseudonym", "name"])
                    writer.writerows(sorted((known | self._names).items()))
        except OSError as error:
            raise OutputError(f"{self.map_file}: cannot be written ({error.strerror})") from error

    def _read_map(self) -> Iterable[tuple[str, str]]:
        if not self.map_file.is_file():
            return []
        with self.map_file.open(encoding="utf-8", newline="") as file:
            return [(row[0], row[1]) for row in csv.reader(file) if len(row) == 2][1:]

    def _hide(self, name: str, shown: str) -> None:
        if len(name) >= _SHORTEST and not name.isdecimal():
            self._hidden[name] = shown
            # As it stands in messages that quote it.
            self._hidden[repr(name)[1:-1]] = shown

    def _digest(self, name: str) -> str:
        data = name.encode("utf-8", "surrogatepass")
        return hmac.new(self._key, data, "sha256").hexdigest()[:_DIGITS]


def _make_key(keyfile: Path) -> str:
    text = secrets.token_hex(_KEY_BYTES)
    try:
        descriptor = os.open(keyfile, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
    except OSError as error:
        raise OutputError(f"{keyfile}: no key can be made there ({error.strerror})") from error
    return text
