"""``blastoseg simulate``: draw synthetic embryos with known truth."""

from pathlib import Path
from typing import Annotated

import typer

from blastoseg.errors import counted


def simulate(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder.")],
    embryos: Annotated[int, typer.Option(min=1, help="How many embryos.")] = 4,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Frames an embryo.", show_default="1, time-lapse 40")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same bytes.")] = 0,
    preset: Annotated[str, typer.Option(help="Optics, such as mixed, clinic or embryoscope.")] = "mixed",
    kind: Annotated[str, typer.Option(help="still or timelapse.")] = "still",
    size: Annotated[int, typer.Option(min=64, max=4096, help="Pixels along each side.")] = 400,
    first_hour: Annotated[
        float | None, typer.Option(help="Hours since insemination at which time-lapses begin.")
    ] = None,
    images_only: Annotated[
        bool, typer.Option("--images-only", help="Write neither masks nor tables of the truth.")
    ] = False,
    contact_sheet: Annotated[
        Path | None, typer.Option(help="Also write one PNG with every image, levelled as for the network.")
    ] = None,
    beside: Annotated[
        Path | None, typer.Option(help="Folder of real images for the contact sheet's first rows.")
    ] = None,
) -> None:
    """Draw synthetic embryos, their exact masks and the true values of the measures.

    A still shows each embryo under other optics in each frame; a time-lapse follows it as its cavity appears,
    expands, collapses and hatches. Of every four time-lapses the second hatches and the fourth never becomes
    a blastocyst.
    """
    from typing import Literal, cast

    from blastoseg.errors import UsageError

    if kind not in ("still", "timelapse"):
        raise UsageError(f"unknown kind of series {kind!r}: choose still or timelapse")
    if beside is not None and contact_sheet is None:
        raise UsageError("--beside needs --contact-sheet FILE, which says where to write the sheet")

    from blastoseg.simulate import View, check_preset
    from blastoseg.simulate.collection import Collection, write_collection

    check_preset(preset)
    timelapse = kind == "timelapse"
    view = View(height=size, width=size, fill=(0.5, 0.75) if timelapse else (0.55, 0.95), preset=preset)
    collection = Collection(
        kind=cast(Literal["still", "timelapse"], kind),
        embryos=embryos,
        frames=frames or (40 if timelapse else 1),
        seed=seed,
        view=view,
        first_h=first_hour,
        images_only=images_only,
    )
    written = list(write_collection(out, collection))
    if contact_sheet is not None:
        _write_sheet(contact_sheet, written, beside)
    typer.echo(f"{counted(len(written), 'image')} of {counted(embryos, 'embryo')} in {out}")


def _write_sheet(path: Path, written: list[Path], beside: Path | None) -> None:
    import cv2

    from blastoseg.files import replace_atomically
    from blastoseg.simulate import contact

    images = contact.read_real(beside) if beside is not None else []
    images += [contact.read_grey(image) for image in written]
    with replace_atomically(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", contact.contact_sheet(images))[1].tobytes())
