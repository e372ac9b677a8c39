"""The networks of the comparison are as large as those that were published, or all of one size."""

import pytest

pytest.importorskip("monai")
import torch

from blastoseg.model.architectures.configuration import Width
from blastoseg.model.architectures.encoder import count_parameters
from blastoseg.model.architectures.peers.medt import cut_tiles, join_tiles
from blastoseg.model.architectures.registry import SEGMENTERS

PUBLISHED = {
    **{"unet": 31.11, "attention-unet": 31.74, "unet-plus-plus": 9.12, "nnunet": 33.47},
    **{"deeplabv3-plus": 45.66, "setr": 88.98, "transunet": 105.32, "swin-unet": 27.17},
    # Without the reference's classifier, which PraNet does not use; Blast-Net's is not known.
    **{"unet3-plus": 27.07, "pranet": 32.55 - 2.05, "medt": 1.56, "blast-net": 25.0},
}
"""Millions of parameters for one gray channel, five classes and 256 x 256 pixels."""


def millions(name: str, width: Width) -> float:
    settings = SEGMENTERS.described(name).settings_at(width, 256)
    with torch.device("meta"):
        return count_parameters(SEGMENTERS.configure(name, settings).build()) / 1e6


def test_at_full_width_every_network_has_the_published_number_of_parameters() -> None:
    assert {name: millions(name, "full") for name in PUBLISHED} == pytest.approx(PUBLISHED, rel=0.03)


def test_at_small_width_every_network_has_three_million() -> None:
    found = {name: millions(name, "small") for name in SEGMENTERS}
    assert found == pytest.approx(dict.fromkeys(SEGMENTERS, 3.0), rel=0.15)


def test_tiles_are_put_back_where_they_were_cut() -> None:
    image = torch.arange(2 * 1 * 8 * 16).reshape(2, 1, 8, 16)
    assert cut_tiles(image)[1].tolist() == image[0, :, :2, 4:8].tolist()
    assert torch.equal(join_tiles(cut_tiles(image)), image)


def test_positions_are_for_the_side_that_is_said() -> None:
    with pytest.raises(ValueError, match="give a multiple of 32"):
        SEGMENTERS.configure("swin-unet", {"side": 100})
    SEGMENTERS.configure("swin-unet", {"side": 192}).check_side(192)
    with pytest.raises(ValueError, match="at least 128"):
        SEGMENTERS.configure("nnunet", {}).check_side(64)
    with pytest.raises(ValueError, match="either features or a width"):
        SEGMENTERS.configure("unet", {"width": "small", "features": [8] * 6})
