"""Every variant does what its sentence says, and goes on from what it kept, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from heliostat.values.canonical import encode
from heliostat_methods.lutnn import tasks
from heliostat_methods.lutnn.baselines.maddness_layer import MaddnessConv2d, MaddnessLinear
from heliostat_methods.lutnn.converting.convert import with_lookups
from heliostat_methods.lutnn.converting.files import state_bytes
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.layers.frozen import FrozenLut
from heliostat_methods.lutnn.layers.trainable import LutLayer
from heliostat_methods.lutnn.names import DENSE, UNTRAINED, VARIANTS
from heliostat_methods.lutnn.tasks import (
    Made,
    Training,
    Tuned,
    Tuning,
    calibration_batches,
    dense_network,
    made_of,
    train,
    tune,
)
from heliostat_search.supervised.problem import Data

CONVERTED = ("4", "5", "9")
LOOKUPS = [kind for kind in VARIANTS if kind not in DENSE]
TUNED = [kind for kind in LOOKUPS if kind not in UNTRAINED]
SAME_AT_FIRST = ("lutnn", "constant", "annealed", "squared", "hard", "fixed_weight")
"""They begin with one forward pass: how gradients flow changes nothing yet."""


def trained(small: SimpleNamespace, context: Any = None, **more: Any) -> Any:
    values = {"steps": 6, "seed": 0, "factor": 1.0, "keeps": True, **more}
    own = [values.pop(name) for name in ("factor", "seed", "keeps")]
    given = values.pop("problem", None) or small.problem()
    item = Training(given, small.settings(**values), *own)
    return train(item, context or small.Context())


@pytest.fixture(scope="module")
def dense(small: SimpleNamespace) -> Any:
    """The numbers of a dense network."""
    return trained(small).numbers


def tuned(small: SimpleNamespace, dense: Any, kind: str = "lutnn", **more: Any) -> Tuned:
    values = {"steps": 6, "seed": 0, "factor": 1.0, "detail": True, "keeps": True, **more}
    own = [values.pop(name) for name in ("factor", "seed", "detail", "keeps")]
    context, given = values.pop("context", None), values.pop("problem", None)
    sizes = {name: values.pop(name) for name in ("clusters", "keep") if name in values}
    item = Tuning(
        given or small.problem(), small.settings(**values), dense, small.variant(kind, **sizes),
        *own,
    )  # fmt: skip
    return tune(item, context or small.Context())


@pytest.fixture(scope="module")
def of(small: SimpleNamespace, dense: Any) -> Any:
    """Gives what each variant comes to, worked out once."""
    found: dict[str, Tuned] = {}

    def one(kind: str) -> Tuned:
        if kind not in found:
            found[kind] = tuned(small, dense, kind)
        return found[kind]

    return one


@pytest.fixture(scope="module")
def made(small: SimpleNamespace, dense: Any) -> Any:
    """Gives what each variant makes of the dense network, before any step."""
    module = dense_network(small.problem(), small.Recipe(), dense)
    x = Data.of(small.problem()).train.x

    def one(kind: str, **more: Any) -> Made:
        return made_of(module, small.variant(kind, **more), [x[:16], x[16:32]], 5)

    return one


def network(small: SimpleNamespace, dense: Any, kind: str, found: Tuned) -> nn.Module:
    """The network of kept numbers, as a product builds it."""
    assert found.numbers is not None
    whole = dense_network(small.problem(), small.Recipe(), dense)
    lengths = {one.name: one.length for one in found.layers}
    module = with_lookups(whole, lengths, 16, small.variant(kind).settings)
    module.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in found.numbers.of.items()})
    return module.eval()


def measures(small: SimpleNamespace, module: nn.Module) -> Any:
    given = small.problem()
    return tasks._measures(given, module, Data.of(given).test)


def lookups(module: nn.Module) -> list[LutLayer]:
    return [one for one in module.modules() if isinstance(one, LutLayer)]


@pytest.mark.parametrize("kind", list(VARIANTS))
def test_each_variant_is_measured(of: Any, small: SimpleNamespace, kind: str) -> None:
    found, steps = of(kind), len(small.settings().tuning_at)
    count = 1 if kind in UNTRAINED else steps
    assert found.valid.shape == (count,) and found.test.shape == (count, 4)
    assert np.isfinite(found.valid).all() and np.isfinite(found.test).all()
    names = {"all_layers": ("0", *CONVERTED, "11")}.get(kind, CONVERTED)
    assert tuple(one.name for one in found.layers) == (() if kind in DENSE else names)
    stay = {"0": "it is the first convolution (keep_first)", "11": "it is the last layer"}
    assert [name for name, _ in found.skipped] == (
        [] if kind in (*DENSE, "all_layers") else list(stay)
    )
    assert all(reason.startswith(stay[name]) for name, reason in found.skipped)
    assert found.temperatures.shape == (count, len(names) if kind in TUNED else 0)
    assert found.cost is not None and found.cost.bytes > 0
    assert len(found.int8_search) == (4 if kind in TUNED and kind != "float_tables" else 0)
    assert (found.numbers is None) == (kind in ("int8", "pq", "maddness"))


@pytest.mark.parametrize("kind", list(VARIANTS))
def test_a_variant_is_made_of_its_layers(made: Any, kind: str) -> None:
    module = made(kind).module
    kinds = {name: type(one).__name__ for name, one in module.named_children()}
    assert kinds["1"] == "BatchNorm2d"
    at = [kinds[name] for name in ("0", *CONVERTED, "11")]
    usual = ["Conv2d", "LutConv2d", "LutConv2d", "LutLinear", "Linear"]
    if kind == "maddness":
        assert isinstance(module[4], MaddnessConv2d) and isinstance(module[5], MaddnessConv2d)
        assert isinstance(module[9][1], MaddnessLinear)  # V = 8 of 36: zeros come first
        assert at[0] == "Conv2d" and at[-1] == "Linear"
    elif kind == "int8":
        assert at[:3] == ["Conv2d"] * 3
        assert all("quantized" in type(module[at]).__module__ for at in (9, 11))
    else:
        assert at == {
            "dense": ["Conv2d"] * 3 + ["Linear"] * 2,
            "dense_longer": ["Conv2d"] * 3 + ["Linear"] * 2,
            "all_layers": ["LutConv2d"] * 3 + ["LutLinear"] * 2,
        }.get(kind, usual)


@pytest.mark.parametrize(
    "kind",
    ("dense", "int8", "pq", "maddness", "random_init"),
)
def test_making_a_variant_leaves_the_dense_network_and_torch_s_draws(
    small: SimpleNamespace, dense: Any, kind: str
) -> None:
    module = dense_network(small.problem(), small.Recipe(), dense)
    before, drawn = {k: v.clone() for k, v in module.state_dict().items()}, torch.get_rng_state()
    made_of(module, small.variant(kind), [Data.of(small.problem()).train.x[:32]], 5)
    assert all(torch.equal(before[k], v) for k, v in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn)


def test_layers_named_to_be_kept_stay(made: Any) -> None:
    found = made("lutnn", keep=("5", "9"))
    assert [one.name for one in found.layers] == ["4"]
    assert ("5", "it is named in keep") in found.skipped


def test_without_a_step_taken_trained_variants_are_the_one_with_centroids_alone(of: Any) -> None:
    first = of("lutnn")
    for kind in SAME_AT_FIRST:
        np.testing.assert_array_equal(of(kind).test[0], first.test[0], err_msg=kind)
        assert of(kind).valid[0] == first.valid[0]
    np.testing.assert_allclose(of("pq").test[0], first.test[0], rtol=1e-5)
    for kind in ("random_init", "float_tables", "all_layers"):
        assert (of(kind).test[0] != first.test[0]).any()
    np.testing.assert_array_equal(of("dense_longer").test[0], of("dense").test[0])
    assert of("dense_longer").valid[0] == of("dense").valid[0]
    assert of("dense").cost == of("dense_longer").cost
    assert of("int8").cost.macs == of("dense").cost.macs
    assert of("int8").cost.bytes < of("dense").cost.bytes


@pytest.mark.parametrize("kind", ["constant", "annealed", "lutnn", "hard"])
def test_temperatures_stay_fall_or_are_learned(of: Any, kind: str) -> None:
    course, steps = of(kind).temperatures, 6
    if kind == "annealed":
        expected = [min(0.1 ** (step / steps), 0.999) for step in range(steps + 1)]
        np.testing.assert_allclose(course, np.repeat(np.array(expected)[:, None], 3, 1), rtol=1e-5)
        np.testing.assert_allclose(course[-1], 0.1, rtol=1e-5)
        return
    np.testing.assert_allclose(course[0], 0.065, rtol=1e-5)
    moved = np.abs(course[-1] - course[0]).max()
    assert moved == 0 if kind in ("constant", "hard") else moved > 1e-4


def test_weights_under_tables_stay_where_the_variant_says_so(of: Any, made: Any) -> None:
    before = made("lutnn").module.state_dict()
    for kind in ("fixed_weight", "lutnn", "constant"):
        after = of(kind).numbers.of
        for name in CONVERTED:
            same = np.array_equal(after[f"{name}.weight"], before[f"{name}.weight"].numpy())
            assert same == (kind == "fixed_weight"), (kind, name)
        for name in ("0.weight", "11.weight", "9.bias"):  # others learn on
            assert not np.array_equal(after[name], before[name].numpy())


def test_centroids_learn_in_every_fine_tuned_variant(of: Any) -> None:
    untouched = of("lutnn").numbers.of["9.centroids"]
    for kind in TUNED:
        assert np.isfinite(of(kind).numbers.of["9.centroids"]).all()
        if kind not in ("lutnn", "float_tables"):
            assert not np.array_equal(of(kind).numbers.of["9.centroids"], untouched), kind


def test_random_centroids_are_drawn_and_not_clustered(made: Any) -> None:
    usual, drawn = made("lutnn"), made("random_init")
    for place, name in enumerate(CONVERTED):
        found = drawn.module.get_submodule(name).centroids.detach()
        expected = torch.randn(found.shape, generator=torch.Generator().manual_seed(5 + place))
        assert torch.equal(found, expected)
        assert not torch.equal(usual.module.get_submodule(name).centroids.detach(), expected)
    worse = [b.error > a.error for a, b in zip(usual.layers, drawn.layers, strict=True)]
    assert all(worse)


@pytest.mark.parametrize("clusters", [16, 4])
def test_maddness_costs_four_comparisons_a_codebook_and_has_no_centroids(
    small: SimpleNamespace, dense: Any, made: Any, clusters: int
) -> None:
    cost = tuned(small, dense, "maddness", clusters=clusters).cost
    assert cost is not None
    assert cost.bytes == state_bytes(made("maddness", clusters=clusters).module)
    # rows, codebooks, outputs: a 1x1 convolution, one of 3x3, 36 features in pieces of 8
    lookups = sum(rows * c * (4 + m) for rows, c, m in ((9, 2, 4), (9, 4, 4), (1, 5, 6)))
    assert cost.macs == 36 * 4 * 9 + 6 * 2 + lookups


def test_a_hard_gradient_reaches_the_chosen_entries_alone(made: Any) -> None:
    def reached(kind: str) -> Any:
        layer = made(kind).module[9].train()
        layer.zero_grad()
        x = torch.randn(1, 36, generator=torch.Generator().manual_seed(0))
        layer(x).square().sum().backward()
        return (layer.centroids.grad.abs().sum(2) > 0).sum(1)

    assert (reached("hard") <= 1).all() and (reached("hard") > 0).any()
    assert (reached("lutnn")[:4] > 1).all()


def test_scales_of_tables_are_of_a_layer_or_of_each_output(made: Any) -> None:
    for kind, shape in (("lutnn", ()), ("per_output", (6,))):
        frozen = freeze_lut(made(kind).module)[9]
        assert tuple(frozen.scale.shape) == shape


def test_squared_distances_give_other_gradients(of: Any) -> None:
    assert not np.array_equal(
        of("squared").numbers.of["5.centroids"], of("lutnn").numbers.of["5.centroids"]
    )


@pytest.mark.parametrize("kind", TUNED)
def test_the_last_measures_are_those_of_the_frozen_network(
    small: SimpleNamespace, dense: Any, of: Any, kind: str
) -> None:
    found = of(kind)
    module = network(small, dense, kind, found)
    shipped = module if kind == "float_tables" else freeze_lut(module)
    np.testing.assert_array_equal(measures(small, shipped), found.test[-1])
    np.testing.assert_allclose(measures(small, module), found.test[-1], rtol=1e-4, atol=1e-6)
    assert any(isinstance(m, FrozenLut) for m in shipped.modules()) == (kind != "float_tables")


def test_a_dense_network_is_kept_as_it_is(of: Any, dense: Any) -> None:
    assert encode(of("dense").numbers) == encode(dense)


@pytest.mark.parametrize("kind", ["lutnn", "dense_longer", "pq"])
def test_a_choice_of_rates_looks_at_validation_rows_alone(
    small: SimpleNamespace, dense: Any, of: Any, kind: str
) -> None:
    given = small.problem()
    blind = replace(given, test=(np.full_like(given.test[0], np.nan), given.test[1]))
    found = tuned(small, dense, kind, detail=False, keeps=False, problem=blind)
    assert found.test.shape[0] == 0 and found.numbers is None and found.cost is None
    assert found.layers == () and len(found.int8_search) == 0
    np.testing.assert_array_equal(found.valid, of(kind).valid)


def test_many_centroids_have_no_int8_search(small: SimpleNamespace, dense: Any) -> None:
    found = tuned(small, dense, clusters=17, steps=2)
    assert len(found.int8_search) == 0 and np.isfinite(found.test).all()


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offers a checkpoint after every third step."""
    monkeypatch.setattr(tasks, "_CHECK_EVERY", 3)


@pytest.mark.parametrize(
    ("kind", "detail"),
    [("lutnn", True), ("lutnn", False), ("annealed", True), ("dense_longer", True), ("hard", True)],
)
def test_a_fine_tuning_goes_on_from_what_it_kept(
    small: SimpleNamespace, dense: Any, often: None, kind: str, detail: bool
) -> None:
    more = {"steps": 7, "detail": detail, "keeps": detail}
    context = small.Context()
    whole = encode(tuned(small, dense, kind, context=context, **more))
    assert len(context.offered) == 2
    for kept in context.offered:
        again = tuned(small, dense, kind, context=small.Context(kept), **more)
        assert encode(again) == whole


def test_a_dense_training_goes_on_from_what_it_kept(small: SimpleNamespace, often: None) -> None:
    context = small.Context()
    whole = encode(trained(small, context, steps=7))
    assert len(context.offered) == 2
    for kept in context.offered:
        assert encode(trained(small, small.Context(kept), steps=7)) == whole


def test_equal_seeds_give_equal_bits_and_others_do_not(small: SimpleNamespace, dense: Any) -> None:
    def bits(**more: Any) -> Any:
        return encode(tuned(small, dense, steps=2, **more))

    torch.manual_seed(1)
    first = bits()
    torch.manual_seed(2)
    assert bits() == first != bits(seed=1)
    assert bits(context=small.Context(seed=5)) != first
    assert encode(trained(small)) == encode(trained(small)) != encode(trained(small, seed=1))


def test_all_variants_of_a_seed_see_the_same_rows(
    small: SimpleNamespace, dense: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[Any]] = {}

    class Watched(tasks.ModuleTraining):
        def step(self) -> float:
            seen[kind].append(self._batches.at(self.taken)[0].tolist())
            return super().step()

    monkeypatch.setattr(tasks, "ModuleTraining", Watched)
    for kind in ("lutnn", "dense_longer", "random_init"):
        seen[kind] = []
        tuned(small, dense, kind, steps=3, detail=False)
    assert seen["lutnn"] == seen["dense_longer"] == seen["random_init"] and len(seen["lutnn"]) == 3


def test_what_is_not_kept_is_not_returned(small: SimpleNamespace, dense: Any) -> None:
    assert trained(small, keeps=False).numbers is None
    for kind in ("dense", "lutnn"):
        assert tuned(small, dense, kind, keeps=False, steps=1).numbers is None


@pytest.mark.parametrize(
    ("rows", "sizes"), [(32, [32]), (40, [32]), (1_000, [32]), (10, [10]), (64, [32])]
)
def test_calibration_is_in_batches_of_one_size(rows: int, sizes: list[int]) -> None:
    x = torch.arange(40.0)[:, None]
    found = calibration_batches(x, rows, np.random.default_rng(0))
    assert [len(batch) for batch in found] == sizes
    drawn = torch.cat(found).flatten().tolist()
    assert len(set(drawn)) == len(drawn) and set(drawn) <= set(range(40))
    other = calibration_batches(x, rows, np.random.default_rng(1))
    assert not torch.equal(torch.cat(found), torch.cat(other))


@pytest.mark.parametrize(
    "kind",
    ("lutnn", "hard", "float_tables", "dense_longer"),
)
@pytest.mark.parametrize("detail", [True, False])
def test_a_fine_tuning_that_runs_away_ends_as_an_infinite_error(
    small: SimpleNamespace, dense: Any, kind: str, detail: bool
) -> None:
    found = tuned(small, dense, kind, tuning_rate=1e30, temperature_rate=1e30, detail=detail)
    steps = len(small.settings().tuning_at)
    assert found.valid.shape == (steps,) and np.isinf(found.valid[-1])
    assert not np.isnan(found.valid).any() and not np.isnan(found.test).any()
    assert found.test.shape == (steps if detail else 0, 4)
    if detail:
        assert np.isinf(found.test[-1]).all() and np.isfinite(found.test[0]).all()
        assert len(found.int8_search) == 0 and found.temperatures.shape[0] == steps


@pytest.mark.parametrize(
    "kind",
    ("dense", "int8", "dense_longer", "pq", "maddness", "lutnn"),
)
def test_of_a_dense_network_that_ran_away_every_variant_is_an_infinite_error(
    small: SimpleNamespace, kind: str
) -> None:
    gone = trained(small, learning_rate=1e30)
    assert np.isinf(gone.valid[-1])
    found = tuned(small, gone.numbers, kind)
    assert np.isinf(found.valid[-1]) and np.isinf(found.test[-1]).all()
    assert not np.isnan(found.valid).any() and not np.isnan(found.test).any()
