"""``blastoseg data``: look over a labelled data set, and divide it for training and testing."""

from pathlib import Path
from typing import Annotated

import typer

from blastoseg.cli.given_path import out_option
from blastoseg.errors import counted

data_app = typer.Typer(help="Check and split labelled images.", no_args_is_help=True)

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder of labelled images, of any known layout.")
]


@data_app.command()
def check(folder: Folder) -> None:
    """List every problem of a labelled data set with its file: one line each, tab-separated.

    Ends with exit code 11 where there is any problem.
    """
    from rich.console import Console
    from rich.progress import Progress

    from blastoseg.datasets import check_dataset, open_dataset
    from blastoseg.errors import DataError

    dataset = open_dataset(folder)
    aside = Console(stderr=True)
    with Progress(console=aside, transient=True, disable=not aside.is_terminal) as progress:
        task = progress.add_task("checking", total=len(dataset.cases))
        problems = check_dataset(dataset, lambda done, total: progress.update(task, completed=done))
    for problem in problems:
        print(problem.file, problem.kind, problem.message, sep="\t")
    groups = len({case.group for case in dataset.cases})
    counts = f"{counted(len(dataset.cases), 'labelled image')} of {counted(groups, 'embryo or patient')}"
    print(f"{counts} ({dataset.layout})")
    if problems:
        files = len({problem.file for problem in problems})
        found = f"{counted(len(problems), 'problem')} in {counted(files, 'file')}"
        raise DataError(f"{dataset.root}: {found}: listed above")


@data_app.command()
def split(
    folder: Folder,
    out: Annotated[
        Path | None,
        out_option("Folder for the lists.", show_default="DIR"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other lists.")] = 0,
    test: Annotated[float, typer.Option(help="Share of the images to test on.")] = 0.2,
    val: Annotated[float, typer.Option(help="Share of the other images to watch a training by.")] = 0.1,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2, help="For cross-validation: so many splits, in fold-1, fold-2, ...; --test is left out."
        ),
    ] = None,
) -> None:
    """Write train.txt, val.txt and test.txt; an embryo or patient is never on two sides.

    Who belongs together is told by folders, file names, or a table groups.csv with the columns name,group.
    """
    from blastoseg.datasets import SPLIT_NAMES, open_dataset, split_dataset, split_into_folds, write_split

    dataset = open_dataset(folder)
    root = out or dataset.root
    if folds is None:
        splits = {root: split_dataset(dataset, seed, test, val)}
    else:
        made = split_into_folds(dataset, folds, seed, val)
        splits = {root / f"fold-{number}": one for number, one in enumerate(made, start=1)}
    group_of = {case.name: case.group for case in dataset.cases}
    for place, one in splits.items():
        for name, path in zip(SPLIT_NAMES, write_split(one, place), strict=True):
            cases = getattr(one, name)
            groups = len({group_of[case] for case in cases})
            print(f"{path}: {counted(len(cases), 'image')} of {counted(groups, 'embryo or patient')}")
    if dataset.problems:
        print(f"left out: {counted(len(dataset.problems), 'file')}: see blastoseg data check")
