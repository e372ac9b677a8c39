"""Who scores a run's frames: the processes of this machine, or the machines of a cluster."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from blastoseg.model.card import Card
from blastoseg.model.planned import PlannedNetworks
from blastoseg.records import FrameRef, FrameResult
from blastoseg.report.pictures import Pictures
from blastoseg.run.network_processes import NetworkProcesses, NetworkWork
from blastoseg.run.request import RunRequest
from blastoseg.run.stream import ScoringPlan, score_frames
from blastoseg.run.surroundings import Surroundings
from blastoseg.run.watching import WatchedInputs
from blastoseg.run.workers import Workers
from blastoseg.stages import Segmented
from blastoseg.stopping import StopRequest

if TYPE_CHECKING:
    from blastoseg.model.segmenter import Segmenter


@dataclass(frozen=True)
class FrameCare:
    """What a run itself does for its frames, whoever scores them.

    ``watched`` notices files that change; ``around`` gives what a frame's overlay tells beside its pixels;
    ``store`` writes a frame's pictures and says where they lie, mask and overlay. Once ``stop`` is asked for
    nothing further is begun.
    """

    watched: WatchedInputs
    around: Callable[[FrameRef], Surroundings]
    store: Callable[[FrameRef, Pictures], tuple[str, str]]
    stop: StopRequest


class Scorer(Protocol):
    """What scores frames with the networks of ``card``."""

    @property
    def card(self) -> Card: ...

    @property
    def engine(self) -> str: ...

    @property
    def precision(self) -> str: ...

    @property
    def device_in_words(self) -> str: ...

    @property
    def batch_size(self) -> int: ...

    def prepare(self) -> None:
        """Make ready to score: the engine may turn out to be another. Raises as ``scorer_of``."""

    def score(self, refs: Iterable[FrameRef], care: FrameCare) -> Iterator[FrameResult | None]:
        """One result a frame, in order, as ``stream.score_frames`` gives them."""


class OwnProcesses:
    """The networks of this process, or a process for each of several devices, and the processes beside them.

    All start when ``prepare`` is called; ``opened`` closes what it opens.
    """

    def __init__(
        self,
        request: RunRequest,
        card: Card,
        workers: Workers,
        opened: ExitStack,
        loaded: "Segmenter | None" = None,
    ) -> None:
        self.card = card
        self._opened = opened
        self._request = request
        self._workers = workers
        self._segmenter: Segmenter | NetworkProcesses | None = loaded
        self._planned: Segmenter | NetworkProcesses | PlannedNetworks = loaded or request.planned_networks(
            card
        )

    @property
    def engine(self) -> str:
        """What computes the networks, or will."""
        return self._planned.engine

    @property
    def precision(self) -> str:
        """The numbers that it computes with."""
        return self._planned.precision

    @property
    def device_in_words(self) -> str:
        """The device, for logs and the report."""
        return self._planned.device_in_words

    @property
    def batch_size(self) -> int:
        """Frames in one pass of the networks."""
        return self._planned.batch_size

    def prepare(self) -> None:
        """Load the networks, while the processes start."""
        self._workers.begin()
        if self._segmenter is None:
            self._planned = self._segmenter = self._opened.enter_context(self._networks())

    @contextmanager
    def _networks(self) -> "Iterator[Segmenter | NetworkProcesses]":
        from blastoseg.model.devices import devices_named  # noqa: PLC0415  torch loads only for frames to score

        devices, request = devices_named(self._request.device), self._request
        if len(devices) == 1:
            yield replace(request, device=devices[0]).networks(self.card)
            return
        work = NetworkWork(self.card, "", request.batch_size, request.settings.flips, engine=request.engine)
        with NetworkProcesses(work, devices) as networks:
            yield networks

    def score(self, refs: Iterable[FrameRef], care: FrameCare) -> Iterator[FrameResult | None]:
        """One result a frame, in order, as ``stream.score_frames`` gives them; none before ``prepare``."""
        if self._segmenter is None:
            return iter(())

        def finish(segmented: Segmented) -> FrameResult:
            result, pictures = self._workers.finish(segmented, care.around(segmented.frame.ref))
            result.mask_file, result.overlay_file = care.store(result.ref, pictures)
            return result

        plan = ScoringPlan(
            networks=self._segmenter,
            read=lambda ref: care.watched.read(ref, self._workers.read),
            finish=finish,
            workers=self._request.processes,
            is_stopped=lambda: bool(care.stop),
        )
        return score_frames(refs, plan)


@contextmanager
def scorer_of(
    request: RunRequest, card: Card, workers: Workers, loaded: "Segmenter | None" = None
) -> Iterator[Scorer]:
    """What a run is asked to score with. Raises WeightsError, DeviceError or EnvironmentProblemError."""
    if request.ray is None:
        with ExitStack() as opened:
            yield OwnProcesses(request, card, workers, opened, loaded=loaded)
        return
    from blastoseg.run.distributed.cluster import Cluster  # noqa: PLC0415 (few runs need it)

    with Cluster(request.ray, request, card) as cluster:
        yield cluster
