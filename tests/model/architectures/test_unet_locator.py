import pytest
import torch

from blastoseg.model.architectures.encoder import count_parameters
from blastoseg.model.architectures.unet_locator import Locator
from blastoseg.model.architectures.unet_locator_config import LocatorConfig


def test_the_locator_is_small_and_answers_at_the_input_size():
    network = Locator(LocatorConfig()).eval()
    assert count_parameters(network) <= 150_000
    assert network(torch.zeros(2, 1, 64, 32)).shape == (2, 2, 64, 32)


def test_a_side_that_cannot_be_halved_often_enough_is_refused():
    with pytest.raises(ValueError, match="pad it to 64x64"):
        Locator(LocatorConfig())(torch.zeros(1, 1, 50, 64))
