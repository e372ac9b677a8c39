"""``blastoseg merge``: the parts of a run joined into one report."""

from pathlib import Path
from typing import Annotated

import typer

from blastoseg.cli.given_path import given_path
from blastoseg.cli.report_options import Archive, Grades, Pdf, Tables
from blastoseg.cli.terminal import folded


def merge(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", parser=given_path, help="Output folder of the whole.")
    ],
    parts: Annotated[
        list[Path],
        typer.Argument(metavar="PART...", parser=given_path, help="Output folders of all parts."),
    ],
    grades: Grades = None,
    archive: Archive = None,
    pdf: Pdf = False,
    tables: Tables = None,
) -> None:
    """Join what blastoseg run --part scored into one output folder: the report of a run over everything.

    Pictures are linked where the disk can, else copied; the parts stay as they are. A later blastoseg run
    on OUT goes on from there.
    """
    from blastoseg.report.letters import read_letters
    from blastoseg.run.archive import read_archive
    from blastoseg.run.merging import MergeRequest, merge_parts

    ended = merge_parts(
        MergeRequest(
            out=out,
            parts=parts,
            letters=read_letters(grades) if grades else None,
            archive=read_archive(archive or []),
            pdf=pdf,
            tables=None if tables is None else tables.value,
        )
    )
    for note in (*ended.notes, ended.last_line()):
        print(folded(note, "  "))
    raise typer.Exit(ended.exit_code)
