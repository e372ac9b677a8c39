"""``blastoseg doctor``: does everything work that a run needs, and if not, what to do."""

import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg import RESEARCH_USE_ONLY, __version__
from blastoseg.cli.failure import explain_import_error
from blastoseg.cli.libraries import PURPOSES, check_libraries, extras, missing_of_extra
from blastoseg.cli.terminal import folded
from blastoseg.cli.weights import WITHOUT_REFERENCE
from blastoseg.errors import BlastosegError, EnvironmentProblemError, OutputError, WeightsError, counted

if TYPE_CHECKING:
    from blastoseg.model.card import Card

TIMED_PASSES = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a run needs: what was found, or the error that a run would meet.

    ``is_absent``: something optional that is not installed, which is no problem.
    """

    subject: str
    finding: str
    error: BlastosegError | None = None
    is_absent: bool = False

    @property
    def mark(self) -> tuple[str, str]:
        """The word before the subject, and its style."""
        if self.error is not None:
            return "problem ", "bold red"
        return ("absent  ", "yellow") if self.is_absent else ("ok      ", "green")


def doctor(
    folder: Annotated[
        Path, typer.Argument(help="Folder in which reports are to be written.", show_default="here")
    ] = Path(),
    weights: Annotated[str, typer.Option(help="Name or folder of the weights.")] = "starter",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Check this installation: libraries, devices, weights, write access; time the network.

    Ends with the exit code of the first problem, 0 if there is none. An extra that is absent is no problem.
    """
    from rich.console import Console
    from rich.text import Text

    console = Console()
    first: BlastosegError | None = None
    for check in run_checks(folder, weights, device):
        mark, style = check.mark
        line = Text(folded(f"{mark}{check.subject}: {check.finding}", " " * len(mark)))
        line.stylize(style, 0, len(mark))
        line.stylize("bold", len(mark), len(mark) + len(check.subject) + 1)
        console.print(line, soft_wrap=True)
        first = first or check.error
    console.print(RESEARCH_USE_ONLY, style="dim")
    raise typer.Exit(first.exit_code if first else 0)


def run_checks(folder: Path, weights: str, device: str) -> Iterator[Check]:
    """Every check, one after the other; none is left out because an earlier one failed."""
    yield from _checks_of_a_run(folder, weights, device)
    yield from _extras()


def _checks_of_a_run(folder: Path, weights: str, device: str) -> Iterator[Check]:
    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("Software", _software),
        ("Libraries", check_libraries),
        ("OpenCV", _opencv),
        ("Devices", partial(_devices, device)),
        (f"Weights {weights}", partial(_weights, weights)),
        ("Network", partial(_time_network, weights, device)),
        ("Write access", partial(_write_access, folder)),
    )
    for subject, step in steps:
        try:
            yield Check(subject, step())
        except BlastosegError as error:
            yield Check(subject, str(error), error)
        except ImportError as error:
            problem = explain_import_error(error) or EnvironmentProblemError(
                f"{error}: install blastoseg anew, with pip install --force-reinstall blastoseg"
            )
            yield Check(subject, str(problem), problem)


def _extras() -> Iterator[Check]:
    for extra in extras():
        missing, purpose = missing_of_extra(extra), PURPOSES.get(extra, "")
        finding = f"for {purpose}" if purpose else ""
        if missing:
            finding += f": {', '.join(missing)}; to have it, pip install 'blastoseg[{extra}]'"
        yield Check(f"Extra {extra}", finding, is_absent=bool(missing))


def _software() -> str:
    return (
        f"blastoseg {__version__}, Python {platform.python_version()} ({sys.platform} {platform.machine()})"
    )


def _opencv() -> str:
    import cv2

    return f"{cv2.__version__}, {counted(cv2.getNumThreads(), 'thread')}"


def _devices(device: str) -> str:
    import torch

    from blastoseg.model.devices import choose_device, devices_in_words

    chosen = choose_device(device)
    return f"torch {torch.__version__}; {devices_in_words()}; a run with --device {device} uses {chosen}"


def _weights(weights: str) -> str:
    from blastoseg.model.card import load_card
    from blastoseg.model.loading import verify_weights

    problems = verify_weights(weights)
    if problems:
        raise WeightsError("; ".join(problems))
    card = load_card(weights)
    note = "" if card.reference else f"; {WITHOUT_REFERENCE}"
    return f"version {card.version}, SHA-256 {card.sha256[:16]}... verified, {_size(card):.1f} MB{note}"


def _size(card: "Card") -> float:
    return sum(card.path_of(name).stat().st_size for name in card.files) / 1e6


def _time_network(weights: str, device: str) -> str:
    import numpy as np

    from blastoseg.model.card import load_card
    from blastoseg.model.devices import describe_device
    from blastoseg.model.engine import default_engine
    from blastoseg.model.segmenter import Segmenter

    segmenter = Segmenter(load_card(weights), device, engine=default_engine())
    side, count = segmenter.input_side, segmenter.batch_size
    crops = list(np.random.default_rng(0).integers(0, 256, (count, side, side), np.uint8))
    segmenter.segment_batch(crops)
    started = time.perf_counter()
    for _ in range(TIMED_PASSES):
        segmenter.segment_batch(crops)
    seconds = (time.perf_counter() - started) / (TIMED_PASSES * count)
    where = describe_device(segmenter.device)
    return (
        f"{seconds * 1000:.1f} ms per crop of {side} x {side} on {where}, in {segmenter.precision}, by the "
        f"engine {segmenter.engine}, as a run has it; {_engines(weights, device)}"
    )


def _engines(weights: str, device: str) -> str:
    from blastoseg.bench.engines import time_engines

    times, why = time_engines(weights, device, flips=False)
    told = (
        f"{name} {ms:.1f} ms" + (f" ({times['torch'] / ms:.2f} times as fast)" if name != "torch" else "")
        for name, ms in times.items()
    )
    return "; ".join([f"processor time of a crop: {', '.join(told)}", *why])


def _write_access(folder: Path) -> str:
    from tempfile import TemporaryDirectory

    from blastoseg.files import replace_atomically
    from blastoseg.run.journal import OutputLock

    try:
        with (
            TemporaryDirectory(dir=folder, prefix=".blastoseg-doctor-") as trial,
            OutputLock(Path(trial)),
            replace_atomically(Path(trial, "report.txt")) as temporary,
        ):
            temporary.write_text("blastoseg doctor\n", "utf-8")
    except OSError as error:
        raise OutputError(
            f"{folder.resolve()}: cannot be written ({error.strerror}): give the folder of the reports, "
            "or have its permissions changed"
        ) from error
    return f"{folder.resolve()}: can be written and locked"
