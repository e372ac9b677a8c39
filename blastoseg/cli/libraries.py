"""Which of the libraries that blastoseg declares are installed, and with which of its extras."""

from importlib.metadata import PackageNotFoundError, metadata, requires, version

from packaging.requirements import Requirement

from blastoseg.errors import EnvironmentProblemError

PURPOSES = {
    "export": "blastoseg export as geojson, coco, imagej-roi, labelme, parquet; --tables parquet",
    "grades": "blastoseg grade fit",
    "networks": "models whose network is one of MONAI's",
    "query": "blastoseg query",
    "ray": "blastoseg run --ray",
    "onnx": "passes on the CPU by ONNX Runtime, and blastoseg export-model",
    "train": "blastoseg train and bench --training",
    "dev": "the tests and checks of blastoseg itself",
}
"""The extras of pyproject.toml, and what each is for."""
STANDS_IN = {"opencv-python": "opencv-python-headless"}
"""A library, and the build of it that may be there in its place."""


def extras() -> list[str]:
    """The extras that the installed package declares; none where it runs from a folder."""
    try:
        return list(metadata("blastoseg").get_all("Provides-Extra") or [])
    except PackageNotFoundError:
        return []


def check_libraries() -> str:
    """How many libraries there are. Raises EnvironmentProblemError naming those missing or too old."""
    try:
        needed = _requirements("")
    except PackageNotFoundError:
        return "not checked: blastoseg runs from a folder and is not installed"
    problems = problems_of(needed)
    if problems:
        raise EnvironmentProblemError(f"{', '.join(problems)}: install blastoseg anew")
    return f"all {len(needed)} are installed"


def missing_of_extra(extra: str) -> list[str]:
    """What an extra adds and is missing or too old, in words; empty where it is installed."""
    return problems_of(_requirements(extra))


def problems_of(requirements: list[Requirement]) -> list[str]:
    """Which of the requirements are not met by what is installed, in words."""
    problems = []
    for needed in requirements:
        found = _installed_version(needed.name)
        if found is None:
            problems.append(f"{needed.name} is missing")
        elif not needed.specifier.contains(found, prereleases=True):
            problems.append(f"{needed.name} {found} is not {needed.specifier}")
    return problems


def _requirements(extra: str) -> list[Requirement]:
    """What the package itself needs, or, for an extra's name, what that adds."""
    declared = [Requirement(line) for line in requires("blastoseg") or []]
    own = [one for one in declared if _belongs_to(one, "")]
    if not extra:
        return own
    return [one for one in declared if one not in own and _belongs_to(one, extra)]


def _belongs_to(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _installed_version(name: str) -> str | None:
    for candidate in (name, STANDS_IN.get(name, name)):
        try:
            return version(candidate)
        except PackageNotFoundError:
            continue
    return None
