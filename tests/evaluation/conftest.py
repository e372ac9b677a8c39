"""Cases whose tissues stand in the gray values, and networks that read them there."""

import pytest

from tests.gray_values import GRAY_OF_LABEL, GrayValueNetworks, drawn_labels


@pytest.fixture(scope="session")
def networks():
    return GrayValueNetworks()


@pytest.fixture(scope="session")
def make_case():
    from blastoseg.evaluation.cases import EvaluationCase

    def make(name, labels=None, shown=None, **known):
        labels = drawn_labels(**known) if labels is None else labels
        return EvaluationCase(name, "e1", GRAY_OF_LABEL[labels if shown is None else shown], labels)

    return make
