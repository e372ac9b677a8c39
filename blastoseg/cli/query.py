"""``blastoseg query``: SQL over the tables of a report."""

import math
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from blastoseg.cli.given_path import given_path
from blastoseg.cli.terminal import columns, folded, show_table

if TYPE_CHECKING:
    from blastoseg.report.querying import Answer

ROWS_SHOWN = 40
NARROWEST_COLUMN = 10


def query(
    out: Annotated[Path, typer.Argument(metavar="OUT", parser=given_path, help="Output folder of a report.")],
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT over frames, embryos and events.")],
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=given_path, help="Write the whole answer there, as CSV."),
    ] = None,
) -> None:
    """Ask the tables of a report in SQL: frames, embryos and events, with the columns of docs/columns.md.

    The report is read and nothing else: no other file, no network.
    """
    from blastoseg import RESEARCH_USE_ONLY
    from blastoseg.report.querying import ask

    answer = ask(out, sql)
    if csv is None:
        _show(answer)
    else:
        print(folded(f"{csv}: {_write(answer, csv, out):,} rows"))
    print(folded(RESEARCH_USE_ONLY))


def _write(answer: "Answer", path: Path, out: Path) -> int:
    import csv

    from blastoseg import RESEARCH_USE_ONLY
    from blastoseg.columns import NOTICE
    from blastoseg.errors import OutputError, UsageError
    from blastoseg.files import replace_atomically

    if path.resolve().is_relative_to(out.resolve()):
        raise UsageError(f"--csv {path}: lies in the report, which is only read: choose another place")
    count = 0
    try:
        with (
            replace_atomically(path) as temporary,
            temporary.open("w", encoding="utf-8", newline="") as file,
        ):
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow([*map(_cell, answer.names), NOTICE.name])
            for row in answer.rows:
                rows.writerow([*map(_cell, row), RESEARCH_USE_ONLY])
                count += 1
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}): choose another --csv") from error
    return count


def _show(answer: "Answer") -> None:
    from itertools import islice

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows = list(islice(answer.rows, ROWS_SHOWN + 1))
    # Too many columns for the terminal: the rows become lists, as on a narrow one.
    is_wide = len(answer.names) * NARROWEST_COLUMN > columns()
    console = Console(width=1 if is_wide else None, highlight=False)
    table = Table(box=None, pad_edge=False)
    for name in answer.names:
        table.add_column(Text(_cell(name)))
    for row in rows[:ROWS_SHOWN]:
        table.add_row(*(Text(_cell(value)) for value in row))
    show_table(console, table)
    if len(rows) > ROWS_SHOWN:
        print(f"the first {ROWS_SHOWN} rows; --csv FILE has all")


def _cell(value: Any) -> str:
    from blastoseg.report.tables import plain_text

    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return str(value) if isinstance(value, Number) else plain_text(str(value))
