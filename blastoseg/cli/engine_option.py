"""``--engine`` of the commands that look at frames as a run does."""

from typing import Annotated

import typer

from blastoseg.model.engine import ENGINE_VARIABLE

EngineName = Annotated[
    str,
    typer.Option(
        envvar=ENGINE_VARIABLE,
        help="What computes the network: auto, torch, or onnx or int8 (CPU only, faster; an extra).",
    ),
]
