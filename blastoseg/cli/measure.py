"""``blastoseg measure``: every measure of label images, without any network."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.given_path import out_option
from blastoseg.cli.terminal import folded, show_table
from blastoseg.errors import counted

if TYPE_CHECKING:
    import pandas as pd

    from blastoseg.records import FrameRef, FrameResult
    from blastoseg.settings import Quality

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
        out_option("Output folder; frames.csv is written there."),
    ] = Path("blastoseg-measures"),
    um_per_px: Annotated[
        float | None, typer.Option(help="Pixel size in micrometres, for every image.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="The lab's settings file (TOML).")] = None,
) -> None:
    """Measure and judge label images as a run does: drawn by hand, corrected, or written by a run."""
    from blastoseg.errors import EXIT_FRAMES_FAILED, EXIT_OK
    from blastoseg.report.tables import frames_table, save_csv
    from blastoseg.settings import check_pixel_size_option, load_settings
    from blastoseg.sources.label_images import find_label_images

    check_pixel_size_option(um_per_px)
    lab = load_settings(settings)
    refs = find_label_images(masks)
    pixel_size = lab.pixel_size.known(um_per_px)
    frames = frames_table(_result_of(ref, lab.quality, *pixel_size).row() for ref in refs)
    written = out / "frames.csv"
    save_csv(frames, written)
    _show(frames, written)
    raise typer.Exit(EXIT_FRAMES_FAILED if (frames["status"] == "failed").any() else EXIT_OK)


def _result_of(
    ref: "FrameRef", thresholds: "Quality", um_per_px: float, um_per_px_source: str
) -> "FrameResult":
    """The row of one label image: ``failed`` where it cannot be read."""
    from blastoseg.errors import UnreadableFrameError
    from blastoseg.sources.label_images import read_label_image
    from blastoseg.stages import failed_frame, measure_label_image

    try:
        labels = read_label_image(ref.path, ref.source)
    except UnreadableFrameError as error:
        result = failed_frame(ref, str(error))
        result.um_per_px, result.um_per_px_source = um_per_px, um_per_px_source
        return result
    return measure_label_image(ref, labels, thresholds, um_per_px, um_per_px_source=um_per_px_source)


def _show(frames: "pd.DataFrame", written: Path) -> None:
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
    console.print(f"Table: {written}", highlight=False, soft_wrap=True, markup=False)
    console.print(RESEARCH_USE_ONLY, style="dim")
    counts = frames["status"].value_counts()
    listed = ", ".join(f"{counts.get(status, 0):,} {status}" for status in Status)
    print(folded(f"{counted(len(frames), 'label image')}: {listed}", "  "))
