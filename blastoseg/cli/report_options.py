"""Options of every command that writes a report."""

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
Pdf = Annotated[bool, typer.Option("--pdf", help="Write a page for each patient too, as PDF.")]
