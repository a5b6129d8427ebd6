"""Batches of shifted glyphs: moved over white, mirrored only on request, exact in value."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.strokegan.pairs.shifted_glyphs import ShiftedGlyphs, as_pictures

GLYPHS = np.random.default_rng(0).integers(0, 256, (5, 8, 8)).astype(np.uint8)


def moved(glyph: np.ndarray, down: int, right: int) -> np.ndarray:
    white = np.full((12, 12), 255, np.uint8)
    white[2 + down : 10 + down, 2 + right : 10 + right] = glyph
    return white[2:10, 2:10]


@settings(deadline=None)
@given(st.integers(0, 4), st.integers(-2, 2), st.integers(-2, 2))
def test_a_shift_moves_down_and_right_over_white(row: int, down: int, right: int) -> None:
    taken = ShiftedGlyphs(GLYPHS, 2).take(np.array([row]), np.array([[down, right]]))
    assert taken.shape == (1, 1, 8, 8) and float(taken.abs().max()) <= 1
    back = np.rint(taken[0, 0].numpy() * 127.5 + 127.5)
    assert np.array_equal(back, moved(GLYPHS[row], down, right))


def test_without_shifts_pictures_come_back_and_channels_are_copies() -> None:
    rows = np.array([3, 1, 3])
    taken = ShiftedGlyphs(GLYPHS, 2, channels=3).take(rows)
    assert taken.shape == (3, 3, 8, 8)
    assert np.abs(as_pictures(taken) * 255 - GLYPHS[rows]).max() < 1e-4
    assert as_pictures(taken).dtype == np.float32


def test_a_flip_mirrors_the_marked_ones() -> None:
    taken = ShiftedGlyphs(GLYPHS).take(np.array([0, 0]), None, np.array([True, False]))
    assert np.array_equal(taken[0, 0].numpy(), taken[1, 0].numpy()[:, ::-1])
