"""Batches by their step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.streams import streams_from, under


def batches(rows: int, size: int, runs: int = 2) -> Batches:
    return Batches([under(streams_from(1), "run", r) for r in range(runs)], "train", rows, size)


@given(rows=st.integers(1, 40), size=st.integers(1, 60), first=st.integers(0, 200))
@settings(max_examples=60, deadline=None)
def test_an_epoch_sees_no_row_twice_and_any_order_of_asking_gives_the_same(
    rows: int, size: int, first: int
) -> None:
    in_epoch = rows // min(size, rows)
    epoch = first // in_epoch
    some = batches(rows, size)
    found = {s: some.at(s) for s in range(epoch * in_epoch, (epoch + 1) * in_epoch)}
    for run in range(2):
        seen = torch.cat([one[run] for one in found.values()])
        assert len(torch.unique(seen)) == len(seen) == in_epoch * min(size, rows)
        assert int(seen.min()) >= 0 and int(seen.max()) < rows
    other = batches(rows, size)
    for step in sorted(found, key=lambda s: (s % 3, -s)):
        other.at(step + 7 * in_epoch)
        assert torch.equal(other.at(step), found[step])


def test_every_epoch_has_an_order_of_its_own_and_every_run_too() -> None:
    some = batches(30, 10)
    first, second = (torch.cat([some.at(3 * e + i) for i in range(3)], 1) for e in range(2))
    assert not torch.equal(first, second) and not torch.equal(first[0], first[1])
    assert sorted(first[0].tolist()) == sorted(second[1].tolist()) == list(range(30))


def test_a_part_no_larger_than_a_batch_is_one_in_its_own_order() -> None:
    for size in (4, 9):
        some = batches(4, size)
        assert some.size == 4
        assert some.at(0).tolist() == some.at(5).tolist() == [[0, 1, 2, 3]] * 2


@pytest.mark.parametrize(
    ("rows", "size", "message"),
    [
        (0, 3, "train: got 0 rows; expected at least 1"),
        (3, 0, "batch_size: got 0; expected at least 1"),
    ],
)
def test_no_rows_and_no_batch_are_refused(rows: int, size: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        batches(rows, size)


def test_streams_of_one_name_begin_alike_and_of_others_do_not() -> None:
    streams = streams_from(3)
    usual = streams("init", 1).random(4)
    np.testing.assert_array_equal(streams("init", 1).random(4), usual)
    np.testing.assert_array_equal(under(streams, "init")(1).random(4), usual)
    for other in (streams("init", 2), streams("other", 1), streams_from(4)("init", 1)):
        assert (other.random(4) != usual).all()
