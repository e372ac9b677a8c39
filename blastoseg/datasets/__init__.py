"""Labelled images of any known layout: read, checked, and split; frames without labels. No torch."""

from blastoseg.datasets.annotation import CaseError, Problem, ProblemKind
from blastoseg.datasets.checking import check_dataset
from blastoseg.datasets.dataset import Case, LabelledDataset, LabelledImage
from blastoseg.datasets.opening import open_dataset
from blastoseg.datasets.splitting import (
    SPLIT_NAMES,
    Split,
    list_path,
    select_split,
    split_dataset,
    split_into_folds,
    write_split,
)
from blastoseg.datasets.unlabelled import UnlabelledSet, find_unlabelled

__all__ = [
    "SPLIT_NAMES",
    "Case",
    "CaseError",
    "LabelledDataset",
    "LabelledImage",
    "Problem",
    "ProblemKind",
    "Split",
    "UnlabelledSet",
    "check_dataset",
    "find_unlabelled",
    "list_path",
    "open_dataset",
    "select_split",
    "split_dataset",
    "split_into_folds",
    "write_split",
]
