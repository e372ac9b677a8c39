"""Images and their annotations brought together by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from blastoseg.datasets.annotation import Annotation, AnnotationReader, FoundCase, Problem, ProblemKind
from blastoseg.datasets.files import Tree, shown
from blastoseg.datasets.pictures import IMAGE_SUFFIXES
from blastoseg.errors import DataError

Key = Callable[[PurePosixPath], str]
"""What an image's and its annotation's path have in common."""


@dataclass(slots=True)
class Found:
    """What a layout found: cases, and the files that were left out."""

    cases: list[FoundCase] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def leave_out(self, file: PurePosixPath | str, kind: ProblemKind, message: str) -> None:
        self.problems.append(Problem(shown(file), kind, message))


def is_image(file: PurePosixPath) -> bool:
    """Whether the name is that of a picture that can be read."""
    return file.suffix.casefold() in IMAGE_SUFFIXES


def stem_key(folder: PurePosixPath, file: PurePosixPath) -> str:
    """The path below ``folder`` without its suffix; case and outer spaces do not count."""
    relative = file.relative_to(folder)
    return str(relative.with_name(relative.stem.strip())).casefold()


def by_key(files: Iterable[PurePosixPath], key: Key, found: Found) -> dict[str, PurePosixPath]:
    """The files by their key; a second file of a key is left out."""
    kept: dict[str, PurePosixPath] = {}
    for file in files:
        first = kept.setdefault(key(file), file)
        if first != file:
            found.leave_out(
                file, ProblemKind.DUPLICATE, f"has the name of {shown(first)}: remove one of them"
            )
    return kept


def case_of(
    tree: Tree, image: PurePosixPath, folder: PurePosixPath, reader: AnnotationReader, file: PurePosixPath
) -> FoundCase:
    """A case named after its image's path below ``folder``, without the suffix."""
    name = shown(image.relative_to(folder).with_suffix(""))
    return FoundCase(
        name=name,
        image_file=shown(image),
        image_path=tree.path(image),
        annotation_file=shown(file),
        read_annotation=reader,
    )


ReadMask = Callable[[Path, str, tuple[int, int]], Annotation]
"""Reads a mask, given its path, its shown name, and the image's shape."""


def named_pairs(tree: Tree, pairs: Mapping[str, Sequence[str]], read: ReadMask) -> Found:
    """The images named for each mask. Raises DataError for a name that is no file of the tree."""
    found, files = Found(), set(tree.files)
    for mask, images in pairs.items():
        for name in (mask, *images):
            if PurePosixPath(name) not in files:
                raise DataError(f"{tree.root / name}: is missing: check the folder that was given")
        reader = partial(read, tree.path(PurePosixPath(mask)), shown(mask))
        found.cases += [
            case_of(tree, PurePosixPath(name), PurePosixPath(), reader, file=PurePosixPath(mask))
            for name in images
        ]
    return found


def pair_by_stem(
    tree: Tree,
    folders: tuple[PurePosixPath, PurePosixPath],
    files: tuple[list[PurePosixPath], list[PurePosixPath]],
    read: ReadMask,
) -> Found:
    """Images and masks of equal paths below their folders. Whatever has no partner is left out."""
    found = Found()
    images, masks = (
        by_key(part, partial(stem_key, folder), found) for part, folder in zip(files, folders, strict=True)
    )
    for key, image in images.items():
        if key not in masks:
            advice = f"has no mask of this name in {shown(folders[1])}: label it, or remove it"
            found.leave_out(image, ProblemKind.MISSING_MASK, advice)
            continue
        mask = masks[key]
        reader = partial(read, tree.path(mask), shown(mask))
        found.cases.append(case_of(tree, image, folders[0], reader, file=mask))
    for key, mask in masks.items():
        if key not in images:
            advice = "has no image of this name: put the image back, or remove the mask"
            found.leave_out(mask, ProblemKind.MISSING_IMAGE, advice)
    return found
