"""The networks: torch only, they know no files, no devices and no images.

`I2CNet` segments a square crop into the five tissues; `Locator` finds the embryo in a whole frame.
"""

from blastoseg.network.i2cnet import I2CNet, I2CNetConfig
from blastoseg.network.locator import Locator, LocatorConfig

__all__ = ["I2CNet", "I2CNetConfig", "Locator", "LocatorConfig"]
