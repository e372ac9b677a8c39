"""What people said of embryos on the page: files that a browser saved, taken into ``OUT/verdicts.json``.

Whoever sends such a file is not trusted: it is small, it holds what is declared here and nothing else, and it
speaks of embryos that the report has.
"""

import json
from collections.abc import Collection, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, Literal, TypeVar

import pandas as pd
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from blastoseg.columns import VERDICT_COLUMNS, dtypes_of
from blastoseg.errors import DataError, InputNotFoundError, OutputError, counted
from blastoseg.report.review.page import write_verdicts
from blastoseg.report.review.written import write_if_changed
from blastoseg.report.tables import plain_text, typed_table
from blastoseg.run.journal import OutputLock, ledger_of
from blastoseg.run.outputs import OutputFolder

MOST_BYTES = 16 * 2**20
Model = TypeVar("Model", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Verdict(_Strict):
    """One person's verdict on one embryo, at one time. Each part may be empty, not all of them."""

    embryo: str = Field(min_length=1, max_length=4096)
    verdict: Literal["", "accept", "reject", "look at"] = ""
    grade: str = Field(default="", max_length=20)
    note: str = Field(default="", max_length=2000)
    at: AwareDatetime


class VerdictFile(_Strict):
    """What the page saves."""

    format: Literal["blastoseg verdicts"]
    version: Literal[1]
    by: str = Field(min_length=1, max_length=80)
    software: str = Field(max_length=200)
    weights: str = Field(max_length=200)
    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    verdicts: tuple[Verdict, ...] = Field(max_length=100_000)


class TakenVerdict(Verdict):
    """A verdict in OUT: also whose it is, and on numbers of which weights."""

    by: str
    weights: str
    weights_sha256: str

    def plain(self) -> dict[str, Any]:
        """Plain values for JSON, the time in UTC."""
        return self.model_dump() | {"at": self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}

    def columns(self, is_hidden: bool) -> dict[str, str]:
        """What stands in ``VERDICT_COLUMNS``, without what is empty; ``is_hidden``: without whose it is."""
        told = {
            "verdict": self.verdict,
            "verdict_grade": self.grade,
            "verdict_note": self.note,
            "verdict_by": "" if is_hidden else self.by,
            "verdict_at": self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return {name: text for name, text in told.items() if text}


class _Kept(_Strict):
    verdicts: tuple[TakenVerdict, ...]


def import_verdicts(file: Path, out: Path) -> tuple[int, int]:
    """Take a file of the page into ``out``; returns how many verdicts were new, and how many were not.

    The page shows them from then on. Raises InputNotFoundError without the file or a report, DataError for a
    file that is none of ours or names an embryo that the report lacks, OutputError where the disk refuses.
    """
    ledger_of(out)  # Before a lock is written into a folder that is no run's.
    return take_verdicts(_read_file(file), out, str(file))


def take_verdicts(given: VerdictFile, out: Path, named: str) -> tuple[int, int]:
    """As ``import_verdicts``, of what was read already; ``named`` is how messages call it."""
    with OutputLock(out):
        embryos = _embryos_of(out)
        unknown = sorted({one.embryo for one in given.verdicts if plain_text(one.embryo) not in embryos})
        if unknown:
            others = f" and {counted(len(unknown) - 1, 'other embryo')}" if len(unknown) > 1 else ""
            raise DataError(
                f"{named}: {unknown[0]!r}{others} is not in the report of {out}: give the folder "
                "whose page saved this file"
            )
        kept = read_verdicts(out)
        source = given.model_dump(include={"by", "weights", "weights_sha256"})
        told = [TakenVerdict(**one.model_dump(), **source) for one in given.verdicts]
        new = [one for one in dict.fromkeys(told) if one not in set(kept)]
        everything = sorted((*kept, *new), key=lambda one: one.at)
        _write(out, everything)
    return len(new), len(told) - len(new)


def read_verdicts(out: Path) -> tuple[TakenVerdict, ...]:
    """Every verdict in ``out``, oldest first; none where none was imported. DataError for a damaged file."""
    path = OutputFolder(out).verdicts
    if not path.exists():
        return ()
    return _checked(_Kept, path, "restore it, or delete it and import the saved files again").verdicts


def with_verdicts(embryos: pd.DataFrame, verdicts: Sequence[TakenVerdict], is_hidden: bool) -> pd.DataFrame:
    """``embryos`` with ``VERDICT_COLUMNS``: the last verdict on each, ``verdicts`` being oldest first.

    ``is_hidden``: names are under pseudonyms, so that whoever gave a verdict stays unnamed.
    """
    last = {plain_text(one.embryo): one for one in verdicts}
    found = (last.get(plain_text(name)) for name in embryos["embryo_id"])
    told = typed_table([one.columns(is_hidden) if one else {} for one in found], VERDICT_COLUMNS)
    return embryos.assign(**{one.name: told[one.name].to_numpy() for one in VERDICT_COLUMNS}).astype(
        dtypes_of(VERDICT_COLUMNS)
    )


def _embryos_of(out: Path) -> Collection[str]:
    """The names of the report's embryos, as its tables show them."""
    path = OutputFolder(out).embryos_csv
    try:
        table = pd.read_csv(path, usecols=["embryo_id"], dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputNotFoundError(f"{path}: cannot be read: run blastoseg on this folder first") from error
    return set(table["embryo_id"])


def _read_file(file: Path) -> VerdictFile:
    return _checked(VerdictFile, file, "save it again on the page")


def _checked(kind: type[Model], path: Path, remedy: str) -> Model:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path}: is too large for a file of verdicts: {remedy}")
        text = path.read_bytes()
    except OSError as error:
        raise InputNotFoundError(f"{path}: cannot be read ({error.strerror}): check the path") from error
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        wrong = f"{where or 'JSON'}: {first['msg']}"
        raise DataError(f"{path}: is no file of verdicts: {wrong}: {remedy}") from error


def _write(out: Path, verdicts: Sequence[TakenVerdict]) -> None:
    plain = [one.plain() for one in verdicts]
    folder = OutputFolder(out)
    try:
        write_if_changed(folder.verdicts, json.dumps({"verdicts": plain}, indent=1).encode())
        if folder.review.is_dir():
            write_verdicts(folder.review, plain)
    except OSError as error:
        reason = f"cannot be written ({error.strerror}): free some space?"
        raise OutputError(f"{folder.verdicts}: {reason}") from error
