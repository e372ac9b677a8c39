"""``blastoseg audit``: every run that ever worked on an output folder."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from blastoseg.run.journal import RunRecord


def audit(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Output folder of earlier runs.")],
    as_json: Annotated[bool, typer.Option("--json", help="One line for each run, a JSON object.")] = False,
) -> None:
    """List every run on an output folder, oldest first: when, who, where, with what, and how it ended.

    Times are in UTC. The list comes from the ledger, which only ever grows.
    """
    from dataclasses import asdict

    from blastoseg.run.journal import read_runs

    for record in read_runs(out):
        if as_json:
            print(json.dumps(asdict(record), sort_keys=True))
        else:
            print("\n".join(_lines(record)))


def _lines(record: "RunRecord") -> list[str]:
    end = f"ended {record.ended}" if record.ended else "has no end: it was killed, or still works"
    lines = [f"run {record.number}: started {record.started}, {end}"]
    for facts in (record.details, record.outcome):
        lines.extend(f"  {name}: {_as_text(value)}" for name, value in facts.items())
    return lines


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    # A name from a disk may hold what a terminal obeys.
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
