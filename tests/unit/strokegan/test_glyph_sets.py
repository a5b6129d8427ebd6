"""A task's glyphs: what is held back to choose rates, what drawings change, which characters."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat import ConfigError
from heliostat_methods.strokegan.fonts.rendering import GlyphRenderer
from heliostat_methods.strokegan.glyph_sets import (
    GlyphSet,
    further_characters,
    glyph_set,
    shared_characters,
)
from heliostat_methods.strokegan.strokes.character_sets import gb2312_level1, gb2312_level2
from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder
from heliostat_search.supervised.streams import streams_from

MANY = settings(deadline=None, derandomize=True, max_examples=40)
KNOWN = [char for char in gb2312_level1() if StrokeEncoder().knows(char)]
RARER = [char for char in gb2312_level2() if StrokeEncoder().knows(char)]
PX = 4
STROKELESS = "A\U00020000"
"""Characters that the stroke table lacks."""


def pictures(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (count, PX, PX)).astype(np.uint8)


def made(known: int, further: int = 0, share: float = 0.7, pairs: float = 0.2, seed: int = 0):
    return glyph_set(KNOWN[: known + further], pictures(known + further, 1), pictures(known, 2),
                     share, pairs, "random", streams_from(seed))  # fmt: skip


SETS = st.builds(
    made, known=st.integers(20, 60), further=st.integers(0, 6), share=st.floats(0.3, 0.9),
    pairs=st.floats(0.05, 1), seed=st.integers(0, 9),
)  # fmt: skip


def parts(glyphs: GlyphSet) -> tuple[set[int], ...]:
    every = (glyphs.train, glyphs.test, glyphs.paired, glyphs.source_only)
    return tuple(set(np.asarray(one).tolist()) for one in every)


def having(characters) -> SimpleNamespace:
    """Return what stands for a font that has these characters."""
    return SimpleNamespace(characters=frozenset(characters))


@MANY
@given(SETS)
def test_characters_that_only_the_source_has_are_seen_there_alone(glyphs: GlyphSet) -> None:
    train, test, paired, only = parts(glyphs)
    every = len(glyphs.characters)
    assert train | test == set(range(every)) - only and not train & test and paired <= train
    assert only == set(range(every - len(only), every))
    assert (glyphs.target[sorted(only)] == 255).all()
    assert np.array_equal(glyphs.target[: every - len(only)], pictures(every - len(only), 2))
    assert np.array_equal(glyphs.source, pictures(every, 1))
    assert np.array_equal(glyphs.codes, StrokeEncoder().encode_all(glyphs.characters))
    data = glyphs.data()
    assert set(data.drawn_from.tolist()) == train | only
    assert data.characters == tuple(glyphs.characters)


def test_what_only_the_source_has_changes_no_split() -> None:
    plain, more = made(30), made(30, 5)
    assert parts(plain)[:3] == parts(more)[:3] and not parts(plain)[3]


@MANY
@given(SETS, st.integers(0, 9))
def test_some_that_train_are_held_back_those_without_a_pair_first(glyphs, seed) -> None:
    held = glyphs.validating(streams_from(seed))
    (train, _, paired, only), (left, back, pairs, still) = parts(glyphs), parts(held)
    assert left | back == train and not left & back
    assert len(back) == max(2, round(0.2 * len(train)))
    assert pairs == paired - back and only == still
    lost = len(paired & back)
    assert lost == max(0, len(back) - len(train - paired))
    assert parts(glyphs.validating(streams_from(seed))) == parts(held)
    assert np.array_equal(held.target, glyphs.target) and held.characters == glyphs.characters
    data = held.data()
    assert set(data.test.tolist()) == back and not back & set(data.drawn_from.tolist())


def test_other_streams_hold_back_others() -> None:
    one, other = (parts(made(60).validating(streams_from(seed)))[1] for seed in (0, 1))
    assert one != other


@MANY
@given(SETS, st.data())
def test_what_was_drawn_becomes_a_pair(glyphs: GlyphSet, data) -> None:
    new = st.sampled_from(RARER[:10])
    chosen = data.draw(st.lists(st.sampled_from(glyphs.characters) | new, unique=True, max_size=12))
    source, target = pictures(len(chosen), 3), pictures(len(chosen), 4)
    after = glyphs.with_drawings(chosen, source, target)
    added = [char for char in chosen if char not in glyphs.characters]
    assert after.characters == glyphs.characters + "".join(added)
    rows = [after.characters.index(char) for char in chosen]
    (train, test, paired, only), (trains, tests, pairs, onlys) = parts(glyphs), parts(after)
    drawn = set(rows)
    assert trains == train | drawn and pairs == paired | drawn
    assert tests == test - drawn and onlys == only - drawn
    assert np.array_equal(after.source[rows], source)
    assert np.array_equal(after.target[rows], target)
    other = sorted(set(range(len(glyphs.characters))) - drawn)
    assert np.array_equal(after.source[other], glyphs.source[other])
    assert np.array_equal(after.target[other], glyphs.target[other])
    assert np.array_equal(after.codes, StrokeEncoder().encode_all(after.characters))
    assert after.data().characters == tuple(after.characters)


def test_drawings_leave_the_set_that_they_are_added_to_alone() -> None:
    glyphs = made(30, 2)
    source, target = np.array(glyphs.source), np.array(glyphs.target)
    glyphs.with_drawings(glyphs.characters[:3], pictures(3, 3), pictures(3, 4))
    assert np.array_equal(glyphs.source, source) and np.array_equal(glyphs.target, target)


def test_characters_of_all_fonts_are_shared() -> None:
    fonts = [GlyphRenderer(name, None, 16) for name in ("sample-kai", "sample-kuaile")]
    found = shared_characters(fonts, 50)
    assert len(found) == len(set(found)) == 50
    assert set(found) <= fonts[0].characters & fonts[1].characters
    assert set(found) <= set(KNOWN)


def test_common_characters_come_first_and_rarer_ones_where_they_are_too_few() -> None:
    fonts = [having([*KNOWN[:30], *RARER[:30], "A"]), having([*KNOWN[5:40], *RARER[:10], "A"])]
    assert shared_characters(fonts, 25) == tuple(KNOWN[5:30])
    assert set(shared_characters(fonts, 20)) < set(KNOWN[5:30])
    every = (*KNOWN[5:30], *sorted(RARER[:10]))
    assert shared_characters(fonts, 35) == shared_characters(fonts, 1000) == every


def test_fonts_with_too_few_common_characters_are_refused() -> None:
    fonts = [having([*KNOWN[:60], *STROKELESS]), having([*KNOWN[41:90], *STROKELESS])]
    with pytest.raises(
        ConfigError, match=r"targets = .19 common characters.: expected at least 20"
    ):
        shared_characters(fonts, 500)
    assert len(shared_characters([*fonts[:1], having(KNOWN[40:])], 500)) == 20


@MANY
@given(taken=st.integers(0, 40), count=st.integers(0, 60))
def test_further_characters_are_the_source_s_and_not_taken(taken: int, count: int) -> None:
    source = having([*KNOWN[:40], *RARER[:10], *STROKELESS])
    found, common = further_characters(source, KNOWN[:taken], count), KNOWN[taken:40]
    assert len(found) == len(set(found)) == min(count, len(common) + 10)
    assert set(found) <= {*common, *RARER[:10]}
    if count <= len(common):
        assert set(found) <= set(common)
    places = [char in common for char in found]
    assert places == sorted(places, reverse=True)
