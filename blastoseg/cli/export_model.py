"""``blastoseg export-model``: a model's network as an ONNX file, for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from blastoseg.cli.given_path import given_path
from blastoseg.cli.terminal import folded


def export_model(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Name or folder of the weights.")],
    to: Annotated[
        Path,
        typer.Option("--to", metavar="FILE", parser=given_path, help="The file to write, such as X.onnx."),
    ],
    network: Annotated[str, typer.Option(help="Which of its networks: segmenter or locator.")] = "segmenter",
) -> None:
    """Write a network of a model as ONNX, with what its input must be in the file's metadata.

    Runs need no such file: blastoseg run --engine onnx makes the graph itself.
    """
    from blastoseg.model.card import load_card
    from blastoseg.model.onnx_file import write_onnx

    written = write_onnx(load_card(model), network, to)
    print(folded(f"{to}: {written}", "  "))
