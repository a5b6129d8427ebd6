import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError, DataError
from heliostat_search.augmentation import augment


def images(count=6, channels=2, height=5, width=4, dtype=np.float32):
    # No pixel is 0 and no two are equal, so a place tells a pixel.
    return (1 + np.arange(count * channels * height * width, dtype=dtype)).reshape(
        count, channels, height, width
    )


def shifted(image, top, left):
    """Return the image moved down by `top` and right by `left`, with zeros where nothing was."""
    moved = np.zeros_like(image)
    _, height, width = image.shape
    for row in range(height):
        for column in range(width):
            if 0 <= row - top < height and 0 <= column - left < width:
                moved[:, row, column] = image[:, row - top, column - left]
    return moved


def moves(image, padding, flip):
    """Return every outcome that augmentation may have for one image."""
    reach = range(-padding, padding + 1)
    found = [shifted(image, top, left) for top in reach for left in reach]
    return found + [moved[:, :, ::-1] for moved in found] if flip else found


@given(st.integers(0, 2**32), st.integers(0, 3), st.booleans())
@settings(deadline=None, max_examples=25)
def test_every_image_is_one_of_its_shifts_flipped_or_not(seed, padding, flip):
    batch = images()
    for image, out in zip(
        batch, augment(batch, np.random.default_rng(seed), padding, flip), strict=True
    ):
        assert any(np.array_equal(out, move) for move in moves(image, padding, flip))


def test_every_shift_and_flip_occurs():
    batch = np.repeat(images(1, 1, 2, 2), 2000, axis=0)
    found = {out.tobytes() for out in augment(batch, np.random.default_rng(0), padding=1)}
    assert found == {np.ascontiguousarray(move).tobytes() for move in moves(batch[0], 1, True)}


def test_without_padding_and_flips_nothing_changes():
    batch = images()
    assert augment(batch, np.random.default_rng(0), padding=0, flip=False).tobytes() == (
        batch.tobytes()
    )


def test_shape_and_type_stay_and_the_input_is_left_alone():
    batch = images(dtype=np.uint8)
    before = batch.copy()
    out = augment(batch, np.random.default_rng(1))
    assert (out.shape, out.dtype, out.flags.c_contiguous) == (batch.shape, np.uint8, True)
    assert np.array_equal(batch, before)


def test_equal_generators_give_equal_images_and_flips_do_not_shift_crops():
    batch = images()
    first, second = (augment(batch, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, second)
    straight = augment(batch, np.random.default_rng(3), flip=False)
    same = [np.array_equal(a, b) for a, b in zip(first, straight, strict=True)]
    assert 0 < sum(same) < len(same)


def test_other_shapes_and_negative_padding_are_refused():
    with pytest.raises(DataError, match=r"\(batch, channels, height, width\).*\(6, 40\)"):
        augment(images().reshape(6, -1), np.random.default_rng(0))
    with pytest.raises(ConfigError, match="padding = -1"):
        augment(images(), np.random.default_rng(0), padding=-1)
