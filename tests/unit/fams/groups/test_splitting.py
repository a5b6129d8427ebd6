import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.fams.groups.coding import Subgroups
from heliostat_methods.fams.groups.splitting import split_groups


def of_codes(codes):
    codes = np.asarray(codes, np.int64)
    return Subgroups(codes, tuple(map(str, range(codes.max() + 1))))


def recipe(codes, seed, most):
    """The recipe of the method's page, word for word."""
    rng = np.random.default_rng(seed)
    train, test = [], []
    for group in range(max(codes) + 1):
        rows = rng.permutation(np.flatnonzero(np.asarray(codes) == group))
        count = min(most, len(rows) // 2)
        train += rows[:count].tolist()
        test += rows[count:].tolist()
    return train, test


@settings(max_examples=40, deadline=None)
@given(
    codes=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    most=st.integers(1, 12),
    validation=st.sampled_from([0.0, 0.2, 0.5, 0.99]),
)
def test_the_test_part_is_that_of_the_recipe_whatever_validates(codes, most, validation):
    split = split_groups(of_codes(codes), np.random.default_rng(3), most, validation)
    train, test = recipe(codes, 3, most)
    assert split.test.tolist() == test
    assert sorted([*split.train, *split.valid]) == sorted(train)
    if validation == 0:
        assert split.train.tolist() == train


def test_a_group_of_one_row_is_tested_only():
    split = split_groups(of_codes([0, 1, 1]), np.random.default_rng(0))
    assert split.test.tolist()[0] == 0
    assert len(split.train) == 1


def test_validation_takes_its_share_of_each_group():
    codes = np.repeat([0, 1], [100, 1000])
    split = split_groups(of_codes(codes), np.random.default_rng(0), 100, 0.25)
    assert np.bincount(codes[split.train]).tolist() == [38, 75]
    assert np.bincount(codes[split.valid]).tolist() == [12, 25]
    assert np.bincount(codes[split.test]).tolist() == [50, 900]


def test_half_of_each_group_trains_without_a_limit():
    codes = np.repeat([0, 1], [10, 1001])
    split = split_groups(of_codes(codes), np.random.default_rng(0), None)
    assert np.bincount(codes[split.train]).tolist() == [5, 500]


def test_another_generator_gives_other_rows():
    groups = of_codes(np.repeat([0, 1], 50))
    first, again, other = (
        split_groups(groups, np.random.default_rng(seed)).test.tolist() for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("rows", [0, -1, 2.5, True])
def test_rows_per_group_out_of_range_are_refused(rows):
    with pytest.raises(ValueError, match=rf"rows_per_group = {rows}: expected a whole number, 1"):
        split_groups(of_codes([0, 1]), np.random.default_rng(0), rows)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_validation_out_of_range_is_refused(share):
    with pytest.raises(
        ValueError, match=rf"validation = {share}: expected a share of the training"
    ):
        split_groups(of_codes([0, 1]), np.random.default_rng(0), 10, share)
