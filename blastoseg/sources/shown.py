"""How names of embryos, folders and files are shown. Messages are made of this and nothing else."""

from pathlib import Path
from typing import Protocol


class Shown(Protocol):
    """How discovery shows names, from the first message on."""

    def of_name(self, name: str) -> str:
        """The name of an embryo or a folder."""

    def of_source(self, source: str) -> str:
        """A file's path, relative to what was given."""

    def of_path(self, path: Path) -> str:
        """A path on this machine."""

    def detail(self, text: str) -> str:
        """What a library or a file says, which may hold any name; empty where none may be seen."""


class AsTheyAre:
    """Every name as it is."""

    def of_name(self, name: str) -> str:
        return name

    def of_source(self, source: str) -> str:
        return source

    def of_path(self, path: Path) -> str:
        return str(path)

    def detail(self, text: str) -> str:
        return text


AS_THEY_ARE = AsTheyAre()
