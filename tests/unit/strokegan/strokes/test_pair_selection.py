import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from heliostat_methods.strokegan.strokes.character_sets import gb2312_level1
from heliostat_methods.strokegan.strokes.code_classes import code_classes
from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
from heliostat_methods.strokegan.strokes.pair_selection import STRATEGIES, PairSelector

CODES = arrays(np.uint8, st.tuples(st.integers(0, 40), st.just(32)), elements=st.integers(0, 2))


@pytest.fixture(scope="module")
def level1():
    return StrokeEncoder().encode_all(gb2312_level1())


@settings(deadline=None)
@given(CODES, st.sampled_from(STRATEGIES), st.floats(0, 1), st.integers(0, 2**32))
def test_any_choice_is_of_distinct_characters_and_repeatable(codes, strategy, fraction, seed):
    selector = PairSelector(strategy, fraction=fraction)
    chosen = selector.select(codes, seed)
    assert len(chosen) == len(set(chosen.tolist())) == int(fraction * len(codes) + 0.5)
    assert ((chosen >= 0) & (chosen < len(codes))).all()
    assert np.array_equal(chosen, selector.select(codes, np.random.default_rng(seed)))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_fewer_pairs_are_the_first_of_more(strategy, level1):
    more = PairSelector(strategy, n_pairs=60).select(level1, 7)
    assert np.array_equal(PairSelector(strategy, n_pairs=25).select(level1, 7), more[:25])
    assert not np.array_equal(PairSelector(strategy, n_pairs=60).select(level1, 8), more)


def test_collision_gives_every_shared_code_an_anchor_first(level1):
    classes = code_classes(level1)
    chosen = PairSelector(n_pairs=489 + 100).select(level1, 0)
    of = classes.of[chosen]
    assert len(set(of[:489].tolist())) == 489
    assert (classes.sizes[of[:489]] >= 2).all()
    assert classes.sizes[of[:6]].tolist() == [182, 78, 75, 60, 56, 55]
    assert classes.sizes[of[489:495]].tolist() == [182, 78, 75, 60, 56, 55]


def test_collision_takes_characters_alone_in_their_code_last(level1):
    classes = code_classes(level1)
    chosen = PairSelector(fraction=1.0).select(level1, 0)
    assert (classes.sizes[classes.of[chosen[:2898]]] > 1).all()
    assert (classes.sizes[classes.of[chosen[2898:]]] == 1).all()


def test_cover_has_all_strokes_within_fifteen_and_then_the_rare_ones(level1):
    covered = level1[PairSelector("stroke_cover", n_pairs=15).select(level1, 0)]
    assert covered.any(axis=0).all()
    rare = level1.sum(axis=0) <= 25
    random, cover = (
        level1[PairSelector(strategy, n_pairs=200).select(level1, 0)][:, rare].sum()
        for strategy in ("random", "stroke_cover")
    )
    assert cover > 5 * random


def test_default_is_a_fifth(level1):
    assert len(PairSelector().select(level1, 0)) == 751


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "best"}, "one of collision, random, stroke_cover, got 'best'"),
        ({"fraction": -0.1}, "fraction must be from 0 to 1, got -0.1"),
        ({"fraction": float("nan")}, "fraction must be from 0 to 1, got nan"),
        ({"n_pairs": -1}, "n_pairs must be 0 or more, got -1"),
        ({"fraction": 0.1, "n_pairs": 3}, "not both"),
    ],
)
def test_settings_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        PairSelector(**arguments)


def test_more_pairs_than_characters_are_refused():
    with pytest.raises(ValueError, match="at most the number of training characters, 2, got 3"):
        PairSelector(n_pairs=3).select(np.zeros((2, 32)), 0)
