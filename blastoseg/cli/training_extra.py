"""The extra ``train``, without which the commands that train say what to install."""

from collections.abc import Iterator
from contextlib import contextmanager

from blastoseg.errors import EnvironmentProblemError


@contextmanager
def training_libraries() -> Iterator[None]:
    """Around imports that need the extra: EnvironmentProblemError naming the library that is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise EnvironmentProblemError(
            f"training needs {error.name}: install it with  pip install 'blastoseg[train]'"
        ) from error
