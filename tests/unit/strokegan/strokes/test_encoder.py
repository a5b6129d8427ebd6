import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostat_methods.strokegan.strokes.encoder import NoStrokeData, StrokeEncoder

ENCODER = StrokeEncoder()


def test_code_is_of_32_small_numbers():
    code = ENCODER.encode("永")
    assert (code.shape, code.dtype) == ((32,), np.uint8)
    assert ENCODER.encode_all("").shape == (0, 32)


@given(st.lists(st.sampled_from(sorted(ENCODER.strokes)), max_size=20))
def test_many_are_one_by_one_and_a_bit_is_a_count_above_zero(chars):
    bits, counts = ENCODER.encode_all(chars), ENCODER.encode_all(chars, mode="count")
    assert np.array_equal(bits, counts > 0)
    for char, code in zip(chars, counts, strict=True):
        assert np.array_equal(code, ENCODER.encode(char, mode="count"))
        assert code.sum() == len(ENCODER.strokes[char])


@pytest.mark.parametrize("char", ["", "永国", 7, None])
def test_anything_but_one_character_is_refused(char):
    with pytest.raises(ValueError, match="char must be one character, got"):
        ENCODER.encode(char)


def test_character_without_data_is_named_with_its_code_point():
    with pytest.raises(KeyError) as caught:
        ENCODER.encode("A")
    assert str(caught.value) == "no stroke data for 'A' (U+0041)"


def test_many_without_data_are_named_to_the_twentieth():
    with pytest.raises(
        NoStrokeData, match=r"'A' \(U\+0041\).* and 6 more \(26 in all\)$"
    ) as caught:
        ENCODER.encode_all("永ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    assert "'T'" in str(caught.value) and "'U'" not in str(caught.value)


def test_unknown_modes_are_refused():
    with pytest.raises(ValueError, match="mode must be one of onebit, count, got 'bits'"):
        ENCODER.encode("永", mode="bits")
    with pytest.raises(ValueError, match="missing must be one of error, skip, fallback, got 'no'"):
        ENCODER.encode_all("永", missing="no")
    with pytest.raises(ValueError, match="missing must be one of error, fallback, got 'skip'"):
        ENCODER.encode("永", missing="skip")


def test_skipped_characters_leave_no_row():
    codes = ENCODER.encode_all("A永B国", missing="skip")
    assert np.array_equal(codes, ENCODER.encode_all(filter(ENCODER.knows, "A永B国")))
    assert len(codes) == 2


def test_fallback_is_asked_only_for_what_is_lacking():
    encoder = StrokeEncoder(fallback={"永": ["heng"], "A": ["pie", "na", "heng"]})
    codes = encoder.encode_all("永A", missing="fallback")
    assert np.array_equal(codes[0], ENCODER.encode("永"))
    assert np.flatnonzero(codes[1]).tolist() == [0, 4, 6]
    assert encoder.encode("A", missing="fallback").sum() == 3
    with pytest.raises(KeyError, match=r"no stroke data for 'B'"):
        encoder.encode("B", missing="fallback")


def test_own_strokes_with_an_unknown_id_are_refused():
    with pytest.raises(ValueError, match="stroke id must be one of"):
        StrokeEncoder(strokes={"A": ["line"]}).encode("A")
