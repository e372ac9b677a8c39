"""Synthetic embryos with known truth: they train the starter weights, and serve tests and examples."""

from blastoseg.simulate.draw import draw_frame
from blastoseg.simulate.frame import SimulatedFrame, View
from blastoseg.simulate.kinds import BLASTOCYSTS, KINDS, check_kind
from blastoseg.simulate.preset import PRESETS, check_preset
from blastoseg.simulate.timelapse import Timelapse, draw_timelapse, plan_timelapse

__all__ = [
    "BLASTOCYSTS",
    "KINDS",
    "PRESETS",
    "SimulatedFrame",
    "Timelapse",
    "View",
    "check_kind",
    "check_preset",
    "draw_frame",
    "draw_timelapse",
    "plan_timelapse",
]
