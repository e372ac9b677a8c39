"""What a command that trains needs before torch is loaded: the extra ``train``, and calm threads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from blastoseg.errors import EnvironmentProblemError


@contextmanager
def training_libraries() -> Iterator[None]:
    """Around imports that need the extra: EnvironmentProblemError naming the library that is missing.

    Torch's threads then sleep where they wait for each other, unless the environment, which torch reads once
    when it is loaded, says otherwise. Where other work shares the cores, threads that wait by spinning take
    them from the one they wait for: a step costs several times the processor's time.
    """
    if "GOMP_SPINCOUNT" not in os.environ:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        yield
    except ModuleNotFoundError as error:
        raise EnvironmentProblemError(
            f"training needs {error.name}: install it with  pip install 'blastoseg[train]'"
        ) from error
