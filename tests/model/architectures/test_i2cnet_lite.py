"""The encoder of EfficientNet-Lite against the published form of its weights, and the network on it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from blastoseg.model.architectures.efficientnet_lite import STAGES, EfficientNetLite
from blastoseg.model.architectures.registry import SEGMENTERS
from blastoseg.training.pretrained import load_tensors

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "convert_encoder.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("convert_encoder", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def published() -> dict[str, Tensor]:
    """Weights of Lite 0 by their published names and shapes, with statistics that are not neutral."""
    torch.manual_seed(3)
    tensors: dict[str, Tensor] = {}

    def convolution(name: str, norm: str, outputs: int, inputs: int, side: int) -> None:
        tensors[f"{name}.weight"] = torch.randn(outputs, inputs, side, side) / (inputs * side**2) ** 0.5
        tensors[f"{norm}.weight"], tensors[f"{norm}.bias"] = torch.rand(outputs) + 0.5, torch.randn(outputs)
        tensors[f"{norm}.running_mean"] = torch.randn(outputs) / 4
        tensors[f"{norm}.running_var"] = torch.rand(outputs) + 0.5
        tensors[f"{norm}.num_batches_tracked"] = torch.tensor(1)

    convolution("_conv_stem", "_bn0", 32, 3, 3)
    number, inputs = 0, 32
    for stage in STAGES:
        for _ in range(stage.blocks):
            name, inner = f"_blocks.{number}", inputs * stage.expansion
            if stage.expansion > 1:
                convolution(f"{name}._expand_conv", f"{name}._bn0", inner, inputs, 1)
            convolution(f"{name}._depthwise_conv", f"{name}._bn1", inner, 1, stage.side)
            convolution(f"{name}._project_conv", f"{name}._bn2", stage.channels, inner, 1)
            number, inputs = number + 1, stage.channels
    tensors["_fc.weight"] = torch.randn(1000, 1280)
    return tensors


def plain_features(tensors: dict[str, Tensor], gray: Tensor) -> Tensor:
    """The last features, step by step from the published names; the image's three colours are alike."""

    def unit(image: Tensor, name: str, norm: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = tensors[f"{name}.weight"]
        moved = F.conv2d(image, weight, None, stride, weight.shape[-1] // 2, groups=groups)
        mean, variance = tensors[f"{norm}.running_mean"], tensors[f"{norm}.running_var"]
        return F.batch_norm(
            moved, mean, variance, tensors[f"{norm}.weight"], tensors[f"{norm}.bias"], eps=1e-3
        )

    current = unit(gray.repeat(1, 3, 1, 1), "_conv_stem", "_bn0", stride=2).clamp(0, 6)
    number = 0
    for stage in STAGES:
        for block in range(stage.blocks):
            name, before = f"_blocks.{number}", current
            if f"{name}._expand_conv.weight" in tensors:
                current = unit(current, f"{name}._expand_conv", f"{name}._bn0").clamp(0, 6)
            stride = stage.stride if block == 0 else 1
            groups = current.shape[1]
            current = unit(current, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, groups=groups)
            current = unit(current.clamp(0, 6), f"{name}._project_conv", f"{name}._bn2")
            if block > 0:
                current = current + before
            number += 1
    return current


def test_a_converted_encoder_answers_as_the_published_one_to_gray_images(tmp_path: Path) -> None:
    theirs = published()
    save_file(script().converted(theirs), tmp_path / "encoder.safetensors")
    network = SEGMENTERS.configure("i2cnet-lite", {"lite": 0}).build().eval()
    load_tensors(network, tmp_path / "encoder.safetensors")
    gray = torch.randn(2, 1, 64, 96)
    with torch.no_grad():
        (*_, deepest) = network.get_submodule("encoder")(gray)
        torch.testing.assert_close(deepest, plain_features(theirs, gray), rtol=1e-4, atol=1e-4)


def test_the_encoder_has_a_map_a_stride_as_wide_as_it_says() -> None:
    for lite, parameters in ((0, 2_958_272), (1, 3_722_944), (2, 4_357_376)):
        encoder = EfficientNetLite(lite).eval()
        assert sum(value.numel() for value in encoder.parameters()) == parameters
        with torch.no_grad():
            maps = encoder(torch.zeros(1, 1, 64, 64))
        assert [tuple(of.shape[1:]) for of in maps] == [
            (channels, side, side) for channels, side in zip(encoder.channels, (32, 16, 8, 4, 2), strict=True)
        ]


@pytest.mark.parametrize(("widths", "side"), [((8, 8, 8, 16), 32), ((8, 8, 8, 8, 16), 64)])
def test_the_number_of_widths_says_how_fine_the_logits_are(widths: tuple[int, ...], side: int) -> None:
    network = SEGMENTERS.configure("i2cnet-lite", {"lite": 0, "widths": widths}).build().eval()
    with torch.no_grad():
        maps = network(torch.zeros(1, 1, 64, 64))
    assert [of.shape[-1] for of in maps] == [side // 2**level for level in range(len(widths) + 1)]


def test_other_numbers_of_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="give four or five, each at least 5"):
        SEGMENTERS.configure("i2cnet-lite", {"widths": (8, 8, 8)})


def test_bfloat16_training_keeps_the_gradients_of_depthwise_convolutions() -> None:
    encoder = EfficientNetLite(0)
    with torch.autocast("cpu", torch.bfloat16):
        (*_, deepest) = encoder(torch.randn(2, 1, 64, 64))
    deepest.float().square().mean().backward()
    assert all(bool(value.grad.isfinite().all()) for value in encoder.parameters() if value.grad is not None)
    assert sum(value.grad is not None for value in encoder.parameters()) == len(list(encoder.parameters()))
