"""The long tables of a report as Parquet: ``OUT/tables``, for each table a file a patient, or a month.

Text stands there as in the CSV files, so that the tables of a report go together; numbers are not rounded.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY
from blastoseg.columns import Column, dtypes_of
from blastoseg.errors import EnvironmentProblemError, OutputError
from blastoseg.files import replace_atomically, safe_name
from blastoseg.report.export.parquet import schema_of
from blastoseg.report.gathered import LONG_TABLES, ROWS_A_BATCH, GatheredTables
from blastoseg.report.tables import plain_text, read_csv
from blastoseg.settings import TableKind

log = logging.getLogger(__name__)

FOLDER = "tables"
UNKNOWN = "unknown"
_NOTICE = RESEARCH_USE_ONLY.encode()


def check_parquet() -> None:
    """Raise EnvironmentProblemError where Parquet cannot be written."""
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415  of the extra "export"
    except ImportError as error:
        raise EnvironmentProblemError(
            "tables as Parquet need pyarrow: pip install 'blastoseg[export]', or take --tables csv"
        ) from error


def check_tables(kind: TableKind) -> None:
    """Raise EnvironmentProblemError where long tables of this kind cannot be written."""
    if kind != "csv":
        check_parquet()


def write_dataset(out: Path, tables: GatheredTables, by_patient: bool) -> None:
    """Write the long tables below ``out``, each file whole or not at all, and delete ours of partitions gone.

    ``by_patient``: patients are pseudonyms, and a partition is one's; else it is a month of insemination:
    a name that a lab gave stands in no folder's name. OSError where the disk refuses.
    """
    partitions = _partitions(tables.embryos, by_patient)
    for name, declared in LONG_TABLES.items():
        written = set()
        for partition, embryos in partitions.items() if name == "frames" or tables.has_moments else ():
            path = out / FOLDER / name / partition / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            with replace_atomically(path) as temporary:
                _write(temporary, declared, (tables.rows_of(name, embryo) for embryo in embryos))
            written.add(path)
        remove_dataset(out, name, written)


def _partitions(embryos: pd.DataFrame, by_patient: bool) -> dict[str, list[str]]:
    """The embryos of each partition, by its folder's name."""
    key, values = (
        ("patient", embryos["patient"].fillna("").astype(str))
        if by_patient
        else ("month", embryos["insemination_time"].fillna("").astype(str).str[:7])
    )
    found: dict[str, list[str]] = {}
    for embryo, value in zip(embryos["embryo_id"].astype(str), values, strict=True):
        found.setdefault(f"{key}={safe_name(value) if value else UNKNOWN}", []).append(embryo)
    return found


def _write(path: Path, declared: Sequence[Column], parts: Iterable[pd.DataFrame]) -> None:
    import pyarrow  # noqa: PLC0415  of the extra "export"
    from pyarrow import parquet  # noqa: PLC0415

    schema = schema_of(declared)
    texts = [column.name for column in declared if column.dtype == "str"]
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for group in _grouped(parts):
            shown = {name: group[name].map(plain_text, na_action="ignore") for name in texts}
            table = pyarrow.Table.from_pandas(group.assign(**shown), schema=schema, preserve_index=False)
            writer.write_table(table)


def _grouped(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Row groups: whole embryos, until there are enough rows."""
    waiting: list[pd.DataFrame] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= ROWS_A_BATCH:
            yield pd.concat(waiting)
            waiting = []
    if waiting:
        yield pd.concat(waiting)


def dataset_files(out: Path, name: str) -> list[Path]:
    """The files of one long table, none where it is not there as Parquet."""
    return sorted((out / FOLDER / name).glob(f"*=*/{name}.parquet"))


def remove_dataset(out: Path, name: str, kept: Iterable[Path] = ()) -> None:
    """Delete files of a long table that a run wrote, but those ``kept``; whatever is not ours stays."""
    for path in set(dataset_files(out, name)) - set(kept):
        if not _is_ours(out, path):
            log.warning("%s: was not written by a run: left", path.relative_to(out))
            continue
        path.unlink()
        for folder in (path.parent, path.parents[1], path.parents[2]):
            # Only an empty one goes.
            with suppress(OSError):
                folder.rmdir()


def _is_ours(out: Path, path: Path) -> bool:
    """Whether a file lies where runs write, by no link, and bears the notice that runs write into it."""
    try:
        from pyarrow import parquet  # noqa: PLC0415  of the extra "export"

        told = parquet.read_metadata(path).metadata or {}
    except Exception:  # whatever a file or a missing library makes of it: not known as ours
        return False
    is_in_place = path.resolve() == out.resolve() / path.relative_to(out)
    return is_in_place and told.get(b"notice") == _NOTICE and b"blastoseg" in told


def has_long_table(out: Path, name: str) -> bool:
    """Whether a report has one of the long tables, of whatever kind."""
    return (out / f"{name}.csv").is_file() or bool(dataset_files(out, name))


def read_long_table(out: Path, name: str, declared: Sequence[Column]) -> pd.DataFrame:
    """Columns of a long table of a report, typed, from its CSV file or else from Parquet, file by file.

    InputNotFoundError without a report, OutputError for a damaged one.
    """
    path = out / f"{name}.csv"
    files = [] if path.is_file() else dataset_files(out, name)
    if not files:
        return read_csv(path, declared)
    check_parquet()
    dtypes: Any = dtypes_of(declared)
    parts = [part for file in files for part in _row_groups(out, file, list(dtypes))]
    return pd.concat([part.astype(dtypes) for part in parts], ignore_index=True)


def _row_groups(out: Path, file: Path, names: list[str]) -> Iterator[pd.DataFrame]:
    from pyarrow import parquet  # noqa: PLC0415  of the extra "export"

    if not file.resolve().is_relative_to(out.resolve()):
        raise OutputError(f"{file}: lies outside {out}: delete it, and run blastoseg on {out} again")
    try:
        with parquet.ParquetFile(file) as opened:
            for number in range(max(1, opened.num_row_groups)):
                group = opened.read_row_group(number, columns=names).to_pandas()
                yield group[names]
    except Exception as error:  # a damaged file fails in many ways
        raise OutputError(
            f"{file}: cannot be read as this version's table ({error}): run blastoseg on {out} again"
        ) from error
