"""One evaluation: cases through a model, tables, plots and pictures into a folder."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from blastoseg import __version__
from blastoseg.errors import DataError, counted, some_of
from blastoseg.evaluation.agreement import agreement_of
from blastoseg.evaluation.cases import LabelledFolder, SyntheticCases
from blastoseg.evaluation.compare import CaseOutcome, ComparisonPlan, compare_cases
from blastoseg.evaluation.folder import EvaluationFolder
from blastoseg.evaluation.overlap import confusion_table
from blastoseg.evaluation.plots import plot_agreement, plot_confusion, plot_reliability
from blastoseg.evaluation.screening import screening_table
from blastoseg.evaluation.summary import summary_page
from blastoseg.evaluation.tables import (
    agreement_tables,
    calibration_table,
    cases_table,
    compared_measures,
    known_pairs,
    measures_by_case,
    scores_table,
    total_reliability,
)
from blastoseg.evaluation.workbook import EvaluationTables, run_facts, write_workbook
from blastoseg.model.card import Card, load_card
from blastoseg.model.devices import describe_device
from blastoseg.model.engine import OF_ONNX_RUNTIME, default_engine
from blastoseg.model.segmenter import Segmenter
from blastoseg.settings import Settings, check_pixel_size_option

FEWEST_PLOTTED = 3
"""A measure with fewer pairs is in the table, and has no plot."""


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What the user asked for."""

    source: LabelledFolder | SyntheticCases
    settings: Settings
    out: Path | None = None
    um_per_px: float | None = None
    device: str = "auto"
    engine: str = field(default_factory=default_engine)
    batch_size: int = 8
    workers: int = 2

    def folder(self) -> EvaluationFolder:
        """Where the evaluation is written: ``out``, or a folder named after the source."""
        if self.out is not None:
            return EvaluationFolder(self.out)
        if isinstance(self.source, SyntheticCases):
            name = f"simulated-{self.source.preset}"
        else:
            name = self.source.path.resolve().name or "data"
        return EvaluationFolder(Path.cwd() / f"{name}-evaluation")


Progress = Callable[[int, int], None]
"""Told the number of cases that are done, and of all."""


def evaluate(request: EvaluationRequest, progress: Progress = lambda done, total: None) -> EvaluationTables:
    """Evaluate a model and write the folder; returns the tables that were written.

    Raises the errors of ``errors.py``: of the data, the weights, the device and the output folder.
    """
    started = datetime.now(UTC)
    check_pixel_size_option(request.um_per_px)
    card = load_card(request.settings.weights)
    source = request.source.open()
    if not source.total:
        raise DataError(f"{request.source}: holds no labelled images: nothing to evaluate")
    segmenter = Segmenter(
        card, request.device, request.batch_size, flips=request.settings.flips, engine=request.engine
    )
    folder = request.folder()
    folder.create()
    plan = ComparisonPlan(
        networks=segmenter,
        settings=request.settings,
        save=folder.save_overlay,
        um_per_px=request.um_per_px,
        workers=request.workers,
    )
    outcomes = []
    for outcome in compare_cases(source.readers, plan):
        outcomes.append(outcome)
        progress(len(outcomes), source.total)
    facts = _facts(request, card, segmenter, started)
    return write_evaluation(outcomes, folder, dict(source.facts) | facts)


def write_evaluation(
    outcomes: Sequence[CaseOutcome], folder: EvaluationFolder, facts: dict[str, str]
) -> EvaluationTables:
    """Write tables, plots and the workbook of finished comparisons."""
    compared = compared_measures(outcomes)
    counts = [outcome.counts for outcome in outcomes]
    agreement = agreement_tables(compared)
    tables = EvaluationTables(
        scores=scores_table(outcomes),
        screening=screening_table(outcomes),
        calibration=calibration_table(outcomes),
        confusion=confusion_table(counts),
        agreement=agreement,
        cases=cases_table(outcomes),
        run=facts
        | {
            "Cases": str(len(outcomes)),
            "References beside their embryo": _displaced_in_words(outcomes),
            "Plots": _plots_in_words(agreement),
        },
        root=folder.root,
    )
    for name in ("scores", "screening", "calibration", "agreement", "cases"):
        folder.save_table(name, getattr(tables, name))
    folder.save_table("measures", measures_by_case(outcomes))
    folder.save_table("confusion", tables.confusion.reset_index())
    _write_plots(outcomes, compared, tables, folder)
    page = summary_page(tables)
    folder.write(folder.summary, lambda temporary: temporary.write_text(page, "utf-8", newline="\n"))
    folder.write(folder.workbook, lambda temporary: write_workbook(temporary, tables))
    return tables


def _write_plots(
    outcomes: Sequence[CaseOutcome],
    compared: dict[str, tuple[pd.DataFrame, pd.DataFrame]],
    tables: EvaluationTables,
    folder: EvaluationFolder,
) -> None:
    crop, embryo = total_reliability(outcomes)
    plots = folder.plots
    folder.write(plots / "reliability.png", lambda path: plot_reliability(path, crop, embryo))
    folder.write(plots / "confusion.png", lambda path: plot_confusion(path, tables.confusion))
    for against, measure in _plotted(tables.agreement):
        pairs = known_pairs(*compared[against], measure)
        agreement = agreement_of(*pairs.T)
        stem = f"agreement-{against.replace(' ', '-')}-{measure}.png"
        title = f"{measure}, against the {against}"
        folder.write(plots / stem, partial(plot_agreement, pairs=pairs, agreement=agreement, title=title))


def _plotted(agreement: pd.DataFrame) -> list[tuple[str, str]]:
    """Reference and measure of each plot: where a measure has its physical twin, only that one."""
    enough = agreement[agreement["n"] >= FEWEST_PLOTTED]
    known = set(zip(enough["against"], enough["measure"], strict=True))
    return [
        (against, measure)
        for against, measure in zip(enough["against"], enough["measure"], strict=True)
        if (against, measure.replace("_px", "_um")) not in known or "_px" not in measure
    ]


def _plots_in_words(agreement: pd.DataFrame) -> str:
    few = int((agreement["n"] < FEWEST_PLOTTED).sum())
    return (
        f"{counted(len(_plotted(agreement)), 'agreement plot')}; "
        f"with fewer than {FEWEST_PLOTTED} pairs: {counted(few, 'measure')}"
    )


def _displaced_in_words(outcomes: Sequence[CaseOutcome]) -> str:
    displaced = [outcome for outcome in outcomes if outcome.displacement.is_one]
    words = [
        f"{one.name} ({one.displacement.x_px:+.0f} px to the right, {one.displacement.y_px:+.0f} px down)"
        for one in displaced
    ]
    return f"look at {some_of(words)}: moved so, they agree with the model" if words else "none"


def _facts(request: EvaluationRequest, card: Card, segmenter: Segmenter, started: datetime) -> dict[str, str]:
    um_per_px, source = request.settings.pixel_size.known(request.um_per_px)
    libraries = ["torch", "numpy", "scipy", "scikit-image"]
    if segmenter.engine in OF_ONNX_RUNTIME:
        libraries.insert(1, "onnxruntime")
    return run_facts(
        [
            ("Weights", f"{card.name} {card.version}"),
            ("Weights SHA-256", card.sha256),
            ("Device", describe_device(segmenter.device)),
            ("Engine", segmenter.engine),
            ("Pixel size, um/px", f"{um_per_px:g}, {source}" if source else "as the data say; else none"),
            ("Settings SHA-256", request.settings.digest()),
            ("Started", started.isoformat(timespec="seconds")),
            ("Ended", datetime.now(UTC).isoformat(timespec="seconds")),
            ("blastoseg", __version__),
            ("Python", platform.python_version()),
            *((name, version(name)) for name in libraries),
        ]
    )
