"""A reduced loss is the same loss in fewer nodes: same gradient, and smaller where rules apply."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.primitives import SHIFTED, STANDARD
from heliostat_methods.evomal.losses.reduction import reduced, rounded
from heliostat_methods.evomal.population.evaluation import gradients, values
from heliostat_methods.evomal.population.program import LossProgram, stack_weights

RNG = np.random.default_rng(5)
Y, F = RNG.normal(size=64), RNG.normal(size=64)


@st.composite
def losses(draw: st.DrawFn) -> LossExpression:
    table = draw(st.sampled_from([STANDARD, SHIFTED]))

    def tree(depth: int) -> list[str]:
        names = table.terminals if depth == 0 else (*table.operators, *table.terminals)
        name = draw(st.sampled_from(names))
        return [name, *(n for _ in range(table[name].arity) for n in tree(depth - 1))]

    nodes = ["add", "mul", "y", "f", *tree(4)]
    weights = [draw(st.sampled_from([1.0, 1.0, -1.0, 0.5, 2.0, 1.3])) for _ in nodes]
    return LossExpression(tuple(nodes), tuple(weights), table)


def slopes(loss: LossExpression) -> np.ndarray:
    program = LossProgram.from_expressions([loss])
    return gradients(program, stack_weights([loss], np.float64), F, Y)[0]


@settings(max_examples=300, deadline=None)
@given(losses())
def test_the_gradient_stays_and_the_tree_does_not_grow(loss: LossExpression) -> None:
    small = reduced(loss)
    assert small.complexity <= loss.complexity
    before, after = slopes(loss), slopes(small)
    same = np.isfinite(before) & (np.abs(before) < 1e6)
    assert after[same] == pytest.approx(before[same], rel=1e-6, abs=1e-9)
    assert reduced(small).complexity == small.complexity
    assert small.table is loss.table


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("square(sub(1.02*y, 1.02*f))", "square(1.02*sub(y, f))"),
        ("mul(2*+1, mul(0.5*sub(y, f), sub(y, f)))", "square(sub(y, f))"),
        ("add(sub(y, f), mul(3*sub(y, f), tanh(2*-1)))", None),
        ("add(square(sub(y, f)), mul(y, 3*y))", "square(sub(y, f))"),  # no gradient in y alone
        ("abs(abs(sub(y, mul(-1, -1*f))))", "abs(sub(y, f))"),
        ("mul(-1, mul(y, log(abs(-0.9*f))))", "mul(-1*y, log(0.9*f))"),
        ("square(abs(sub(f, y)))", "square(sub(f, y))"),
        ("div(sub(y, f), 1.7320508075688772*+1)", "sub(0.5*y, 0.5*f)"),
        ("add(mul(y, f), add(f, f))", "add(mul(y, f), 2*f)"),
        ("sub(y, f)", "sub(y, f)"),
        ("mul(sub(f, f), y)", "mul(sub(f, f), y)"),  # nothing would be left
    ],
)
def test_rules_by_hand(text: str, short: str | None) -> None:
    small = reduced(parse(text))
    if short is None:
        assert small.complexity == 3  # all terms are multiples of y - f
    else:
        assert small == parse(short) or small.formula() == parse(short).formula()
        assert small.complexity <= parse(short).complexity
    assert slopes(small) == pytest.approx(slopes(parse(text)))


def test_rounding_makes_terms_equal_that_tuning_parted() -> None:
    tuned = parse("mul(1.003*square(1.0124*sub(1.0041*y, 0.9982*f)), 0.9991*+1)")
    assert rounded(tuned, 2).formula() == "(y - f)^2"
    assert rounded(tuned, 8).formula(8) != "(y - f)^2"


def test_a_loss_keeps_its_value_but_for_terms_without_the_output() -> None:
    loss = parse("add(square(sub(2*y, 2*f)), log(3*y))")
    f, y = np.array([0.3]), np.array([0.7])
    whole, small = (
        values(LossProgram.from_expressions([one]), stack_weights([one], np.float64), f, y)[0, 0]
        for one in (loss, reduced(loss))
    )
    assert whole - small == pytest.approx(np.log(2.1))
