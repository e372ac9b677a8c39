"""Fits letters of ICM and TE to a lab's own grades, and tests them on patients that the fit did not see."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.columns import LAB_COLUMNS, LETTER_TISSUES, LETTERS, PERCENTILES
from blastoseg.errors import DataError, EnvironmentProblemError, OutputError, counted, some_of
from blastoseg.files import replace_atomically
from blastoseg.report.letters import (
    Figure,
    FittedMeasure,
    FittedTissue,
    LetterModel,
    reasons_not_to_grade,
    values_of,
)
from blastoseg.report.tables import plain_text
from blastoseg.sources.embryo_table import read_embryo_table
from blastoseg.sources.shown import AS_THEY_ARE

LEAST_EMBRYOS = 50
LEAST_OF_A_LETTER = 8
"""With fewer the cut points, and what is said of them, rest on chance."""
LEAST_PATIENTS = FOLDS = 5
MOSTLY = 0.9
STEEPEST = 25.0
"""A weight beyond it, a standard deviation: the letters are told apart completely, no weight is certain."""
RESAMPLES = 1000

HUMAN = {
    "icm": "people: 0.61 (Kromp 2023), accuracy 0.73; unweighted kappa within a centre 0.59 (RBMO 2021)",
    "te": "people: 0.42 (Kromp 2023), accuracy 0.69; unweighted kappa within a centre 0.56 (RBMO 2021)",
}
"""How far people agree with one another, and with their consensus, in quadratic-weighted kappa."""

Codes = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TissueResult:
    """What became of a tissue: ``fitted``, or ``refused`` says why not.

    ``commonest`` is the accuracy of always saying the commonest letter; ``left_out`` counts graded embryos
    by why they took no part.
    """

    key: str
    fitted: FittedTissue | None
    refused: str
    commonest: float
    left_out: dict[str, int]


def read_grades(path: Path) -> pd.DataFrame:
    """The lab's grades: ``embryo``, ``icm``, ``te`` (A, B, C, D or empty) and ``patient``, all text.

    A table of embryos as ``run --embryos`` reads it. Raises UsageError for one that cannot be read, DataError
    for a cell that is no letter, an embryo without its patient, and a table without grades.
    """
    table = read_embryo_table(path, AS_THEY_ARE)
    if table.remarks:
        raise DataError(f"{path}: {table.remarks[0]}: mend the table")
    rows = [(name, one.lab_icm, one.lab_te, one.patient) for name, one in table.about.items()]
    graded = [row for row in rows if row[1] or row[2]]
    if not graded:
        raise DataError(f"{path}: holds no grade: give columns embryo, icm, te, patient")
    numbers = [f"{name}: {icm or te}" for name, icm, te, _ in graded if f"{icm}{te}".strip("ABCD")]
    if numbers:
        raise DataError(f"{path}: grades are letters, A to D: {some_of(numbers)}")
    nobody = [name for name, *_, patient in graded if not patient]
    if nobody:
        raise DataError(
            f"{path}: whose are {some_of(nobody)}? Letters are tested on patients not seen: name each"
        )
    return pd.DataFrame(graded, columns=["embryo", "icm", "te", "patient"])


def fit_letters(
    grades: pd.DataFrame, embryos: pd.DataFrame, weights_sha256: str
) -> tuple[LetterModel | None, list[TissueResult]]:
    """The model of ``grades`` (``read_grades``) and ``embryos`` (``embryos.csv`` of a run), and its figures.

    None where no tissue has enough. Raises DataError where no embryo is in both, EnvironmentProblemError
    where the extra ``grades`` is not installed.
    """
    named = grades.assign(embryo_id=[plain_text(name) for name in grades["embryo"]])
    told = embryos.drop(columns=[column.name for column in LAB_COLUMNS])
    joined = named.merge(told, on="embryo_id", how="inner")
    if joined.empty:
        raise DataError(
            "no embryo of the grades is in embryos.csv: name embryos as it does (under pseudonyms, by them)"
        )
    results = [_fit_tissue(joined, key, absent=len(named) - len(joined)) for key in LETTER_TISSUES]
    fitted = {result.key: result.fitted for result in results if result.fitted}
    if not fitted:
        return None, results
    model = LetterModel.model_validate(
        {
            "notice": RESEARCH_USE_ONLY,
            "software": f"blastoseg {__version__}",
            "weights_sha256": weights_sha256,
            "tissues": {key: one.model_dump() for key, one in fitted.items()},
        }
    )
    return model, results


def weights_of_run(out: Path) -> str:
    """SHA-256 of the weights of the run that wrote ``out``; DataError where its ``run.json`` is not whole."""
    path = out / "run.json"
    try:
        manifest = json.loads(path.read_text("utf-8"))
        weights = manifest["weights_sha256"]
    except (OSError, ValueError, RecursionError, LookupError, TypeError) as error:
        raise DataError(
            f"{path}: cannot be read ({type(error).__name__}): run blastoseg on {out} again"
        ) from error
    if not isinstance(weights, str) or len(weights) > 200:
        raise DataError(f"{path}: holds no SHA-256 of weights: run blastoseg on {out} again")
    return weights


def save_model(model: LetterModel, path: Path) -> None:
    """The model as JSON that a person can read; OutputError where the disk refuses."""
    try:
        with replace_atomically(path) as temporary:
            temporary.write_text(model.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}): choose another --to") from error


def _fit_tissue(joined: pd.DataFrame, key: str, absent: int) -> TissueResult:
    letters = joined[key].to_numpy(str)
    reasons = reasons_not_to_grade(joined, key)
    is_letter = np.isin(letters, LETTERS)
    is_used = is_letter & np.array([not reason for reason in reasons])
    left_out = {
        "not in the run": absent,
        "graded D: never suggested": int((letters == "D").sum()),
        "not gradable by the run": int((is_letter & ~is_used).sum()),
    }
    used = joined[is_used]
    names, patients = used[key].to_numpy(str), used["patient"].to_numpy(str)
    refused = _too_little(names, patients)
    if refused:
        return TissueResult(key, None, refused, commonest=np.nan, left_out=left_out)
    stems = [stem for stem in PERCENTILES[key] if _tells(values_of(used, [stem])[:, 0])]
    values = values_of(used, stems) if stems else np.empty((len(used), 0))
    predicted = np.empty_like(names)
    try:
        for train, test in _folds(patients):
            fold = _fit(values[train], names[train], stems)
            predicted[test] = _most_likely(fold, values[test])
        whole = _fit(values, names, stems)
    except _NotFittedError as problem:
        return TissueResult(key, None, str(problem), commonest=np.nan, left_out=left_out)
    accuracy, kappa = _figures(names, predicted, patients)
    fitted = FittedTissue.model_validate(
        {
            **whole,
            "embryos": len(names),
            "patients": len(set(patients)),
            "accuracy": accuracy.model_dump(),
            "quadratic_kappa": kappa.model_dump(),
        }
    )
    commonest = float(pd.Series(names).value_counts(normalize=True).iloc[0])
    return TissueResult(key, fitted, "", commonest=commonest, left_out=left_out)


def _tells(values: Numbers) -> bool:
    """Whether a measure differs between embryos: a coverage of 100 % in nearly all tells nothing."""
    return bool((values == np.median(values)).mean() < MOSTLY)


def _too_little(names: NDArray[np.str_], patients: NDArray[np.str_]) -> str:
    """Why so many grades are too few; empty where they are enough."""
    counts = {letter: int((names == letter).sum()) for letter in LETTERS if letter in names}
    found = counted(len(names), "grade") + " of " + counted(len(set(patients)), "patient")
    if len(names) < LEAST_EMBRYOS or len(set(patients)) < LEAST_PATIENTS:
        return f"{found}: at least {LEAST_EMBRYOS} of {LEAST_PATIENTS} patients are needed"
    if len(counts) < 2:
        return f"{found} are all {next(iter(counts))}: at least two letters are needed"
    few = [f"{count} times {letter}" for letter, count in counts.items() if count < LEAST_OF_A_LETTER]
    return f"only {' and '.join(few)}: at least {LEAST_OF_A_LETTER} of each letter are needed" if few else ""


class _NotFittedError(Exception):
    """These grades determine no model."""


def _folds(patients: NDArray[np.str_]) -> Any:
    try:
        from sklearn.model_selection import GroupKFold  # noqa: PLC0415  of the extra
    except ImportError as error:
        raise EnvironmentProblemError(f"grade fit needs {error.name}: {INSTALL}") from error
    return GroupKFold(FOLDS).split(patients, groups=patients)


INSTALL = "pip install 'blastoseg[grades]'"


def _fit(values: Numbers, names: NDArray[np.str_], stems: Sequence[str]) -> dict[str, Any]:
    """Letters, measures and cut points of a proportional-odds model, by maximum likelihood."""
    try:
        from statsmodels.miscmodels.ordinal_model import OrderedModel  # noqa: PLC0415  of the extra
    except ImportError as error:
        raise EnvironmentProblemError(f"grade fit needs {error.name}: {INSTALL}") from error

    letters = sorted(set(names), reverse=True)
    mean, scale = values.mean(axis=0), values.std(axis=0)
    if len(letters) < 2 or not stems or not (scale > 0).all():
        raise _NotFittedError("letters or measures hardly differ: more grades are needed")
    codes: Codes = np.array([letters.index(name) for name in names])
    model = OrderedModel(codes, (values - mean) / scale, distr="logit")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # whether it has converged is asked below
        found = model.fit(method="bfgs", maxiter=500, disp=False)
    weights = found.params[: len(stems)]
    cut_points = model.transform_threshold_params(found.params)[1:-1]
    if not (found.mle_retvals["converged"] and np.isfinite(found.params).all()):
        raise _NotFittedError("the fit does not converge: more grades are needed")
    if np.abs(weights).max() > STEEPEST:
        raise _NotFittedError("the measures tell the letters apart completely: more grades are needed")
    rows = zip(stems, mean.tolist(), scale.tolist(), weights.tolist(), strict=True)
    measures = [FittedMeasure(name=one, mean=m, scale=s, coefficient=c).model_dump() for one, m, s, c in rows]
    return {"letters": letters, "measures": measures, "cut_points": cut_points.tolist()}


def _most_likely(fold: dict[str, Any], values: Numbers) -> NDArray[np.str_]:
    unknown = Figure(value=0, low=0, high=0).model_dump()
    counts = {"embryos": 1, "patients": 1, "accuracy": unknown, "quadratic_kappa": unknown}
    fitted = FittedTissue.model_validate({**fold, **counts})
    return np.asarray(np.array(fitted.letters)[fitted.probabilities(values).argmax(axis=1)])


def _figures(
    names: NDArray[np.str_], predicted: NDArray[np.str_], patients: NDArray[np.str_]
) -> tuple[Figure, Figure]:
    """Accuracy and quadratic-weighted kappa, with 95 % intervals by bootstrap over patients."""
    from sklearn.metrics import cohen_kappa_score  # noqa: PLC0415  of the extra

    def kappa(chosen: Any) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a resample with one letter has none
            labels = list(LETTERS)
            score = cohen_kappa_score(names[chosen], predicted[chosen], labels=labels, weights="quadratic")
        return float(score)

    def accuracy(chosen: Any) -> float:
        return float((names[chosen] == predicted[chosen]).mean())

    rows_of = [np.flatnonzero(patients == patient) for patient in sorted(set(patients))]
    draws = np.random.default_rng(0).integers(len(rows_of), size=(RESAMPLES, len(rows_of)))
    samples = [np.concatenate([rows_of[one] for one in draw]) for draw in draws]
    return tuple(  # type: ignore[return-value]
        Figure(value=of(slice(None)), low=low, high=high)
        for of in (accuracy, kappa)
        for low, high in [np.nanpercentile([of(sample) for sample in samples], [2.5, 97.5]).tolist()]
    )
