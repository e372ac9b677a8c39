"""SQL over the tables of a report, by DuckDB: they are read and nothing else, on this machine alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blastoseg.columns import EMBRYO_COLUMNS, EVENT_COLUMNS, NOTICE, REPORTED_FRAME_COLUMNS, Column
from blastoseg.errors import EnvironmentProblemError, InputNotFoundError, OutputError, UsageError
from blastoseg.report.dataset import dataset_files
from blastoseg.report.tables import plain_text

VIEWS: dict[str, Sequence[Column]] = {
    "frames": REPORTED_FRAME_COLUMNS,
    "embryos": EMBRYO_COLUMNS,
    "events": EVENT_COLUMNS,
}
"""The tables that may be asked, by the names that they have in SQL."""
ROWS_AT_ONCE = 1000
_TYPES = {"str": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN"}
_ALONE = (
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",
    "SET temp_directory = ''",
)
_LOCKED = ("SET enable_external_access = false", "SET lock_configuration = true")


@dataclass(frozen=True)
class Answer:
    """What a query gives: the names of its columns, and its rows, to be read once.

    Reading raises UsageError where the query fails on the way.
    """

    names: list[str]
    rows: Iterator[tuple[Any, ...]]


def ask(out: Path, sql: str) -> Answer:
    """The answer to one SELECT over ``VIEWS``, of the report in ``out``.

    No other file is read, none is written, nothing is loaded. Raises UsageError for SQL that is wrong or is
    something else, InputNotFoundError without a report, EnvironmentProblemError without DuckDB.
    """
    try:
        import duckdb  # noqa: PLC0415  of the extra "query"
    except ImportError as error:
        raise EnvironmentProblemError(
            "blastoseg query needs DuckDB: pip install 'blastoseg[query]'"
        ) from error
    sources = {name: _source_of(out, name, declared) for name, declared in VIEWS.items()}
    database = duckdb.connect(":memory:")
    for setting in _ALONE:
        database.execute(setting)
    files = [_quoted(file) for found, _ in sources.values() for file in found]
    try:
        for name, (_, source) in sources.items():
            database.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}")  # noqa: S608  our own words
    except duckdb.Error as error:
        raise OutputError(
            f"{out}: its tables cannot be read ({_told(error)}): run blastoseg on it again"
        ) from error
    for setting in (f"SET allowed_paths = [{', '.join(files)}]", *_LOCKED):
        database.execute(setting)
    try:
        statements = database.extract_statements(sql)
        if [one.type for one in statements] != [duckdb.StatementType.SELECT]:
            raise UsageError("the query is not one SELECT: nothing else is done, the report is only read")
        asked = database.execute(statements[0])
        names = [str(column[0]) for column in asked.description]
    except duckdb.Error as error:
        raise _explained(error) from error
    return Answer(names, _rows(asked, duckdb.Error))


def _rows(asked: Any, failure: type[Exception]) -> Iterator[tuple[Any, ...]]:
    try:
        while rows := asked.fetchmany(ROWS_AT_ONCE):
            yield from rows
    except failure as error:
        raise _explained(error) from error


def _source_of(out: Path, name: str, declared: Sequence[Column]) -> tuple[list[Path], str]:
    """The files of a table, and what reads them in SQL: Parquet where it is there, else CSV."""
    files = dataset_files(out, name)
    csv = out / f"{name}.csv"
    if not files and not csv.is_file():
        raise InputNotFoundError(f"{csv}: there is no such table: is {out} the output folder of a run?")
    for file in files or [csv]:
        if not file.resolve().is_relative_to(out.resolve()):
            raise OutputError(f"{file}: lies outside {out}: run blastoseg on {out} again")
    if files:
        listed = ", ".join(map(_quoted, files))
        return files, f"read_parquet([{listed}], hive_partitioning = true, hive_types_autocast = false)"
    types = ", ".join(f"{_quoted(one.name)}: '{_TYPES[one.dtype]}'" for one in (*declared, NOTICE))
    # The CSV files are our own: nothing about them is guessed.
    how = "header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', nullstr = ''"
    return [csv], f"read_csv([{_quoted(csv)}], {how}, columns = {{{types}}})"


def _quoted(text: Path | str) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _explained(error: Exception) -> UsageError:
    views = ", ".join(VIEWS)
    return UsageError(f"the query cannot be answered: {_told(error)}; there are {views}: docs/columns.md")


def _told(error: Exception) -> str:
    """What DuckDB says, in one line without control characters."""
    return plain_text(" ".join(str(error).split("\n\n")[0].split()))
