"""``blastoseg verdicts``: what people said on the page, taken into the report."""

from pathlib import Path
from typing import Annotated

import typer

from blastoseg.cli.given_path import given_path

app = typer.Typer(help="What people said of embryos on the page.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Without this Typer would make the one command the group itself."""


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", parser=given_path, help="File that the page saved.")
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", parser=given_path, help="Output folder of the report.")
    ],
) -> None:
    """Take the verdicts that the page saved in FILE into OUT: who, when, on numbers of which weights.

    The page shows them from then on. Earlier ones stay in verdicts.json; the last on an embryo counts.
    """
    from blastoseg.errors import counted
    from blastoseg.run.verdicts import import_verdicts

    new, known = import_verdicts(file, out)
    before = f"; {counted(known, 'verdict')} it had already" if known else ""
    print(f"{out}: {counted(new, 'verdict')} taken in{before}")
