"""What happens to a frame before and behind the networks, in processes of their own: it is read there, and
once it is segmented, cleaned, measured, judged and drawn. The files are written by the run itself.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from blastoseg.records import Frame, FrameRef, FrameResult, Location, Segmentation
from blastoseg.report.pictures import Pictures, PictureStyle, caption
from blastoseg.run.request import RunRequest
from blastoseg.run.surroundings import Surroundings, placed
from blastoseg.settings import Quality
from blastoseg.sources.isolated import IsolatedReaders, ReadingWork
from blastoseg.sources.processes import ProcessLostError, Request, WorkFailedError
from blastoseg.sources.serving import Arrays
from blastoseg.stages import Segmented, failed_frame, measure_in_pixels

PATIENCE_S = 300.0
"""For one frame: the largest take a minute on a machine that has other things to do."""


class Finishing(NamedTuple):
    """A frame to be finished. Beside it: its image, and the crop and its probabilities if there are any."""

    ref: FrameRef
    damage: str
    location: Location
    around: Surroundings


class Finished(NamedTuple):
    """A frame's result in pixels, and its pictures."""

    result: FrameResult
    pictures: Pictures


@dataclass(frozen=True)
class FrameWork(ReadingWork):
    """What a process does for a run: frames are read, and finished."""

    libraries = ("scipy.fft", "scipy.special", "skimage.measure.fit")

    thresholds: Quality
    style: PictureStyle

    def done(self, job: Any, arrays: Arrays) -> tuple[Any, Arrays]:
        """For a Finishing a Finished; for all else as ``ReadingWork``."""
        if isinstance(job, Finishing):
            return self.finished(job, arrays), ()
        return super().done(job, arrays)

    def finished(self, job: Finishing, arrays: Arrays) -> Finished:
        """Clean, measure, judge and draw a frame."""
        image, *seen = arrays
        segmented = Segmented(Frame(job.ref, image, job.damage), job.location)
        if seen and job.location.box is not None:
            crop, probabilities = seen
            segmented = replace(
                segmented, crop=crop, segmentation=Segmentation(probabilities, job.location.box)
            )
        labels, result = measure_in_pixels(segmented, self.thresholds)
        words = caption(placed(result, job.around, self.thresholds))
        return Finished(result, self.style.draw(image, labels, words))


class Workers(IsolatedReaders):
    """Context manager over ``count`` processes that read frames, and finish them.

    ``begin`` is called once there is a frame to be scored.
    """

    def __init__(self, work: FrameWork, count: int) -> None:
        super().__init__(work.options, count, work)

    @classmethod
    def of(cls, request: RunRequest) -> "Workers":
        """Those that a run is asked for."""
        style = PictureStyle(request.overlays, without_label=request.keyfile is not None)
        return cls(FrameWork(request.source_options, request.settings.quality, style), request.processes)

    def finish(self, segmented: Segmented, around: Surroundings) -> Finished:
        """Clean, measure, judge and draw a frame, in pixels; ``around`` decides what stands on its overlay.

        What fails twice, or costs two processes their lives, is a ``failed`` result without pictures.
        """
        frame, segmentation = segmented.frame, segmented.segmentation
        job = Finishing(frame.ref, frame.damage, segmented.location, around)
        arrays: Arrays = (frame.image,)
        if segmented.crop is not None and segmentation is not None:
            arrays = (frame.image, segmented.crop, segmentation.probabilities)
        request = Request(job, arrays, frame.ref.source, doing="measuring", patience_s=PATIENCE_S)
        finished: Finished
        try:
            finished, _ = self.processes.ask(request)
        except ProcessLostError as error:
            problem = f"the process measuring it {error}"
        except WorkFailedError as error:
            problem = f"unexpected error while measuring: {error}"
        else:
            return finished
        return Finished(failed_frame(frame.ref, f"{problem}{request.often}: see run.log"), Pictures())
