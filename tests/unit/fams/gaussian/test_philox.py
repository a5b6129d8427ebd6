"""Known answers of Philox4x32-10, from the authors' test vectors (Salmon et al. 2011)."""

import numpy as np
import pytest

from heliostat_methods.fams.gaussian.philox import philox

ALL = 0xFFFFFFFF
VECTORS = (
    ((0,) * 6, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ALL,) * 6, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
)


@pytest.mark.parametrize(("counter_and_key", "words"), VECTORS)
def test_known_answers(counter_and_key, words):
    assert tuple(map(int, philox(*map(np.uint64, counter_and_key)))) == words
