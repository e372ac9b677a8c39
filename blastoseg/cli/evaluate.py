"""``blastoseg evaluate``: hold a model against labelled or synthetic images."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.engine_option import EngineName
from blastoseg.cli.given_path import out_option
from blastoseg.cli.terminal import folded, show_table
from blastoseg.errors import counted

if TYPE_CHECKING:
    from rich.console import Console

    from blastoseg.evaluation.workbook import EvaluationTables


def evaluate(
    data: Annotated[
        Path | None,
        typer.Argument(metavar="DATA", help="Folder of labelled images; left out with --simulated."),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Name or folder of the weights.", show_default="starter")
    ] = None,
    out: Annotated[
        Path | None,
        out_option("Output folder.", show_default="./<data>-evaluation"),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Only this list of the data: train, val or test.", show_default="all")
    ] = None,
    lists: Annotated[
        Path | None, typer.Option(help="Folder of the lists.", show_default="DATA", metavar="DIR")
    ] = None,
    simulated: Annotated[
        int | None, typer.Option(min=1, help="Use this number of held-out synthetic images instead of DATA.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Optics of the synthetic images, with --simulated.")] = "mixed",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the synthetic images, with --simulated.")] = 0,
    um_per_px: Annotated[
        float | None, typer.Option(help="Pixel size in micrometres, for every image.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="The lab's settings file (TOML).")] = None,
    device: Annotated[
        str, typer.Option(help="auto, cpu or cuda. A device asked for must be there.")
    ] = "auto",
    engine: EngineName = "auto",
    batch_size: Annotated[int, typer.Option(min=1, max=512, help="Images in one pass of the network.")] = 8,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Threads that read and compare.")] = 2,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the last line only.")] = False,
) -> None:
    """Run a model on labelled images and write scores, agreement of the measures and worst cases.

    Every image goes through the same stages as in a run. With --simulated the images are synthetic,
    and the measures are also held against their true values.
    """
    from rich.console import Console
    from rich.progress import Progress

    from blastoseg.errors import UsageError
    from blastoseg.evaluation.cases import LabelledFolder, SyntheticCases
    from blastoseg.evaluation.evaluate import EvaluationRequest
    from blastoseg.evaluation.evaluate import evaluate as run_evaluation
    from blastoseg.settings import load_settings

    if (data is None) == (simulated is None):
        raise UsageError("give either DATA, a folder of labelled images, or --simulated N")
    if simulated is not None and (split or lists):
        raise UsageError("--split and --lists belong to DATA: leave them out with --simulated")
    request = EvaluationRequest(
        source=SyntheticCases(simulated or 0, preset, seed)
        if data is None
        else LabelledFolder(data, split, lists),
        settings=load_settings(settings).overridden(weights=weights),
        out=out,
        um_per_px=um_per_px,
        device=device,
        engine=engine,
        batch_size=batch_size,
        workers=workers,
    )
    console = Console()
    aside = Console(stderr=True)
    with Progress(console=aside, transient=True, disable=quiet or not aside.is_terminal) as progress:
        task = progress.add_task("evaluating", total=None)
        tables = run_evaluation(
            request, lambda done, total: progress.update(task, completed=done, total=total)
        )
    if not quiet:
        _show(console, tables)
        console.print(
            f"Workbook: {tables.root / 'evaluation.xlsx'}", highlight=False, soft_wrap=True, markup=False
        )
    print(folded(last_line(tables), "  "))


def _show(console: "Console", tables: "EvaluationTables") -> None:
    from rich.table import Table

    from blastoseg import RESEARCH_USE_ONLY

    for (cases, averaging), part in tables.scores.groupby(["cases", "averaging"], sort=False):
        if averaging == "mean of images" and part["images"].iloc[0] == 1:
            continue
        table = Table(title=f"{cases}, {averaging} ({counted(part['images'].iloc[0], 'image')})")
        names = ["tissue", "jaccard", "dice", "precision", "recall", "accuracy"]
        for name in names:
            table.add_column(name, justify="left" if name == "tissue" else "right")
        for row in part[names].itertuples(index=False):
            table.add_row(row[0], *(_percent(value) for value in row[1:]))
        show_table(console, table)
    screening = Table("question", "cases", "yes", "share", title="What is shown and what is marked")
    for row in tables.screening[tables.screening["cases"] > 0].itertuples(index=False):
        screening.add_row(row[0], str(row[1]), str(row[2]), _percent(row[3]))
    show_table(console, screening)
    console.print(RESEARCH_USE_ONLY, style="dim")


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{100 * share:.2f}"


def last_line(tables: "EvaluationTables") -> str:
    """What came out, in one line."""
    scores = tables.scores
    means = scores[(scores["cases"] == "all") & (scores["tissue"] == "mean")].set_index("averaging")[
        "jaccard"
    ]
    calibration = tables.calibration["expected_calibration_error"].iloc[0]
    return (
        f"{counted(len(tables.cases), 'image')}: mean Jaccard {_percent(means['pooled'])} % pooled, "
        f"{_percent(means['mean of images'])} % mean of images; calibration error {calibration:.3f}"
    )
