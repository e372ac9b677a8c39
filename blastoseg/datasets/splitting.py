"""Train, validation and test lists, by embryo or patient: never two images of one group on two sides."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from blastoseg.datasets.dataset import Case, LabelledDataset
from blastoseg.errors import DataError, OutputError, UsageError
from blastoseg.files import replace_atomically

SPLIT_NAMES = ("train", "val", "test")
LARGEST_LIST = 50_000_000


@dataclass(frozen=True, slots=True)
class Split:
    """Names of cases, each list in the data set's order. Together they are the whole data set, once."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]


def split_dataset(dataset: LabelledDataset, seed: int = 0, test: float = 0.2, val: float = 0.1) -> Split:
    """Divide the cases: ``test`` is a share of all, ``val`` a share of the training cases that remain.

    Identical image files count as one group, whatever their names. The same seed gives the same lists on any
    machine. Raises UsageError for impossible shares, DataError where there are too few groups.
    """
    for option, share in (("--test", test), ("--val", val)):
        if not 0 <= share < 1:
            raise UsageError(f"{option} {share:g}: must be at least 0 and less than 1")
    if not dataset.cases:
        raise DataError(f"{dataset.root}: holds no labelled images: see blastoseg data check")
    groups = _joined_groups(dataset.cases)
    fewest = 1 + (test > 0) + (val > 0)
    _check_enough(dataset, groups, fewest)
    order = _shuffled(groups, seed)
    tested = _take(order, groups, test * len(dataset.cases), fewest - 1)
    return _split(dataset, groups, order, tested, val=val)


def split_into_folds(
    dataset: LabelledDataset, folds: int, seed: int = 0, val: float = 0.1
) -> tuple[Split, ...]:
    """Divide the cases for cross-validation: every case is tested on once, its group never trained on there.

    The test sets are as near to one size as whole groups allow; ``val`` is a share of a split's other cases.
    Raises UsageError for impossible numbers, DataError where there are fewer groups than folds.
    """
    if folds < 2 or not 0 <= val < 1:
        raise UsageError(
            f"--folds {folds} --val {val:g}: give at least 2 folds, and a share from 0 to below 1"
        )
    groups = _joined_groups(dataset.cases)
    _check_enough(dataset, groups, folds + (val > 0))
    order = _shuffled(groups, seed)
    tested: list[set[str]] = [set() for _ in range(folds)]
    sizes = [0] * folds
    # The largest groups first, each to the fold that has the fewest cases: none ends up with far more.
    for group in sorted(order, key=lambda group: -len(groups[group])):
        smallest = sizes.index(min(sizes))
        tested[smallest].add(group)
        sizes[smallest] += len(groups[group])
    return tuple(_split(dataset, groups, order, fold, val=val) for fold in tested)


def _check_enough(dataset: LabelledDataset, groups: Mapping[str, Sequence[str]], fewest: int) -> None:
    if len(groups) < fewest:
        raise DataError(
            f"{dataset.root}: its {len(dataset.cases)} images are of {len(groups)} embryos or patients, "
            f"{fewest} are needed: label more, or say in groups.csv which image is whose"
        )


def _shuffled(groups: Mapping[str, Sequence[str]], seed: int) -> list[str]:
    """The groups in an order that depends on their names and the seed only."""
    return sorted(groups, key=lambda group: hashlib.sha256(f"{seed}\n{group}".encode()).digest())


def _split(
    dataset: LabelledDataset,
    groups: Mapping[str, Sequence[str]],
    order: Sequence[str],
    tested: set[str],
    val: float,
) -> Split:
    """The split that tests on some groups and watches the training by a share of the others."""
    rest = [group for group in order if group not in tested]
    kept = sum(len(groups[group]) for group in rest)
    watched = _take(rest, groups, val * kept, 1)
    sides = {name: "test" for group in tested for name in groups[group]}
    sides |= {name: "val" for group in watched for name in groups[group]}
    lists: dict[str, list[str]] = {name: [] for name in SPLIT_NAMES}
    for case in dataset.cases:
        lists[sides.get(case.name, "train")].append(case.name)
    return Split(*(tuple(lists[name]) for name in SPLIT_NAMES))


def _joined_groups(cases: Sequence[Case]) -> dict[str, list[str]]:
    """Names by group; groups that share an image file, byte by byte, are one."""
    leader = {case.group: case.group for case in cases}

    def find(group: str) -> str:
        while leader[group] != group:
            group = leader[group]
        return group

    first_of: dict[bytes, str] = {}
    for case in cases:
        other = first_of.setdefault(_file_digest(case), case.group)
        one, two = sorted((find(other), find(case.group)))
        leader[two] = one
    groups = defaultdict(list)
    for case in cases:
        groups[find(case.group)].append(case.name)
    return dict(groups)


def _file_digest(case: Case) -> bytes:
    try:
        with case.image_path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise DataError(f"{case.image_file}: cannot be read ({error.strerror}): check the rights") from error


def _take(order: Sequence[str], groups: Mapping[str, Sequence[str]], wanted: float, spare: int) -> set[str]:
    """Groups in the given order until their cases come closest to ``wanted``; ``spare`` groups stay.

    At least one group is taken where any case is wanted. A group that would lead further away is passed over.
    """
    taken: set[str] = set()
    size = 0
    for group in order:
        grown = size + len(groups[group])
        is_closer = abs(grown - wanted) < abs(size - wanted)
        if is_closer and len(order) - len(taken) > spare:
            taken.add(group)
            size = grown
    if wanted > 0 and not taken:
        taken.add(min(order, key=lambda group: len(groups[group])))
    return taken


def write_split(split: Split, folder: Path) -> list[Path]:
    """Write ``train.txt``, ``val.txt`` and ``test.txt``: one case a line. OutputError if it cannot."""
    written = []
    for name in SPLIT_NAMES:
        path = list_path(folder, name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with replace_atomically(path) as temporary:
                text = "".join(f"{case}\n" for case in getattr(split, name))
                temporary.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be written ({error.strerror}): name a folder by --out"
            ) from error
        written.append(path)
    return written


def list_path(folder: Path, name: str) -> Path:
    """Where a list lies. Raises UsageError for a name that is none."""
    if name not in SPLIT_NAMES:
        raise UsageError(f"{name!r} is no list: choose one of {', '.join(SPLIT_NAMES)}")
    return folder / f"{name}.txt"


def select_split(dataset: LabelledDataset, name: str, folder: Path | None = None) -> LabelledDataset:
    """The cases in ``train.txt``, ``val.txt`` or ``test.txt``, of the data set's own folder or another.

    Raises DataError where the list is missing or empty, names what is not there, or shares a group with
    another list (edited by hand, say): scores would then flatter.
    """
    folder = dataset.root if folder is None else folder
    wanted = _read_list(list_path(folder, name))
    by_name = {case.name: case for case in dataset.cases}
    unknown = [case for case in wanted if case not in by_name]
    if unknown or not wanted:
        what = f"names {unknown[0]!r}, which is not in the data" if unknown else "is empty"
        raise DataError(f"{list_path(folder, name)}: {what}: write it anew with blastoseg data split")
    groups = {by_name[case].group for case in wanted}
    for other in SPLIT_NAMES:
        path = list_path(folder, other)
        if other == name or not path.is_file():
            continue
        shared = groups & {by_name[case].group for case in _read_list(path) if case in by_name}
        if shared:
            raise DataError(
                f"{path}: has images of {min(shared)!r}, as {name}.txt has: an embryo or patient must stay "
                "on one side; write the lists anew with blastoseg data split"
            )
    chosen = set(wanted)
    return replace(dataset, cases=[case for case in dataset.cases if case.name in chosen])


def _read_list(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_LIST).decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path}: is missing: write it with blastoseg data split") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}): write it with blastoseg data split") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
