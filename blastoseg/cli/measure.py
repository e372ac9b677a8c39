"""``blastoseg measure``: every measure of label images, without any network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.given_path import out_option
from blastoseg.cli.terminal import folded, show_table
from blastoseg.errors import counted

if TYPE_CHECKING:
    import pandas as pd


ROWS_SHOWN = 40


def measure(
    masks: Annotated[
        list[Path],
        typer.Argument(
            metavar="MASKS",
            help="Label images (PNG, TIFF: 0 background, 1 ICM, 2 blastocoel, 3 TE, 4 ZP) or their folders.",
        ),
    ],
    out: Annotated[
        Path,
        out_option("Output folder: tables and workbook are written there."),
    ] = Path("blastoseg-measures"),
    um_per_px: Annotated[
        float | None, typer.Option(help="Pixel size in micrometres, for every image.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="The lab's settings file (TOML).")] = None,
) -> None:
    """Measure and judge label images as a run does: drawn by hand, corrected, or written by a run.

    Those in a run's output folder have embryo, hours and pixel size as its report says.
    """
    from blastoseg.errors import EXIT_FRAMES_FAILED, EXIT_OK
    from blastoseg.run.measured import measure_label_images
    from blastoseg.settings import check_pixel_size_option, load_settings

    check_pixel_size_option(um_per_px)
    frames = measure_label_images(masks, out, load_settings(settings), um_per_px)
    _show(frames, out)
    raise typer.Exit(EXIT_FRAMES_FAILED if (frames["status"] == "failed").any() else EXIT_OK)


def _show(frames: "pd.DataFrame", out: Path) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from blastoseg import RESEARCH_USE_ONLY
    from blastoseg.records import Status
    from blastoseg.report.headline import NARROW, unit_of_length
    from blastoseg.report.wording import flags_in_words

    unit = unit_of_length(frames)
    table = Table(title="Label images", title_justify="left", header_style="bold")
    table.add_column("image", overflow="fold")
    table.add_column("status", no_wrap=True)
    for headline in NARROW:
        table.add_column(f"{headline.short} {headline.unit(unit)}", justify="right", no_wrap=True)
    table.add_column("flags")
    for row in frames.head(ROWS_SHOWN).to_dict("records"):
        values = [headline.text(row[headline.column(unit).name]) for headline in NARROW]
        flags = flags_in_words(row["flags"])
        table.add_row(escape(str(row["source"])), str(row["status"]), *values, flags)
    if len(frames) > ROWS_SHOWN:
        table.caption = f"and {len(frames) - ROWS_SHOWN:,} more: see frames.csv"
    console = Console()
    show_table(console, table)
    for reason in frames.loc[frames["status"] == "failed", "reason"].head(ROWS_SHOWN):
        console.print(
            folded(f"Failed: {reason}", "  "), highlight=False, soft_wrap=True, markup=False, style="red"
        )
    report = out / "report.xlsx"
    console.print(f"Report: {report}", highlight=False, soft_wrap=True, markup=False)
    console.print(RESEARCH_USE_ONLY, style="dim")
    counts = frames["status"].value_counts()
    listed = ", ".join(f"{counts.get(status, 0):,} {status}" for status in Status)
    print(folded(f"{counted(len(frames), 'label image')}: {listed}", "  "))
