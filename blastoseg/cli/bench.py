"""``blastoseg bench``: how fast this machine scores, as ratios within one run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.engine_option import EngineName
from blastoseg.cli.terminal import folded, show_table
from blastoseg.cli.workers_option import Workers

if TYPE_CHECKING:
    from rich.console import Console

    from blastoseg.bench.run import BenchPlan


def bench(
    frames: Annotated[int, typer.Option(min=8, help="Frames of the whole run.")] = 200,
    side: Annotated[int, typer.Option(min=64, max=4096, help="Side of a frame in pixels.")] = 500,
    weights: Annotated[str, typer.Option(help="Name or folder of the weights.")] = "starter",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    engine: EngineName = "auto",
    batch_size: Annotated[int, typer.Option(min=1, max=512, help="Frames in one pass of the network.")] = 8,
    workers: Workers = None,
    training: Annotated[
        bool, typer.Option("--training", help="Time training instead, beside MONAI's U-Nets.")
    ] = False,
    recipe: Annotated[str, typer.Option(help="Whose network and batches, with --training.")] = "finetune",
    no_network: Annotated[
        bool,
        typer.Option("--no-network", help="Time 1 to 8 processes beside networks that answer at once."),
    ] = False,
    gpu_report: Annotated[
        bool,
        typer.Option(
            "--gpu-report",
            help="Hold a GPU against the CPU and time all of it; writes gpu-report.md and .json here.",
        ),
    ] = False,
    memory: Annotated[
        bool, typer.Option("--memory", help="Also compare peak memory of 200 and 2,000 frames (slow).")
    ] = False,
) -> None:
    """Time every stage, the whole, and the bare forward pass of the same batches, on synthetic images."""
    import tempfile

    from rich.console import Console

    console = Console()
    if training:
        _show_training(console, recipe, device)
        return

    from blastoseg.bench.run import BenchPlan, draw_folder, peak_memory_mib

    with tempfile.TemporaryDirectory(prefix="blastoseg-bench-") as folder:
        plan = BenchPlan(
            folder=Path(folder),
            frames=frames,
            side=side,
            weights=weights,
            device=device,
            engine=engine,
            batch_size=batch_size,
            workers=workers,
        )
        if gpu_report:
            _report_on_device(plan)
            return
        drawn = plan.folder / "frames"
        draw_folder(drawn, frames, side)
        if no_network:
            _show_beside_network(console, plan, drawn)
            return
        _show_stages(console, plan, drawn)
        if memory:
            few, many = peak_memory_mib(plan, 200), peak_memory_mib(plan, 2000)
            console.print(
                f"peak memory: {few:,.0f} MiB for 200 frames, {many:,.0f} MiB for 2,000 ({many / few:.3f})"
            )


def _show_stages(console: "Console", plan: "BenchPlan", drawn: Path) -> None:
    from rich.table import Table

    from blastoseg.bench.engines import time_engines
    from blastoseg.bench.run import time_simulation, time_stages, time_whole

    table = Table(
        "stage",
        "ms per frame",
        "frames/s",
        title=f"{plan.side} x {plan.side} pixels, batches of {plan.batch_size}",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for stage, ms in time_stages(plan, drawn).items():
        table.add_row(stage, f"{ms:.2f}", f"{1000 / ms:,.0f}")
    whole = time_whole(plan, drawn)
    for name, seconds in (("bare forward passes", whole.forward_s), ("whole run", whole.run_s)):
        table.add_row(
            name, f"{1000 * seconds / plan.frames:.2f}", f"{plan.frames / seconds:,.1f}", style="bold"
        )
    engines, why = time_engines(plan.weights, plan.device, plan.flips)
    for name, ms in engines.items():
        table.add_row(f"segmenter by {name}, processor time", f"{ms:.2f}", f"{1000 / ms:,.0f}")
    simulation_ms = time_simulation()
    table.add_row("simulate, 256 x 256", f"{simulation_ms:.2f}", f"{1000 / simulation_ms:,.0f}")
    show_table(console, table)
    console.print(f"whole / bare forward passes: {whole.share_of_forward:.2f}")
    for name in list(engines)[1:]:
        console.print(f"torch / {name}, processor time: {engines['torch'] / engines[name]:.2f}")
    for reason in why:
        console.print(folded(reason, "  "))


def _show_beside_network(console: "Console", plan: "BenchPlan", drawn: Path) -> None:
    from rich.table import Table

    from blastoseg.bench.beside_network import time_beside_network

    title = f"{plan.side} x {plan.side} pixels, without the networks' time"
    table = Table("processes", "cores", "frames/s", "of the first", "ready after s", title=title)
    for column in table.columns:
        column.justify = "right"
    first = 0.0
    for rate in time_beside_network(plan, drawn):
        first = first or rate.frames_per_s
        share = f"{rate.frames_per_s / first:.2f}"
        cells = (str(rate.processes), str(rate.cores), f"{rate.frames_per_s:,.1f}", share)
        table.add_row(*cells, f"{rate.ready_s:.1f}")
    show_table(console, table)


def _report_on_device(plan: "BenchPlan") -> None:
    from blastoseg.bench.gpu_report import as_markdown, report_on_device, write_report

    report = report_on_device(plan)
    typer.echo(as_markdown(report))
    for path in write_report(report, Path.cwd()):
        typer.echo(f"written: {path}")


def _show_training(console: "Console", recipe: str, device: str) -> None:
    from rich.table import Table

    from blastoseg.cli.training_extra import training_libraries

    with training_libraries():
        from blastoseg.bench.training import time_training
        from blastoseg.training.recipe import load_recipe
    chosen = load_recipe(recipe)
    job = chosen.segmenter
    title = f"batches of {job.optimisation.batch_size} at {job.input_size} x {job.input_size} pixels"
    table = Table("training", "images/s", f"of {job.architecture}", "parameters", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    speeds = time_training(chosen, device)
    ours = next(speed for speed in speeds if speed.name == f"{job.architecture} step")
    for speed in speeds:
        ratio = speed.images_per_s / ours.images_per_s
        parameters = f"{speed.parameters:,}" if speed.parameters else ""
        table.add_row(speed.name, f"{speed.images_per_s:,.1f}", f"{ratio:.2f}", parameters)
    show_table(console, table)
