"""``blastoseg export``: a report's frames, masks and tables in the formats of other tools."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.given_path import given_path
from blastoseg.cli.terminal import folded

if TYPE_CHECKING:
    from blastoseg.records import Status

SHOWN = 20


class Format(StrEnum):
    """The choices of ``--as``: the names in ``report.export.formats``, which are not loaded for help."""

    TRAINING = "training"
    GEOJSON = "geojson"
    COCO = "coco"
    IMAGEJ_ROI = "imagej-roi"
    LABELME = "labelme"
    OME_TIFF = "ome-tiff"
    PARQUET = "parquet"


def export(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", parser=given_path, help="Output folder of a finished run.")
    ],
    format_: Annotated[Format, typer.Option("--as", help="For which tool.")],
    paths: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="PATH",
            parser=given_path,
            help="What was given to run, for formats with the frames' own pixels (training, coco, labelme, "
            "ome-tiff); may be given again.",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            parser=given_path,
            help="New or empty folder to write.",
            show_default="./OUT-FORMAT",
        ),
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ok,review,...",
            help="Only frames of these statuses; may be given again.",
            show_default="ok,review; for parquet all",
        ),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Of each embryo only every so many-th moment.")] = 1,
    corrected: Annotated[
        bool, typer.Option("--corrected", help="Only frames that a person corrected.")
    ] = False,
    pseudonymise: Annotated[
        Path | None,
        typer.Option(metavar="KEYFILE", parser=given_path, help="The key of the run, if it had one."),
    ] = None,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Follow symbolic links, if the run did.")
    ] = False,
) -> None:
    """Write a report's frames and masks for another tool, or its tables as Parquet.

    The folder is written whole or not at all. A frame that cannot be exported is named.
    """
    from rich.console import Console
    from rich.progress import Progress

    from blastoseg.errors import counted, some_of
    from blastoseg.run.exporting import ExportRequest, export_report

    request = ExportRequest(
        out=out,
        format=str(format_),
        to=to,
        paths=tuple(paths or ()),
        statuses=_statuses(status or []),
        every=every,
        corrected=corrected,
        keyfile=pseudonymise,
        follow_links=follow_links,
    )
    aside = Console(stderr=True)
    with Progress(console=aside, transient=True, disable=not aside.is_terminal) as progress:
        task = progress.add_task("exporting", total=None)
        exported = export_report(
            request, lambda done, total: progress.update(task, completed=done, total=total)
        )
    for line in exported.failed[:SHOWN]:
        print(folded(f"not exported: {line}", "  "))
    if len(exported.failed) > SHOWN:
        print(f"and {len(exported.failed) - SHOWN:,} more: see export.json")
    if exported.left_out:
        print(folded(f"left out: {some_of(exported.left_out)}", "  "))
    failed = f"; {counted(len(exported.failed), 'frame')} not exported" if exported.failed else ""
    print(folded(f"{exported.to}: {counted(exported.frames, 'frame')} as {format_}{failed}", "  "))
    raise typer.Exit(exported.exit_code)


def _statuses(given: list[str]) -> "tuple[Status, ...]":
    from blastoseg.errors import UsageError
    from blastoseg.records import Status

    names = [name.strip() for text in given for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Status)]
    if unknown:
        raise UsageError(f"--status {unknown[0]}: is no status: choose from {', '.join(Status)}")
    return tuple(Status(name) for name in names)
