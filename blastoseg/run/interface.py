"""What ``import blastoseg`` offers to score with; ``report/finished.py`` has the rest. See docs/python.md."""

import logging
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.columns import MEASURE_COLUMNS
from blastoseg.errors import UsageError
from blastoseg.model.card import load_card
from blastoseg.model.engine import default_engine
from blastoseg.model.locating import place_probabilities
from blastoseg.records import Image, Labels, Probabilities
from blastoseg.report.finished import Run
from blastoseg.run.events import RunEnded
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings, check_pixel_size_option, load_settings
from blastoseg.sources.decode import check_size
from blastoseg.sources.label_images import EXPECTED, values_of_no_tissue
from blastoseg.stages import frame_in_memory, label_frame, measure_label_image, segment_frames

log = logging.getLogger(__name__)


class Segmented(NamedTuple):
    """What a model sees in an image, in the image's own geometry.

    ``labels`` ``(y, x)``, uint8: 0 background, 1 ICM, 2 blastocoel, 3 TE, 4 ZP, cleaned to what a blastocyst
    can have. ``probabilities`` ``(5, y, x)``, float32, of ICM, blastocoel, TE, ZP and background in this
    order, as the network gave them; they sum to 1. Outside the crop all is background, and so is everything
    where no embryo was found.
    """

    labels: Labels
    probabilities: Probabilities


class Scored(NamedTuple):
    """The tables of a run: ``Run.frames`` and ``Run.embryos``."""

    frames: pd.DataFrame
    embryos: pd.DataFrame


class Model:
    """A model on a device, ready for images in memory.

    ``weights`` is the name of bundled weights or a model's folder; without it the settings', which are
    "starter". ``device`` is "auto", "cpu", "cuda" or "cuda:N"; ``engine`` computes the network: "auto",
    "torch" or "onnx"; ``settings`` is a lab's settings file. Raises
    WeightsError, DeviceError or SettingsError for what is missing or wrong.
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        device: str = "auto",
        engine: str | None = None,
        settings: str | Path | None = None,
    ) -> None:
        from blastoseg.model.segmenter import Segmenter  # noqa: PLC0415  torch loads only with a model

        self._settings = _settings_of(settings, weights)
        self.card = load_card(self._settings.weights)
        self._networks = Segmenter(
            self.card, device, flips=self._settings.flips, engine=engine or default_engine()
        )

    def segment(self, image: Image) -> Segmented:
        """Find the embryo in one gray image ``(y, x)``, uint8 or uint16, and label its tissues as a run does.

        Raises UsageError for an array of another kind, UnreadableFrameError for too small or too large a one.
        """
        image = _checked_image(image)
        # One core, as a run has it: so the numbers are the same.
        with self._networks.side_by_side():
            [found] = segment_frames([frame_in_memory(image, "", "image")], self._networks)
        probabilities = place_probabilities(found.segmentation, (image.shape[0], image.shape[1]))
        if found.segmentation is None:
            return Segmented(np.zeros(image.shape, np.uint8), probabilities)
        return Segmented(label_frame(found.segmentation, image.shape)[1], probabilities)

    def measure(self, labels: NDArray[Any], um_per_px: float | None = None) -> dict[str, Any]:
        """Measure and judge labels ``(y, x)``, a model's or a person's, as ``blastoseg measure`` does.

        Returns ``status``, ``flags``, ``reason``, ``um_per_px`` and every measure of docs/columns.md by the
        name of its column; what is undefined is NaN, or None for counts and truth values. Without a pixel
        size (here or in the settings) micrometres are undefined. Flags that need the image, such as
        ``out_of_focus``, are not given. Raises UsageError for what is no label image or no pixel size.
        """
        check_pixel_size_option(um_per_px)
        labels = _checked_labels(labels)
        ref = frame_in_memory(labels, "", "labels").ref
        size, source = self._settings.pixel_size.known(um_per_px)
        row = measure_label_image(ref, labels, self._settings.quality, size, um_per_px_source=source).row()
        names = ["status", "flags", "reason", "um_per_px", *(column.name for column in MEASURE_COLUMNS)]
        return {name: row[name] for name in names}


def score(
    paths: str | Path | Iterable[str | Path],
    weights: str | Path | None = None,
    *,
    device: str = "auto",
    settings: str | Path | None = None,
    um_per_px: float | None = None,
    embryos: str | Path | None = None,
) -> Scored:
    """Score folders, slide files, videos, stacks or images: the rows that ``blastoseg run`` would write.

    It is a whole run, into a temporary folder that is deleted: nothing is kept, and ``mask`` and ``overlay``
    are empty. To keep pictures, and to score only what is new the next time, use ``blastoseg run`` and
    ``Run.open``. The options are those of ``blastoseg run``. A frame that cannot be read is a ``failed`` row;
    what the run's last words note is logged as warnings. Raises the errors of ``blastoseg.errors``.
    """
    given = [paths] if isinstance(paths, str | Path) else paths
    with TemporaryDirectory(prefix="blastoseg-") as folder:
        out = Path(folder)
        request = RunRequest(
            paths=[Path(path) for path in given],
            out=out,
            settings=_without_page(_settings_of(settings, weights)),
            um_per_px=um_per_px,
            device=device,
            overlays=False,
            embryos=None if embryos is None else Path(embryos),
        )
        [ended] = [event for event in score_folder(request) if isinstance(event, RunEnded)]
        run = Run.open(out)
        tables = Scored(run.frames, run.embryos)
    for note in ended.notes:
        log.warning("%s", note)
    for table in tables:
        table[["mask", "overlay"]] = pd.NA
    return tables


def _settings_of(file: str | Path | None, weights: str | Path | None) -> Settings:
    settings = load_settings(None if file is None else Path(file))
    return settings.overridden(weights=None if weights is None else str(weights))


def _without_page(settings: Settings) -> Settings:
    return settings.model_copy(update={"output": settings.output.model_copy(update={"review_page": False})})


def _checked_image(image: NDArray[Any]) -> Image:
    image = np.asarray(image)
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16):
        raise UsageError(
            f"image: is {_in_words(image)}: give one gray channel (y, x) of uint8 or uint16, as cameras do"
        )
    height, width = image.shape
    check_size(height, width, "image")
    return image


def _checked_labels(labels: NDArray[Any]) -> Labels:
    labels = np.asarray(labels)
    if labels.ndim != 2 or not labels.size or labels.dtype.kind not in "iu":
        raise UsageError(f"labels: is {_in_words(labels)}: give whole numbers (y, x): {EXPECTED}")
    wrong = [*np.unique(labels[labels < 0]), *values_of_no_tissue(labels)]
    if wrong:
        raise UsageError(f"labels: holds the value {wrong[0]}: {EXPECTED}")
    return labels.astype(np.uint8)


def _in_words(array: NDArray[Any]) -> str:
    return f"an array of {array.dtype} with the shape {array.shape}"
