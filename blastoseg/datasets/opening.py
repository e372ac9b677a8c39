"""From a folder to a labelled data set, whatever its layout."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from blastoseg.datasets import cvat, label_images, labelme, pcrm, qupath
from blastoseg.datasets.annotation import CaseError, ProblemKind
from blastoseg.datasets.dataset import Case, LabelledDataset
from blastoseg.datasets.files import Tree, list_tree, read_json, shown
from blastoseg.datasets.groups import GROUPS_FILE, groups_from_names, groups_from_table
from blastoseg.datasets.pairing import Found, is_image, named_pairs
from blastoseg.errors import DataError
from blastoseg.files import natural_key

FOLDER_LAYOUTS = (pcrm, cvat, label_images)
LAYOUTS = tuple(module.LAYOUT for module in (*FOLDER_LAYOUTS, labelme, qupath))
NAMED_PAIRS = "label images and their images, named one by one"
DOCUMENT_SUFFIXES = frozenset({".json", ".geojson"})


def open_dataset(path: Path, pairs: Mapping[str, Sequence[str]] | None = None) -> LabelledDataset:
    """The labelled images of a folder, in natural order; no pixel is read yet.

    The layout is recognised by the folder's content, which may also lie in its only sub-folder, unless
    ``pairs`` names the images of each mask. Files without a partner are left out and listed in ``problems``.
    Raises DataError for a folder of no known layout, or of two at once, and for a named file that is missing.
    """
    tree = list_tree(path)
    if pairs:
        named = named_pairs(tree, pairs, label_images.read_label_image)
        return LabelledDataset(tree.root, NAMED_PAIRS, _with_groups(tree, named), named.problems)
    found, layout = _recognise(tree)
    while found is None and len(tops := {file.parts[0] for file in tree.files if len(file.parts) > 1}) == 1:
        tree = list_tree(tree.root / tops.pop())
        found, layout = _recognise(tree)
    if found is None:
        known = "; ".join(LAYOUTS)
        raise DataError(f"{path}: is laid out in no known way; known are: {known}")
    return LabelledDataset(tree.root, layout, _with_groups(tree, found), found.problems)


def _recognise(tree: Tree) -> tuple[Found | None, str]:
    for module in FOLDER_LAYOUTS:
        found = module.find(tree)
        if found is not None:
            return found, module.LAYOUT
    return _find_documents(tree)


def _find_documents(tree: Tree) -> tuple[Found | None, str]:
    """Annotations in JSON, of LabelMe or QuPath: told apart by their content."""
    found = Found()
    images: dict[str, dict[PurePosixPath, PurePosixPath]] = {labelme.LAYOUT: {}, qupath.LAYOUT: {}}
    kinds = set()
    annotated: dict[PurePosixPath, PurePosixPath] = {}
    for file in tree.files:
        if file.suffix.casefold() not in DOCUMENT_SUFFIXES:
            continue
        try:
            document = read_json(tree.path(file), shown(file))
            kind, find_image = _kind_of(document)
            if not kind:
                continue
            kinds.add(kind)
            image = find_image(tree, file, document)
        except CaseError as error:
            found.problems.append(error.as_problem())
            continue
        first = annotated.setdefault(image, file)
        if first == file:
            images[kind][file] = image
        else:
            found.leave_out(file, ProblemKind.DUPLICATE, f"labels the image of {shown(first)}: remove one")
    if len(kinds) > 1:
        raise DataError(f"{tree.root}: holds files of LabelMe and of QuPath: give each its own folder")
    if not kinds:
        return None, ""
    labelme.find(tree, images[labelme.LAYOUT], found)
    qupath.find(tree, images[qupath.LAYOUT], found)
    for file in tree.files:
        if is_image(file) and file not in annotated:
            found.leave_out(file, ProblemKind.MISSING_MASK, "has no labels: label it, or remove it")
    return found, kinds.pop()


FindImage = Callable[[Tree, PurePosixPath, Any], PurePosixPath]


def _kind_of(document: Any) -> tuple[str, FindImage]:
    if labelme.is_labelme(document):
        return labelme.LAYOUT, labelme.find_image
    is_geojson = qupath.features_of(document) is not None
    return qupath.LAYOUT if is_geojson else "", lambda tree, file, _: qupath.find_image(tree, file)


def _with_groups(tree: Tree, found: Found) -> list[Case]:
    unique: dict[str, Case] = {}
    cases = sorted(found.cases, key=lambda case: natural_key(case.name))
    names = [case.name for case in cases]
    table = tree.root / GROUPS_FILE
    groups = groups_from_table(table, names) if table.is_file() else groups_from_names(names)
    for case in cases:
        if case.name in unique:
            first = unique[case.name].image_file
            found.leave_out(case.image_file, ProblemKind.DUPLICATE, f"has the name of {first}: rename it")
            continue
        unique[case.name] = Case(
            name=case.name,
            group=groups[case.name],
            image_path=case.image_path,
            image_file=case.image_file,
            annotation_file=case.annotation_file,
            read_annotation=case.read_annotation,
        )
    return list(unique.values())
