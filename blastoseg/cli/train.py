"""`blastoseg train`: make a model from a recipe."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class TrainPart(StrEnum):
    """What of a recipe is done."""

    ALL = "all"
    LOCATOR = "locator"
    SEGMENTER = "segmenter"
    EXPORT = "export"


def train(
    out: Annotated[Path, typer.Option("--out", "-o", help="Model folder to write: weights and card.")],
    recipe: Annotated[
        str, typer.Option("--recipe", help="Name of a bundled recipe, or a recipe file (TOML).")
    ] = "i2cnet-starter",
    work: Annotated[
        Path | None, typer.Option("--work", help="Checkpoints and logs.", show_default="OUT-training")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoints.")] = False,
    part: Annotated[
        TrainPart, typer.Option("--part", help="One network only, or export the last checkpoints.")
    ] = TrainPart.ALL,
) -> None:
    """Train the networks of a recipe and write a model folder that `run --weights` takes."""
    from blastoseg.errors import EnvironmentProblemError

    try:
        from blastoseg.training.fit import FitPlan
        from blastoseg.training.make import make_model
        from blastoseg.training.recipe import load_recipe
    except ModuleNotFoundError as error:
        raise EnvironmentProblemError(
            f"training needs {error.name}: install it with  pip install 'blastoseg[train]'"
        ) from error
    plan = FitPlan(work=work or out.with_name(f"{out.resolve().name}-training"), resume=resume)
    card = make_model(load_recipe(recipe), out, plan, part.value)
    if card is None:
        typer.echo(f"checkpoints are in {plan.work}; train the other part to write {out}")
        return
    typer.echo(f"{out}: {card.name} {card.version}, SHA-256 {card.sha256[:12]}")
    for name, score in card.scores.items():
        typer.echo(f"{name}: mean Jaccard {score.jaccard_mean_pooled:.1%} pooled, n = {score.images}")
