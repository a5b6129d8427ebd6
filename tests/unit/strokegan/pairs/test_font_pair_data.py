"""Glyphs of two fonts: split by character, paired within the training part, refused otherwise."""

from dataclasses import replace

import numpy as np
import pytest

from heliostat_methods.strokegan.pairs.font_pair_data import FontPairData
from heliostat_methods.strokegan.strokes.pair_selection import PairSelector

CHARS = "天地人你我他上下左右"


def glyphs(count: int, px: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, px, px)).astype(np.uint8)


def codes(chars) -> np.ndarray:
    return np.array([[ord(char) >> bit & 1 for bit in range(32)] for char in chars], np.float32)


def data(seed: int = 0) -> FontPairData:
    return FontPairData.split(CHARS, glyphs(10), glyphs(10, seed=1), codes(CHARS), seed)


def test_characters_are_split_once_and_for_all_by_a_seed() -> None:
    one, same, other = data(1), data(1), data(2)
    assert len(one.train) == 8 and len(one.test) == 2
    assert sorted([*one.train, *one.test]) == list(range(10))
    assert np.array_equal(one.train, same.train) and not np.array_equal(one.train, other.train)
    assert one.px == 4 and one.fonts == 1 and not len(one.paired)
    said = "FontPairData(10 characters at 4 px: 8 train, 0 of them pairs, 2 held out)"
    assert repr(one) == said


def test_pairs_lie_in_the_training_part_and_smaller_numbers_begin_larger_ones() -> None:
    few, more = (data().with_pairs(PairSelector(n_pairs=n), 3).paired for n in (2, 5))
    assert np.array_equal(more[:2], few) and set(more) <= set(data().train)


def test_fonts_are_matched_by_character() -> None:
    mine, theirs = list(CHARS), [*reversed(CHARS[3:]), "龙"]
    source, target = glyphs(10), glyphs(8, seed=1)
    made = FontPairData.matched(mine, source, theirs, target, codes, 0)
    assert made.characters == tuple(CHARS[3:])
    for row, char in enumerate(made.characters):
        assert np.array_equal(made.source[row], source[mine.index(char)])
        assert np.array_equal(made.target[row], target[theirs.index(char)])
    assert np.array_equal(made.codes, codes(CHARS[3:]))


def test_fonts_without_a_common_character_are_refused() -> None:
    with pytest.raises(ValueError, match="no common characters: source has 2, target 1"):
        FontPairData.matched("天地", glyphs(2), "人", glyphs(1), codes, 0)
    with pytest.raises(ValueError, match="target_characters: 人 more than once"):
        FontPairData.matched("天地", glyphs(2), "人人", glyphs(2), codes, 0)


@pytest.mark.parametrize(("change", "message"), [
    ({"train": np.array([0]), "test": np.array([], int)}, "train: 1 characters, expected at least"),
    ({"paired": data().test[:1]}, f"paired: {CHARS[data().test[0]]} outside train"),
    ({"test": data().train[:1]}, "trains too"),
    ({"train": np.array([0, 10])}, r"train: row numbers must lie in 0\.\.9"),
    ({"train": np.array([0, 0])}, "train: expected each row once"),
    ({"train": np.array([0.0, 1.0])}, "train: expected row numbers"),
    ({"characters": tuple("天" * 10)}, "characters: 天 more than once"),
    ({"source": glyphs(9)}, r"source: shape \(9, 4, 4\), expected \(10, px, px\)"),
    ({"target": glyphs(10, 8)}, r"target: shape \(10, 8, 8\), expected \(10, 4, 4\)"),
    ({"target": glyphs(10) / 255}, "target: float64 of shape"),
    ({"codes": codes(CHARS)[:9]}, r"codes: shape \(9, 32\), expected \(10, strokes\)"),
    ({"codes": codes(CHARS) * 2}, "codes: expected numbers from 0 to 1"),
    ({"codes": codes(CHARS) * np.nan}, "codes: expected numbers from 0 to 1"),
    ({"further": glyphs(9)[None]}, r"further\[0\]: shape \(9, 4, 4\)"),
])  # fmt: skip
def test_what_cannot_be_is_named(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(data(), **change)


def test_a_share_lies_between_none_and_all() -> None:
    for share in (0, 1, float("nan")):
        with pytest.raises(ValueError, match="share must lie between 0 and 1"):
            FontPairData.split(CHARS, glyphs(10), glyphs(10), codes(CHARS), 0, share)
    with pytest.raises(ValueError, match="train: 1 characters"):
        FontPairData.split("天地", glyphs(2), glyphs(2), codes("天地"), 0, 0.4)


def test_what_only_the_source_has_is_drawn_from_beside_what_trains() -> None:
    made = data()
    assert np.array_equal(made.drawn_from, made.train) and not len(made.source_only)
    fewer = replace(made, train=made.train[:6], source_only=made.train[6:])
    assert np.array_equal(fewer.drawn_from, made.train)
    assert repr(fewer).endswith("6 train, 0 of them pairs, 2 held out)")
    assert np.array_equal(replace(fewer, paired=made.train[:1]).source_only, made.train[6:])


@pytest.mark.parametrize(("change", "message"), [
    ({"source_only": data().train[3:5]}, f"source_only: {CHARS[data().train[3]]}, .* in the target "
                                         "font too, expected only characters that it lacks"),
    ({"source_only": data().test[1:]}, f"source_only: {CHARS[data().test[1]]} in the target font"),
    ({"source_only": np.array([10])}, r"source_only: row numbers must lie in 0\.\.9"),
    ({"source_only": np.array([-1])}, r"source_only: row numbers must lie in 0\.\.9"),
    ({"test": np.array([], int), "source_only": np.repeat(data().test[:1], 2)},
     "source_only: expected each row once"),
])  # fmt: skip
def test_what_only_the_source_has_is_in_no_other_part(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(data(), **change)
