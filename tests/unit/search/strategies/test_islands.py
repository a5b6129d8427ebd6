"""Migration between islands: what it keeps, what it moves, and when."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_search.strategies.evolution import Individual, elite
from heliostat_search.strategies.islands import Ring, migrate

TREES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple)
INDIVIDUALS = st.builds(
    Individual, TREES, st.one_of(st.integers(0, 4).map(float), st.just(float("nan")))
)
ISLANDS = st.lists(st.lists(INDIVIDUALS, min_size=3, max_size=7), min_size=1, max_size=5)
QUICK = settings(deadline=None, max_examples=80)


def island(*fitness, name="t"):
    return tuple(Individual((name,), value) for value in fitness)


def test_the_fittest_takes_the_place_of_the_next_islands_least_fit():
    a, b, c = island(3, 1, 2, name="a"), island(6, 5, 4, name="b"), island(7, 9, 8, name="c")
    best_a, best_b, best_c = a[1], b[2], c[0]
    assert migrate([a, b, c], 1) == (
        (best_c, a[1], a[2]),
        (best_a, b[1], b[2]),
        (c[0], best_b, c[2]),
    )


def test_of_two_that_leave_the_fitter_replaces_the_less_fit():
    a, b = island(1, 2, 3, name="a"), island(9, 7, 8, name="b")
    assert migrate([a, b], 2) == ((a[0], b[2], b[1]), (a[0], b[1], a[1]))


@given(ISLANDS, st.integers(0, 2))
@QUICK
def test_sizes_stay_and_every_island_has_the_best_of_its_own_and_its_neighbour(islands, count):
    after = migrate(islands, count)
    assert [len(i) for i in after] == [len(i) for i in islands]
    for k, (old, new) in enumerate(zip(islands, after, strict=True)):
        assert elite(old, 1)[0] in new
        arriving = elite(islands[k - 1], count) if len(islands) > 1 else []
        staying = elite(old, len(old) - len(arriving))
        assert Counter(new) == Counter([*staying, *arriving])


@given(ISLANDS, st.integers(1, 2))
@QUICK
def test_who_stays_keeps_the_place(islands, count):
    for old, new in zip(islands, migrate(islands, count), strict=True):
        assert sum(a != b for a, b in zip(old, new, strict=True)) <= count


@given(ISLANDS, st.integers(1, 2))
@QUICK
def test_the_ring_has_no_beginning(islands, count):
    after = migrate(islands, count)
    assert migrate(islands[1:] + islands[:1], count) == after[1:] + after[:1]


@given(st.lists(INDIVIDUALS, min_size=2, max_size=6))
@QUICK
def test_a_single_island_does_not_change(population):
    assert migrate([population], 1) == (tuple(population),)


@given(ISLANDS)
@QUICK
def test_the_best_of_all_reaches_every_island_once_round_the_ring(islands):
    best = min(one.fitness for population in islands for one in population)
    current = tuple(tuple(population) for population in islands)
    for _ in range(len(islands) - 1):
        current = migrate(current, 1)
    assert all(elite(population, 1)[0].fitness == best for population in current)


def test_migration_comes_every_few_generations():
    islands, ring = (island(1, 2, name="a"), island(3, 4, name="b")), Ring(every=3, count=1)
    changed = [g for g in range(10) if ring.after(g, islands) != islands]
    assert changed == [3, 6, 9] == [g for g in range(10) if ring.due(g)]
    assert ring.after(3, islands) == migrate(islands, 1)
    assert Ring(every=1, count=0).after(1, islands) == islands


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Ring(every=0), "every"),
        (lambda: Ring(count=-1), "count"),
        (lambda: migrate([island(1, 2), island(1, 2, 3)], 2), "count"),
        (lambda: migrate([island(1, 2)], -1), "count"),
    ],
)
def test_a_value_that_does_not_fit_is_named(make, field):
    with pytest.raises(ConfigError, match=rf"^{field} = "):
        make()
