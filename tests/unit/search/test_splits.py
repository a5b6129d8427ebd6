from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.contract.part import Dataset
from heliostat.errors import ConfigError, DataError
from heliostat_search.data_account import data_account
from heliostat_search.leakage import rows_in_both
from heliostat_search.splits import check_dataset, split


@dataclass(frozen=True)
class Rows:
    inputs: Any
    targets: Any
    task: str = "regression"
    classes: int = 1
    name: str = "rows"
    image_shape: Any = None
    test_rows: Any = None
    labels: Any = ()
    columns: Any = ()
    raw: Any = None


def numbers(count=50, columns=3, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(5, 3, (count, columns)).astype(np.float32)
    return Rows(inputs, inputs.sum(1).astype(np.float32))


def labelled(counts, columns=2):
    targets = np.repeat(np.arange(len(counts)), counts)
    inputs = np.random.default_rng(1).normal(size=(len(targets), columns)).astype(np.float32)
    return Rows(inputs, targets, "classification", len(counts))


def parts(result):
    return result.train, result.valid, result.test


def test_the_test_double_is_a_dataset():
    assert isinstance(numbers(), Dataset)


@given(st.integers(5, 200), st.integers(0, 2**32))
@settings(deadline=None)
def test_every_row_of_a_regression_lands_in_exactly_one_part(count, seed):
    result = split(numbers(count), np.random.default_rng(seed))
    rows = np.concatenate([part.rows for part in parts(result)])
    assert sorted(rows) == list(range(count))
    for part, fraction in zip(parts(result), (0.6, 0.2, 0.2), strict=True):
        assert abs(len(part) - fraction * count) < 1


@given(st.lists(st.integers(3, 40), min_size=2, max_size=5), st.integers(0, 2**32))
@settings(deadline=None)
def test_every_class_is_in_every_part_at_its_share(counts, seed):
    data = labelled(counts)
    result = split(data, np.random.default_rng(seed))
    rows = np.concatenate([part.rows for part in parts(result)])
    assert sorted(rows) == list(range(sum(counts)))
    for part, fraction in zip(parts(result), (0.6, 0.2, 0.2), strict=True):
        assert (part.targets == data.targets[part.rows]).all()
        for label, count in enumerate(counts):
            got = int((part.targets == label).sum())
            assert got >= 1
            assert abs(got - fraction * count) <= 1


def test_diabetes_sized_data_split_into_265_89_88():
    # 442 * (0.6, 0.2, 0.2) = 265.2, 88.4, 88.4; the odd row goes to the first of the two .4.
    assert list(map(len, parts(split(numbers(442), np.random.default_rng(0))))) == [265, 89, 88]


def test_equal_generators_give_equal_splits():
    first, second = (split(labelled([20, 30]), np.random.default_rng(7)) for _ in range(2))
    for one, other in zip(parts(first), parts(second), strict=True):
        assert one.inputs.tobytes() == other.inputs.tobytes()
        assert one.rows.tobytes() == other.rows.tobytes()


def test_the_first_rows_of_a_part_are_of_all_classes():
    result = split(labelled([100, 100, 100]), np.random.default_rng(0))
    assert set(result.train.targets[:20]) == {0, 1, 2}


def test_scales_come_from_the_train_part_alone():
    data = numbers(100)
    result = split(data, np.random.default_rng(3))
    train = data.inputs[result.train.rows].astype(np.float64)
    assert result.input_scale.mean == pytest.approx(train.mean(0))
    assert result.input_scale.deviation == pytest.approx(train.std(0))
    assert result.train.inputs.mean(0) == pytest.approx(0, abs=1e-6)
    assert result.train.targets.std() == pytest.approx(1, abs=1e-6)
    changed = data.inputs.copy()
    changed[result.test.rows] += 1000
    again = split(replace(data, inputs=changed), np.random.default_rng(3))
    assert again.train.inputs.tobytes() == result.train.inputs.tobytes()


def test_scales_can_be_undone_and_left_out():
    data = numbers(100)
    result = split(data, np.random.default_rng(3))
    restored = result.target_scale.undo(result.test.targets)
    assert restored == pytest.approx(data.targets[result.test.rows], rel=1e-5)
    raw = split(data, np.random.default_rng(3), standardize=False, standardize_targets=False)
    assert (raw.input_scale, raw.target_scale) == (None, None)
    assert (raw.test.inputs == data.inputs[raw.test.rows]).all()
    assert (raw.test.targets == data.targets[raw.test.rows]).all()


def test_class_numbers_are_never_scaled():
    result = split(labelled([10, 10]), np.random.default_rng(0))
    assert result.target_scale is None
    assert result.train.targets.dtype == np.int64


def test_images_are_scaled_by_one_mean_and_deviation():
    inputs = np.random.default_rng(0).random((30, 4)).astype(np.float32)
    inputs[:, 0] = 0
    inputs[3, 0] = 1  # a pixel that hardly ever is on must not be blown up
    targets = np.arange(30) % 2
    flat = Rows(inputs, targets, "classification", 2, image_shape=(1, 2, 2))
    result = split(flat, np.random.default_rng(0))
    assert result.input_scale.mean.shape == ()
    assert max(abs(part.inputs).max() for part in parts(result)) < 4
    shaped = Rows(inputs.reshape(-1, 1, 2, 2), targets, "classification", 2)
    again = split(shaped, np.random.default_rng(0))
    assert again.input_shape == (1, 2, 2)
    assert again.train.inputs.tobytes() == result.train.inputs.tobytes()


def test_a_constant_column_is_centred_only():
    data = numbers(20)
    data.inputs[:, 1] = 0.1
    assert split(data, np.random.default_rng(0)).train.inputs[:, 1] == pytest.approx(0, abs=1e-6)


@given(st.integers(4, 30), st.integers(4, 30), st.integers(0, 2**32))
@settings(deadline=None)
def test_an_official_test_set_stays_the_test_part(first, second, seed):
    data = labelled([first, second, 5])
    official = np.flatnonzero(np.arange(len(data.targets)) % 5 == 2)[::-1].copy()
    result = split(replace(data, test_rows=official), np.random.default_rng(seed), (0.6, 0.2, 0.2))
    assert result.test.rows.tolist() == official.tolist()
    rows = np.concatenate([part.rows for part in parts(result)])
    assert sorted(rows) == list(range(len(data.targets)))
    others = np.bincount(np.delete(data.targets, official))
    for label, count in enumerate(others):
        # Train to validation as 0.6 to 0.2, whatever share the test set has.
        assert abs(int((result.valid.targets == label).sum()) - count / 4) < 1


def test_an_official_test_set_of_a_regression_leaves_the_others_to_divide():
    data = replace(numbers(50), test_rows=np.arange(40, 50))
    result = split(data, np.random.default_rng(0), (0.45, 0.05, 0.5))
    assert list(map(len, parts(result))) == [36, 4, 10]
    assert result.test.rows.tolist() == list(range(40, 50))
    train = data.inputs[result.train.rows].astype(np.float64)
    assert result.input_scale.mean == pytest.approx(train.mean(0))


def test_classes_of_an_official_test_set_need_enough_other_samples():
    data = replace(labelled([10, 5]), test_rows=np.arange(11, 15))
    with pytest.raises(DataError, match="class 1 has 1 samples, too few for 2 parts"):
        split(data, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((0.8, 0.0, 0.2), "fractions.valid = 0.0: expected a share above 0; the valid split"),
        ((0.5, 0.6, -0.1), "fractions.test = -0.1"),
        ((0.6, 0.2, 0.3), "sum to 1, not 1.1"),
        ((0.98, 0.01, 0.01), "a row in each part"),
        ((0.5, 0.5), "three shares"),
        ((float("nan"), 0.5, 0.5), "fractions.train = nan"),
    ],
)
def test_fractions_that_leave_a_part_empty_are_refused(fractions, message):
    with pytest.raises(ConfigError, match=message):
        split(numbers(20), np.random.default_rng(0), fractions)


def broken(data, **changes):
    return replace(data, **changes)


def with_nan():
    data = numbers(10)
    data.inputs[4, 2] = np.nan
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (with_nan(), "rows: inputs row 4, column 2 is nan"),
        (broken(numbers(3), targets=np.float32([1, np.inf, 2])), "target of row 1 is inf"),
        (broken(numbers(3), targets=np.float32([1, 2])), "one target per sample"),
        (broken(numbers(3), targets=np.array([0, 1, 1])), "class numbers need task"),
        (broken(numbers(3), classes=2), "classes = 1 needed for a regression, got 2"),
        (broken(numbers(3), inputs=np.zeros((3, 2), int)), "dtype float32 or float64"),
        (broken(numbers(3), inputs=np.full((3, 2), 1e300)), "row 0, column 0 is 1e.300, beyond"),
        (broken(numbers(3), targets=np.array([0, 1e300, 0])), "target of row 1 is 1e.300, beyond"),
        (broken(numbers(3), targets=np.float32([7, 7, 7])), "the target is 7 in every row"),
        (broken(numbers(3), inputs=np.zeros((3, 0), np.float32)), r"\(3, 0\)"),
        (broken(numbers(3), inputs=np.zeros(3, np.float32)), r"\(samples, \*shape\)"),
        (broken(numbers(3), task="regresion"), "did you mean 'regression'"),
        (broken(labelled([5, 5]), classes=1), "at least 2 classes needed for class labels, got 1"),
        (broken(labelled([1, 1, 1]), classes=2), "label 2 of row 2 is outside 0..1"),
        (broken(labelled([1, 1]), targets=np.array([0, -1])), "label -1 of row 1"),
        (broken(labelled([1, 1]), targets=np.float32([0, 1])), "int64 class numbers"),
        (broken(labelled([3, 3]), targets=np.ones(6, np.int64)), "every row has class 1"),
        (broken(numbers(5), test_rows=np.array([1, 5])), r"test_rows holds 5, outside 0..4"),
        (broken(numbers(5), test_rows=np.array([-1])), "test_rows holds -1"),
        (broken(numbers(5), test_rows=np.array([3, 1, 3])), "test_rows holds 3 more than once"),
        (broken(numbers(5), test_rows=np.arange(5)), "fewer than the 5 rows"),
        (broken(numbers(5), test_rows=np.arange(0)), "at least one"),
        (broken(numbers(5), test_rows=np.ones(5, bool)), r"int64 row numbers.*\(5,\) bool"),
    ],
)
def test_data_that_break_the_protocol_are_refused_by_row(data, message):
    with pytest.raises(DataError, match=message):
        check_dataset(data)


def test_a_class_with_too_few_samples_is_named():
    with pytest.raises(DataError, match="class 1 has 2 samples, too few for 3 parts"):
        split(labelled([10, 2]), np.random.default_rng(0))


def test_a_class_number_without_samples_is_no_error():
    data = broken(labelled([5, 5]), classes=7)
    assert split(data, np.random.default_rng(0)).classes == 7


SCALES = st.sampled_from([1e-280, 1e-160, 1e-30, 1.0, 1e9, 1e30, 1e160, 1e280])


@given(SCALES, SCALES, st.floats(-1e6, 1e6), st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
def test_data_of_any_scale_are_standardised(scale, other, offset, seed):
    rng = np.random.default_rng(seed)
    inputs = np.stack([rng.normal(size=60) * scale, offset + rng.normal(size=60)], axis=1)
    result = split(Rows(inputs, (3 + rng.normal(size=60)) * other), rng)
    for values in (result.train.inputs, result.train.targets):
        assert values.dtype == np.float32
        assert values.mean(0) == pytest.approx(0, abs=1e-5)
        assert values.std(0) == pytest.approx(1, rel=1e-4)


def test_what_float64_tells_apart_stays_apart():
    # In float32 these times and targets are one value each.
    times = 1_700_000_000.0 + np.arange(60)[:, None]
    result = split(Rows(times, 1e8 + np.arange(60) / 8), np.random.default_rng(0))
    assert len(set(result.train.inputs.ravel().tolist())) == 36
    assert len(set(result.train.targets.tolist())) == 36
    assert result.remarks == ()


def test_constant_inputs_and_merged_values_are_told_of_any_data_set():
    inputs = np.stack([np.arange(60.0), np.full(60, 7.0), np.arange(60.0)], axis=1)
    inputs[0, 2] = 1e14
    told = check_dataset(Rows(inputs, np.arange(60.0), columns=("a", "b", "c")))
    assert [text.split(":")[0] for text in told] == [
        "constant inputs, which say nothing of the target", "input c"]  # fmt: skip
    assert told[0].endswith(": b")
    remarks = split(Rows(inputs, np.arange(60.0)), np.random.default_rng(0)).remarks
    assert remarks[0] == told[0].replace(": b", ": column 1")
    assert remarks[1] == told[1].replace("input c", "input column 2")
    plain = Rows(np.arange(60.0)[:, None] + 1e9, np.arange(60.0))
    assert check_dataset(plain) == ()
    # At 1e9 float32 has one value in 64.
    (raw,) = split(plain, np.random.default_rng(0), standardize=False).remarks
    distinct = len(set(plain.inputs.astype(np.float32).ravel().tolist()))
    assert f"input column 0: float32 makes {60 - distinct} values equal" in raw


def test_margins_of_images_and_a_sea_of_values_are_no_news():
    rng = np.random.default_rng(0)
    pixels = np.zeros((30, 4), np.float32)
    pixels[:, 1] = rng.random(30)
    assert check_dataset(Rows(pixels, np.arange(30.0), image_shape=(1, 2, 2))) == ()
    many = rng.normal(size=(200_000, 1))
    assert check_dataset(Rows(many, many[:, 0] + rng.normal(size=200_000))) == ()


@given(st.integers(0, 2**32), st.integers(1, 3), st.sampled_from([np.float32, np.float64]))
@settings(deadline=None, max_examples=40)
def test_rows_in_both_parts_are_counted_as_a_set_counts_them(seed, columns, kind):
    rng = np.random.default_rng(seed)
    inputs = rng.integers(-3, 3, (80, columns)).astype(kind)
    inputs[inputs == 0] *= -1  # -0.0 is 0.0
    data = Rows(inputs, rng.integers(0, 2, 80), "classification", 2)
    first, second = np.split(rng.permutation(80), [50])
    known = {(*data.inputs[i].tolist(), data.targets[i]) for i in first}
    expected = sum((*data.inputs[i].tolist(), data.targets[i]) in known for i in second)
    assert rows_in_both(data, first, second) == expected


@pytest.mark.parametrize("names", [None, (), ("one",), ["a", "b"], np.array(["a", "b"])])
def test_names_that_a_data_set_lacks_are_numbers(names):
    data = replace(labelled([3, 40]), labels=names, columns=names)
    result = split(data, np.random.default_rng(0))
    account = data_account(data, result)
    known = names is not None and len(names) == 2
    expected = ["a", "b"] if known else ["0", "1"]
    assert [one[0] for one in account["target"]["classes"]] == expected
    assert [one["name"] for one in account["columns"]] == (
        ["a", "b"] if known else ["column 0", "column 1"]
    )
    (told,) = result.remarks
    assert ("class 'a' (number 0) has 3" if known else "class 0 has 3") in told
