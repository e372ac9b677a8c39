"""What one training of a comparison gave, in its folder: all tables are made from these files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from blastoseg.errors import DataError
from blastoseg.files import replace_atomically
from blastoseg.tissues import INSIDE_OUT
from blastoseg.training.cost import Cost
from blastoseg.training.metrics import Counts

RESULT = "result.json"
COST = "cost.json"
MEMBERS = "networks"

_Classes = Field(min_length=len(INSIDE_OUT), max_length=len(INSIDE_OUT))
_Count = Annotated[int, Field(ge=0, le=2**53)]
_Row = Annotated[list[_Count], _Classes]


class ImageResult(BaseModel):
    """A test image: its name and embryo, confusion counts inside-out, and where the predicted labels lie."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    group: str
    counts: Annotated[list[_Row], _Classes]
    labels: str

    @property
    def table(self) -> Counts:
        """The counts ``(reference, predicted)``."""
        return np.asarray(self.counts, np.int64)


class Trained(BaseModel):
    """One training of one network: what it scored, or why it failed.

    ``start`` says what the training began with, ``computed_in`` its precision.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    fold: int
    seed: int
    failed: str = ""
    start: str = ""
    optimiser: str = ""
    computed_in: str = ""
    images_seen: int = 0
    hours: float = 0.0
    tested: list[ImageResult] = []


def trial_folder(out: Path, name: str, fold: int, seed: int) -> Path:
    """Where one training lies: model, checkpoints, labels, result."""
    return out / MEMBERS / name / f"fold-{fold}-seed-{seed}"


def save_result(result: Trained, folder: Path) -> None:
    """Write a result whole or not at all."""
    with replace_atomically(folder / RESULT) as temporary:
        temporary.write_text(result.model_dump_json(), "utf-8")


def load_result(folder: Path) -> Trained | None:
    """The result in a folder; None where there is none yet. DataError for a file that is damaged."""
    path = folder / RESULT
    try:
        return Trained.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(
            f"{path}: cannot be read ({problem}): delete it, and the training is scored anew"
        ) from error


def all_results(out: Path) -> list[Trained]:
    """Every result of a comparison's folder."""
    results = (load_result(folder) for folder in sorted((out / MEMBERS).glob("*/fold-*-seed-*")))
    return [result for result in results if result is not None]


def save_cost(cost: Cost, out: Path, name: str) -> None:
    """Keep what a network costs; what is not known is null."""
    content = {key: None if np.isnan(value) else value for key, value in asdict(cost).items()}
    with replace_atomically(out / MEMBERS / name / COST) as temporary:
        temporary.write_text(json.dumps(content), "utf-8")


def load_cost(out: Path, name: str) -> Cost | None:
    """What a network costs; None where it was not measured. DataError for a file that is damaged."""
    path = out / MEMBERS / name / COST
    try:
        content = json.loads(path.read_bytes())
        return Cost(
            **{key: float("nan") if value is None else float(value) for key, value in content.items()}
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read ({error}): delete it, and it is measured again") from error
