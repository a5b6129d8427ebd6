import math
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_search.strategies.evolution import (
    DoubleTournament,
    Evolution,
    Individual,
    Variation,
    crossover,
    elite,
    half_and_half,
    mutate,
    offspring,
    primitive_set,
    with_terminals,
)
from heliostat_search.strategies.trees import from_names, height, to_names

OPERATORS = {"add": 2, "sub": 2, "mul": 2, "div": 2, "log": 1, "tanh": 1}
UNTYPED = primitive_set("loss", OPERATORS, ["y", "f", "+1", "-1"])


class Number: ...


class Truth: ...


TYPED = primitive_set(
    "typed",
    {
        "if": ((Truth, Number, Number), Number),
        "less": ((Number, Number), Truth),
        "neg": ((Number,), Number),
    },
    {"x": Number, "one": Number, "true": Truth},
    returns=Number,
)
SETS = {"untyped": UNTYPED, "typed": TYPED}


def population(pset, rng, count=12, heights=(1, 4)):
    trees = half_and_half(pset, count, heights, rng)
    return [Individual(tree, float(rng.random())) for tree in trees]


@given(
    st.sampled_from(sorted(SETS)),
    st.integers(0, 2**32),
    st.floats(0, 1),
    st.integers(4, 6),
)
@settings(deadline=None, max_examples=100)
def test_every_offspring_is_a_whole_typed_tree_within_the_height(name, seed, rate, highest):
    pset, rng = SETS[name], np.random.default_rng(seed)
    variation = Variation(crossover=rate, mutation=1 - rate, max_height=highest)
    for tree in offspring(pset, population(pset, rng), 10, rng, variation=variation):
        assert to_names(from_names(pset, tree)) == tree
        assert height(pset, tree) <= highest


@given(st.sampled_from(sorted(SETS)), st.integers(0, 2**32))
@settings(deadline=None, max_examples=100)
def test_crossover_only_moves_nodes_and_keeps_the_roots(name, seed):
    pset, rng = SETS[name], np.random.default_rng(seed)
    a, b = half_and_half(pset, 2, (1, 4), rng)
    c, d = crossover(pset, a, b, rng)
    assert sorted(a + b) == sorted(c + d)
    assert (c[0], d[0]) == (a[0], b[0])
    assert to_names(from_names(pset, c)) == c
    assert to_names(from_names(pset, d)) == d


def test_trees_without_a_common_type_come_back_from_crossover_unchanged():
    rng = np.random.default_rng(0)
    assert crossover(UNTYPED, ("y",), ("add", "y", "f"), rng) == (("y",), ("add", "y", "f"))
    pset = primitive_set(
        "two",
        {"not": ((Truth,), Number), "neg": ((Number,), Number)},
        {"x": Number, "t": Truth},
        Number,
    )
    assert crossover(pset, ("not", "t"), ("neg", "x"), rng) == (("not", "t"), ("neg", "x"))


def test_mutation_reaches_the_root_and_every_leaf():
    rng = np.random.default_rng(1)
    tree = ("add", "log", "y", "f")
    mutants = {mutate(UNTYPED, tree, rng, (0, 0)) for _ in range(400)}
    leaves = {"y", "f", "+1", "-1"}
    assert {(leaf,) for leaf in leaves} <= mutants
    assert {("add", leaf, "f") for leaf in leaves} <= mutants
    assert {("add", "log", leaf, "f") for leaf in leaves} <= mutants
    assert {("add", "log", "y", leaf) for leaf in leaves} <= mutants
    assert len(mutants) == 4 + 4 + 4 + 4 - 1  # the unchanged tree is reached at both leaves


def test_an_offspring_that_is_too_high_is_replaced_by_its_parent():
    rng = np.random.default_rng(2)
    high, flat = ("log",) * 5 + ("y",), ("tanh", "f")
    variation = Variation(crossover=1, mutation=0, max_height=1)
    children = {variation.apply(UNTYPED, flat, high, rng) for _ in range(50)}
    assert children == {flat, ("tanh", "y")}


@pytest.mark.parametrize(
    ("rates", "changed"), [((0, 0), 0), ((0, 1), 300), ((1, 0), 300), ((0.5, 0.3), 240)]
)
def test_operators_are_drawn_at_their_rates(rates, changed):
    # Unary chains of one operator each: any crossover or mutation shows by other names.
    pset = primitive_set("marks", {"a": 1, "b": 1, "c": 1}, ["x", "y", "z"])
    rng = np.random.default_rng(3)
    variation = Variation(*rates, mutation_heights=(6, 6))
    mother, father = ("a", "a", "x"), ("b", "b", "b", "y")
    children = [variation.apply(pset, mother, father, rng) for _ in range(300)]
    assert sum(child != mother for child in children) == pytest.approx(changed, abs=25)


def test_equal_seeds_give_equal_offspring_in_another_process_with_other_addresses_and_hashes():
    program = """
import numpy as np
unrelated = [type(f"Unrelated{i}", (), {}) for i in range(COUNT)]
from heliostat_search.strategies.evolution import Individual, half_and_half, offspring
from heliostat_search.strategies.evolution import primitive_set
more = [type(f"More{i}", (), {"x": i}) for i in range(COUNT)]
kinds = [type(f"Kind{i}", (), {}) for i in range(6)]
primitives = {
    f"{i}{j}": ((kinds[i], kinds[j]), kinds[(i + j) % 6]) for i in range(6) for j in range(6)
}
terminals = {f"t{i}": kinds[i] for i in range(6)}
pset = primitive_set("many", primitives, terminals, kinds[0])
rng = np.random.default_rng(4)
trees = half_and_half(pset, 20, (2, 4), rng)
for _ in range(5):
    trees = offspring(pset, [Individual(t, float(rng.random())) for t in trees], 20, rng)
print(trees)
"""

    def run(count, hash_seed):
        environment = dict(os.environ, PYTHONHASHSEED=hash_seed)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        done = subprocess.run(
            [sys.executable, "-c", program.replace("COUNT", str(count))],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    first = run(0, "0")
    assert first == run(1, "1") == run(7, "123") == run(200, "random")
    assert len(first) > 500


def test_the_global_random_states_are_left_alone():
    before = random.getstate(), np.random.get_state()[1].tolist()
    rng = np.random.default_rng(5)
    offspring(UNTYPED, population(UNTYPED, rng), 50, rng)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_a_fitness_of_nan_becomes_the_worst_and_never_wins():
    assert Individual(("y",), math.nan).fitness == math.inf
    group = [Individual(("y",), math.nan), Individual(("f",), 1.0)]
    rng = np.random.default_rng(6)
    winners = [DoubleTournament(fitness_size=2).select(group, rng) for _ in range(400)]
    # Only two draws of the NaN individual let it through: 1/4 of the tournaments.
    assert sum(winner.tree == ("f",) for winner in winners) == pytest.approx(300, abs=35)


@pytest.mark.parametrize("fitness_first", [False, True])
def test_pressure_of_the_fitness_tournament(fitness_first):
    # The best of n wins unless all k draws miss it: 1 - (1 - 1/n)^k; after the fitness tournament
    # a size tournament without pressure picks one of two such winners, the chance is the same.
    group = [Individual(("y",) * (i + 1), float(i)) for i in range(8)]
    tournament = DoubleTournament(4, 1.0, fitness_first)
    rng = np.random.default_rng(7)
    wins = sum(tournament.select(group, rng).fitness == 0 for _ in range(4000))
    assert wins / 4000 == pytest.approx(1 - (7 / 8) ** 4, abs=0.03)


@pytest.mark.parametrize(
    ("parsimony", "share"),
    # Two sizes, equally frequent: a mixed pair (chance 1/2) gives the small one with p = D/2.
    [(1.0, 0.5), (1.4, 0.25 + 0.5 * 0.7), (2.0, 0.75)],
)
def test_pressure_of_the_size_tournament(parsimony, share):
    group = [Individual(("y",), 0.0), Individual(("log", "y"), 0.0)]
    tournament = DoubleTournament(1, parsimony)
    rng = np.random.default_rng(8)
    small = sum(tournament.select(group, rng).size == 1 for _ in range(4000))
    assert small / 4000 == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DoubleTournament(0), "fitness_size = 0"),
        (lambda: DoubleTournament(parsimony_size=2.5), "parsimony_size = 2.5"),
        (lambda: DoubleTournament(parsimony_size=math.nan), "parsimony_size = nan"),
        (lambda: Variation(crossover=1.2), "crossover = 1.2: expected a rate from 0 to 1"),
        (lambda: Variation(mutation=-0.1), "mutation = -0.1"),
        (lambda: Variation(0.8, 0.3), "crossover \\+ mutation = 1.1"),
        (lambda: Variation(mutation_heights=(2, 1)), "mutation_heights"),
        (lambda: Variation(max_height=-1), "max_height = -1"),
        (
            lambda: DoubleTournament(4).select([Individual(("y",), 0.0)], np.random.default_rng()),
            "fitness_size = 4: expected at most the population's 1",
        ),
    ],
)
def test_settings_out_of_range_are_refused_by_name(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_the_elite_is_the_same_for_every_order_of_the_population():
    group = [
        Individual(("log", "y"), 1.0),
        Individual(("y",), 1.0),
        Individual(("f",), 1.0),
        Individual(("+1",), math.nan),
        Individual(("add", "y", "f"), 0.5),
    ]
    best = elite(group, 3)
    assert [one.tree for one in best] == [("add", "y", "f"), ("f",), ("y",)]
    assert elite(group[::-1], 3) == best
    assert elite(group, 0) == []


@given(st.integers(0, 2**32), st.integers(1, 4))
@settings(deadline=None, max_examples=150)
def test_a_corrected_tree_has_both_arguments_and_keeps_the_height(seed, highest):
    rng = np.random.default_rng(seed)
    (tree,) = half_and_half(UNTYPED, 1, (0, highest), rng)
    corrected = with_terminals(UNTYPED, tree, ("y", "f"), ("add", "sub"), rng, highest)
    assert {"y", "f"} <= set(corrected)
    assert height(UNTYPED, corrected) <= highest
    assert to_names(from_names(UNTYPED, corrected)) == corrected
    if {"y", "f"} <= set(tree):
        assert corrected == tree


def test_the_correction_uses_both_orders_and_all_joints():
    rng = np.random.default_rng(9)
    seen = {
        with_terminals(UNTYPED, ("log", "+1"), ("y", "f"), ("add", "sub"), rng, 2)
        for _ in range(100)
    }
    assert seen == {
        ("log", joint, *pair) for joint in ("add", "sub") for pair in (("y", "f"), ("f", "y"))
    }


def test_a_tree_at_the_limit_is_corrected_in_place_of_a_leafs_parent():
    rng = np.random.default_rng(10)
    corrected = with_terminals(UNTYPED, ("log", "tanh", "y"), ("y", "f"), ("sub",), rng, 2)
    assert corrected in {("log", "sub", "y", "f"), ("log", "sub", "f", "y")}


@given(st.sampled_from(sorted(SETS)), st.integers(0, 2**32), st.integers(2, 9), st.integers(0, 9))
@settings(deadline=None, max_examples=50)
def test_the_strategy_is_its_operators_in_order(name, seed, size, elites):
    pset, elites = SETS[name], min(elites, size)
    strategy = Evolution(pset, size, DoubleTournament(2), elites=elites, heights=(1, 3))
    state = strategy.start()
    first = strategy.ask(state, np.random.default_rng(seed))
    assert first == half_and_half(pset, size, (1, 3), np.random.default_rng(seed))
    values = [float(len(tree)) for tree in first]
    state = strategy.tell(state, first, values)
    assert state == tuple(map(Individual, first, values))
    trees = strategy.ask(state, np.random.default_rng(seed + 1))
    kept = [one.tree for one in elite(state, elites)]
    rng = np.random.default_rng(seed + 1)
    assert trees == [*kept, *offspring(pset, state, size - elites, rng, DoubleTournament(2))]


@pytest.mark.parametrize(
    ("settings_", "field"),
    [({"size": 0}, "size"), ({"size": 3, "elites": 4}, "elites"),
     ({"size": 3, "elites": -1}, "elites"), ({"size": 3, "heights": (3, 1)}, "heights")],
)  # fmt: skip
def test_settings_that_make_no_strategy_are_refused_by_name(settings_, field):
    with pytest.raises(ConfigError, match=field):
        Evolution(UNTYPED, **settings_)


def test_trees_without_their_values_are_refused():
    strategy = Evolution(UNTYPED, 2)
    with pytest.raises(ConfigError, match="one value for each of 2 trees"):
        strategy.tell((), [("y",), ("f",)], [1.0])
