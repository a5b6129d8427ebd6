"""Named random streams against numbers computed by numpy alone."""

from __future__ import annotations

import hashlib
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostat.values import streams

# Origin: numpy 2.4 alone, Generator(Philox(SeedSequence(root, spawn_key=...))).
INTEGER_NAMES = [
    (
        (2026, (1, 0)),
        (0.94074042796628665, 0.63307264968790133),
        (602348731, 4040449372, 1724862493),
        15282225946269184268,
    ),
    (
        (2026, (1, 1)),
        (0.094327113160945553, 0.61354408329194177),
        (654350036, 405131866, 1688739431),
        14608273054022856686,
    ),
    (
        (2026, (0,)),
        (0.65255541976670695, 0.071448568760277942),
        (3116250712, 2802704186, 736162617),
        3339473683144027492,
    ),
    (
        (2026, (1, 1000000)),
        (0.4992216674429103, 0.075144071748430297),
        (523504235, 2144140735, 2782218305),
        3818897418550986003,
    ),
    (
        (0, (1, 0)),
        (0.87530787883038053, 0.82096737502592876),
        (2180191166, 3759418713, 3519002466),
        11539782348902174461,
    ),
]
STRING_NAMES = [
    (
        2026,
        ("batches", 3, 7),
        (1182149094, 3, 7),
        (0.6346974951251713, 0.844729169217304),
        10638133611342898176,
    ),
    (2026, ("init",), (3142846090,), (0.06624029753611194, 0.6604587604032007), None),
    (7, ("task", 0), (247153311, 0), (0.22835553648183748, 0.3526741766295747), None),
    (0, ("vary", 12), (2401803138, 12), (0.034278937432054346, 0.8582645652599064), None),
]

names = st.lists(st.one_of(st.text(max_size=8), st.integers(0, 2**31)), min_size=1, max_size=4)


@pytest.mark.parametrize(("at", "uniform", "integers", "state"), INTEGER_NAMES)
def test_integer_names_give_the_written_numbers(at, uniform, integers, state) -> None:
    root, name = at
    assert tuple(streams.stream(root, *name).random(2)) == uniform
    assert tuple(streams.stream(root, *name).integers(0, 2**32, 3)) == integers
    assert streams.seed64(root, *name) == state


@pytest.mark.parametrize(("root", "name", "key", "uniform", "state"), STRING_NAMES)
def test_names_with_strings_give_the_written_numbers(root, name, key, uniform, state) -> None:
    assert streams.spawn_key(name) == key
    assert tuple(streams.stream(root, *name).random(2)) == uniform
    if state is not None:
        assert streams.seed64(root, *name) == state


def test_blocks_merged_left_to_right_give_the_written_moments() -> None:
    # Origin: same table; Chan, Golub, LeVeque 1979 for the merge.
    n, mean, squares = 0, 0.0, 0.0
    for block in range(4):
        x = np.exp(streams.stream(2026, 1, block).standard_normal(1000))
        size, own = len(x), float(x.mean())
        shift, together = own - mean, n + size
        squares += float(((x - own) ** 2).sum()) + shift * shift * n * size / together
        mean += shift * size / together
        n = together
    assert n == 4000
    assert mean == pytest.approx(1.63727291205708, rel=1e-12)
    assert squares == pytest.approx(17115.3139590785, rel=1e-12)


@given(names, names)
def test_a_stream_does_not_depend_on_what_was_drawn_before(first, second) -> None:
    alone = streams.stream(5, *second).random(3)
    streams.stream(5, *first).random(100)
    assert np.array_equal(streams.stream(5, *second).random(3), alone)


@given(st.text(max_size=20))
def test_a_string_part_is_the_first_four_bytes_of_its_sha256(name: str) -> None:
    expected = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    assert streams.spawn_key((name,)) == (expected,)


@pytest.mark.parametrize("part", [-1, 1.5, None, True, ("a",), b"a"])
def test_other_name_parts_are_refused(part: object) -> None:
    with pytest.raises(TypeError, match="strings and of integers from 0"):
        streams.spawn_key(("ok", part))  # type: ignore[arg-type]


def test_numpy_integers_name_the_same_stream_as_python_integers() -> None:
    assert streams.spawn_key((np.int64(3), np.uint8(4))) == (3, 4)


def test_python_random_is_the_named_stream_while_open_and_restored_after() -> None:
    random.seed(11)
    before = random.getstate()
    with streams.python_random(3, "vary", 1) as source:
        first = (random.random(), source.random())
    assert random.getstate() == before
    with pytest.raises(ZeroDivisionError), streams.python_random(3, "vary", 1):
        assert random.random() == first[0]
        1 / 0  # noqa: B018
    assert random.getstate() == before
    # Origin: the standard library's generator seeded with the stream's 64 bits.
    oracle = random.Random(streams.seed64(3, "vary", 1))
    assert first == (oracle.random(), oracle.random())


def test_python_random_may_be_nested() -> None:
    with streams.python_random(3, "outer"):
        random.random()
        expected = random.Random(streams.seed64(3, "outer"))
        expected.random()
        with streams.python_random(3, "inner"):
            random.random()
        assert random.random() == expected.random()


def test_torch_seed_is_masked_to_63_bits_and_leaves_the_global_generator_alone() -> None:
    torch = pytest.importorskip("torch")
    before = torch.random.get_rng_state()
    generator = streams.torch_generator(2026, 1, 0)  # its 64-bit seed has the highest bit set
    assert 15282225946269184268 >= 2**63
    assert generator.initial_seed() == 15282225946269184268 - 2**63
    torch.rand(3, generator=generator)
    assert torch.equal(torch.random.get_rng_state(), before)
