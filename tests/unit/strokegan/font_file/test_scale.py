"""Units of a font: whole numbers of pixels above the baseline."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.strokegan.font_file.scale import font_scale


@pytest.mark.parametrize(
    ("px", "upm", "ascent_px", "ascent"),
    [(128, 1000, 112, 875), (64, 1000, 56, 875), (32, 1000, 28, 875), (128, None, 112, 1792),
     (96, None, 84, 1764), (100, 1000, 87, 870), (36, 1000, 27, 750), (97, 1000, 97, 1000)],
)  # fmt: skip
def test_known_scales(px, upm, ascent_px, ascent):
    """strokegan.md 4.4: 875 of 1000 at 32, 64 and 128 pixels"""
    found = font_scale(px, upm)
    assert (found.ascent_px, found.ascent) == (ascent_px, ascent)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    px=st.integers(8, 16_384), upm=st.none() | st.integers(16, 16_384), share=st.floats(1e-9, 1.0)
)
def test_the_baseline_lies_between_two_rows(px, upm, share):
    found = font_scale(px, upm, share)
    assert found.ascent * px == found.ascent_px * found.upm
    assert 0 < found.ascent <= found.upm <= 16_384
    assert found.descent >= 0


@pytest.mark.parametrize("px", [7, 16_385])
def test_images_too_small_or_large_are_refused(px):
    with pytest.raises(ValueError, match=rf"px: {px}, expected 8\.\.16384"):
        font_scale(px)


@pytest.mark.parametrize("ascent", [0.0, 1.1, float("nan")])
def test_an_ascent_outside_the_square_is_refused(ascent):
    with pytest.raises(ValueError, match=r"ascent: .*, expected a share of the image"):
        font_scale(64, None, ascent)
