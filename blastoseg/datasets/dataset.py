"""A labelled data set: cases in natural order, each read when it is asked for."""

from dataclasses import dataclass
from pathlib import Path

from blastoseg.datasets.annotation import Annotation, AnnotationReader, CaseError, Problem, ProblemKind
from blastoseg.datasets.pictures import read_gray
from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Image, Labels


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """A gray image, uint8 or uint16, and its labels, uint8 0 to 4: both ``(y, x)`` of one shape."""

    image: Image
    labels: Labels


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled image. ``group`` is its embryo or patient: equal for all that must stay together.

    ``name`` is unique in the data set; ``image_file`` and ``annotation_file`` are relative to it. A case
    can be pickled, for loader processes.
    """

    name: str
    group: str
    image_path: Path
    image_file: str
    annotation_file: str
    read_annotation: AnnotationReader

    def read(self) -> LabelledImage:
        """Image and labels. Raises CaseError, which names the file, where they cannot be used."""
        image, annotation = self.read_with_annotation()
        return LabelledImage(image, annotation.labels)

    def read_with_annotation(self) -> tuple[Image, Annotation]:
        """Image and annotation, of one shape; raises CaseError."""
        try:
            image = read_gray(self.image_path, self.image_file)
        except UnreadableFrameError as error:
            what = str(error).removeprefix(f"{self.image_file}: ")
            raise CaseError(ProblemKind.UNREADABLE, self.image_file, what) from error
        height, width = image.shape
        return image, self.read_annotation((height, width))


@dataclass(frozen=True, slots=True)
class LabelledDataset:
    """All that is labelled below ``root``; ``problems`` are files that were left out, and why."""

    root: Path
    layout: str
    cases: list[Case]
    problems: list[Problem]
