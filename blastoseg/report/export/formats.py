"""The formats by name: what each takes, and which library owns it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from blastoseg.errors import EnvironmentProblemError
from blastoseg.report.export.coco import Coco
from blastoseg.report.export.frame import Exporter
from blastoseg.report.export.geojson import GeoJson
from blastoseg.report.export.imagej_roi import RoiSets
from blastoseg.report.export.labelme import LabelMe
from blastoseg.report.export.ome_tiff import OmeTiff
from blastoseg.report.export.training import TrainingSet


@dataclass(frozen=True, slots=True)
class Format:
    """``make`` gives its writer for a folder, None where the tables are exported; ``libraries`` it needs.

    ``has_pixels``: the frames' own pixels are in it, and are read again.
    """

    make: Callable[[Path], Exporter] | None
    has_pixels: bool = False
    libraries: tuple[str, ...] = ()


FORMATS = {
    "training": Format(TrainingSet, has_pixels=True),
    "geojson": Format(GeoJson, libraries=("shapely",)),
    "coco": Format(Coco, has_pixels=True, libraries=("pycocotools",)),
    "imagej-roi": Format(RoiSets, libraries=("shapely", "roifile")),
    "labelme": Format(LabelMe, has_pixels=True, libraries=("shapely",)),
    "ome-tiff": Format(OmeTiff, has_pixels=True),
    "parquet": Format(None, libraries=("pyarrow",)),
}


def check_libraries(name: str) -> None:
    """Raise EnvironmentProblemError where a library of the format's is not installed."""
    missing = [library for library in FORMATS[name].libraries if find_spec(library) is None]
    if missing:
        raise EnvironmentProblemError(
            f"--as {name} needs {' and '.join(missing)}: pip install 'blastoseg[export]'"
        )
