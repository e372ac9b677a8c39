"""``blastoseg run``: score what a time-lapse incubator wrote and write the report."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.engine_option import EngineName
from blastoseg.cli.given_path import given_path, out_option
from blastoseg.cli.report_options import Archive, Grades, Pdf, Tables
from blastoseg.cli.terminal import folded, show_table
from blastoseg.cli.workers_option import Workers

if TYPE_CHECKING:
    from blastoseg.run.events import RunEnded
    from blastoseg.run.request import RunRequest


class LogLevel(StrEnum):
    """How much a log tells."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def run(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            parser=given_path,
            help="Folders, slide files (.pdb), videos, TIFF stacks or single images.",
        ),
    ],
    out: Annotated[
        Path | None,
        out_option("Output folder.", show_default="./<folder name>-blastoseg"),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Name or folder of the weights.", show_default="starter")
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            help="auto, cpu, cuda, cuda:N; several with commas, or all: a process each. Must be there."
        ),
    ] = "auto",
    engine: EngineName = "auto",
    um_per_px: Annotated[
        float | None, typer.Option(help="Pixel size in micrometres, for every frame of this run.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", parser=given_path, help="The lab's settings file (TOML).")
    ] = None,
    focal: Annotated[
        str | None, typer.Option(help="Focal plane: 0, another plane, best or all.", show_default="0")
    ] = None,
    frame_interval: Annotated[
        float | None, typer.Option(help="Hours between frames, where the input does not tell the time.")
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=512,
            help="Frames in one pass of the network.",
            show_default="8; on a GPU as many as pay",
        ),
    ] = None,
    workers: Workers = None,
    no_overlays: Annotated[bool, typer.Option("--no-overlays", help="Write no overlay pictures.")] = False,
    part: Annotated[
        str | None,
        typer.Option(
            metavar="I/N", help="Score part I of N alone, whole embryos; blastoseg merge joins the parts."
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Score on a Ray cluster: HOST:PORT, auto, or local for one here (an extra to install).",
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Score every frame again, also those already scored.")
    ] = False,
    warn_if_nothing_new: Annotated[
        bool,
        typer.Option(
            "--warn-if-nothing-new", help="End with exit code 13 where no frame is new: a silent incubator?"
        ),
    ] = False,
    keep_missing: Annotated[
        bool,
        typer.Option("--keep-missing", help="Report also embryos of earlier runs that are gone."),
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            envvar="BLASTOSEG_SETTLE",
            help="Leave files that changed less than so long ago, or still grow, for the next run.",
        ),
    ] = 10.0,
    by_content: Annotated[
        bool,
        typer.Option("--by-content", help="Know files by all their bytes, not by size, time and samples."),
    ] = False,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Follow symbolic links that lead out of PATH.")
    ] = False,
    pseudonymise: Annotated[
        Path | None,
        typer.Option(
            metavar="KEYFILE",
            parser=given_path,
            help="Replace names by keyed hashes everywhere; the key is made if there is none.",
        ),
    ] = None,
    embryos: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            parser=given_path,
            help="The lab's table of embryos, CSV or .xlsx: patient, dish, insemination time, fate, grades.",
        ),
    ] = None,
    grades: Grades = None,
    archive: Archive = None,
    pdf: Pdf = False,
    tables: Tables = None,
    summary_json: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", parser=given_path, help="Write how the run ended here, also if it failed."
        ),
    ] = None,
    log_level: Annotated[LogLevel, typer.Option(help="What run.log tells.")] = LogLevel.INFO,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the last line only.")] = False,
) -> None:
    """Segment and measure every frame below PATH and write a workbook, tables, masks and overlays.

    A second run on the same output folder scores only what is new. Ctrl-C, SIGTERM or SIGHUP ends a run
    in good order: the batch is finished and the report written; the next run goes on from there.
    """
    import logging

    from blastoseg.cli.summary import summary_of_run
    from blastoseg.report.letters import read_letters
    from blastoseg.run.archive import read_archive
    from blastoseg.run.part import Part
    from blastoseg.run.request import RunRequest
    from blastoseg.settings import load_settings

    with summary_of_run(summary_json) as summary:
        request = RunRequest(
            paths=paths,
            out=out,
            settings=load_settings(settings)
            .overridden(weights=weights, focal=focal, frame_interval_h=frame_interval)
            .with_tables(None if tables is None else tables.value),
            um_per_px=um_per_px,
            device=device,
            engine=engine,
            batch_size=batch_size,
            workers=workers,
            overlays=not no_overlays,
            part=Part.parse(part) if part else None,
            ray=ray,
            fresh=fresh,
            warn_if_nothing_new=warn_if_nothing_new,
            keep_missing=keep_missing,
            settle_s=settle,
            by_content=by_content,
            follow_links=follow_links,
            keyfile=pseudonymise,
            embryos=embryos,
            letters=read_letters(grades) if grades else None,
            archive=read_archive(archive or []),
            pdf=pdf,
            log_level=getattr(logging, log_level.name),
        )
        ended = _score(request, quiet)
        summary.ended = ended
    _close(ended, quiet)
    raise typer.Exit(ended.exit_code)


def _score(request: "RunRequest", quiet: bool) -> "RunEnded":
    from blastoseg.cli.progress import RunProgress
    from blastoseg.run.events import RunEnded
    from blastoseg.run.pipeline import score_folder
    from blastoseg.stopping import stopping_on_signals

    ended: RunEnded | None = None
    with stopping_on_signals(request.stop), RunProgress(quiet=quiet) as progress:
        for event in score_folder(request):
            progress.show(event)
            if isinstance(event, RunEnded):
                ended = event
    assert ended is not None
    return ended


def _close(ended: "RunEnded", quiet: bool) -> None:
    from rich.console import Console

    from blastoseg import RESEARCH_USE_ONLY
    from blastoseg.cli.progress import embryo_table

    console = Console()
    if not quiet:
        show_table(console, embryo_table(ended.embryos))
        console.print(f"Report: {ended.out / 'report.xlsx'}", highlight=False, soft_wrap=True, markup=False)
        console.print(RESEARCH_USE_ONLY, style="dim")
    for note in ended.notes:
        print(folded(note, "  "))
    print(folded(ended.last_line(), "  "))
