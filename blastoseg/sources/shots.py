"""Between finding and numbering: single pictures, and the embryos they belong to."""

import math
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from blastoseg.files import NaturalKey, natural_key
from blastoseg.records import Address, TimeReference
from blastoseg.sources.names import NO_HOURS, NO_RUN


@dataclass(slots=True)
class Shot:
    """One picture: where it lies and what is known of it before it is decoded.

    ``problem`` says why it cannot be read at all; such a shot becomes a failed row. ``is_settling``: the file
    may still be being written. ``clock_day``: when it was taken, in days since 1899-12-30 by the incubator's
    clock; NaN where nothing tells. ``owner``: patient and dish by the names of file and folders.
    """

    source: str
    path: str
    address: Address
    plane: int | None = None
    time_h: float = math.nan
    time_reference: TimeReference = TimeReference.UNKNOWN
    um_per_px: float = math.nan
    um_per_px_source: str = ""
    problem: str = ""
    is_settling: bool = False
    clock_day: float = math.nan
    owner: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True, order=True)
class MomentKey:
    """Which pictures show the same moment, and the moments' order.

    That is by name, run, hours in the name and position in the file. ``twin`` tells apart pictures whose
    names say the same, such as ``a.jpg`` and ``a.png``.
    """

    name: NaturalKey
    run: int = NO_RUN
    hours: float = NO_HOURS
    position: int = 0
    twin: int = 0


@dataclass(slots=True)
class Embryo:
    """``container`` is the folder or file that the name is unique in; it tells equal names apart."""

    name: str
    container: PurePath
    has_clock: bool = False
    moments: dict[MomentKey, dict[int | None, Shot]] = field(default_factory=dict)

    def add(self, key: MomentKey, shot: Shot) -> None:
        """Take a picture up; none is lost, also where two claim one moment and plane."""
        while shot.plane in self.moments.setdefault(key, {}):
            key = replace(key, twin=key.twin + 1)
        self.moments[key][shot.plane] = shot


class Embryos:
    """All embryos of a discovery, in the order in which they were found."""

    def __init__(self) -> None:
        self.found: dict[tuple[PurePath, str], Embryo] = {}
        self.notes: list[str] = []

    def of(self, container: PurePath, name: str) -> Embryo:
        """The embryo of that name, new where there is none yet."""
        return self.found.setdefault((container, name), Embryo(name, container))

    def unique_ids(self) -> dict[str, Embryo]:
        """Embryos by an id that no two share: the name, containers' names in front where they clash."""
        remaining = list(self.found.values())
        ids: dict[str, Embryo] = {}
        depth = 0
        while remaining:
            named: dict[str, list[Embryo]] = {}
            for embryo in remaining:
                parts = [part for part in embryo.container.parts if part != embryo.container.anchor]
                prefix = parts[max(0, len(parts) - depth) :]
                named.setdefault("/".join([*prefix, embryo.name]), []).append(embryo)
            deepest = depth > max(len(embryo.container.parts) for embryo in remaining)
            remaining = []
            for name, embryos in named.items():
                if len(embryos) == 1 and name not in ids:
                    ids[name] = embryos[0]
                elif deepest:
                    ids |= {f"{name} ({number})": one for number, one in enumerate(embryos, 1)}
                else:
                    remaining.extend(embryos)
            depth += 1
        return dict(sorted(ids.items(), key=lambda item: natural_key(item[0])))
