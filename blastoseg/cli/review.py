"""``blastoseg review``: the page served on this machine, where labels can be corrected."""

from pathlib import Path
from typing import Annotated

import typer

from blastoseg.cli.given_path import given_path


def review(
    out: Annotated[Path, typer.Argument(metavar="OUT", parser=given_path, help="Output folder of a run.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes any that is free.")
    ] = 0,
    open_: Annotated[bool, typer.Option("--open", help="Also open the page in a browser.")] = False,
) -> None:
    """Look at the report in OUT and correct labels: on this machine only, until you end it.

    Corrections lie in OUT/corrections; every later run measures them anew and reports them.
    """
    from contextlib import nullcontext

    from blastoseg.errors import UsageError, counted
    from blastoseg.run.reviewing.opening import opened_in_browser
    from blastoseg.run.reviewing.saving import Reviewer
    from blastoseg.run.reviewing.server import ReviewServer

    reviewer = Reviewer(out)
    try:
        server = ReviewServer(reviewer, port)
    except OSError as error:
        raise UsageError(f"--port {port}: cannot be taken ({error.strerror}): leave it out") from error
    try:
        with server:
            print(f"The report in {out} is open for this machine alone, until Ctrl-C or End on the page:")
            print(server.access.address, flush=True)
            with opened_in_browser(server.access.address) if open_ else nullcontext():
                server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        print()
    changes = counted(server.saved, "change")
    then = ": the next run on OUT takes them into tables and workbook" if server.saved else ""
    print(f"Ended; {changes} saved{then}.")
