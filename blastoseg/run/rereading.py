"""The pixels of a report's frames, read again from what the run was given."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import FrameRef, Image
from blastoseg.report.pictures import without_label_strip
from blastoseg.report.tables import plain_text
from blastoseg.run.journal import FrameKeys, Journal, KnownBy
from blastoseg.sources import Discovery, IsolatedReaders, refs_to_choose_from

_Place = tuple[str, str, int, int | None]
"""Embryo, source, frame index and focal plane, as a row tells them."""


class Rereading:
    """Finds the frame of a row of ``frames.csv`` among those discovered, and reads it.

    ``is_hidden``: under pseudonyms the strip in which viewers burn in their labels is blackened.
    """

    def __init__(
        self, found: Discovery, readers: IsolatedReaders, journal: Journal, is_hidden: bool = False
    ) -> None:
        self._readers, self._journal, self._is_hidden = readers, journal, is_hidden
        self._keys = [FrameKeys(known_by) for known_by in (KnownBy.SAMPLE, KnownBy.BYTES)]
        self._refs: dict[_Place, tuple[FrameRef, FrameRef]] = {}
        for ref in found.refs:
            for plane in refs_to_choose_from(ref):
                texts = plain_text(plane.embryo_id), plain_text(plane.source)
                self._refs[*texts, plane.frame_index, plane.focal_plane] = ref, plane

    def image_of(self, row: Mapping[str, Any]) -> Image:
        """The frame's pixels ``(y, x)``, those that were scored.

        Raises UnreadableFrameError, which names the file, where it is not found, has changed since, or cannot
        be read.
        """
        plane = None if pd.isna(row["focal_plane"]) else int(row["focal_plane"])
        place = str(row["embryo_id"]), str(row["source"]), int(row["frame_index"]), plane
        if place not in self._refs:
            raise UnreadableFrameError(
                f"{row['source']}: is not below --from as the report has it: give the same paths as to run, "
                "or run again"
            )
        scored, chosen = self._refs[place]
        if not self._is_as_scored(scored):
            raise UnreadableFrameError(f"{row['source']}: has changed since it was scored: run again")
        image = self._readers.read(chosen).image
        return without_label_strip(image) if self._is_hidden else image

    def _is_as_scored(self, ref: FrameRef) -> bool:
        """Whether the ledger knows the frame's content, by samples or by all its bytes (``--by-content``)."""
        return any(not any(self._journal.unseen([keys.of(ref)])) for keys in self._keys)
