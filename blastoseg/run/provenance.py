"""What a run's results come from: what it was given, which weights on what machine, under which settings."""

import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from blastoseg import __version__
from blastoseg.report.manifest import RunManifest, UsedPixelSize, user_name
from blastoseg.run.events import RunEnded
from blastoseg.settings import Settings
from blastoseg.stages import REVISIONS, stages_in_words


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the history, ``run.json`` and a part's own file say alike; ``settings`` as JSON has them.

    ``part`` is that of a run over one of several parts, such as 3/8, empty for a whole one.
    """

    inputs: list[str]
    weights: str
    weights_sha256: str
    device: str
    engine: str
    precision: str
    batch_size: int
    settings: dict[str, Any]
    pseudonyms: str
    embryo_table_sha256: str
    part: str = ""

    @property
    def settings_sha256(self) -> str:
        """That of the settings that a row depends on."""
        return Settings.model_validate(self.settings).digest()

    def details(self) -> dict[str, Any]:
        """What the ledger's history says of a run when it starts."""
        return {
            "inputs": self.inputs,
            "weights": self.weights,
            "weights_sha256": self.weights_sha256,
            "settings_sha256": self.settings_sha256,
            "pseudonyms": self.pseudonyms,
            "software": __version__,
            "stages": stages_in_words(self.engine),
            "device": self.device,
            "part": self.part,
            "host": socket.gethostname(),
            "user": user_name(),
        }

    def manifest(self, ended: RunEnded, started: datetime, pixel_sizes: list[UsedPixelSize]) -> RunManifest:
        """``run.json`` of a run that ends now."""
        return RunManifest(
            **asdict(self),
            settings_sha256=self.settings_sha256,
            pixel_sizes=pixel_sizes,
            counts=ended.counts,
            embryos=len(ended.embryos),
            exit_code=ended.exit_code,
            started=started,
            ended=datetime.now(UTC),
            frames_new=ended.new,
            frames_unchanged=ended.unchanged,
            files_still_being_written=ended.settling,
            frames_left=ended.left,
            stopped=ended.stopped,
            stages=REVISIONS,
        )
