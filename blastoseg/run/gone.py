"""Embryos that are no longer in the input: named, and reported from the ledger where that is asked for."""

from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from blastoseg.errors import counted, some_of
from blastoseg.report.tables import plain_text
from blastoseg.run.corrections.standing import Standing
from blastoseg.run.journal import Journal, ScoredWith, as_row
from blastoseg.run.request import RunRequest
from blastoseg.run.surroundings import Surroundings, placed_row, reported_row
from blastoseg.sources import Discovery


class Gone:
    """The embryos that this run did not find."""

    def __init__(self, found: Discovery, request: RunRequest) -> None:
        self._found = {ref.embryo_id for ref in (*found.refs, *(problem.ref for problem in found.problems))}
        self._request = request

    def rows(
        self, journal: Journal, scored_with: ScoredWith, there: Container[str], corrections: Standing
    ) -> Iterator[dict[str, Any]]:
        """With ``--keep-missing`` their rows in the ledger, with what was last around their frames.

        By embryo and frame index in natural order, of the same weights, settings and stages only. A picture
        that is not ``there`` is not named.
        """
        if not self._request.keep_missing:
            return
        for stored in journal.all_stored(scored_with):
            if not stored.around:
                continue  # of a version that did not note it
            around = Surroundings.from_text(stored.around)
            if around.embryo_id in self._found:
                continue
            now = placed_row(as_row(stored), around, self._request.settings.quality)
            yield reported_row(corrections.over(now, stored), there)

    def notes(self, report_before: Path, reported: Iterable[str]) -> Iterator[str]:
        """What to say of those that the report before, its ``embryos.csv``, has, or that are ``reported``.

        Nothing where there is no report before that can be read.
        """
        kept = [embryo for embryo in reported if embryo not in self._found]
        if kept:
            embryos = counted(len(kept), "embryo")
            yield f"{embryos} no longer in the input, reported from earlier runs: {some_of(kept)}"
        known = {plain_text(embryo) for embryo in (*self._found, *kept)}
        lost = [embryo for embryo in _embryos_in(report_before) if embryo not in known]
        if lost:
            advice = "" if self._request.keep_missing else ": --keep-missing reports them"
            embryos = counted(len(lost), "embryo")
            yield (
                f"{embryos} of the report before no longer in the input, nor in this report: "
                f"{some_of(lost)}; what is known of them stays in the ledger{advice}"
            )


def _embryos_in(table: Path) -> list[str]:
    try:
        read = pd.read_csv(table, usecols=["embryo_id"], dtype=str, keep_default_na=False)
    except (OSError, ValueError):
        return []
    return list(read["embryo_id"])
