"""The encoding against the specification's numbers, section 5.1 and 2.2."""

import hashlib

import numpy as np
import pytest

from heliostat_methods.strokegan.strokes.character_sets import gb2312_level1, gb2312_level2
from heliostat_methods.strokegan.strokes.code_classes import code_classes
from heliostat_methods.strokegan.strokes.constant_predictors import constant_predictors
from heliostat_methods.strokegan.strokes.encoder import StrokeEncoder

TABLE = {
    "一": ("1:1", 0x1),
    "乙": ("15:1", 0x4000),
    "丁": ("1:1 4:1", 0x9),
    "永": ("5:1 6:1 7:1 9:1 11:1", 0x570),
    "我": ("1:1 2:1 4:1 5:2 6:1 31:1", 0x4000003B),
    "风": ("5:2 6:1 16:1", 0x8030),
    "凹": ("1:1 3:2 10:1 13:1", 0x1205),
    "凸": ("1:2 3:2 18:1", 0x20005),
    "鼎": ("1:5 3:3 5:1 10:2 25:1", 0x1000215),
    "国": ("1:4 3:2 6:1 10:1", 0x225),
    "学": ("1:1 4:1 5:1 6:3 8:2", 0xB9),
    "心": ("6:3 32:1", 0x80000020),
    "代": ("1:1 3:1 5:1 6:1 31:1", 0x40000035),
    "队": ("3:1 5:1 7:1 20:1", 0x80054),
    "杨": ("1:1 3:1 5:3 6:1 19:1", 0x40035),
    "及": ("5:1 7:1 17:1", 0x10050),
    "专": ("1:2 6:1 27:1", 0x4000021),
    "马": ("1:1 10:1 26:1", 0x2000201),
    "弓": ("1:1 10:1 26:1", 0x2000201),
    "女": ("1:1 5:1 29:1", 0x10000011),
    "四": ("1:1 3:1 5:1 10:1 22:1", 0x200215),
    "山": ("3:2 24:1", 0x800004),
    "没": ("2:1 5:1 6:2 7:1 9:1 14:1", 0x2172),
}
PER_STROKE = [
    3470, 969, 3053, 642, 3155, 2591, 1158, 410, 481, 1876, 810, 91, 1, 26, 67, 25, 102, 1, 22, 86,
    276, 39, 356, 210, 1, 114, 4, 322, 101, 58, 91, 85,
]  # fmt: skip
ONEBIT_SHA = "0153df5b5e6efe32aa156ae320302f04eccc96cf380d8d153ffc105524e8fd88"
COUNT_SHA = "82e13656ea600cae38f04970d9fcf8ebfee5c682e01b43d3f3a76fc0aba6b2b4"


@pytest.fixture(scope="module")
def onebit():
    return StrokeEncoder().encode_all(gb2312_level1())


@pytest.fixture(scope="module")
def counts():
    return StrokeEncoder().encode_all(gb2312_level1(), mode="count")


def sha256(codes, separator):
    rows = zip(gb2312_level1(), codes.tolist(), strict=True)
    text = "\n".join(f"{char} {separator.join(map(str, code))}" for char, code in rows)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("char", TABLE)
def test_character_has_the_strokes_of_the_table(char):
    encoder = StrokeEncoder()
    counted, bits = TABLE[char]
    expected = dict(map(int, pair.split(":")) for pair in counted.split())
    count = encoder.encode(char, mode="count")
    assert {at + 1: int(n) for at, n in enumerate(count) if n} == expected
    assert sum(int(bit) << at for at, bit in enumerate(encoder.encode(char))) == bits


def test_all_onebit_codes_hash_to_the_oracle(onebit):
    assert sha256(onebit, "") == ONEBIT_SHA


def test_all_counts_hash_to_the_oracle(counts):
    assert sha256(counts, ",") == COUNT_SHA


def test_totals(onebit, counts):
    assert len(onebit) == 3755
    assert counts.sum() == 36_670
    assert counts.sum() / 3755 == pytest.approx(9.7656, abs=5e-5)
    assert onebit.sum() == 20_693
    assert onebit.sum() / 3755 == pytest.approx(5.5108, abs=5e-5)


def test_characters_per_stroke(onebit):
    assert onebit.sum(axis=0).tolist() == PER_STROKE


def test_strokes_of_the_commonest_letters(counts):
    # letters j, f, s, k (and d, 60 of them), c: heng, shu, pie, dian, hengzhe
    total = counts.sum(axis=0)
    assert total[[0, 2, 4, 9]].tolist() == [10_066, 6_273, 5_934, 2_311]
    assert total[5] >= 4_617


def test_constant_predictors(onebit):
    found = constant_predictors(onebit)
    assert found.mean_mse == pytest.approx(0.07087646, abs=5e-9)
    assert found.majority_bit_error == pytest.approx(0.09300100, abs=5e-9)
    assert found.one_mean_mse == pytest.approx(0.142555, abs=5e-7)


def test_classes_of_onebit_codes(onebit):
    classes = code_classes(onebit)
    assert (classes.distinct, classes.alone, classes.sharing) == (1346, 857, 2898)
    assert classes.largest_first[:6].tolist() == [182, 78, 75, 60, 56, 55]
    assert len(classes.largest_first) == 489


def test_counts_and_stroke_orders_separate_more(counts):
    classes = code_classes(counts)
    assert (classes.alone, classes.distinct) == (3187, 3421)
    strokes = StrokeEncoder().strokes
    orders = [tuple(strokes[char]) for char in gb2312_level1()]
    _, sizes = np.unique([" ".join(order) for order in orders], return_counts=True)
    assert (sizes == 1).sum() == 3677


@pytest.mark.parametrize("pair", ["土士", "己已", "未末", "人入", "日目", "天夫"])
def test_famous_pairs_share_a_code(pair):
    first, second = StrokeEncoder().encode_all(pair)
    assert np.array_equal(first, second)


def test_coverage_of_the_table():
    encoder = StrokeEncoder()
    assert len(encoder.strokes) == 6939
    assert all(map(encoder.knows, gb2312_level1()))
    lacking = [char for char in gb2312_level2() if not encoder.knows(char)]
    assert len(lacking) == 31
    assert set("丨丿丶匚刂亠冫") <= set(lacking)
