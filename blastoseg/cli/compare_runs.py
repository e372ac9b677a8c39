"""``blastoseg compare-runs``: what new weights or settings change in the numbers, before a lab switches."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.given_path import out_option

if TYPE_CHECKING:
    from rich.console import Console

    from blastoseg.evaluation.runs import RunComparison

EVENTS_SHOWN = 20


def compare_runs(
    first: Annotated[Path, typer.Argument(metavar="OUT1", help="Output folder of a run.")],
    second: Annotated[
        Path, typer.Argument(metavar="OUT2", help="Output folder of another run over the same frames.")
    ],
    out: Annotated[
        Path | None,
        out_option("Folder for the tables as CSV: measures, statuses, changed frames, events."),
    ] = None,
) -> None:
    """Hold one run against another over the same frames: measures, statuses, events.

    Differences are OUT2 - OUT1. Neither run is called right: look at the frames that changed.
    """
    from rich.console import Console

    from blastoseg.errors import counted
    from blastoseg.evaluation.runs import compare_runs as compare
    from blastoseg.report.finished import Run
    from blastoseg.report.headline import unit_of_length
    from blastoseg.report.tables import save_csv

    tables = Run.open(first), Run.open(second)
    found = compare(*tables)
    units = {unit_of_length(run.frames) for run in tables}
    if out is not None:
        save_csv(found.measures, out / "measures.csv")
        save_csv(found.statuses, out / "statuses.csv")
        save_csv(found.changed, out / "changed_frames.csv")
        save_csv(found.events, out / "events.csv")
    _show(Console(), found, "um" if units == {"um"} else "px")
    alone = found.only_first + found.only_second
    print(
        f"{counted(found.frames, 'frame')} in both runs, {counted(alone, 'frame')} in one only; status or "
        f"flags changed in {len(found.changed):,}, {counted(len(found.events), 'event')} at another time"
    )


def _show(console: "Console", found: "RunComparison", unit: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from blastoseg import RESEARCH_USE_ONLY
    from blastoseg.cli.terminal import show_table
    from blastoseg.report.headline import MEASURES

    measures = Table(title="Measures: second run - first run, over frames that both measured")
    headings = ["measure", "frames", "first", "mean diff.", "95 % limits", "ICC"]
    for name in headings:
        measures.add_column(name, justify="left" if name == "measure" else "right")
    of_measure = found.measures.set_index("measure").to_dict("index")
    for shown in MEASURES:
        name = shown.column(unit).name
        if name in of_measure:
            row = of_measure[name]
            limits = f"{shown.text(row['limit_lower'])} to {shown.text(row['limit_upper'])}"
            texts = [shown.text(row["reference_mean"]), shown.text(row["bias"]), limits]
            icc = "-" if math.isnan(row["icc"]) else f"{row['icc']:.3f}"
            measures.add_row(shown.heading(unit), str(row["n"]), *texts, icc)
    show_table(console, measures)
    statuses = Table("first", "second", "frames", title="Statuses")
    for status in found.statuses.to_dict("records"):
        statuses.add_row(status["first"], status["second"], str(status["frames"]))
    show_table(console, statuses)
    if len(found.events):
        events = Table("embryo", "event", "first, h", "second, h", title="Events at another time")
        for event in found.events.head(EVENTS_SHOWN).to_dict("records"):
            times = (event["first_run_first_after_h"], event["second_run_first_after_h"])
            hours = ["-" if math.isnan(time) else f"{time:.1f}" for time in times]
            events.add_row(Text(event["embryo_id"]), event["event"], *hours)
        show_table(console, events)
        if len(found.events) > EVENTS_SHOWN:
            console.print(
                f"and {len(found.events) - EVENTS_SHOWN:,} more: write them with --out", style="dim"
            )
    console.print(RESEARCH_USE_ONLY, style="dim")
