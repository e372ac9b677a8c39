"""Counts the rooms of blastoseg/ and the arrows between them, and holds the arrows to the picture.

    python docs/count_structure.py [CHECKOUT]

A room is a top-level module or package of blastoseg/. An arrow leads from a room to another that one of its
files imports, anywhere in the file, also for type checking only; however many imports there are, it counts
once. The picture is the one in docs/architecture.md: an arrow to a room that stands below its own leads
upward. `__init__`, with the version and the notice, is no room. tests/test_architecture.py stands on this.
"""

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Arrows = dict[str, dict[str, list[str]]]
"""For each room the rooms it imports from, with the imports in words."""


def room_of(path: Path, package: Path) -> str:
    """The room in which a file of the package stands."""
    return path.relative_to(package).parts[0].removesuffix(".py")


def rooms_of(package: Path) -> set[str]:
    """Every top-level module and package."""
    return {room_of(path, package) for path in package.rglob("*.py")} - {"__init__"}


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Every imported module, dotted, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: imports are absolute")
            if node.module == "blastoseg":
                yield from (f"blastoseg.{name.name}" for name in node.names)
            else:
                yield node.module or ""


def picture_of(page: Path) -> list[str]:
    """The rooms in the order of the picture, the name at the start of each line."""
    block = page.read_text("utf-8").partition("```\nblastoseg/")[2].partition("\nweights/")[0]
    return re.findall(r"^ +(\w+)(?:\.py|/) ", block, re.MULTILINE)


def arrows_of(package: Path) -> Arrows:
    """Which room imports from which other, and with which imports."""
    rooms = rooms_of(package)
    arrows: Arrows = {room: {} for room in sorted(rooms)}
    for path in sorted(package.rglob("*.py")):
        own = room_of(path, package)
        for name in imported_modules(ast.parse(path.read_text("utf-8"))):
            top, _, rest = name.partition(".")
            target = rest.partition(".")[0]
            if top == "blastoseg" and target in rooms and own in rooms and target != own:
                words = f"{path.relative_to(package.parent)} imports {name}"
                arrows[own].setdefault(target, []).append(words)
    return arrows


def upward_imports(arrows: Arrows, picture: list[str]) -> list[str]:
    """The imports, in words, from a room that stands below in the picture or is missing there."""
    place = {room: index for index, room in enumerate(picture)}
    return [
        words
        for room, targets in arrows.items()
        for target, imports in targets.items()
        if room not in place or place.get(target, len(place)) > place[room]
        for words in imports
    ]


def cycle_of(arrows: Arrows) -> list[str]:
    """The rooms of one cycle, the first repeated at the end; empty where there is none."""
    try:
        TopologicalSorter({room: set(targets) for room, targets in arrows.items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def main(checkout: Path) -> None:
    """Print the counts of a checkout."""
    package = checkout / "blastoseg"
    arrows = arrows_of(package)
    upward = upward_imports(arrows, picture_of(checkout / "docs" / "architecture.md"))
    print(f"rooms:   {len(arrows)}")
    print(f"arrows:  {sum(map(len, arrows.values()))} from one room to another")
    print("\n  ".join([f"upward:  {len(upward)} imports", *upward]))
    print(f"cycle:   {' -> '.join(cycle_of(arrows)) or 'none'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1])
