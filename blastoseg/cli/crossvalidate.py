"""``blastoseg crossvalidate``: how good a recipe is on images that its models did not see."""

from pathlib import Path
from typing import Annotated

import typer

from blastoseg.cli.evaluate import last_line
from blastoseg.cli.given_path import out_option
from blastoseg.cli.train import TrainDevice, folders_of


def crossvalidate(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA | SOURCE=DIR ...",
            help="Folder of labelled images, of any known layout; one a labelled source of the recipe.",
        ),
    ],
    out: Annotated[
        Path,
        out_option("Folder for a model a fold, and the evaluation of all."),
    ],
    recipe: Annotated[str, typer.Option(help="Name of a bundled recipe, or a recipe file.")] = "finetune",
    folds: Annotated[int, typer.Option(min=2, help="How often the images are divided and trained on.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other folds.")] = 0,
    max_epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Times every training image is seen.", show_default="the recipe's"),
    ] = None,
    device: Annotated[TrainDevice, typer.Option(help="A device asked for must be there.")] = TrainDevice.AUTO,
    settings: Annotated[Path | None, typer.Option(help="The lab's settings file (TOML).")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")] = False,
) -> None:
    """Train a recipe once a fold and test every labelled image by the model that did not see its embryo.

    A run that was stopped goes on where it was when it is started again.
    """
    from blastoseg.cli.training_extra import training_libraries
    from blastoseg.cli.training_progress import TrainingProgress

    with training_libraries():
        from blastoseg.evaluation.crossvalidation import CrossValidation, cross_validate
        from blastoseg.training.recipe import load_recipe
        from blastoseg.training.trainer import TrainingPlan
    from blastoseg.settings import load_settings

    progress = TrainingProgress(quiet)
    request = CrossValidation(
        recipe=load_recipe(recipe, epochs=max_epochs),
        folders=folders_of(data),
        out=out,
        plan=TrainingPlan(
            work=out,
            accelerator=device.accelerator,
            tell=progress.tell,
            show=progress.show,
            go_on="start it again to go on",
        ),
        settings=load_settings(settings),
        folds=folds,
        seed=seed,
    )
    with progress:
        evaluated = cross_validate(request)
    for name, tables in evaluated.items():
        typer.echo(f"{name}: {last_line(tables)}")
        typer.echo(f"Workbook: {tables.root / 'evaluation.xlsx'}")
