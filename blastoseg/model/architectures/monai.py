"""Networks of MONAI, an optional library: the extra ``networks``."""

from importlib import import_module
from typing import Any

from blastoseg.errors import EnvironmentProblemError


def monai_network(module: str, name: str) -> Any:
    """A class or a function by its place in ``monai.networks.nets``.

    Raises EnvironmentProblemError, with what to install, where MONAI is missing.
    """
    try:
        return getattr(import_module(f"monai.networks.nets.{module}"), name)
    except ImportError as error:
        raise EnvironmentProblemError(
            f"{name} needs MONAI ({error}): pip install 'blastoseg[networks]'"
        ) from error
