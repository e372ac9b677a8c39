"""``blastoseg grade``: letters of ICM and TE by a lab's own grades."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.given_path import given_path

if TYPE_CHECKING:
    from rich.console import Console

    from blastoseg.evaluation.letter_fit import TissueResult

grade_app = typer.Typer(help="Fit letters of ICM and TE to a lab's own grades.", no_args_is_help=True)


@grade_app.command()
def fit(
    grades: Annotated[
        Path,
        typer.Argument(
            metavar="GRADES.csv", parser=given_path, help="The lab's grades: embryo, icm, te, patient."
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", parser=given_path, help="Output folder of a run over these embryos."),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", parser=given_path, help="Write the model here, for blastoseg run --grades FILE."
        ),
    ] = None,
) -> None:
    """Fit an ordinal model to a lab's letters, test it on patients it did not see, and write it to FILE.

    Letters are A, B and C; D is never suggested. Too few grades are refused (exit code 11).
    """
    from rich.console import Console

    from blastoseg.columns import EMBRYO_COLUMNS
    from blastoseg.errors import DataError
    from blastoseg.evaluation.letter_fit import fit_letters, read_grades, save_model, weights_of_run
    from blastoseg.report.tables import read_csv

    table = read_csv(out / "embryos.csv", EMBRYO_COLUMNS)
    model, results = fit_letters(read_grades(grades), table, weights_of_run(out))
    _show(Console(), results)
    if model is None:
        raise DataError(f"{grades}: too little to fit any letter: the reasons stand above")
    if to is not None:
        save_model(model, to)
        print(f"Model: {to}")


def _show(console: "Console", results: "list[TissueResult]") -> None:
    from rich.table import Table

    from blastoseg import RESEARCH_USE_ONLY
    from blastoseg.cli.terminal import folded, show_table
    from blastoseg.columns import LETTER_TISSUES
    from blastoseg.evaluation.letter_fit import FOLDS, HUMAN

    title = f"Suggested letters against the lab's, by {FOLDS}-fold cross-validation over patients"
    table = Table(title=title, title_justify="left")
    headings = ("tissue", "embryos", "patients", "accuracy", "95 %", "commonest", "kappa", "95 %")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "tissue" else "right")
    notes = []
    for result in results:
        name, fitted = LETTER_TISSUES[result.key], result.fitted
        left_out = [f"{count:,} {why}" for why, count in result.left_out.items() if count]
        if left_out:
            notes.append(f"{name}: left out {', '.join(left_out)}")
        if fitted is None:
            notes.append(f"{name}: no letters: {result.refused}")
            continue
        accuracy, kappa = (
            (f"{figure.value:.2f}", f"{figure.low:.2f}-{figure.high:.2f}")
            for figure in (fitted.accuracy, fitted.quadratic_kappa)
        )
        counts = (f"{fitted.embryos:,}", f"{fitted.patients:,}")
        table.add_row(name, *counts, *accuracy, f"{result.commonest:.2f}", *kappa)
        notes.append(f"{name}: {HUMAN[result.key]}")
    if table.row_count:
        show_table(console, table)
        notes.append(
            "kappa: quadratic-weighted; commonest: accuracy of always saying the commonest letter; 95 %: by "
            "bootstrap over patients"
        )
    for note in (*notes, RESEARCH_USE_ONLY):
        print(folded(note, "  "))
