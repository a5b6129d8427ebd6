"""The cost model: multiply-adds and bytes by its formulas, ratios of tables, which is faster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostat_methods.lutnn.converting.cost import RATES, Shape, predicted, probed, variant_here
from heliostat_methods.lutnn.kernels.library import LIBRARY
from heliostat_search.compiled import FALLBACK


def tables(shape):
    """Bytes of tables alone, without centroids and scales."""
    centroids = 4 * shape.codebooks * shape.length * shape.clusters
    return shape.lookup_bytes - centroids - 4 * (shape.outputs if shape.per_output else 1)


@given(
    n=st.integers(0, 500), c=st.integers(1, 50), v=st.integers(1, 64), k=st.integers(2, 256),
    m=st.integers(1, 500), per_output=st.booleans(),
)  # fmt: skip
def test_formulas(n, c, v, k, m, per_output):
    shape = Shape(n, c * v, m, v, k, per_output)
    assert shape.codebooks == c
    assert shape.dense_macs == n * c * v * m
    assert shape.lookup_macs == n * c * v * k + n * c * m
    assert shape.dense_bytes == 4 * c * v * m
    assert shape.int8_bytes == c * v * m + 4
    assert shape.lookup_bytes == c * k * m + 4 * c * v * k + 4 * (m if per_output else 1)
    assert shape.dense_bytes / tables(shape) == pytest.approx(4 * v / k)
    assert c * v * m / tables(shape) == pytest.approx(v / k)


@pytest.mark.parametrize(
    ("length", "float32", "int8"), [(32, 8.0, 2.0), (16, 4.0, 1.0), (9, 2.25, 0.5625), (4, 1, 0.25)]
)
def test_sizes_of_tables_beside_weights(length, float32, int8):
    shape = Shape(1, 144 * length, 64, length, 16)
    assert shape.dense_bytes / tables(shape) == float32
    assert (shape.int8_bytes - 4) / tables(shape) == int8


def test_a_last_codebook_that_is_padded_costs_as_a_whole_one():
    padded, whole = Shape(10, 20, 8, 16, 16), Shape(10, 32, 8, 16, 16)
    assert padded.codebooks == 2
    assert padded.lookup_macs == whole.lookup_macs
    assert padded.lookup_bytes == whole.lookup_bytes
    assert padded.dense_macs < whole.dense_macs


def test_large_layers_are_faster_and_small_ones_are_not():
    for variant in ("AVX-512 VBMI", "AVX2"):
        for n, d, m in ((32, 768, 768), (128, 768, 3072), (512, 3072, 768)):
            dense, lookup = predicted(Shape(n, d, m, 32, 16), variant)
            assert lookup < 0.5 * dense
        for n, d, m in ((1, 64, 8), (16, 64, 8), (1, 64, 64)):
            dense, lookup = predicted(Shape(n, d, m, 16, 16), variant)
            assert lookup > dense
    # with few outputs the search dominates
    dense, lookup = predicted(Shape(10_000, 64, 8, 16, 16), "AVX-512 VBMI")
    assert lookup > dense


def test_predictions_grow_with_the_work_and_fall_with_better_variants():
    shape = Shape(128, 768, 768, 32, 16)
    times = [predicted(shape, v)[1] for v in ("AVX-512 VBMI", "AVX2", "NEON", "scalar")]
    assert times == sorted(times)
    assert len({predicted(shape, v)[0] for v in RATES}) == 1
    more = Shape(256, 768, 768, 32, 16)
    assert all(a > b for a, b in zip(predicted(more, "AVX2"), predicted(shape, "AVX2"),
                                     strict=True))  # fmt: skip
    # more than 16 centroids run in torch, whatever is compiled, and each of them is compared
    wide, wider = (Shape(128, 768, 768, 32, k) for k in (17, 34))
    assert predicted(wide, "AVX2") == predicted(wide, FALLBACK)
    assert predicted(wide, "AVX2")[1] > predicted(shape, "AVX2")[1]
    assert predicted(wider, "AVX2")[1] > predicted(wide, "AVX2")[1]


def test_the_variants_of_the_kernel_have_rates():
    assert {variant.name for variant in LIBRARY.variants} <= set(RATES)
    assert variant_here() in {*RATES, FALLBACK}


@pytest.mark.parametrize(
    "shape",
    [
        Shape(20, 20, 8, 16, 16),
        Shape(20, 24, 8, 12, 40),
        Shape(2 * 16, 36, 5, 9, 16, image=(2, 4, 8, 8), stride=2, padding=1),
    ],
)
def test_probes_run_and_give_times(shape):
    dense, lookup = probed(shape)
    assert 0 < dense < 1e10
    assert 0 < lookup < 1e10
