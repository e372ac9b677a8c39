"""What is averaged: every crop, none, or those that the first pass is unsure of."""

import pytest

torch = pytest.importorskip("torch")

from blastoseg.model.averaging import MOST_UNSURE_FRAC, averaged, is_unsure  # noqa: E402


class Network:
    """Sure of bright images, unsure of dark ones, and the less the farther right; counts its passes."""

    def __init__(self) -> None:
        self.passes = 0
        self.trust = torch.linspace(1, 0.95, 8)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.passes += 1
        first = 0.5 + 0.45 * images[:, :1] * self.trust
        return torch.cat([first, 1 - first], dim=1)


def test_only_unsure_crops_are_seen_again_and_company_changes_none() -> None:
    ramp = torch.linspace(-0.2, 1, 64).reshape(1, 1, 8, 8)
    images = torch.cat([torch.ones(1, 1, 8, 8), ramp])
    network = Network()
    sure = averaged(network, images[:1], "unsure")
    assert network.passes == 1
    torch.testing.assert_close(sure, network(images[:1]), rtol=0, atol=0)
    unsure = averaged(network, images[1:], "unsure")
    torch.testing.assert_close(unsure, averaged(network, images[1:], True), rtol=0, atol=0)
    assert not torch.equal(unsure, averaged(network, images[1:], False))
    together = averaged(network, images, "unsure")
    torch.testing.assert_close(together, torch.cat([sure, unsure]), rtol=0, atol=0)


def test_a_crop_is_unsure_where_too_many_of_its_pixels_are() -> None:
    probabilities = torch.zeros(2, 2, 10, 10)
    probabilities[:, 0] = 0.95
    few, many = int(100 * MOST_UNSURE_FRAC), int(100 * MOST_UNSURE_FRAC) + 1
    probabilities[0, 0].view(-1)[:few] = 0.8
    probabilities[1, 0].view(-1)[:many] = 0.8
    assert is_unsure(probabilities).tolist() == [False, True]
