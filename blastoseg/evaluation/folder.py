"""What an evaluation writes, and where."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from blastoseg.errors import OutputError
from blastoseg.evaluation.cases import EvaluationCase
from blastoseg.files import replace_atomically, safe_name
from blastoseg.records import FrameResult, Labels
from blastoseg.report.overlay import draw_overlay
from blastoseg.report.pictures import encode_overlay
from blastoseg.report.tables import save_csv

WIDEST_OVERLAY = 1600
OWN_OVERLAYS = "jaccard-*.jpg"


@dataclass(frozen=True, slots=True)
class EvaluationFolder:
    """Paths of everything an evaluation writes below ``root``."""

    root: Path

    @property
    def workbook(self) -> Path:
        return self.root / "evaluation.xlsx"

    @property
    def summary(self) -> Path:
        return self.root / "summary.md"

    @property
    def overlays(self) -> Path:
        return self.root / "overlays"

    @property
    def plots(self) -> Path:
        return self.root / "plots"

    def create(self) -> None:
        """Make the folder and take away the overlays of an earlier evaluation; OutputError if it cannot."""
        try:
            self.overlays.mkdir(parents=True, exist_ok=True)
            for earlier in self.overlays.glob(OWN_OVERLAYS):
                earlier.unlink()
        except OSError as error:
            raise OutputError(
                f"{self.root}: cannot be written ({error.strerror}): choose another folder with --out"
            ) from error

    def save_overlay(
        self, case: EvaluationCase, predicted: Labels, result: FrameResult, jaccard: float
    ) -> str:
        """Write prediction and reference side by side; returns the path relative to the folder.

        The name begins with the mean Jaccard, so that a listing by name shows the worst first.
        """
        score = "none" if np.isnan(jaccard) else f"{jaccard:.3f}"
        words = "  ".join(["predicted", score, str(result.status), *result.flags])
        pair = np.hstack(
            [
                draw_overlay(case.image, predicted, words),
                draw_overlay(case.image, case.labels, f"reference  {case.name}"),
            ]
        )
        if pair.shape[1] > WIDEST_OVERLAY:
            height = round(pair.shape[0] * WIDEST_OVERLAY / pair.shape[1])
            size = (WIDEST_OVERLAY, height)
            pair = np.asarray(cv2.resize(pair, size, interpolation=cv2.INTER_AREA), np.uint8)
        path = self.overlays / f"jaccard-{score}-{safe_name(case.name)}.jpg"
        encoded = encode_overlay(pair)
        self.write(path, lambda temporary: temporary.write_bytes(encoded))
        return path.relative_to(self.root).as_posix()

    def save_table(self, name: str, table: pd.DataFrame) -> None:
        """Write ``<name>.csv``, the notice as last column; what is undefined is empty, text no formula."""
        save_csv(table, self.root / f"{name}.csv")

    def write(self, path: Path, fill: Callable[[Path], object]) -> None:
        """Let ``fill`` write a file that appears whole or not at all; OutputError where the disk refuses."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replace_atomically(path) as temporary:
                fill(temporary)
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be written ({error.strerror}): free some space, close it in other programs"
            ) from error
