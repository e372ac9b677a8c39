"""What is known of each embryo beside its frames: by the lab's table, else by names of files and folders."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from blastoseg.errors import counted, some_of
from blastoseg.records import NOTHING_TOLD, AboutEmbryo
from blastoseg.sources.embryo_table import EmbryoTable
from blastoseg.sources.hours import count_from_insemination
from blastoseg.sources.names import NameReader
from blastoseg.sources.shots import Embryo, Shot
from blastoseg.sources.shown import Shown


def name_owners(given: Iterable[tuple[Path, list[Shot]]], names: NameReader) -> None:
    """Note in every picture whose it is by its path, from the name of the path given on."""
    if not names.tells_owners:
        return
    for root, shots in given:
        known: dict[str, tuple[str, str]] = {}
        for shot in shots:
            if shot.path not in known:
                way = Path(os.path.relpath(shot.path, root.parent)).with_suffix("").as_posix()
                known[shot.path] = names.read_owner(way)
            shot.owner = known[shot.path]


class Belonging:
    """What is known of the embryos ``ids``; ``remarks`` are what a person must know of it."""

    def __init__(self, ids: Mapping[str, Embryo], table: EmbryoTable, shown: Shown) -> None:
        self._torn: list[str] = []
        self._timeless = 0
        self._impossible: list[str] = []
        self._about: dict[str, AboutEmbryo] = {}
        for embryo_id, embryo in ids.items():
            name = shown.of_name(embryo_id)
            self._about[embryo_id] = self._of(name, embryo, table.about.get(name, NOTHING_TOLD), shown)
            if name in table.insemination_day:
                self._count_from(name, embryo, table.insemination_day[name])
        self.remarks = [*table.remarks, *table.remarks_on(map(shown.of_name, ids)), *self._own_remarks()]

    def of(self, embryo_id: str) -> AboutEmbryo:
        """What is known of one embryo."""
        return self._about[embryo_id]

    def _of(self, name: str, embryo: Embryo, told: AboutEmbryo, shown: Shown) -> AboutEmbryo:
        owners = {shot.owner for planes in embryo.moments.values() for shot in planes.values()}
        patient, dish = (self._only(name, {owner[place] for owner in owners} - {""}) for place in (0, 1))
        return replace(
            told,
            patient=told.patient or (shown.of_name(patient) if patient else ""),
            dish=told.dish or (shown.of_name(dish) if dish else ""),
        )

    def _only(self, name: str, found: set[str]) -> str:
        if len(found) > 1:
            self._torn.append(name)
        return next(iter(found)) if len(found) == 1 else ""

    def _count_from(self, name: str, embryo: Embryo, day: float) -> None:
        has_counted = count_from_insemination(embryo, day)
        if has_counted is None:
            self._timeless += 1
        elif not has_counted:
            self._impossible.append(name)

    def _own_remarks(self) -> Iterator[str]:
        if self._torn:
            names = some_of(list(dict.fromkeys(self._torn)))
            yield f"[naming]: files of one embryo name several patients or dishes, so none is taken: {names}"
        if self._timeless:
            embryos = counted(self._timeless, "embryo")
            yield (
                f"the insemination time of {embryos} gives no hours: their files do not tell the time of day "
                "at which a frame was taken, as slide files do"
            )
        if self._impossible:
            yield (
                "the insemination time is not used, because it lies after the first frame or more than 30 "
                f"days before the last, of: {some_of(self._impossible)}"
            )
