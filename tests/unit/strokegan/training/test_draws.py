"""Batches by step number: pairs belong together, further fonts are told, codes go with glyphs."""

from dataclasses import replace

import numpy as np

from heliostat_methods.strokegan.pairs.shifted_glyphs import as_pictures
from heliostat_methods.strokegan.training.draws import Draws
from heliostat_methods.strokegan.training.image_pool import ImagePool
from heliostat_search.supervised.streams import streams_from


def row_of(picture: np.ndarray, glyphs: np.ndarray) -> int:
    apart = np.abs(glyphs / 255 - picture).max(axis=(1, 2))
    assert apart.min() < 1e-5
    return int(apart.argmin())


def test_batches_are_of_training_rows_with_their_codes(data, tiny) -> None:
    draws = Draws(data, tiny(shift=0), streams_from(0), "cpu")
    for step in (0, 5, 2):
        for drawn, glyphs in ((draws.source(step), data.source), (draws.target(step), data.target)):
            rows = [row_of(one, glyphs) for one in as_pictures(drawn.pictures)]
            assert len(rows) == 3 and set(rows) <= set(data.train)
            assert np.array_equal(drawn.codes.numpy(), data.codes[rows])


def test_pairs_are_of_one_character_and_moved_alike(data, tiny) -> None:
    same = replace(data, target=data.source)
    draws = Draws(same, tiny(), streams_from(0), "cpu")
    few, whole = draws.few_pairs(1), draws.pairs(1)
    assert len(few.source) == 2 and len(whole.source) == 3
    for pairs in (few, whole):
        assert np.array_equal(pairs.source, pairs.target) and not pairs.fonts.any()


def test_further_fonts_come_with_their_number(data, tiny) -> None:
    several = replace(data, further=np.stack([data.source, 255 - data.source]))
    draws = Draws(several, tiny(shift=0), streams_from(0), "cpu")
    seen = set()
    for step in range(6):
        pairs = draws.styled_pairs(step)
        for font, given, wanted in zip(pairs.fonts.tolist(), pairs.source, pairs.target,
                                       strict=True):  # fmt: skip
            seen.add(font)
            row = row_of(as_pictures(given[None])[0], data.source)
            assert font or row in data.paired
            truth = (data.target, *several.further)[font][row]
            assert np.abs(as_pictures(wanted[None])[0] - truth / 255).max() < 1e-5
    assert seen == {0, 1, 2}


def test_a_pool_keeps_codes_with_pictures(data, tiny) -> None:
    draws = Draws(data, tiny(shift=0), streams_from(0), "cpu")
    pool = ImagePool(4, streams_from(1))
    old = 0
    for step in range(8):
        drawn = draws.source(step)
        pictures, codes = pool.shown(drawn.pictures, drawn.codes, step)
        rows = [row_of(one, data.source) for one in as_pictures(pictures)]
        assert np.array_equal(codes.numpy(), data.codes[rows])
        old += int((pictures != drawn.pictures).any())
    assert old and len(pool.state()["pictures"]) == 4
    none = ImagePool(0, streams_from(1))
    assert none.shown(drawn.pictures, drawn.codes, 0) == (drawn.pictures, drawn.codes)
    assert none.state() == {}


def with_source_only(data, train: int):
    """Return the data with so many characters that train, and the next ones of the source alone."""
    return replace(data, train=data.train[:train], paired=data.train[:2],
                   source_only=data.train[train:])  # fmt: skip


def test_source_glyphs_are_of_more_characters_than_target_ones(data, tiny) -> None:
    more = with_source_only(data, 6)
    draws = Draws(more, tiny(shift=0), streams_from(0), "cpu")
    seen = {"source": set(), "target": set()}
    for step in range(12):
        for name, drawn, glyphs in (("source", draws.source(step), data.source),
                                    ("target", draws.target(step), data.target)):  # fmt: skip
            rows = [row_of(one, glyphs) for one in as_pictures(drawn.pictures)]
            assert np.array_equal(drawn.codes.numpy(), data.codes[rows])
            seen[name].update(rows)
    assert seen["source"] == {*more.train, *more.source_only} == set(data.train)
    assert seen["target"] == set(more.train) != set(data.train)


def test_pairs_are_none_of_what_only_the_source_has(data, tiny) -> None:
    more = with_source_only(data, 6)
    several = replace(more, further=data.source[None])
    for chosen in (tiny(shift=0), tiny(shift=0, paired_characters="all")):
        draws = Draws(several, chosen, streams_from(0), "cpu")
        for step in range(8):
            for pairs in (draws.few_pairs(step), draws.pairs(step), draws.styled_pairs(step)):
                rows = {row_of(one, data.source) for one in as_pictures(pairs.source)}
                assert rows <= set(more.train)


def test_a_step_has_as_many_source_glyphs_as_target_ones(data, tiny) -> None:
    for train, batch, expected in ((2, 5, 2), (4, 3, 3), (4, 9, 4)):
        more = with_source_only(data, train)
        draws = Draws(more, tiny(batch=batch), streams_from(0), "cpu")
        for step in range(4):
            sizes = {len(draws.source(step).pictures), len(draws.target(step).pictures)}
            assert sizes == {expected}
