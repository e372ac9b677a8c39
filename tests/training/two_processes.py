"""Trains a tiny network for one step and saves the gradients: run by a test, with one process or two.

Arguments: recipe (JSON), labelled data, working folder, number of processes, file for the gradients.
"""

import sys
from pathlib import Path

from safetensors.torch import save_file

from blastoseg.training.labelled import read_splits
from blastoseg.training.module import NetworkModule
from blastoseg.training.recipe import Recipe
from blastoseg.training.trainer import TrainingPlan, train_network


def main(recipe_file: str, data: str, work: str, processes: str, answer: str) -> None:
    recipe = Recipe.model_validate_json(Path(recipe_file).read_text("utf-8"))

    def keep(self: NetworkModule, *_: object) -> None:
        if self.trainer.is_global_zero:
            found = {
                name: value.grad.contiguous()
                for name, value in self.network.named_parameters()
                if value.grad is not None
            }
            save_file(found | {"running_mean": self.network.encoder.blocks[0][1].running_mean}, answer)

    NetworkModule.on_before_optimizer_step = keep  # type: ignore[method-assign]
    splits = read_splits(Path(data), recipe.segmenter.data, None, Path(work) / "lists")
    train_network(
        recipe,
        "tissues",
        TrainingPlan(Path(work), accelerator="cpu", devices=int(processes)),
        {"labelled": splits},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
