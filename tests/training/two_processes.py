"""Fits a tiny network for one step and saves the gradients: run by a test, with one process or two.

Arguments: recipe (JSON), labelled data, working folder, number of processes, file for the gradients.
"""

import sys
from pathlib import Path

from safetensors.torch import save_file

from blastoseg.training.fit import FitPlan, fit_network
from blastoseg.training.fitting import Fitting
from blastoseg.training.labelled import read_lists
from blastoseg.training.recipe import Recipe


def main(recipe_file: str, data: str, work: str, processes: str, answer: str) -> None:
    recipe = Recipe.model_validate_json(Path(recipe_file).read_text())

    def keep(self: Fitting, *_: object) -> None:
        if self.trainer.is_global_zero:
            found = {
                name: value.grad.contiguous()
                for name, value in self.network.named_parameters()
                if value.grad is not None
            }
            save_file(found | {"running_mean": self.network.encoder.blocks[0][1].running_mean}, answer)

    Fitting.on_before_optimizer_step = keep  # type: ignore[method-assign]
    lists = read_lists(Path(data), recipe.segmenter.data, None, Path(work) / "lists")
    fit_network(recipe, "tissues", FitPlan(Path(work), accelerator="cpu", devices=int(processes)), lists)


if __name__ == "__main__":
    main(*sys.argv[1:])
