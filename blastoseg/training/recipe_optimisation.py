"""How the weights are found, and what is lost by: the parts of a recipe on loss and optimiser."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from blastoseg.training.recipe_data import Section

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed"]
"""auto: bf16-mixed where the processor or the GPU computes it natively, else 32-true."""

MOST_WORKERS = 8
"""Beyond these, one process's GPU has no use for more samples."""


class LossTerms(Section):
    """Weights of the loss: of each level (finest first), of each class (inside-out), of the soft Dice term.

    Without level and class weights and with ``dice`` 0 it is the paper's loss.
    """

    level_weights: tuple[float, ...] | None = None
    class_weights: tuple[float, ...] | None = None
    dice: float = Field(default=0.0, ge=0)


class Optimisation(Section):
    """How the weights are found.

    ``batch_size`` is that of one process; ``accumulate`` such batches make a step. The length is given in
    ``steps`` or, for labelled data, in ``epochs``; ``max_minutes`` ends a run earlier, with the whole
    schedule in that time. With ``on_device`` the labelled samples lie on the GPU (or in memory) and are moved
    about there, without ``workers``, the processes that make samples: "auto" is one, beside a GPU as many as
    there are cores for, up to ``MOST_WORKERS``. ``momentum``, and whether it is Nesterov's, are for sgd.
    """

    optimiser: Literal["adam", "adamw", "sgd"] = "adamw"
    momentum: float = Field(default=0.0, ge=0, lt=1)
    nesterov: bool = False
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    schedule: Literal["poly", "cosine"]
    warmup_steps: int = Field(default=0, ge=0)
    batch_size: int = Field(ge=1)
    accumulate: int = Field(default=1, ge=1)
    steps: int | None = Field(default=None, ge=1)
    epochs: int | None = Field(default=None, ge=1)
    max_minutes: float | None = Field(default=None, gt=0)
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    gradient_clip: float = Field(default=0.0, ge=0)
    precision: Precision = "32-true"
    compile: bool = False
    workers: int | Literal["auto"] = 0
    on_device: bool = False

    @field_validator("workers", mode="before")
    @classmethod
    def _is_a_number_or_auto(cls, given: Any) -> Any:
        if given != "auto" and (type(given) is not int or given < 0):
            raise ValueError(f'{given!r}: give a number, 0 for none, or "auto"')
        return given

    @model_validator(mode="after")
    def _has_momentum_where_it_is_used(self) -> Self:
        if self.optimiser != "sgd" and (self.momentum or self.nesterov):
            raise ValueError(f"momentum and nesterov are for sgd: {self.optimiser} has its own")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum")
        return self

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        return self

    def workers_here(self, cores: int, is_gpu: bool) -> int:
        """How many processes make samples for one that trains and has so many cores to itself."""
        if self.workers != "auto":
            return self.workers
        return max(1, min(MOST_WORKERS, cores - 1)) if is_gpu else 1

    @property
    def total_steps(self) -> int:
        """The number of steps, once it is known. A length in epochs becomes one where the data are read."""
        if self.steps is None:
            raise ValueError("the number of steps is not known before the data are")
        return self.steps
