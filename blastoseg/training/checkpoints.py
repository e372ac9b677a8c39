"""Checkpoints that are whole or the one before: written beside the last, flushed, moved into place."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import CheckpointIO
from safetensors import SafetensorError

from blastoseg.errors import TrainingError
from blastoseg.files import replace_atomically


class WholeCheckpoints(CheckpointIO):
    """How Lightning writes and reads checkpoints here. Nothing but tensors and plain values is loaded."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Raises TrainingError where the disk refuses; the checkpoint before stays as it was."""
        file = Path(path)
        with explain_failed_save(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            with replace_atomically(file) as temporary:
                torch.save(checkpoint, temporary)

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Raises TrainingError for a file that is no checkpoint."""
        return read_checkpoint(Path(path), map_location or "cpu")

    def remove_checkpoint(self, path: str | Path) -> None:
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: Path, map_location: Any = "cpu") -> dict[str, Any]:
    """A checkpoint's content. Raises TrainingError where it is missing or damaged."""
    try:
        content: dict[str, Any] = torch.load(path, map_location=map_location, weights_only=True)
    except FileNotFoundError as error:
        raise TrainingError(f"{path}: is missing: train this network first, without --resume") from error
    except Exception as error:
        raise TrainingError(f"{path}: is no checkpoint of this version ({error}): start anew") from error
    return content


@contextmanager
def explain_failed_save(path: Path) -> Iterator[None]:
    """Turn what a full or write-protected disk raises while ``path`` is saved into a TrainingError.

    torch and safetensors report a full disk as a RuntimeError or an error of their own.
    """
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise TrainingError(
            f"{path}: cannot be saved ({reason}): free some space and go on with --resume; "
            "what was saved before is kept"
        ) from error
