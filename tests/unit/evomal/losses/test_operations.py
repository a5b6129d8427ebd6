"""Operations of a user's own: SymPy in, value, derivatives, text and source out."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.evomal.commands.exporting import exported
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.operations import Operation, extended
from heliostat_methods.evomal.losses.primitives import STANDARD, LossExpressionError
from heliostat_methods.evomal.losses.tables import table_named
from heliostat_methods.evomal.losses.usual_operations import usual_operation
from heliostat_methods.evomal.population.evaluation import gradients, mixed_derivatives, values
from heliostat_methods.evomal.population.program import LossProgram, stack_weights

S = sympy
OWN = {
    "exp": usual_operation("exp"),
    "softplus": usual_operation("softplus"),
    "huber": usual_operation("huber"),
    "gauss": Operation("gauss", 1, lambda a: S.exp(-(a**2) / 2)),
    "cauchy": Operation("cauchy", 1, lambda a: S.log(1 + a**2)),
    "wave": Operation("wave", 1, lambda a: S.sin(a) * S.cos(2 * a) + S.atan(a)),
    "ratio": Operation("ratio", 2, lambda a, b: a / (1 + b**2)),
    "root": Operation("root", 2, lambda a, b: S.sqrt(1 + a**2 + S.Abs(b) ** S.Rational(3, 2))),
    "larger": Operation("larger", 2, lambda a, b: S.Max(a, b) ** 3),
    "pinball": Operation("pinball", 1, lambda a: S.Piecewise((a * 7 / 10, a > 0), (-a / 3, True))),
    "chosen": Operation("chosen", 2, lambda a, b: S.Piecewise(
        (a, S.And(a > b, b > 0)), (S.tanh(b), S.Or(a <= -1, b < 0)), (S.sinh(a), True))),
    "cut": Operation("cut", 1, lambda a: S.sign(a) * S.Abs(a)),
}  # fmt: skip
TABLE = extended("standard", list(OWN.values()))
RNG = np.random.default_rng(2)
Y, F = RNG.normal(size=40), RNG.normal(size=40)


@st.composite
def losses(draw: st.DrawFn) -> LossExpression:
    def tree(depth: int) -> list[str]:
        names = TABLE.terminals if depth == 0 else (*OWN, *OWN, *TABLE.operators, "y", "f")
        name = draw(st.sampled_from(names))
        return [name, *(n for _ in range(TABLE[name].arity) for n in tree(depth - 1))]

    nodes = ["mul", "y", "sub", "f", *tree(3)]
    weights = [draw(st.sampled_from([1.0, -0.7, 0.9, 1.2])) for _ in nodes]
    return LossExpression(tuple(nodes), tuple(weights), TABLE)


def by_torch(loss: LossExpression) -> tuple[Any, Any, Any]:
    """Return value, dm/df and sum t d2m/df dw by automatic differentiation."""
    module = loss.to_torch_module("regression", trainable=True)
    f = torch.tensor(F, requires_grad=True)
    value = module.elementwise(torch.tensor(Y), f)
    (slope,) = torch.autograd.grad(value.sum(), f, create_graph=True)
    mixed = torch.zeros(len(loss.weights), dtype=torch.float64)
    if slope.requires_grad:
        (found,) = torch.autograd.grad((slope * torch.tensor(Y)).sum(), module.phi,
                                       allow_unused=True)  # fmt: skip
        mixed = mixed if found is None else found
    return value.detach().numpy(), slope.detach().numpy(), mixed.numpy()


@settings(max_examples=120, deadline=None)
@given(losses())
def test_kernels_agree_with_automatic_differentiation(loss: LossExpression) -> None:
    program = LossProgram.from_expressions([loss])
    w = stack_weights([loss], np.float64)
    value, slope, mixed = by_torch(loss)
    with np.errstate(all="ignore"):
        found = values(program, w, F, Y)[0]
        slopes = gradients(program, w, F, Y)[0]
        curves = mixed_derivatives(program, w, F, Y, Y)[0][1 : len(loss.weights)]
    usable = np.isfinite(value) & (np.abs(value) < 1e4) & (np.abs(slope) < 1e4)
    assert found[usable] == pytest.approx(value[usable], rel=1e-9, abs=1e-12)
    assert slopes[usable] == pytest.approx(slope[usable], rel=1e-8, abs=1e-9)
    if usable.all() and np.isfinite(mixed).all() and np.abs(mixed).max() < 1e6:
        assert curves == pytest.approx(mixed[1:], rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", OWN)
def test_one_operation_agrees_with_sympy(name: str) -> None:
    own = OWN[name]
    text = f"{name}(sub(y, f))" if own.arity == 1 else f"{name}(y, 0.8*f)"
    loss = parse(text, TABLE)
    whole = S.lambdify(S.symbols("y f", real=True), loss.to_sympy(), "numpy")
    derivative = S.diff(loss.to_sympy(), S.Symbol("f", real=True))
    derivative = derivative.replace(S.DiracDelta, lambda *where: S.Integer(0))
    slope = S.lambdify(S.symbols("y f", real=True), derivative, "numpy")
    program, w = LossProgram.from_expressions([loss]), stack_weights([loss], np.float64)
    assert values(program, w, F, Y)[0] == pytest.approx(whole(Y, F), rel=1e-12)
    assert gradients(program, w, F, Y)[0] == pytest.approx(slope(Y, F) * np.ones(40), rel=1e-9)


def test_a_program_of_mixed_losses_gives_each_its_own_numbers() -> None:
    texts = ["square(sub(y, f))", "huber(sub(y, huber(exp(0.3*f))))", "ratio(sub(y, f), exp(f))"]
    losses = [parse(text, TABLE) for text in texts]
    together = LossProgram.from_expressions(losses)
    w = stack_weights(losses, np.float64)
    assert w.shape[1] == together.capacity
    for p, loss in enumerate(losses):
        alone = LossProgram.from_expressions([loss])
        for take in (values, gradients):
            mine = take(alone, stack_weights([loss], np.float64), F, Y)[0]
            assert (take(together, w, F, Y)[p] == mine).all()
    # single precision, as searches use it
    single = gradients(together, w, F.astype(np.float32), Y)
    assert single == pytest.approx(gradients(together, w, F, Y), rel=2e-4, abs=2e-4)


def test_text_latex_and_source_follow(tmp_path: Any) -> None:
    loss = parse("mul(exp(-1*f), huber(sub(y, 0.5*f)))", TABLE)
    assert loss.formula() == "exp(-f)*huber(y - 0.5*f)"
    assert loss.to_latex().startswith("e^{")
    assert r"\operatorname{huber}" in loss.to_latex()
    assert parse(loss.to_prefix(), TABLE) == loss
    space: dict[str, Any] = {}
    exec(exported(loss, "regression", "python"), space)
    outputs, targets = torch.tensor(F)[:, None], torch.tensor(Y)
    expected = loss.to_torch_module("regression")(outputs, targets)
    assert float(space["loss"](outputs, targets)) == pytest.approx(float(expected))


def test_a_loss_carries_its_operations_with_it() -> None:
    loss = parse("huber(sub(y, f))", TABLE)
    stored = json.loads(json.dumps(loss.to_dict()))
    again = LossExpression.from_dict(stored)
    assert again == loss and set(OWN) < set(again.table)
    assert again.to_dict() == loss.to_dict()
    assert pickle.loads(pickle.dumps(loss)).table is table_named(TABLE.name)
    plain = LossExpression(("sub", "y", "f")).to_dict()
    assert plain["primitives"] == "standard"


def test_signs_and_order_are_seen() -> None:
    assert TABLE["huber"].signs == ("drops",) or TABLE["cauchy"].signs == ("drops",)
    assert TABLE["cut"].signs == ("passes",)
    assert not TABLE["ratio"].commutes and TABLE["larger"].commutes
    assert TABLE["ratio"].signs == ("passes", "drops")
    assert parse("cauchy(sub(f, y))", TABLE).key == parse("cauchy(sub(y, f))", TABLE).key


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Operation("my op", 1, S.exp), "name: got 'my op'"),
        (lambda: Operation("x", 3, S.exp), "arity 3; expected 1 or 2"),
        (lambda: Operation("x", 1, lambda a: S.gamma(a)), "function gamma has no code; known: Abs"),
        (lambda: Operation("x", 1, lambda a: a + S.Symbol("c", real=True)), "symbol 'c'"),
        (lambda: Operation("x", 1, lambda a: "a"), "expected a SymPy expression"),
        (lambda: Operation("x", 1, lambda a: S.I * a), "expected real numbers"),
        (lambda: Operation("x", 1, lambda a, b: a), "expected a SymPy expression"),
        (lambda: Operation("x", 1, lambda a: 1 / 0), "ZeroDivisionError: division by zero"),
        (lambda: Operation("x", 1, lambda a: 3.5), "does not depend on a"),
        (lambda: Operation("x", 1, lambda a: a + S.oo), "oo does not depend on a"),
        (lambda: Operation("x", 2, lambda a, b: 2 * a), "2*a does not depend on b"),
        (lambda: Operation("x", 1, lambda a: a * 10**400), "expected real numbers of double"),
        (lambda: extended("standard", [Operation("tanh", 1, S.sin)]), "'tanh' is there already"),
        (lambda: extended("usual", [OWN["exp"]]), "got 'usual'; expected one of standard"),
        (lambda: table_named('{"base":"standard","operations":[{"name":"x"}]}'),
         "expected name, arity and expression"),
        (lambda: table_named("{"), "primitives: "),
        (lambda: table_named('{"base":"standard","operations":[{"name":"x","arity":1,'
                             '"expression":["__import__"]}]}'), "no expression"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make: Any, said: str) -> None:
    with pytest.raises(LossExpressionError) as caught:
        make()
    assert said in str(caught.value)


def test_the_page_s_plugin_offers_an_operation() -> None:
    page = Path(__file__).parents[4] / "docs" / "methods" / "evomal.md"
    (block,) = re.findall(r"```python\n(import sympy\n.*?)```", page.read_text(), re.S)
    space: dict[str, Any] = {}
    exec(block, space)
    (spec,) = space["heliostat_parts"]()
    own = spec.build(spec.config())
    assert (spec.kind, own.name) == ("primitive", "cauchy")
    loss = parse("cauchy(sub(y, f))", extended("standard", [own]))
    program, w = LossProgram.from_expressions([loss]), stack_weights([loss], np.float64)
    assert values(program, w, F, Y)[0] == pytest.approx(np.log1p((Y - F) ** 2))


def test_the_sets_are_what_they_were() -> None:
    assert table_named("standard") is STANDARD
    assert STANDARD["log"].code is None and TABLE["exp"].opcode is None
