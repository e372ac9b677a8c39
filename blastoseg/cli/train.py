"""`blastoseg train`: make a model from a recipe, of synthetic or of a lab's own labelled images."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from blastoseg.cli.given_path import out_option


class TrainPart(StrEnum):
    """What of a recipe is done."""

    ALL = "all"
    LOCATOR = "locator"
    SEGMENTER = "segmenter"
    EXPORT = "export"


class TrainDevice(StrEnum):
    """Where a training runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"

    @property
    def accelerator(self) -> Literal["auto", "cpu", "gpu"]:
        """Lightning's word for it."""
        words: dict[str, Literal["auto", "cpu", "gpu"]] = {"auto": "auto", "cpu": "cpu", "cuda": "gpu"}
        return words[self.value]


def train(
    out: Annotated[
        Path,
        out_option("Model folder to write: weights and card."),
    ],
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATA|SOURCE=DIR",
            help="Folder of labelled images, of any known layout; one a labelled source of the recipe.",
        ),
    ] = None,
    unlabelled: Annotated[
        list[Path] | None,
        typer.Option(
            "--unlabelled",
            metavar="DIR",
            help="Frames without labels, as `run` takes them; can be given several times.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Name of a bundled recipe, or a recipe file (TOML).",
            show_default="finetune; without DATA i2cnet-synthetic, or i2cnet-adapt with --unlabelled",
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from", help="Name or folder of the weights to start from.", show_default="the recipe's"
        ),
    ] = None,
    lists: Annotated[
        Path | None,
        typer.Option(
            help="Folder of train.txt, val.txt, test.txt; made where DATA has none.",
            show_default="DATA",
            metavar="DIR",
        ),
    ] = None,
    max_epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Times every training image is seen.", show_default="the recipe's"),
    ] = None,
    device: Annotated[TrainDevice, typer.Option(help="A device asked for must be there.")] = TrainDevice.AUTO,
    devices: Annotated[
        int | None,
        typer.Option(
            min=1, help="GPUs of each machine (processes on a CPU).", show_default="all GPUs, or one process"
        ),
    ] = None,
    nodes: Annotated[int, typer.Option(min=1, help="Machines, under torchrun or SLURM.")] = 1,
    work: Annotated[
        Path | None, typer.Option("--work", help="Checkpoints and lists.", show_default="OUT-training")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoints.")] = False,
    part: Annotated[
        TrainPart, typer.Option("--part", help="One network only, or export the last checkpoints.")
    ] = TrainPart.ALL,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")] = False,
) -> None:
    """Train the networks of a recipe and write a model folder that `run --weights` takes."""
    from blastoseg.cli.training_extra import training_libraries
    from blastoseg.cli.training_progress import TrainingProgress

    with training_libraries():
        from blastoseg.training.inputs import DataFolders
        from blastoseg.training.recipe import load_recipe
        from blastoseg.training.train_model import train_model
        from blastoseg.training.trainer import TrainingPlan
    without_labels = "i2cnet-adapt" if unlabelled else "i2cnet-synthetic"
    chosen = load_recipe(
        recipe or ("finetune" if data else without_labels), start_from or "", max_epochs, bool(unlabelled)
    )
    progress = TrainingProgress(quiet)
    plan = TrainingPlan(
        work=work or out.with_name(f"{out.resolve().name}-training"),
        resume=resume,
        accelerator=device.accelerator,
        devices=devices,
        nodes=nodes,
        tell=progress.tell,
        show=progress.show,
    )
    choice = DataFolders(folders_of(data or []), lists, tuple(unlabelled or ()))
    with progress:
        card = train_model(chosen, out, plan, part.value, data=choice)
    if card is None:
        return
    typer.echo(f"{out}: {card.name} {card.version}, SHA-256 {card.sha256[:12]}")
    for name, score in card.scores.items():
        typer.echo(
            f"{name}: mean Jaccard {score.jaccard_mean_pooled:.1%} pooled, "
            f"{score.jaccard_mean_of_images:.1%} mean of images, n = {score.images}"
        )


def folders_of(data: list[str]) -> dict[str, Path]:
    """Folders by source; a folder that stands alone, or has a "=" of its own in its path, is under ""."""
    folders = {}
    for one in data:
        name, _, path = one.partition("=")
        named = bool(path) and not Path(one).exists()
        folders[name if named else ""] = Path(path if named else one)
    return folders
