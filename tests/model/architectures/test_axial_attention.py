"""What an axial attention norms by, against the terms themselves."""

import torch

from blastoseg.model.architectures.peers.axial_attention import TermNorm

GROUPS, CHANNELS, PLACES = 3, 2, 7


def terms_of(pairs):
    """The products themselves, ``(rows, terms * groups, place, place)``."""
    (query, key), (gated, table) = pairs
    by_pair = torch.einsum("bgci,bgcj->bgij", query, key)
    return torch.cat([by_pair, torch.einsum("bgci,cij->bgij", gated, table)], dim=1)


def test_a_softmax_of_scaled_terms_is_one_of_normalised_terms_in_training_and_after_it():
    torch.manual_seed(1)
    own, plain = TermNorm(2, GROUPS), torch.nn.BatchNorm2d(2 * GROUPS)
    with torch.no_grad():
        own.weight.uniform_(0.5, 2)
        plain.weight.copy_(own.weight)
        plain.bias.normal_()
    for step in range(4):
        if step == 3:
            own.eval()
            plain.eval()
        query, key, gated = torch.randn(3, 5, GROUPS, CHANNELS, PLACES).unbind()
        pairs = [(query + 1, key), (gated, torch.randn(CHANNELS, PLACES, PLACES))]
        terms = terms_of(pairs)
        scaled = torch.unflatten(terms, 1, (2, GROUPS)) * own(pairs).transpose(0, 1)
        normalised = torch.unflatten(plain(terms), 1, (2, GROUPS))
        torch.testing.assert_close(scaled.sum(1).softmax(-1), normalised.sum(1).softmax(-1))
    torch.testing.assert_close(own.running_var, plain.running_var, rtol=1e-4, atol=1e-5)


def test_a_gradient_passes_through_the_scale():
    torch.manual_seed(2)
    query, key = torch.randn(2, 5, GROUPS, CHANNELS, PLACES, requires_grad=True).unbind()
    own, plain = TermNorm(1, GROUPS), torch.nn.BatchNorm2d(GROUPS)
    weights = torch.randn(5, GROUPS, PLACES, PLACES)
    term = torch.einsum("bgci,bgcj->bgij", query, key)
    (by_own,) = torch.autograd.grad((term * own([(query, key)])[0]).softmax(-1).mul(weights).sum(), query)
    term = torch.einsum("bgci,bgcj->bgij", query, key)
    (by_plain,) = torch.autograd.grad(plain(term).softmax(-1).mul(weights).sum(), query)
    torch.testing.assert_close(by_own, by_plain)
