"""Tokens of decisions: shared by kind, silent where nothing is, and what is refused."""

import numpy as np
import pytest

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.vocabulary import Vocabulary
from heliostat_methods.pnag.spaces.space import Decision

DECISIONS = (
    Decision("depth", "depth", (1, 2)),
    Decision("k0", "kernel", (3, 5, 7)),
    Decision("k1", "kernel", (3, 5, 7), parent=0, least=1),
)


def test_kinds_share_their_tokens():
    vocabulary = Vocabulary.of(DECISIONS)
    assert vocabulary.kinds == ("depth", "kernel")
    assert (vocabulary.first, vocabulary.silence) == ((0, 2, 2), 5)
    choices = np.array([[1, 2, 0], [0, 1, -1]])
    tokens = vocabulary.tokens(choices)
    assert tokens.tolist() == [[1, 4, 2], [0, 3, 5]]
    assert vocabulary.choices(tokens).tolist() == choices.tolist()


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        ((), r"decisions = \[\]: expected at least one"),
        (
            (Decision("a", "kernel", (3, 5)), Decision("b", "kernel", (3, 7))),
            r"b = \[3, 7\]: expected the choices of a, of the same kind 'kernel'",
        ),
        ((Decision("a", "kernel", (3, 5), parent=0),), r"a.parent = 0: expected the place of an"),
        ((Decision("a", "kernel", (3, 5), parent=-1),), r"a.parent = -1: expected the place of"),
        ((DECISIONS[0], Decision("a", "k", (3,), parent=0, least=-1)), r"a.least = -1: expected"),
    ],
)
def test_unusable_decisions_are_named(decisions, message):
    with pytest.raises(ConfigError, match=message):
        Vocabulary.of(decisions)


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([[0, 0]], r"choices \(n, 3\) needed, got \(1, 2\)"),
        ([[0, 0, -1], [0, 3, -1]], r"choices\[1\] is no row"),
        ([[1, 0, -1]], r"choices\[0\] is no row"),
    ],
)
def test_unusable_choices_are_named(choices, message):
    with pytest.raises(DataError, match=message):
        Vocabulary.of(DECISIONS).tokens(np.array(choices))
