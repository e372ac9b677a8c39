"""The ``blastoseg`` command: one module a command, heavy imports inside the commands."""

import os
import signal
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.cli import (
    audit,
    bench,
    crossvalidate,
    data,
    doctor,
    evaluate,
    measure,
    prune,
    run,
    simulate,
    train,
    weights,
)
from blastoseg.cli.failure import DEBUG_VARIABLE, exit_code_of, log_crash
from blastoseg.errors import exit_codes


class _Commands(TyperGroup):
    """Turns the errors that a user can meet into a message and their exit code, for every command alike."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            code = exit_code_of(error)
            if code is None:
                raise
            raise typer.Exit(code) from error

    def format_help(self, ctx: Any, formatter: Any) -> None:
        # Not an epilog: Typer would join its lines, or set them a line apart.
        super().format_help(ctx, formatter)
        codes = (f"   {code:>3}  {meaning}" for code, meaning in exit_codes().items())
        print("", " Exit codes", *codes, "", f" {RESEARCH_USE_ONLY}", "", sep="\n")


app = typer.Typer(
    cls=_Commands,
    name="blastoseg",
    help="Segment and measure human blastocysts in what a time-lapse incubator wrote.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"blastoseg {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log what is done, and show tracebacks.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    if verbose:
        import logging

        os.environ[DEBUG_VARIABLE] = "1"
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("blastoseg").setLevel(logging.INFO)


app.command()(run.run)
app.command()(measure.measure)
app.command()(simulate.simulate)
app.add_typer(data.data_app, name="data")
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(crossvalidate.crossvalidate)
app.command()(bench.bench)
app.command()(doctor.doctor)
app.add_typer(weights.app, name="weights")
app.command()(audit.audit)
app.command()(prune.prune)


def main() -> None:
    """The console script: ends the process with one of the exit codes of ``errors.py``."""
    # Being asked to stop, by a person or by a service manager, lets the run keep what it has.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app(prog_name="blastoseg")
    except KeyboardInterrupt as error:
        sys.exit(exit_code_of(error))
    except Exception as error:
        sys.exit(log_crash(error))
