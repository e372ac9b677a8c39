"""blastoseg: batch segmentation and measurement of human blastocysts. For Research Use Only.

From Python: ``Model``, ``score`` and ``Run``, shown in docs/python.md. Each loads what it needs when it is
first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blastoseg.report.finished import Run
    from blastoseg.run.interface import Model, score

__all__ = ["RESEARCH_USE_ONLY", "Model", "Run", "__version__", "score"]

__version__ = "0.1.0"

RESEARCH_USE_ONLY = "For Research Use Only. Not for use in diagnostic procedures."
"""As 21 CFR 809.10(c)(2)(i) words it: every output bears this sentence, and no other."""

_STANDS_IN = {
    "Model": "blastoseg.run.interface",
    "Run": "blastoseg.report.finished",
    "score": "blastoseg.run.interface",
}


def __getattr__(name: str) -> Any:
    if name not in _STANDS_IN:
        raise AttributeError(f"module 'blastoseg' has no attribute {name!r}")
    return getattr(import_module(_STANDS_IN[name]), name)
