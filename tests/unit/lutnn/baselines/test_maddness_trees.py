"""Hash trees: greedy splits by loops, codes by loops, ties, constants, extremes, refusals."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.lutnn.baselines.maddness_layer import MaddnessLinear
from heliostat_methods.lutnn.baselines.maddness_trees import HashTrees, encode, learned_trees


def drawn(rows, features, seed=0):
    return torch.randn(rows, features, generator=torch.Generator().manual_seed(seed))


def spread(rows):
    """Sum of squares about the mean, by the definition."""
    total = 0.0
    for column in range(len(rows[0]) if rows else 0):
        mean = math.fsum(row[column] for row in rows) / len(rows)
        total += math.fsum((row[column] - mean) ** 2 for row in rows)
    return total


def parted(rows, column, threshold):
    return (
        [row for row in rows if not row[column] > threshold],
        [row for row in rows if row[column] > threshold],
    )


def best_by_loops(rows, column):
    """The least sum of squares of any threshold, and that threshold."""
    values = sorted({row[column] for row in rows})
    if len(values) < 2:
        return spread(rows), (values[0] if values else 0.0)
    tried = []
    for low, high in pairwise(values):
        left, right = parted(rows, column, low)
        tried.append((spread(left) + spread(right), float(np.float32((low + high) / 2))))
    return min(tried)


def tree_by_loops(rows, candidates):
    buckets, splits, thresholds = [rows], [], []
    for _ in range(4):
        width = len(rows[0])
        within = [sum(spread([[row[v]] for row in b]) for b in buckets) for v in range(width)]
        widest = sorted(range(width), key=lambda v: -within[v])[:candidates]
        found = {v: [best_by_loops(bucket, v) for bucket in buckets] for v in widest}
        split = min(widest, key=lambda v: sum(loss for loss, _ in found[v]))
        splits.append(split)
        thresholds += [threshold for _, threshold in found[split]]
        buckets = [
            part
            for bucket, (_, threshold) in zip(buckets, found[split], strict=True)
            for part in parted(bucket, split, threshold)
        ]
    return splits, thresholds


def codes_by_loops(trees, x):
    codes = []
    for row in x.tolist():
        codes.append([])
        for splits, thresholds in zip(
            trees.split_idxs.tolist(), trees.thresholds.tolist(), strict=True
        ):
            node = 0  # of a heap: the children of n are 2n + 1 and 2n + 2
            for split in splits:
                node = 2 * node + (2 if row[split] > thresholds[node] else 1)
            codes[-1].append(node - 15)
    return codes


# With the last two, trees of three or of five candidates are others than those of four.
@pytest.mark.parametrize(
    ("rows", "length", "seed"), [(40, 1, 1), (33, 3, 3), (48, 4, 4), (40, 7, 19), (40, 8, 4)]
)
def test_trees_are_those_of_hand_written_loops(rows, length, seed):
    x = drawn(rows, 2 * length, seed)
    trees = learned_trees(x, 2)
    assert trees.in_features == 2 * length
    assert trees.split_idxs.dtype == torch.int64
    for codebook in range(2):
        piece = x[:, codebook * length : (codebook + 1) * length]
        splits, thresholds = tree_by_loops(piece.tolist(), candidates=4)
        assert (trees.split_idxs[codebook] - codebook * length).tolist() == splits
        assert trees.thresholds[codebook].tolist() == thresholds


def test_codes_are_those_of_a_scalar_loop():
    x = drawn(200, 12)
    trees = learned_trees(x, 3)
    codes = encode(trees, x)
    assert codes.dtype == torch.uint8
    assert codes.tolist() == codes_by_loops(trees, x)
    others = drawn(100, 12, seed=1) * 3
    assert encode(trees, others).tolist() == codes_by_loops(trees, others)
    assert encode(trees, others.double()).tolist() == encode(trees, others).tolist()


def test_what_equals_a_threshold_goes_left():
    trees = HashTrees(torch.zeros(1, 4, dtype=torch.int64), torch.zeros(1, 15), 1)
    assert encode(trees, torch.tensor([[0.0], [-0.0], [1e-40], [-1.0]])).tolist() == [
        [0], [0], [15], [0],
    ]  # fmt: skip


def test_sixteen_steps_of_a_line_and_corners_of_a_box_have_codes_of_their_own():
    line = torch.arange(16.0)[:, None]
    assert encode(learned_trees(line, 1), line)[:, 0].tolist() == list(range(16))
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 4)
    box = corners * torch.tensor([1.0, 8.0, 2.0, 4.0])
    trees = learned_trees(box, 1)
    assert trees.split_idxs.tolist() == [[1, 3, 2, 0]]  # the widest first
    assert sorted(encode(trees, box)[:, 0].tolist()) == list(range(16))


def test_sixteen_points_of_unequal_distances_may_share_codes():
    """The tree is greedy and of four levels: it cuts off the largest, one at a time."""
    powers = 4.0 ** torch.arange(16.0)[:, None]
    codes = encode(learned_trees(powers, 1), powers)[:, 0].tolist()
    assert codes == sorted(codes)
    assert len(set(codes)) < 16


def test_constant_columns_are_never_split_before_others_whatever_their_size():
    x = torch.cat([torch.full((64, 5), 1.1e20), torch.arange(64.0)[:, None]], dim=1)
    trees = learned_trees(x, 1)
    assert (trees.split_idxs == 5).all()
    assert len(encode(trees, x).unique()) == 16


def test_constant_inputs_take_their_value_as_threshold_and_all_go_left():
    x = torch.full((20, 3), 0.1)
    trees = learned_trees(x, 1)
    # Of a bucket that nothing falls into the threshold is 0.
    expected = torch.zeros(15)
    expected[[0, 1, 3, 7]] = 0.1
    assert torch.equal(trees.thresholds[0], expected)
    assert not encode(trees, x).any()


def test_neighbouring_numbers_are_parted():
    low = torch.tensor(1.0)
    high = torch.nextafter(low, torch.tensor(2.0))
    higher = torch.nextafter(high, torch.tensor(2.0))
    for pair in ((low, high), (high, higher)):
        x = torch.stack(pair * 8)[:, None]
        codes = encode(learned_trees(x, 1), x)[:, 0].tolist()
        assert codes == [0, 8] * 8


def test_codes_of_nan_and_infinity_are_in_range():
    trees = learned_trees(drawn(64, 8), 2)
    worst = torch.tensor([math.nan, math.inf, -math.inf, 3.4e38])[:, None].expand(4, 8)
    codes = encode(trees, worst)
    assert codes[0].tolist() == [0, 0]
    assert codes[1].tolist() == codes[3].tolist() == [15, 15]
    assert codes[2].tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_are_compared_as_float32(dtype):
    trees = learned_trees(drawn(64, 8), 2)
    x = drawn(50, 8, seed=1).to(dtype)
    assert torch.equal(encode(trees, x), encode(trees, x.float()))
    assert torch.equal(encode(trees, x.T.contiguous().T), encode(trees, x.float()))
    assert encode(trees, x[:0]).shape == (0, 2)


def test_learning_twice_gives_the_same_and_rows_may_come_in_any_order():
    x = drawn(100, 12)
    first, second = learned_trees(x, 3), learned_trees(x.clone(), 3)
    shuffled = learned_trees(x[torch.randperm(100, generator=torch.Generator().manual_seed(3))], 3)
    for other in (second, shuffled):
        assert torch.equal(first.split_idxs, other.split_idxs)
        assert torch.equal(first.thresholds, other.thresholds)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(16, 40),
    codebooks=st.integers(1, 3),
    length=st.integers(1, 5),
    levels=st.integers(1, 6),
    exponent=st.integers(-20, 20),
    constant=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_codes_are_in_range_and_tables_finite_for_any_size_with_ties_and_constants(
    rows, codebooks, length, levels, exponent, constant, seed
):
    generator = torch.Generator().manual_seed(seed)
    whole = torch.randint(-levels, levels + 1, (rows, codebooks * length), generator=generator)
    x = whole.float() * 10.0**exponent
    if constant:
        x[:, 0] = 7.0 * 10.0**exponent
    trees = learned_trees(x, codebooks)
    codes = encode(trees, x)
    assert torch.isfinite(trees.thresholds).all()
    assert int(codes.max()) <= 15
    assert codes.tolist() == codes_by_loops(trees, x)
    weight = torch.randn(3, codebooks * length, generator=generator)
    for table_scale in ("per_layer", "per_output"):
        layer = MaddnessLinear.from_inputs(
            x, weight, codebook_length=length, table_scale=table_scale
        )
        assert torch.isfinite(layer.scale).all()
        assert (layer.scale > 0).all()
        assert torch.isfinite(layer(x)).all()


@settings(max_examples=40, deadline=None)
@given(exponent=st.integers(-60, 60), seed=st.integers(0, 10**6))
def test_codes_do_not_depend_on_the_unit(exponent, seed):
    x = drawn(40, 6, seed)
    scaled = x * 2.0**exponent
    trees, others = learned_trees(x, 2), learned_trees(scaled, 2)
    assert torch.equal(trees.split_idxs, others.split_idxs)
    assert torch.equal(encode(trees, x), encode(others, scaled))


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(16, 30), length=st.integers(1, 4), seed=st.integers(0, 10**6))
def test_with_ties_no_first_level_leaves_less_than_the_loops(rows, length, seed):
    generator = torch.Generator().manual_seed(seed)
    whole = torch.randint(-2, 3, (rows, length), generator=generator).float()
    trees = learned_trees(whole, 1)
    split, threshold = int(trees.split_idxs[0, 0]), float(trees.thresholds[0, 0])
    left, right = parted(whole.tolist(), split, threshold)
    least = min(best_by_loops(whole.tolist(), column)[0] for column in range(length))
    assert spread(left) + spread(right) == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize(
    ("inputs", "codebooks", "message"),
    [
        (torch.zeros(20), 1, r"inputs: shape \(20,\), expected \(N, D\)"),
        (torch.zeros(20, 10), 3, "codebooks: 3, expected a divisor of the 10 features"),
        (torch.zeros(20, 10), 0, "codebooks: 0, expected a divisor of the 10 features"),
        (torch.zeros(20, 0), 1, "codebooks: 1, expected a divisor of the 0 features"),
        (torch.zeros(15, 10), 2, "inputs: 15 rows, expected at least .* leaves, 16"),
        (torch.full((20, 4), math.nan), 2, "inputs: finite float32 numbers are expected"),
        (
            torch.full((20, 4), 1e300, dtype=torch.float64),
            2,
            "inputs: finite float32 numbers are expected",
        ),
    ],
)
def test_refusals_name_the_argument(inputs, codebooks, message):
    with pytest.raises(ValueError, match=message):
        learned_trees(inputs, codebooks)


def test_inputs_of_another_width_are_refused():
    trees = learned_trees(drawn(20, 8), 2)
    with pytest.raises(ValueError, match=r"x: shape \(3, 7\), expected \(N, 8\)"):
        encode(trees, torch.zeros(3, 7))
