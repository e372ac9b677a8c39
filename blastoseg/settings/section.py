"""What all sections of a settings file share."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the file: frozen, and nothing in it that isn't declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)
