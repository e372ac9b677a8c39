"""Which networks a list names, and under which conditions each is trained."""

import pytest

pytest.importorskip("lightning")

from blastoseg.errors import UsageError
from blastoseg.evaluation.comparison.members import (
    ABLATION,
    FORMS,
    NOT_IN_THE_PAPER,
    SHOWN,
    in_order,
    members_of,
)
from blastoseg.evaluation.comparison.optimisers import PUBLISHED, in_words, optimisation_of
from blastoseg.evaluation.comparison.paper import TABLE_2_JACCARD
from blastoseg.model.architectures.i2cnet_config import I2CNetConfig
from blastoseg.model.architectures.registry import SEGMENTERS
from blastoseg.model.card import load_card
from blastoseg.training.recipe import load_recipe


def test_all_are_the_papers_networks_and_the_ablation_adds_the_rows_of_table_1() -> None:
    names = [member.name for member in members_of("all", ablation=True, width="small", side=192)]
    assert set(TABLE_2_JACCARD) | set(ABLATION) <= set(names) == set(SHOWN) - set(FORMS) - NOT_IN_THE_PAPER
    rows = members_of("i2cnet", ablation=True, width="full", side=256)
    assert [member.name for member in rows] == ["i2cnet", *list(ABLATION)[:-1]]
    assert {member.settings["base_channels"] for member in rows} == {64}
    assert in_order(["unet", "i2cnet"]) == ["i2cnet", "unet"]


def test_the_form_of_the_bundled_weights_is_compared_where_it_is_named() -> None:
    (member,) = members_of("i2cnet-before-pool", ablation=False, width="small", side=192)
    bundled = load_card("starter").segmenter.configuration
    assert isinstance(bundled, I2CNetConfig)
    assert SEGMENTERS.configure(member.architecture, member.settings) == bundled
    assert in_order(["i2cnet-backbone", member.name, "unet"]) == ["unet", member.name, "i2cnet-backbone"]


def test_an_unknown_name_and_a_side_that_does_not_fit_are_told_with_the_choices() -> None:
    with pytest.raises(UsageError, match="'resnet' is no network: choose all, or some of i2cnet, unet"):
        members_of("unet,resnet", ablation=False, width="small", side=192)
    with pytest.raises(UsageError, match=r"medt does not take .* 200: .* take 192 or 256"):
        members_of("medt", ablation=False, width="small", side=200)


def test_each_has_the_common_optimiser_or_its_own_at_the_same_length() -> None:
    common = load_recipe("comparison").segmenter.optimisation
    assert set(PUBLISHED) <= set(SEGMENTERS)
    assert optimisation_of("nnunet", common, own=False) == common
    own = optimisation_of("nnunet", common, own=True)
    assert (own.optimiser, own.momentum, own.epochs) == ("sgd", 0.99, common.epochs)
    assert in_words(own) == "sgd 0.01, Nesterov momentum 0.99, decay 3e-05, clipped at 12, poly"
    assert optimisation_of("unet", common, own=True) == common
