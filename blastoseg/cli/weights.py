"""``blastoseg weights``: which models are here, and whether their files are whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blastoseg.cli.terminal import folded
from blastoseg.errors import counted

if TYPE_CHECKING:
    from blastoseg.model.card import Card

WITHOUT_REFERENCE = "its card holds no answer to the reference crop: that it answers as it did is not checked"

app = typer.Typer(help="List the bundled models, and check them.", no_args_is_help=True)


@app.command("list")
def list_weights() -> None:
    """Show every bundled model: what it was trained on, how good it is, what it cannot do."""
    from rich.console import Console

    from blastoseg.model.card import available_weights, load_card, weights_folder

    console = Console()
    names = available_weights()
    if not names:
        console.print(f"No model in {weights_folder()}.", markup=False, soft_wrap=True)
    for name in names:
        _show(load_card(name), console)


def _show(card: "Card", console: "object") -> None:
    from rich.console import Console

    assert isinstance(console, Console)
    console.print(f"{card.name} {card.version}", style="bold", markup=False)
    lines = [
        card.description,
        f"input {card.segmenter.input_size} x {card.segmenter.input_size}, SHA-256 {card.sha256[:16]}...",
        f"trained on {card.training.data} ({counted(card.training.images, 'image')})",
    ]
    for test_set, score in card.scores.items():
        mean = f"mean Jaccard {score.jaccard_mean_pooled:.1%} pooled"
        per_image = f"{score.jaccard_mean_of_images:.1%} as mean of {counted(score.images, 'image')}"
        lines.append(f"{test_set}: {mean}, {per_image}")
    lines.extend(f"limit: {limit}" for limit in card.limits)
    for line in lines:
        console.print(folded(f"  {line}", "    "), markup=False, highlight=False, soft_wrap=True)


def _note_on(name: str) -> str:
    from blastoseg.model.card import load_card

    return "" if load_card(name).reference else f"; {WITHOUT_REFERENCE}"


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME|FOLDER", help="Models to check.", show_default="every bundled model"),
    ] = None,
) -> None:
    """Check every file of a model against its card's SHA-256, and load both networks."""
    from blastoseg.errors import WeightsError
    from blastoseg.model.card import available_weights, weights_folder
    from blastoseg.model.loading import verify_weights

    chosen = names or available_weights()
    if not chosen:
        raise WeightsError(f"{weights_folder()}: holds no model: install blastoseg anew")
    problems = []
    for name in chosen:
        found = verify_weights(Path(name) if Path(name).is_dir() else name)
        problems.extend(found)
        print(f"{name}: {'damaged' if found else 'whole'}{'' if found else _note_on(name)}")
    if problems:
        raise WeightsError("; ".join(problems))
