"""Losses that cannot teach and losses that teach the same, by structure and by fingerprint."""

from collections import defaultdict

import numpy as np
import pytest

from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.primitives import STANDARD
from heliostat_methods.evomal.population import evaluation
from heliostat_methods.evomal.population.equivalence import (
    Probe,
    fingerprint,
    gradient_free,
    label_free,
    parametric_fingerprint,
    plain_fingerprint,
)
from heliostat_methods.evomal.population.program import LossProgram, stack_weights
from heliostat_search.strategies.evolution import half_and_half, primitive_set, with_terminals

PSET = primitive_set(
    "losses", {name: STANDARD[name].arity for name in STANDARD.operators}, STANDARD.terminals
)
REGRESSION = Probe.drawn("regression", np.random.default_rng(0))
CLASSIFICATION = Probe.drawn("classification", np.random.default_rng(0), 32, classes=4)


def ramped(count, seed):
    """Trees of the first generation that have y and f without help."""
    trees = half_and_half(PSET, count, (2, 4), np.random.default_rng(seed))
    return [LossExpression(tree) for tree in trees if "y" in tree and "f" in tree]


def constrained(count, seed):
    """Trees of the first generation, corrected where they lack y or f."""
    rng = np.random.default_rng(seed)
    joints = ("add", "sub", "mul", "div")
    return [
        LossExpression(with_terminals(PSET, tree, ("y", "f"), joints, rng, 10))
        for tree in half_and_half(PSET, count, (2, 4), rng)
    ]


def repeated(program, rng):
    """One row of random weights of either sign for all."""
    return np.repeat(rng.normal(0, 1.5, (1, program.capacity)), program.count, axis=0)


def keys_of(text_and_more, probe=REGRESSION, **options):
    expressions = [parse(text) for text in text_and_more]
    program = LossProgram.from_expressions(expressions)
    return fingerprint(program, stack_weights(expressions, np.float64), probe, **options)


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("add(y, f)", True),
        ("sub(square(f), log(y))", True),
        ("add(mul(y, -1), mul(f, abs(f)))", True),
        ("add(mul(f, sub(1, 1)), y)", True),
        ("add(sign(mul(y, f)), f)", True),
        ("sign(mul(y, f))", True),
        ("add(tanh(add(f, 1)), square(add(y, sign(f))))", True),
        ("add(div(f, add(f, sign(f))), y)", True),
        ("mul(y, f)", False),
        ("div(y, f)", False),
        ("div(f, y)", False),
        ("square(sub(y, f))", False),
        ("abs(sub(y, f))", False),
        ("min(y, f)", False),
        ("max(add(y, 1), square(f))", False),
        ("mul(sign(y), f)", False),
        ("mul(sign(add(y, f)), f)", False),
        ("tanh(add(y, f))", False),
        ("log(mul(y, f))", False),
        ("add(y, mul(f, sqrt(y)))", False),
    ],
)
def test_where_the_label_gets_into_the_gradient(text, free):
    assert label_free([parse(text)]).tolist() == [free]


@pytest.mark.parametrize("seed", range(3))
def test_what_structure_says_holds_for_all_weights_drawn_and_little_is_missed(seed):
    expressions = ramped(1500, seed)
    program, rng = LossProgram.from_expressions(expressions), np.random.default_rng(seed)
    dead, free = gradient_free(program), label_free(expressions)
    assert not np.any(dead & ~free)
    seen_dead, seen_free = np.ones_like(dead), np.ones_like(free)
    for _ in range(8):
        weights = repeated(program, rng)
        f, one, other = 2 * rng.standard_normal((3, 64))
        first = evaluation.gradients(program, weights, f, one)
        second = evaluation.gradients(program, weights, f, other)
        equal = (first == second) | (np.isnan(first) & np.isnan(second))
        assert np.all(first[dead] == 0)
        assert np.all(equal[free])
        seen_dead &= np.all((first == 0) & (second == 0), axis=1)
        seen_free &= np.all(equal, axis=1)
    # A probe also takes for dead what a clamp or a branch hides at all points drawn.
    assert dead.sum() >= 0.9 * seen_dead.sum()
    assert free.sum() >= 0.8 * seen_free.sum()
    assert 0.09 < dead.mean() < 0.20
    assert 0.20 < free.mean() < 0.35


def test_random_trees_are_more_often_different_in_text_than_in_gradient():
    # Published: of 1000 trees 980 texts, 641 fingerprints, 240 without gradient at weights of one.
    expressions = constrained(1000, 0)
    program = LossProgram.from_expressions(expressions)
    ones = np.ones((1000, program.capacity))
    two, four = fingerprint(program, ones, REGRESSION), plain_fingerprint(program, REGRESSION)
    assert 960 <= len({e.to_prefix() for e in expressions}) <= 995
    assert 600 <= len(set(two)) <= len(set(four)) <= 680
    assert len(set(four)) - len(set(two)) <= 5
    (dead_key,) = keys_of(["sign(mul(y, f))"])
    assert 200 <= two.count(dead_key) <= 280


def test_what_adds_only_values_or_labels_does_not_show():
    keys = keys_of(
        ["square(sub(y, f))", "square(sub(f, y))", "add(log(y), square(sub(y, f)))",
         "sub(square(sub(y, f)), 1)"]
    )  # fmt: skip
    assert len(set(keys)) == 1
    assert keys_of(["square(sub(y, 1.1*f))"])[0] != keys[0]


def test_a_difference_below_the_digits_does_not_show():
    texts = ["square(sub(y, f))", "square(1.0001*sub(y, f))"]
    assert len(set(keys_of(texts, digits=8))) == 2
    assert len(set(keys_of(texts, Probe([[1.0]], [[0.4]]), digits=2))) == 1


def test_norms_cannot_tell_a_loss_from_its_negative():
    texts = ["square(sub(y, f))", "mul(-1, square(sub(y, f)))"]
    assert len(set(keys_of(texts))) == 2
    assert len(set(keys_of(texts, seen="norms"))) == 1


def test_norms_are_taken_over_the_outputs_of_a_sample():
    rows = Probe([[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [6.0, 8.0]])
    turned = Probe([[0.0, 0.0], [0.0, 0.0]], [[4.0, 3.0], [-8.0, 6.0]])
    other = Probe([[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [8.0, 8.0]])
    (key,) = keys_of(["add(square(f), y)"], rows, seen="norms")
    assert keys_of(["add(square(f), y)"], turned, seen="norms") == [key]
    assert keys_of(["add(square(f), y)"], other, seen="norms") != [key]
    assert keys_of(["add(square(f), y)"], turned) != keys_of(["add(square(f), y)"], rows)


@pytest.mark.parametrize("probe", [REGRESSION, CLASSIFICATION], ids=["regression", "classes"])
def test_keys_do_not_depend_on_the_company(probe):
    expressions = constrained(60, 1)
    program, ones = LossProgram.from_expressions(expressions), np.ones((60, 64))
    together = evaluation.gradients(program, ones, probe.f.ravel(), probe.y.ravel())
    keys = plain_fingerprint(program, probe)
    parametric = parametric_fingerprint(expressions, probe, np.random.default_rng(3))
    for capacity, at in ((None, slice(0, 1)), (40, slice(5, 6)), (500, slice(20, 31))):
        block = LossProgram.from_expressions(expressions[at], capacity)
        wide = np.ones((block.count, block.capacity))
        alone = evaluation.gradients(block, wide, probe.f.ravel(), probe.y.ravel())
        assert alone.tobytes() == together[at].tobytes()
        assert plain_fingerprint(block, probe) == keys[at]
        again = parametric_fingerprint(expressions[at], probe, np.random.default_rng(3))
        assert again == parametric[at]


@pytest.mark.parametrize("probe", [REGRESSION, CLASSIFICATION], ids=["regression", "classes"])
def test_equal_parametric_keys_are_equal_functions_of_the_weights(probe):
    expressions = [e.canonical() for e in constrained(1000, 2)]
    expressions = list({e.nodes: e for e in expressions}.values())
    program = LossProgram.from_expressions(expressions)
    members = defaultdict(list)
    for p, key in enumerate(parametric_fingerprint(expressions, probe, np.random.default_rng(4))):
        members[key].append(p)
    dead = gradient_free(program)
    assert len({tuple(dead[places]) for places in members.values() if dead[places].any()}) == 1
    alive = [places for places in members.values() if len(places) > 1 and not dead[places[0]]]
    assert alive, "no two trees of one shape are the same function; the test shows nothing"
    rng = np.random.default_rng(5)
    for _ in range(10):
        weights = repeated(program, rng)
        slopes = evaluation.gradients(program, weights, probe.f.ravel(), probe.y.ravel())
        for places in alive:
            for place in places[1:]:
                assert slopes[place] == pytest.approx(
                    slopes[places[0]], rel=1e-6, abs=1e-9, nan_ok=True
                )


def test_a_tree_that_only_revives_once_its_weights_move_is_told_apart():
    # At weights of one both have the gradient 0; sub(f, f) gets one as soon as the weights part.
    texts = ["mul(y, sub(f, f))", "mul(y, sign(mul(f, f)))"]
    assert len(set(keys_of(texts))) == 1
    expressions = [parse(text) for text in texts]
    rng = np.random.default_rng(6)
    assert len(set(parametric_fingerprint(expressions, REGRESSION, rng))) == 2


def test_one_function_of_other_weights_is_not_shared():
    # f twice over one edge, and twice over two: equal at one, tuned differently.
    expressions = [parse("square(mul(y, f))"), parse("mul(square(y), square(f))")]
    program = LossProgram.from_expressions(expressions)
    assert len(set(plain_fingerprint(program, REGRESSION))) == 1
    keys = parametric_fingerprint(expressions, REGRESSION, np.random.default_rng(7))
    assert len(set(keys)) == 2


def test_labels_in_additive_parts_are_shared_by_the_parametric_key():
    expressions = [parse("add(y, square(f))"), parse("add(1, square(add(y, f)))"),
                   parse("sub(-1, mul(f, y))"), parse("sub(y, mul(f, y))")]  # fmt: skip
    keys = parametric_fingerprint(expressions, REGRESSION, np.random.default_rng(8))
    assert keys[2] == keys[3]
    assert len(set(keys)) == 3


def test_a_tree_of_another_shape_is_not_shared():
    expressions = [parse("add(f, y)"), parse("add(f, abs(y))"), parse("sub(f, abs(y))")]
    program = LossProgram.from_expressions(expressions)
    assert len(set(plain_fingerprint(program, REGRESSION))) == 1
    keys = parametric_fingerprint(expressions, REGRESSION, np.random.default_rng(10))
    assert keys[0] != keys[1] == keys[2]


def test_zeros_of_either_sign_are_one():
    flat = Probe([[1.0]], [[0.0]])
    assert len(set(keys_of(["add(y, abs(f))", "sub(y, abs(f))"], flat))) == 1


def test_what_no_draw_shows_is_not_shared():
    # No gradient where |f| stays below the clamp, though the structure has one.
    still = Probe(np.ones((4, 1)), np.full((4, 1), 1e-12))
    expressions = [parse("add(y, log(f))"), parse("add(1, sqrt(mul(y, f)))"),
                   parse("add(y, sqrt(f))")]  # fmt: skip
    keys = parametric_fingerprint(expressions, still, np.random.default_rng(9))
    assert len(set(keys)) == 3


def test_an_overflow_is_part_of_the_key():
    tower = "square(" * 9 + "mul(9*y, 9*f)" + ")" * 9
    probe = Probe(np.full((2, 1), 9.0), [[9.0], [1e-3]])
    keys = keys_of([tower, f"mul(-1, {tower})", "mul(y, f)"], probe)
    assert len(set(keys)) == 3


def test_a_probe_of_a_classification_has_one_hot_labels_and_probabilities():
    assert set(np.unique(CLASSIFICATION.y)) == {0.0, 1.0}
    assert CLASSIFICATION.y.sum(axis=1).tolist() == [1.0] * 32
    assert CLASSIFICATION.f.sum(axis=1) == pytest.approx(np.ones(32))
    single = Probe.drawn("classification", np.random.default_rng(1))
    assert set(np.unique(single.y)) == {0.0, 1.0}
    assert np.all((single.f > 0) & (single.f < 1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Probe([1.0], [1.0]), r"y: shape \(1,\); expected \(samples, outputs\)"),
        (lambda: Probe([[1.0]], [[1.0, 2.0]]), r"f: shape \(1, 2\); expected that of y"),
        (lambda: Probe([[1.0]], [[np.nan]]), "f: expected finite numbers"),
        (lambda: keys_of(["mul(y, f)"], digits=0), "digits: got 0; expected at least 1"),
        (lambda: keys_of(["mul(y, f)"], seen="norm"), "seen: got 'norm'; expected 'gradients' or"),
        (
            lambda: parametric_fingerprint(
                [parse("mul(y, f)")], REGRESSION, np.random.default_rng(0), draws=0
            ),
            "draws: got 0; expected at least 1",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
