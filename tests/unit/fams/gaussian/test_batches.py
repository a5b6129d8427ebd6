import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.fams.gaussian.batches import SubgroupBatcher

SIZES = (1, 3, 20, 21, 400)
CODES = np.repeat(np.arange(5), SIZES)[np.random.default_rng(0).permutation(sum(SIZES))]
X = np.arange(2 * len(CODES), dtype=float).reshape(-1, 2)


def batcher(**changes):
    given_ = {"X": X, "y": CODES % 2, "codes": CODES, "batch": 20, "seed": 3}
    return SubgroupBatcher(**(given_ | changes))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_a_batch_depends_on_seed_round_and_group_alone(round, groups):
    rows = batcher().drawn(round, groups)
    for at, group in enumerate(groups):
        assert (rows[at] == batcher().drawn(round, [group])[0]).all()
        assert (CODES[rows[at]] == group).all()


def test_rows_repeat_only_in_groups_smaller_than_a_batch():
    for round in range(20):
        rows = batcher().drawn(round, range(5))
        assert [len(set(row)) for row in rows[2:]] == [20] * 3
        assert len(set(rows[0])) == 1 and len(set(rows[1])) <= 3


def test_every_row_is_drawn_as_often():
    drawn = np.concatenate([batcher().drawn(round, [4])[0] for round in range(2000)])
    counts = np.bincount(drawn, minlength=len(CODES))[CODES == 4]
    assert counts.sum() == 40_000 and abs(counts - 100).max() < 50  # 5 deviations


def test_other_seeds_and_rounds_draw_other_rows():
    rows = batcher().drawn(0, [4])
    assert (rows != batcher().drawn(1, [4])).any()
    assert (rows != batcher(seed=4).drawn(0, [4])).any()


def test_batch_holds_the_rows_with_ones_for_the_biases():
    batch = batcher(weights=np.arange(len(CODES)))(7, [1, 4])
    assert (batch.inputs[:, :2].transpose(0, 2, 1) == X[batch.rows]).all()
    assert (batch.inputs[:, 2] == 1).all()
    assert (batch.targets == (CODES % 2)[batch.rows]).all() and (batch.weights == batch.rows).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"batch": 0}, "batch = 0: expected a whole number from 1"),
        ({"seed": -1}, "seed = -1: expected a whole number of at most 64 bits"),
        ({"y": np.full(len(CODES), 0.5)}, "y, row 0 is 0.5, expected 0 or 1"),
        ({"codes": -CODES - 1}, "codes, row 0 is -"),
        ({"codes": CODES[:5]}, "codes has 5 rows, expected 445"),
        ({"X": np.where(X == 8, np.nan, X)}, "X, row 4 holds a number that is not finite"),
        ({"X": X[:, 0]}, r"X has shape \(445,\), expected \(rows, features\)"),
    ),
)
def test_unusable_data_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        batcher(**changes)


@pytest.mark.parametrize("group", (-1, 5))
def test_group_without_rows_is_named(group):
    with pytest.raises(ValueError, match=f"groups = {group}: expected the number of a group"):
        batcher().drawn(0, [1, group])
