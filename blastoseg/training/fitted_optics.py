"""Optics fitted to a training's unlabelled frames: kept with its checkpoints, filled into its recipe."""

from pathlib import Path

import tomli_w

from blastoseg.errors import TrainingError, UsageError
from blastoseg.files import read_toml, replace_atomically
from blastoseg.model.card import load_card
from blastoseg.model.segmenter import Segmenter
from blastoseg.simulate.optics_space import point_at
from blastoseg.training.optics_fit import fit_optics
from blastoseg.training.recipe import Job, Recipe
from blastoseg.training.recipe_data import Data, MixedData, SyntheticData
from blastoseg.training.trainer import TrainingPlan
from blastoseg.training.unlabelled import UnlabelledFrames

FITTED_FILE = "optics.toml"


def with_fitted_optics(recipe: Recipe, plan: TrainingPlan, frames: UnlabelledFrames | None) -> Recipe:
    """The recipe with optics for its synthetic images that are to look like the frames; else as it is.

    What was fitted when the training began holds while it is resumed and exported: a file in the plan's work
    folder. Raises DataError where too few frames show an embryo's tissues, TrainingError for a damaged file,
    UsageError where there is neither a file nor a frame.
    """
    if not recipe.segmenter.fits_optics:
        return recipe
    path = plan.work / FITTED_FILE
    if path.is_file() and (plan.resume or frames is None):
        return _filled(recipe, _read(path))
    if frames is None:
        raise UsageError(
            f"{path}: is missing, and the recipe's fitted_share needs it: train again, with --unlabelled DIR"
        )
    card = load_card(recipe.start_from)
    # One pass a crop: thousands are drawn, and their mean look is all that counts.
    segmenter = Segmenter(card, plan.device, flips=False)
    values = fit_optics(frames.crops, segmenter, plan.tell)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replace_atomically(path) as temporary:
        temporary.write_bytes(tomli_w.dumps(values).encode())
    return _filled(recipe, values)


def _read(path: Path) -> dict[str, float]:
    try:
        values = read_toml(path)
        point_at(values)
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{path}: cannot be used ({error}): delete it and train again") from error
    return values


def _filled(recipe: Recipe, values: dict[str, float]) -> Recipe:
    job: Job = recipe.segmenter
    return recipe.model_copy(
        update={"segmenter": job.model_copy(update={"data": _data_with(job.data, values)})}
    )


def _data_with(data: Data, values: dict[str, float]) -> Data:
    if isinstance(data, MixedData):
        sources = tuple(
            source.model_copy(update={"data": _data_with(source.data, values)}) for source in data.sources
        )
        return data.model_copy(update={"sources": sources})
    if isinstance(data, SyntheticData) and data.needs_fit:
        return data.model_copy(update={"fitted": values})
    return data
