"""A wider network that begins where a narrow one stopped."""

import dataclasses
from pathlib import Path

import pytest
import torch

from blastoseg.model.architectures.i2cnet import I2CNet
from blastoseg.model.architectures.i2cnet_config import I2CNetConfig
from blastoseg.model.architectures.i2cnet_widening import can_widen, widen
from blastoseg.model.card import load_card
from blastoseg.model.loading import load_network
from blastoseg.training.pretrained import load_pretrained

NARROW = I2CNetConfig(base_channels=12, levels=3, features_before_pool=True, logit_relu=False)


def _trained(config: I2CNetConfig) -> I2CNet:
    """A network whose BatchNorms have seen something, in eval mode."""
    torch.manual_seed(1)
    network = I2CNet(config)
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(part.running_var, 0.5, 2.0)
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
    return network.eval()


@pytest.mark.parametrize("channels", [16, 18, 24, 36])
@pytest.mark.parametrize(
    "switches",
    [{}, {"weighting": False}, {"inter": False}, {"intra": False}, {"intra": False, "inter": False}],
    ids=["full", "unweighted", "intra", "inter", "backbone"],
)
def test_the_wide_network_gives_the_narrow_ones_logits(channels: int, switches: dict[str, bool]) -> None:
    narrow = _trained(dataclasses.replace(NARROW, **switches))
    config = dataclasses.replace(narrow.config, base_channels=channels)
    assert can_widen(narrow.config, config)
    wide = I2CNet(config).eval()
    wide.load_state_dict(widen(narrow.state_dict(), narrow.config, config, noise=0.0))
    image = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        for own, other in zip(narrow(image), wide(image), strict=True):
            torch.testing.assert_close(own, other, rtol=1e-4, atol=1e-4)


def test_copies_differ_a_little_so_that_they_learn_different_things() -> None:
    narrow, config = _trained(NARROW), dataclasses.replace(NARROW, base_channels=24)
    weights = widen(narrow.state_dict(), narrow.config, config)["encoder.blocks.0.3.weight"]
    assert len(torch.unique(weights.flatten(1), dim=0)) == len(weights)
    wide = I2CNet(config).eval()
    wide.load_state_dict(widen(narrow.state_dict(), narrow.config, config))
    image = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        own, other = narrow(image)[0], wide(image)[0]
    assert 0 < (own - other).std() < 0.5 * own.std()


@pytest.mark.parametrize(
    "change", [{"base_channels": 12}, {"base_channels": 10}, {"levels": 4}, {"logit_relu": True}]
)
def test_only_more_channels_can_be_added(change: dict[str, int]) -> None:
    config = dataclasses.replace(NARROW, **change)
    assert not can_widen(NARROW, config)
    with pytest.raises(ValueError, match="cannot be widened"):
        widen(_trained(NARROW).state_dict(), NARROW, config)


def test_a_training_starts_from_narrower_weights_by_widening_them(tiny_model: Path) -> None:
    narrow = load_network(load_card(str(tiny_model))).eval()
    assert isinstance(narrow, I2CNet)
    wide = I2CNet(dataclasses.replace(narrow.config, base_channels=12)).eval()
    load_pretrained(wide, str(tiny_model), "tissues")
    image = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        own, other = narrow(image)[0], wide(image)[0]
    assert torch.corrcoef(torch.stack([own.flatten(), other.flatten()]))[0, 1] > 0.95
