"""A network as a card or a recipe describes it: whatever is wrong with it is found when it is read."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from blastoseg.model.architectures.registry import Registry


class DescribedNetwork(BaseModel):
    """Has an ``architecture``, its settings (a card's ``config``, a recipe's ``network``), and an input size.

    The fields stand in this order: a size is held against the network that stands before it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    registry: ClassVar[Registry[Any]]

    @field_validator("architecture", check_fields=False)
    @classmethod
    def _is_known(cls, name: str) -> str:
        return cls.registry.check_name(name)

    @field_validator("config", "network", check_fields=False)
    @classmethod
    def _describes_a_network(cls, settings: dict[str, Any], read: ValidationInfo) -> dict[str, Any]:
        if "architecture" in read.data:
            cls.registry.configure(read.data["architecture"], settings)
        return settings

    @field_validator("input_size", "second_size", check_fields=False)
    @classmethod
    def _is_a_side_it_takes(cls, side: int | None, read: ValidationInfo) -> int | None:
        settings = read.data.get("config", read.data.get("network"))
        if side is not None and settings is not None and "architecture" in read.data:
            cls.registry.configure(read.data["architecture"], settings).check_side(side)
            cls.registry.check_side(side)
        return side
