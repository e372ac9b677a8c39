"""Which numbers a training computes with, where the recipe leaves it to the machine."""

from typing import Literal

import torch

from blastoseg.training.recipe_optimisation import Precision

LightningPrecision = Literal["32-true", "bf16-mixed", "16-mixed"]

# Advanced Matrix Extensions and AVX-512 on x86, the extension of the same name on ARM.
_BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16")


def precision_here(wanted: Precision, on_gpu: bool) -> LightningPrecision:
    """The precision itself where the recipe names one; for "auto" bfloat16 where it is computed natively.

    A processor without its instructions imitates them and takes up to many times as long as with float32.
    """
    if wanted != "auto":
        return wanted
    return "bf16-mixed" if (_gpu_has_bf16() if on_gpu else _processor_has_bf16()) else "32-true"


def _gpu_has_bf16() -> bool:
    return bool(torch.cuda.is_bf16_supported(including_emulation=False))


def _processor_has_bf16() -> bool:
    # Early versions of torch cannot say: float32 is right everywhere.
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in _BF16_INSTRUCTIONS)
