import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_search.strategies.trees import (
    from_names,
    full,
    grow,
    half_and_half,
    height,
    primitive_set,
    to_names,
)

ARITHMETIC = primitive_set(
    "arithmetic", {"add": 2, "sub": 2, "neg": 1, "clip": 3}, ["y", "f", "+1", "-1"]
)


class Number: ...


class Whole(Number): ...


class Truth: ...


TYPED = primitive_set(
    "typed",
    {
        "if": ((Truth, Number, Number), Number),
        "less": ((Number, Number), Truth),
        "round": ((Number,), Whole),
        "shift": ((Number, Whole), Number),
    },
    {"x": Number, "two": Whole, "true": Truth},
    returns=Number,
)
SETS = {"arithmetic": ARITHMETIC, "typed": TYPED}


@given(
    st.sampled_from(sorted(SETS)),
    st.integers(0, 2**32),
    st.integers(0, 3),
    st.integers(0, 3),
)
@settings(deadline=None, max_examples=200)
def test_generated_trees_are_whole_typed_and_within_their_heights(name, seed, least, extra):
    pset, rng = SETS[name], np.random.default_rng(seed)
    for tree in half_and_half(pset, 4, (least, least + extra), rng):
        assert to_names(from_names(pset, tree)) == tree
        assert least <= height(pset, tree) <= least + extra


def test_a_full_tree_has_all_leaves_at_one_depth():
    pset = primitive_set("binary", {"add": 2}, ["x"])
    assert len(full(pset, (4, 4), np.random.default_rng(0))) == 2**5 - 1


def test_grown_trees_are_smaller_than_full_ones_and_reach_the_least_height():
    rng = np.random.default_rng(1)
    grown = [grow(ARITHMETIC, (1, 4), rng) for _ in range(200)]
    filled = [full(ARITHMETIC, (1, 4), rng) for _ in range(200)]
    assert np.mean([len(tree) for tree in grown]) < np.mean([len(tree) for tree in filled])
    assert {height(ARITHMETIC, tree) for tree in grown} == {1, 2, 3, 4}


def test_half_and_half_gives_every_height_of_the_ramp():
    trees = half_and_half(ARITHMETIC, 200, (2, 4), np.random.default_rng(2))
    assert {height(ARITHMETIC, tree) for tree in trees} == {2, 3, 4}


def test_a_subtype_fits_where_its_base_is_asked_for():
    tree = ("shift", "two", "two")
    assert to_names(from_names(TYPED, tree)) == tree


def test_a_type_without_primitives_becomes_a_terminal_at_any_depth():
    pset = primitive_set(
        "gate", {"gate": ((Truth, Number), Number)}, {"x": Number, "true": Truth}, Number
    )
    tree = full(pset, (3, 3), np.random.default_rng(3))
    assert tree == ("gate", "true", "gate", "true", "gate", "true", "x")


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (("add", "y"), "1 arguments missing"),
        ((), "1 arguments missing"),
        (("y", "f"), "complete after 1 nodes"),
        (("ad", "y", "f"), "tree[0] = 'ad': expected a node of arithmetic; did you mean 'add'?"),
    ],
)
def test_names_that_are_no_tree_are_refused(tree, message):
    with pytest.raises(ConfigError) as error:
        from_names(ARITHMETIC, tree)
    assert message in str(error.value)


def test_a_node_of_the_wrong_type_is_refused_with_its_place():
    with pytest.raises(ConfigError, match=r"tree\[1\] = 'x': expected a node of type Truth"):
        from_names(TYPED, ("if", "x", "x", "x"))


@pytest.mark.parametrize(
    ("primitives", "terminals", "message"),
    [
        ({"add": 2}, ["x", "x"], "names that differ"),
        ({"add": 2}, ["x", "add"], "a name that no primitive has"),
        ({"one": 0}, ["x"], "an arity of at least 1"),
        ({"add": 2}, [], "of type object"),
        ({"less": ((Number,), Truth)}, {"x": object}, "of type Number, which less asks for"),
    ],
)
def test_sets_that_make_no_trees_are_refused(primitives, terminals, message):
    with pytest.raises(ConfigError, match=message):
        primitive_set("bad", primitives, terminals)


def test_heights_in_the_wrong_order_are_refused():
    with pytest.raises(ConfigError, match=r"heights = \(3, 2\)"):
        full(ARITHMETIC, (3, 2), np.random.default_rng(0))
