"""I2CNet against a slow, plain reference that is written from the paper's equations with loops."""

import itertools
import math

import numpy as np
import pytest
import torch

from blastoseg.model.architectures.context import (
    ClassContext,
    boundary_weight,
    expand_to_channels,
    group_sizes,
)
from blastoseg.model.architectures.contract import bring_to_size
from blastoseg.model.architectures.encoder import Encoder, fold_batch_norms
from blastoseg.model.architectures.i2cnet import I2CNet, LogitHead, class_probabilities
from blastoseg.model.architectures.i2cnet_config import I2CNetConfig
from blastoseg.model.architectures.inference import InferenceI2CNet

K = 5


def randomised(module):
    """Weights and BatchNorm statistics away from their neutral values, in eval mode and double precision."""
    generator = torch.Generator().manual_seed(7)
    for name, value in module.state_dict().items():
        if value.dtype.is_floating_point:
            noise = torch.rand(value.shape, generator=generator) - 0.5
            value.copy_(1.0 + noise if "running_var" in name else noise)
    return module.eval().double()


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def as_tensor(array):
    return torch.from_numpy(array)[None]


def plain_convolution(x, layer):
    weight = layer.weight.detach().numpy()
    outputs, inputs, size, _ = weight.shape
    reach = size // 2
    padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach)))
    result = np.zeros((outputs, *x.shape[1:]))
    for o, i, dy, dx in itertools.product(range(outputs), range(inputs), range(size), range(size)):
        result[o] += weight[o, i, dy, dx] * padded[i, dy : dy + x.shape[1], dx : dx + x.shape[2]]
    if layer.bias is not None:
        result += layer.bias.detach().numpy()[:, None, None]
    return result


def plain_norm(x, layer):
    mean, variance = layer.running_mean.numpy(), layer.running_var.numpy()
    scale = layer.weight.detach().numpy() / np.sqrt(variance + layer.eps)
    return (x - mean[:, None, None]) * scale[:, None, None] + layer.bias.detach().numpy()[:, None, None]


def plain_pool(x):
    channels, height, width = x.shape
    result = np.empty((channels, height // 2, width // 2))
    for c, y, z in itertools.product(range(channels), range(height // 2), range(width // 2)):
        result[c, y, z] = max(x[c, 2 * y + a, 2 * z + b] for a in (0, 1) for b in (0, 1))
    return result


def plain_resize(x, height, width):
    """Bilinear, pixel centres at half-integers, edges repeated."""
    result = np.empty((x.shape[0], height, width))
    for y, z in itertools.product(range(height), range(width)):
        v = min(max((y + 0.5) * x.shape[1] / height - 0.5, 0), x.shape[1] - 1)
        u = min(max((z + 0.5) * x.shape[2] / width - 0.5, 0), x.shape[2] - 1)
        y0, x0 = int(v), int(u)
        y1, x1 = min(y0 + 1, x.shape[1] - 1), min(x0 + 1, x.shape[2] - 1)
        top = x[:, y0, x0] * (1 - (u - x0)) + x[:, y0, x1] * (u - x0)
        bottom = x[:, y1, x0] * (1 - (u - x0)) + x[:, y1, x1] * (u - x0)
        result[:, y, z] = top * (1 - (v - y0)) + bottom * (v - y0)
    return result


def plain_relu(x):
    return np.where(x > 0, x, 0.0)


def plain_encoder(image, encoder, before_pool):
    features, current = [], image
    for block in encoder.blocks:
        first, first_norm, _, second, second_norm, _ = block
        current = plain_relu(plain_norm(plain_convolution(current, first), first_norm))
        current = plain_relu(plain_norm(plain_convolution(current, second), second_norm))
        pooled = plain_pool(current)
        features.append(current if before_pool else pooled)
        current = pooled
    return features


def plain_head(x, head, relu):
    first, _, second = head.squeeze
    convolution, norm = head.logits
    squeezed = plain_convolution(plain_relu(plain_convolution(x, first)), second)
    logits = plain_norm(plain_convolution(squeezed, convolution), norm)
    return plain_relu(logits) if relu else logits


def plain_probabilities(logits):
    return plain_resize(1 / (1 + np.exp(-logits)), 2 * logits.shape[1], 2 * logits.shape[2])


def plain_u(x):
    return 1.0 * (math.exp(-(abs(x - 0.5) ** 2)) - math.exp(-(0.5**2))) + 1


def plain_groups(channels, groups):
    size = channels // groups
    edges = [group * size for group in range(groups)] + [channels]
    return [range(edges[group], edges[group + 1]) for group in range(groups)]


def plain_context(features, p, context, switches):
    channels, height, width = features.shape
    intra, inter = np.empty_like(features), np.empty_like(features)
    for k, group in enumerate(plain_groups(channels, K)):
        for c in group:
            intra[c] = features[c] * p[k]
    for i, group in enumerate(plain_groups(channels, K - 1)):
        for c, y, x in itertools.product(group, range(height), range(width)):
            weight = plain_u(sum(p[j, y, x] for j in range(i + 1))) if switches.weighting else 1.0
            inter[c, y, x] = features[c, y, x] * weight
    parts = []
    if switches.intra:
        parts.append(plain_convolution(intra, context.intra))
    if switches.inter:
        parts.append(plain_convolution(inter, context.inter))
    return plain_convolution(np.concatenate(parts or [features, p]), context.fuse)


def plain_i2cnet(image, network):
    config = network.config
    features = plain_encoder(image, network.encoder, config.features_before_pool)
    logits = plain_head(features[-1], network.heads[-1], config.logit_relu)
    maps = [logits]
    for level in reversed(range(config.levels - 1)):
        mixed = plain_context(features[level], plain_probabilities(logits), network.contexts[level], config)
        logits = plain_head(mixed, network.heads[level], config.logit_relu)
        maps.insert(0, logits)
    return maps


@pytest.mark.parametrize("before_pool", [False, True])
def test_the_encoder_is_two_convolutions_and_a_pool_a_level(before_pool):
    encoder = randomised(Encoder(3, 3, before_pool))
    image = numbers((1, 16, 24))
    expected = plain_encoder(image, encoder, before_pool)
    for given, wanted in zip(encoder(as_tensor(image)), expected, strict=True):
        np.testing.assert_allclose(given[0].detach(), wanted, atol=1e-10)


@pytest.mark.parametrize("relu", [False, True])
def test_the_squeeze_and_logits_follow_their_definition(relu):
    head = randomised(LogitHead(7, K, relu))
    features = numbers((7, 6, 5))
    np.testing.assert_allclose(
        head(as_tensor(features))[0].detach(), plain_head(features, head, relu), atol=1e-10
    )


def test_the_probability_map_is_the_upsampled_sigmoid():
    logits = numbers((K, 3, 4))
    np.testing.assert_allclose(
        class_probabilities(as_tensor(logits))[0], plain_probabilities(logits), atol=1e-12
    )


def test_the_boundary_weight_is_one_at_the_ends_and_largest_where_undecided():
    values = np.linspace(0, 4, 41)
    expected = [plain_u(value) for value in values]
    np.testing.assert_allclose(boundary_weight(torch.from_numpy(values)), expected, atol=1e-12)
    assert boundary_weight(torch.tensor(0.0)) == pytest.approx(1.0)
    assert boundary_weight(torch.tensor(1.0)) == pytest.approx(1.0)
    assert boundary_weight(torch.tensor(0.5)) == pytest.approx(2 - math.exp(-0.25))


def test_the_rest_of_the_channels_goes_to_the_last_group():
    assert group_sizes(13, 5) == [2, 2, 2, 2, 5]
    gates = torch.arange(5.0).view(1, 5, 1, 1)
    assert expand_to_channels(gates, group_sizes(13, 5)).flatten().tolist() == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
        3,
        *[4] * 5,
    ]


@pytest.mark.parametrize(
    ("intra", "inter", "weighting"),
    [
        (True, True, True),
        (True, False, True),
        (False, True, True),
        (False, True, False),
        (False, False, True),
    ],
)
def test_both_contexts_and_their_fusion_follow_the_equations(intra, inter, weighting):
    switches = I2CNetConfig(base_channels=13, intra=intra, inter=inter, weighting=weighting)
    context = randomised(ClassContext(13, switches))
    features, p = numbers((13, 4, 3), 1), np.random.default_rng(2).random((K, 4, 3))
    expected = plain_context(features, p, context, switches)
    np.testing.assert_allclose(context(as_tensor(features), as_tensor(p))[0].detach(), expected, atol=1e-10)


@pytest.mark.parametrize("before_pool", [False, True])
@pytest.mark.parametrize("relu", [False, True])
def test_the_whole_network_agrees_with_the_reference_at_every_level(before_pool, relu):
    config = I2CNetConfig(base_channels=6, levels=3, features_before_pool=before_pool, logit_relu=relu)
    network = randomised(I2CNet(config))
    image = numbers((1, 16, 8))
    expected = plain_i2cnet(image, network)
    for given, wanted in zip(network(as_tensor(image)), expected, strict=True):
        np.testing.assert_allclose(given[0].detach(), wanted, atol=1e-9)
    whole = plain_resize(expected[0], 16, 8)
    np.testing.assert_allclose(network.predict(as_tensor(image))[0].detach(), whole, atol=1e-9)


def test_folded_batch_norms_compute_the_same_function():
    network = randomised(I2CNet(I2CNetConfig(base_channels=6)))
    image = as_tensor(numbers((1, 32, 64)))
    before = network.predict(image)
    fold_batch_norms(network)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())
    torch.testing.assert_close(network.predict(image), before, atol=1e-9, rtol=1e-7)


@pytest.mark.parametrize(
    ("intra", "inter", "weighting"),
    [(True, True, True), (True, False, True), (False, True, True), (True, True, False), (False, False, True)],
)
def test_the_network_rearranged_for_prediction_computes_the_same_function(intra, inter, weighting):
    switches = {"intra": intra, "inter": inter, "weighting": weighting}
    network = randomised(I2CNet(I2CNetConfig(base_channels=7, levels=3, **switches)))
    image = as_tensor(numbers((1, 16, 24)))
    expected = network.predict(image).detach()
    rearranged = InferenceI2CNet(network).double()
    torch.testing.assert_close(rearranged.predict(image).detach(), expected, atol=1e-9, rtol=1e-7)


def test_an_impossible_size_is_refused_with_the_size_to_pad_to():
    network = I2CNet(I2CNetConfig(base_channels=6))
    with pytest.raises(ValueError, match="pad it to 224x192"):
        network(torch.zeros(1, 1, 200, 192))
    with pytest.raises(ValueError, match=r"\(N, 1, H, W\)"):
        network(torch.zeros(1, 3, 64, 64))


def test_the_finest_logits_have_half_the_side_or_the_whole_one():
    image = torch.zeros(1, 1, 64, 96)
    for before_pool, sizes in ((False, [32, 16, 8, 4, 2]), (True, [64, 32, 16, 8, 4])):
        network = I2CNet(I2CNetConfig(base_channels=5, features_before_pool=before_pool)).eval()
        assert [maps.shape[2] for maps in network(image)] == sizes
        assert network.predict(image).shape == (1, K, 64, 96)


def test_logits_of_the_wanted_size_are_not_touched():
    logits = torch.rand(1, K, 4, 4)
    assert bring_to_size(logits, 4, 4) is logits


def test_a_network_with_fewer_channels_than_classes_is_refused():
    with pytest.raises(ValueError, match="base_channels"):
        I2CNetConfig(base_channels=4)
