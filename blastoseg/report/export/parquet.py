"""The tables as Parquet: types from ``blastoseg.columns``, unit and definition with each column."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.columns import Column


def write_parquet(path: Path, table: pd.DataFrame, declared: Sequence[Column]) -> None:
    """One table of the declared columns; what is undefined is null, in numbers too."""
    import pyarrow  # noqa: PLC0415  of the extra "export"
    from pyarrow import parquet  # noqa: PLC0415

    schema = schema_of([column for column in declared if column.name in table])
    parquet.write_table(pyarrow.Table.from_pandas(table, schema=schema, preserve_index=False), path)


def schema_of(declared: Sequence[Column]) -> Any:
    """The columns as Parquet has them, with the notice and our version in the file's own metadata."""
    import pyarrow  # noqa: PLC0415  of the extra "export"

    types = {
        "str": pyarrow.string(),
        "int": pyarrow.int64(),
        "float": pyarrow.float64(),
        "bool": pyarrow.bool_(),
    }
    fields = [
        pyarrow.field(
            column.name,
            types[column.dtype],
            metadata={"unit": column.unit, "definition": column.definition, "source": column.source},
        )
        for column in declared
    ]
    return pyarrow.schema(fields, metadata={"notice": RESEARCH_USE_ONLY, "blastoseg": __version__})
