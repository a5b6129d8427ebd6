"""A training is what its variant says, and goes on from what it kept, bit for bit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heliostat.values.canonical import encode
from heliostat_methods.gmconv.names import VARIANTS
from heliostat_methods.gmconv.tasks import Training, train

WIDTH = {"static": 2.0, "per_channel": 2.0, "fixed": 2.0, "dynamic": 2.0, "mixed": 2.0}


def trained(made: SimpleNamespace, kind: str = "static", context: Any = None, **more: Any) -> Any:
    values = {"steps": 12, "detail": True, "keeps": True, "factor": 1.0, "seed": 0, **more}
    own = {k: values.pop(k) for k in ("detail", "keeps", "factor", "seed")}
    steps, recipe = values.pop("steps"), values.pop("recipe", None)
    set_up = {k: values.pop(k) for k in ("schedule", "learning_rate", "receptive_inputs")
              if k in values}  # fmt: skip
    item = Training(
        made.problem(), made.settings(steps, **set_up), made.variant(kind, **values),
        own["factor"], own["seed"], own["detail"], own["keeps"],
    )  # fmt: skip
    return train(item, context or made.Context(recipe=recipe))


@pytest.mark.parametrize("kind", list(VARIANTS))
def test_each_variant_trains_and_is_measured(made: SimpleNamespace, kind: str) -> None:
    found = trained(made, kind, recipe=made.Recipe(5))
    measurements = len(made.settings().measured_at)
    assert found.valid.shape == (measurements,) and found.test.shape == (measurements, 4)
    assert np.isfinite(found.valid).all() and np.isfinite(found.test).all()
    assert found.layers == (() if kind == "conv" else ("0", "5"))
    if kind in WIDTH:
        np.testing.assert_allclose(found.sigmas[0], WIDTH[kind], rtol=1e-6)
        moved = np.abs(found.sigmas[-1] - found.sigmas[0]).max() > 1e-6
        assert moved == (kind != "fixed")
    if kind == "circle":
        assert np.isnan(found.sigmas).all()
    assert [field.layer for field in found.fields] == ["0", "5"]
    for field in found.fields:
        assert field.map.shape == (6, 6) and field.map.sum() == pytest.approx(1.0, abs=1e-5)
    assert found.network is not None and {"0.weight", "9.bias"} <= set(found.network)


@pytest.mark.parametrize("kind", ["static", "dynamic", "fixed"])
def test_a_mask_of_ones_trains_as_the_ordinary_convolution(
    made: SimpleNamespace, kind: str
) -> None:
    plain = trained(made, "conv").network
    wide = trained(made, kind, sigma=1e4, preserve=True).network
    for name, expected in plain.items():
        np.testing.assert_allclose(wide[name], expected, rtol=2e-4, atol=2e-5, err_msg=name)


def test_widths_have_a_rate_of_their_own(made: SimpleNamespace) -> None:
    slow, fast = (trained(made, rate_factor=factor).sigmas for factor in (1.0, 30.0))
    assert np.abs(fast[-1] - fast[0]).max() > 5 * np.abs(slow[-1] - slow[0]).max()


def test_all_variants_of_a_seed_begin_with_the_same_weights(made: SimpleNamespace) -> None:
    first = [trained(made, kind, steps=1, factor=1e-12).network for kind in ("conv", "static")]
    for name, value in first[0].items():
        if "running" not in name:  # statistics of what masked kernels give are others
            np.testing.assert_allclose(value, first[1][name], atol=1e-6)
    other = trained(made, "conv", steps=1, factor=1e-12, seed=1).network
    assert np.abs(other["0.weight"] - first[0]["0.weight"]).max() > 0.01


def test_a_choice_of_rates_measures_validation_rows_alone(made: SimpleNamespace) -> None:
    found = trained(made, detail=False, keeps=False)
    assert found.test.shape == (0, 4) and found.fields == () and found.network is None
    np.testing.assert_array_equal(found.valid, trained(made).valid)


def test_no_receptive_field_is_measured_where_none_is_asked_for(made: SimpleNamespace) -> None:
    assert trained(made, receptive_inputs=0).fields == ()


def test_numbers_that_run_away_end_as_infinite_errors(made: SimpleNamespace) -> None:
    found = trained(made, learning_rate=1e20)
    assert np.isinf(found.valid[-1]) and np.isinf(found.test[-1]).all()
    assert found.fields == ()
    assert not np.isnan(found.valid).any() and not np.isnan(found.test).any()


@pytest.mark.parametrize("kind", ["conv", "static", "dynamic", "per_channel"])
@pytest.mark.parametrize("detail", [True, False])
def test_a_training_goes_on_from_what_it_kept(
    made: SimpleNamespace, kind: str, detail: bool
) -> None:
    context = made.Context()
    whole = trained(made, kind, context, steps=50, detail=detail, keeps=detail)
    assert len(context.offered) == 2
    for kept in context.offered:
        again = trained(made, kind, made.Context(kept), steps=50, detail=detail, keeps=detail)
        assert encode(again) == encode(whole)
