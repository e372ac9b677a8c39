"""``blastoseg compare``: the paper's networks beside I2CNet, trained alike on a lab's labelled images."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.given_path import out_option
from blastoseg.cli.train import TrainDevice

if TYPE_CHECKING:
    import pandas as pd


class NetworkWidth(StrEnum):
    """How wide the networks are."""

    FULL = "full"
    SMALL = "small"


class BudgetKind(StrEnum):
    """What the length of a training is counted in."""

    IMAGES = "images"
    EPOCHS = "epochs"
    MINUTES = "minutes"


class OptimiserChoice(StrEnum):
    """Whose optimiser a network is trained with."""

    COMMON = "common"
    OWN = "own"


def compare(
    data: Annotated[
        Path | None, typer.Argument(metavar="DATA", help="Folder of labelled images, of any known layout.")
    ] = None,
    out: Annotated[
        Path | None, out_option("Folder for the networks and the tables.", show_default=False)
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the tables of an earlier --out again, without training."),
    ] = None,
    networks: Annotated[
        str, typer.Option(metavar="all|NAME,...", help="Which networks; unknown names are told.")
    ] = "all",
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Also the rows of the paper's Table 1.")
    ] = False,
    width: Annotated[
        NetworkWidth, typer.Option(help="As published, or 3 million parameters each.")
    ] = NetworkWidth.SMALL,
    budget: Annotated[
        tuple[BudgetKind, int],
        typer.Option(metavar="images|epochs|minutes N", help="How long each network is trained."),
    ] = (BudgetKind.IMAGES, 3000),
    folds: Annotated[int, typer.Option(min=1, help="With 1, one split: DATA's own or a new one.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each network and fold.")] = 1,
    optimiser: Annotated[
        OptimiserChoice, typer.Option(help="One for all, or each network its published one.")
    ] = OptimiserChoice.COMMON,
    pretrained: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Tensors (safetensors) that a network starts from."),
    ] = None,
    recipe: Annotated[str, typer.Option(help="Name of a bundled recipe, or a recipe file.")] = "comparison",
    input_size: Annotated[
        int | None, typer.Option(min=1, help="Pixels that a network sees.", show_default="the recipe's")
    ] = None,
    lists: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of train.txt, val.txt, test.txt.", show_default="DATA"),
    ] = None,
    device: Annotated[TrainDevice, typer.Option(help="A device asked for must be there.")] = TrainDevice.AUTO,
    devices: Annotated[
        int, typer.Option(min=1, help="Trainings side by side, one a GPU (or processes on a CPU).")
    ] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")] = False,
) -> None:
    """Train networks alike, test them on the same images, and write the paper's tables of them.

    A comparison that was stopped goes on where it was when it is started again.
    """
    from blastoseg.cli.training_extra import training_libraries
    from blastoseg.cli.training_progress import TrainingProgress
    from blastoseg.errors import UsageError

    with training_libraries():
        from blastoseg.evaluation.comparison.compare_networks import Comparison, compare_networks
        from blastoseg.evaluation.comparison.members import members_of
        from blastoseg.evaluation.comparison.protocol import Protocol, at_size
        from blastoseg.evaluation.comparison.report import write_report
        from blastoseg.training.recipe import load_recipe
        from blastoseg.training.trainer import TrainingPlan

    progress = TrainingProgress(quiet)
    if report is not None:
        if data is not None or out is not None:
            raise UsageError("--report DIR stands alone: it trains nothing")
        _show(write_report(report, progress.tell), report)
        return
    if data is None or out is None:
        raise UsageError("give DATA and --out FOLDER, or --report FOLDER")
    if budget[1] < 1:
        raise UsageError(f"--budget {budget[0]} {budget[1]}: give 1 or more")
    chosen = at_size(load_recipe(recipe), input_size)
    plan = TrainingPlan(
        work=out,
        accelerator=device.accelerator,
        devices=devices if devices > 1 else 1,
        tell=progress.tell,
        show=progress.show,
        go_on="start it again to go on",
    )
    protocol = Protocol(
        data=str(data.resolve()),
        recipe=chosen,
        width=width.value,
        budget=budget[0].value,
        amount=budget[1],
        folds=folds,
        seeds=seeds,
        own_optimiser=optimiser is OptimiserChoice.OWN,
        lists=str(lists.resolve()) if lists else "",
        pretrained=_files_by_network(pretrained or []),
    )
    members = members_of(networks, ablation, width.value, chosen.segmenter.input_size)
    with progress:
        tables = compare_networks(Comparison(members, protocol, out, plan, devices=devices))
    _show(tables, out)


def _files_by_network(pretrained: list[str]) -> dict[str, str]:
    from blastoseg.errors import UsageError

    files = {}
    for one in pretrained:
        name, _, path = one.partition("=")
        if not path:
            raise UsageError(f"--pretrained {one}: give NAME=FILE")
        files[name] = str(Path(path).resolve())
    return files


def _show(tables: "dict[str, pd.DataFrame]", out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from blastoseg import RESEARCH_USE_ONLY
    from blastoseg.cli.terminal import show_table
    from blastoseg.evaluation.comparison.page import number, p_in_words, percent
    from blastoseg.evaluation.overlap import MEAN_OF_IMAGES

    console = Console()
    starts = ", ".join(dict.fromkeys(tables["networks"]["start"]))
    shown = Table(title=f"Mean Jaccard, %, mean of images; {starts}")
    for name in ("network", "Jaccard", "95 %", "p (Holm)", "paper", "M parameters"):
        shown.add_column(name, justify="left" if name == "network" else "right")
    networks = tables["networks"]
    for row in networks[networks["averaging"] == MEAN_OF_IMAGES].to_dict("records"):
        name = row["network"] if row["status"] == "trained" else f"{row['network']}: {row['status']}"
        interval = f"{percent(row['jaccard_low'], 1)} to {percent(row['jaccard_high'], 1)}"
        cells = [percent(row["jaccard"], 2), interval, p_in_words(row.get("p_holm"))]
        shown.add_row(name, *cells, percent(row["jaccard_paper"], 2), number(row["parameters_m"], 2))
    show_table(console, shown)
    console.print(RESEARCH_USE_ONLY, style="dim")
    typer.echo(f"Workbook: {out / 'comparison.xlsx'}")
