"""One column, and the shapes that columns come in."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

DType = Literal["str", "int", "float", "bool"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``unit`` is empty for plain numbers and text; ``source`` names the literature, if any."""

    name: str
    unit: str
    dtype: DType
    definition: str
    source: str = ""


def length(stem: str, definition: str, source: str = "") -> tuple[Column, Column]:
    """A length in pixels and in micrometres."""
    column = Column(f"{stem}_px", "px", "float", definition, source=source)
    return column, replace(column, name=f"{stem}_um", unit="um")


def area(stem: str, definition: str, source: str = "") -> tuple[Column, Column]:
    """An area in square pixels and in square micrometres."""
    column = Column(f"{stem}_px2", "px2", "float", definition, source=source)
    return column, replace(column, name=f"{stem}_um2", unit="um2")


def frac(stem: str, definition: str, source: str = "") -> tuple[Column]:
    """A share of something, 0 to 1."""
    return (Column(f"{stem}_frac", "fraction", "float", definition, source=source),)


PANDAS_DTYPES: dict[DType, str] = {
    "str": "string[python]",
    "int": "Int64",
    "float": "float64",
    "bool": "boolean",
}
"""Nullable pandas dtypes, so that an undefined integer or truth value is empty, not 0 or False.

Text is Python's own, whether pyarrow is installed or not.
"""


def dtypes_of(declared: Iterable[Column]) -> dict[str, str]:
    """The pandas dtype of each column by name, in their order."""
    return {column.name: PANDAS_DTYPES[column.dtype] for column in declared}
