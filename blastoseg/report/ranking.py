"""In which order embryos are shown: by patient, then as the lab's settings say. The tool orders, no more."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from blastoseg.columns import BY_NAME
from blastoseg.errors import counted
from blastoseg.files import natural_key
from blastoseg.report.tables import plain_text
from blastoseg.report.wording import words_of

NO_PATIENT = "Patient not given"
NOT_A_CHOICE = "the tool orders, it does not choose"


@dataclass(frozen=True, slots=True)
class Group:
    """The embryos of one patient, rows of ``EMBRYO_COLUMNS`` in the order shown; "" where none is given."""

    patient: str
    embryos: pd.DataFrame

    @property
    def name(self) -> str:
        """The patient as a heading names it, safe for a cell."""
        return plain_text(f"Patient {self.patient}" if self.patient else NO_PATIENT)

    @property
    def content(self) -> str:
        """Number of embryos, and dishes, in words."""
        dishes = [dish for dish in self.embryos["dish"].dropna().unique() if dish]
        told = f"; dish {', '.join(sorted(dishes, key=natural_key))}" if dishes else ""
        return plain_text(f"{counted(len(self.embryos), 'embryo')}{told}")


def ranked(embryos: pd.DataFrame, order: Sequence[str]) -> list[Group]:
    """The embryos by patient in natural order, those without one last; within a patient by ``order``.

    ``order`` names columns (``settings.Summary``): numbers from the largest down, text from A to Z, the other
    way round behind a "-"; what is empty comes last, and equals stay in the order of the table.
    """
    names = [name.removeprefix("-") for name in order]
    rising = [
        (BY_NAME[name].dtype == "str") != (name != given) for name, given in zip(names, order, strict=True)
    ]
    table = (
        embryos.sort_values(names, ascending=rising, na_position="last", kind="stable") if names else embryos
    )
    patients = table["patient"].fillna("")
    found = sorted(patients.unique(), key=lambda patient: (not patient, natural_key(patient)))
    places = table.groupby(patients.to_numpy(object), sort=False).indices
    return [Group(str(patient), table.iloc[places[patient]]) for patient in found]


def ids_of(groups: Iterable[Group]) -> list[str]:
    """The embryos' ids, in the order shown."""
    return [str(embryo) for group in groups for embryo in group.embryos["embryo_id"]]


def rows_of(group: Group) -> Iterator[dict[Any, Any]]:
    """The group's rows as dicts."""
    yield from group.embryos.to_dict("records")


def order_in_words(order: Sequence[str]) -> str:
    """ "Expansion stage, then blastocyst diameter": units say nothing of an order."""
    words = [words_of(BY_NAME[name.removeprefix("-")]).replace(", suggested", "") for name in order]
    # "ICM letter" keeps its capitals.
    unique = dict.fromkeys(word if word[1:2].isupper() else word[0].lower() + word[1:] for word in words)
    return ", then ".join(unique) or "name"
