"""Whether a recipe's segmenter can be built and fitted, found out before any data are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from blastoseg.model.card import CLASSES

if TYPE_CHECKING:
    from blastoseg.training.recipe import Job


def problems_of_network(job: "Job") -> Iterator[str]:
    """What is wrong with a segmenter's job, key by key, found by building its network.

    The network has no memory of its own meanwhile: even a wide one is built in a moment. Raises
    EnvironmentProblemError where it needs a library that is not installed.
    """
    import torch  # noqa: PLC0415  a recipe is read without it

    from blastoseg.training.pretrained import problems_of_tensors  # noqa: PLC0415

    with torch.device("meta"):
        network = job.configuration.build()
        if job.pretrained:
            yield from problems_of_tensors(network, Path(job.pretrained))
        try:
            for side in (job.input_size, job.second_size or job.input_size):
                maps = network(torch.zeros(job.optimisation.batch_size, 1, side, side))
        except (RuntimeError, ValueError) as error:
            yield f"segmenter.network: cannot be trained at this input_size and batch_size: {error}"
            return
    loss = job.loss
    if loss.level_weights is not None and len(loss.level_weights) != len(maps):
        yield (
            f"segmenter.loss.level_weights: {len(loss.level_weights)} weights, but the network has "
            f"{len(maps)} logit maps: give one a map, finest first"
        )
    if loss.class_weights is not None and len(loss.class_weights) != len(CLASSES):
        yield (
            f"segmenter.loss.class_weights: {len(loss.class_weights)} weights for {len(CLASSES)} classes: "
            f"give one for each of {', '.join(CLASSES)}"
        )
