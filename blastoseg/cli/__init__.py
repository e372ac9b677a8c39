"""The ``blastoseg`` command: one module for each command, heavy imports inside it."""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.cli import (
    audit,
    bench,
    compare,
    compare_runs,
    crossvalidate,
    data,
    doctor,
    evaluate,
    export,
    export_model,
    grade,
    measure,
    merge,
    prune,
    query,
    repair,
    review,
    run,
    simulate,
    train,
    verdicts,
    weights,
)
from blastoseg.cli.failure import DEBUG_VARIABLE, check_surroundings, exit_code_of, log_crash
from blastoseg.cli.narrow_help import fit_to
from blastoseg.cli.terminal import NARROW, columns, folded, is_dumb, obey_terminal
from blastoseg.cli.unread import keep_messages_harmless, output_may_go_unread
from blastoseg.errors import BlastosegError, exit_codes
from blastoseg.stopping import interrupt_on_signals


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

    def get_help(self, ctx: Any) -> str:
        # Not an epilog: Typer would join its lines, or set them a line apart.
        shown = super().get_help(ctx)
        codes = [folded(f"   {code:>3}  {meaning}", " " * 8) for code, meaning in exit_codes().items()]
        lines = [" Exit codes", *codes, "", folded(f" {RESEARCH_USE_ONLY}", " ")]
        return "\n".join([shown, "", *lines] if shown else lines)


app = typer.Typer(
    cls=_Commands,
    name="blastoseg",
    help="Segment and measure human blastocysts in what a time-lapse incubator wrote.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
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


for _writes_files in (
    *(run.run, merge.merge, measure.measure, simulate.simulate, export.export),
    *(train.train, evaluate.evaluate, crossvalidate.crossvalidate, compare.compare),
):
    app.command()(output_may_go_unread()(_writes_files))
app.command()(bench.bench)
app.command()(doctor.doctor)
app.command()(audit.audit)
app.command()(export_model.export_model)
app.command()(prune.prune)
app.command()(query.query)
app.command()(repair.repair)
app.command()(review.review)
app.command()(compare_runs.compare_runs)
app.add_typer(data.data_app, name="data")
app.add_typer(grade.grade_app, name="grade")
app.add_typer(weights.app, name="weights")
app.add_typer(verdicts.app, name="verdicts")


def main() -> None:
    """The console script: ends the process with one of the exit codes of ``errors.py``."""
    keep_messages_harmless()
    obey_terminal()
    is_narrow = columns() < NARROW
    if is_narrow or is_dumb():
        app.rich_markup_mode = None
    command = typer.main.get_command(app)
    told = fit_to(command, columns()) if is_narrow else {}
    # Being asked to stop, by a person or by a service manager, lets the run keep what it has.
    interrupt_on_signals()
    try:
        check_surroundings()
        command(prog_name="blastoseg", **told)
    except (BlastosegError, KeyboardInterrupt) as error:
        sys.exit(exit_code_of(error))
    except Exception as error:
        sys.exit(log_crash(error))
