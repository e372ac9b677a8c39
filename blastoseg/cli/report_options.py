"""Options of every command that writes a report."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from blastoseg.cli.given_path import given_path

Grades = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", parser=given_path, help="Suggest letters of ICM and TE: of blastoseg grade fit."
    ),
]
Archive = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="OUT",
        parser=given_path,
        help="Output folder of an earlier run, for percentiles of ICM and TE; may be given again.",
        show_default="the report's own embryos",
    ),
]


class Table(StrEnum):
    """The choices of ``--tables``: those of the settings, which are not loaded for help."""

    CSV = "csv"
    PARQUET = "parquet"
    BOTH = "both"


Tables = Annotated[
    Table | None,
    typer.Option(
        help="As what the tables of frames are written; as Parquet with the extra export.",
        show_default="the settings', else csv",
    ),
]
Pdf = Annotated[bool, typer.Option("--pdf", help="Write a page for each patient too, as PDF.")]
