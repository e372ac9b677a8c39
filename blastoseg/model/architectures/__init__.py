"""The networks: torch only, they know no files, no devices and no images.

`I2CNet` segments a square crop into the five tissues; `Locator` finds the embryo in a whole frame.
"""

from blastoseg.model.architectures.i2cnet import I2CNet, I2CNetConfig
from blastoseg.model.architectures.unet_locator import Locator, LocatorConfig

__all__ = ["I2CNet", "I2CNetConfig", "Locator", "LocatorConfig"]
