"""A network that a run left is what it was, to train on or frozen, and of its own samples alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from heliostat import ConfigError
from heliostat.values.canonical import decode, encode
from heliostat_methods.lutnn.comparison.trained import Posed
from heliostat_methods.lutnn.found import product
from heliostat_methods.lutnn.found.parameters import NetworkParameters
from heliostat_methods.lutnn.found.product import FoundNetwork, build_model, save_networks
from heliostat_methods.lutnn.layers.frozen import FrozenLut
from heliostat_methods.lutnn.layers.trainable import LutLayer
from heliostat_methods.lutnn.tasks import Training, Tuned, Tuning, train, tune
from heliostat_search.supervised.problem import Data
from heliostat_search.trainings.choosing import Choice, Chosen
from heliostat_search.trainings.measures import measured

KINDS = ("lutnn", "dense_longer", "fixed_weight", "per_output", "all_layers", "squared")


@pytest.fixture(autouse=True)
def _recipe(small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = SimpleNamespace(build_part=lambda kind, ref: small.Recipe())
    monkeypatch.setattr(product, "registry", lambda: parts)


@pytest.fixture(scope="module")
def left(small: SimpleNamespace) -> Any:
    """Gives what a variant leaves, as a run stores it, with what the run measured."""
    given, settings = small.problem(), small.settings(4)
    dense = train(Training(given, settings, 1.0, 0, True), small.Context()).numbers
    found: dict[str, tuple[FoundNetwork, Tuned]] = {}

    def one(kind: str) -> tuple[FoundNetwork, Tuned]:
        if kind not in found:
            variant = small.variant(kind)
            item = Tuning(given, settings, dense, variant, 1.0, 0, True, True)
            came = tune(item, small.Context())
            value = FoundNetwork(
                given.model, (1, 6, 6), 2, variant, tuple((r.name, r.length) for r in came.layers),
                "made", "error_rate", float(came.test[-1, 0]), came.numbers,
            )  # fmt: skip
            found[kind] = decode(encode(value)), came
        return found[kind]

    return one


def created(value: Any, shape: Any = (1, 6, 6), outputs: int = 2, **more: Any) -> nn.Module:
    generator = torch.Generator().manual_seed(more.pop("seed", 1))
    model = build_model(value, NetworkParameters(**more))
    assert model.widths(shape, outputs) is None
    return model.create(shape, outputs, generator)


def layers(module: nn.Module, kind: type) -> int:
    return sum(isinstance(one, kind) for one in module.modules())


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_it_has_the_test_error_that_the_run_told_bit_for_bit(
    small: SimpleNamespace, left: Any, kind: str
) -> None:
    value, came = left(kind)
    module = created(value, frozen=True).eval()
    part = Data.of(small.problem()).test
    with torch.no_grad():
        outputs = module(part.x).numpy().T
    found = measured(small.problem().measures, outputs, part.labels.T.numpy())
    np.testing.assert_array_equal(found, came.test[-1])
    assert found[0] == value.test
    assert layers(module, FrozenLut) == len(value.lengths) and not layers(module, LutLayer)


@pytest.mark.parametrize("kind", KINDS)
def test_to_train_on_it_has_the_numbers_of_the_run(left: Any, kind: str) -> None:
    value, _ = left(kind)
    module = created(value)
    assert (
        layers(module, LutLayer)
        == len(value.lengths)
        == {"dense_longer": 0}.get(kind, 5 if kind == "all_layers" else 3)
    )
    for name, part in module.state_dict().items():
        np.testing.assert_array_equal(part.numpy(), value.numbers.of[name], err_msg=name)
    some = [one for one in module.modules() if isinstance(one, LutLayer)]
    # others ask for gradients of gradients
    assert all(one.settings.composed and one.ready for one in some)
    assert all(one.weight.requires_grad == (kind != "fixed_weight") for one in some)


def test_gradients_of_gradients_are_those_of_torch_func(left: Any) -> None:
    module = created(left("lutnn")[0]).eval()
    x = torch.randn(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    numbers = dict(module.named_parameters())

    def size(some: Any) -> Any:
        return torch.func.functional_call(module, some, (x,)).square().sum()

    gradient = torch.func.grad(lambda some: sum(
        part.square().sum() for part in torch.func.grad(size)(some).values()
    ))(numbers)  # fmt: skip
    assert all(bool(torch.isfinite(part).all()) for part in gradient.values())
    assert bool(gradient["9.centroids"].any())


def test_whatever_the_generator_the_network_is_the_same(left: Any) -> None:
    value, _ = left("lutnn")
    first, second = (created(value, seed=s).state_dict() for s in (1, 2))
    assert all(torch.equal(part, second[name]) for name, part in first.items())


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize(("shape", "outputs"), [((1, 6, 6), 3), ((3, 6, 6), 2), ((1, 8, 8), 2)])
def test_for_other_samples_or_outputs_it_is_refused(
    left: Any, shape: Any, outputs: int, frozen: bool
) -> None:
    with pytest.raises(ConfigError) as refused:
        created(left("lutnn")[0], shape, outputs, frozen=frozen)
    said = str(refused.value)
    assert f"model = samples {shape}, {outputs} outputs" in said.replace("'", "")
    assert "expected samples (1, 6, 6) and 2 outputs" in said
    assert "a network by table lookup is of its own data set" in said


def test_parameters_are_frozen_or_not_and_nothing_else() -> None:
    assert not NetworkParameters().frozen
    with pytest.raises(ValueError, match="trained"):
        NetworkParameters(trained=False)  # type: ignore[call-arg]


def test_networks_that_ended_with_numbers_are_saved(small: SimpleNamespace, left: Any) -> None:
    given, saved = small.problem(), {}
    posed = Posed(None, given, None, small.settings(4), None)  # type: ignore[arg-type]
    some = [small.variant(kind) for kind in ("dense_longer", "lutnn", "pq", "squared")]
    _, usual = left("lutnn")
    gone = Tuned(usual.valid, np.full_like(usual.test, np.inf), np.empty(0), usual.temperatures,
                 usual.layers, (), usual.cost, usual.numbers)  # fmt: skip
    nothing = Tuned(usual.valid, usual.test, np.empty(0), usual.temperatures)
    came = [left("dense_longer")[1], usual, nothing, gone]
    choice = Choice(Chosen(2.0), Chosen(1.0), None, ())

    def save(name: str, value: Any, kind: str) -> None:
        saved[name] = (value, kind)

    run: Any = SimpleNamespace(save=save)
    found = [{2.0: [one, gone], 1.0: [gone]} for one in came]
    save_networks(posed, some, [choice] * 4, found, run)
    assert list(saved) == ["network-dense_longer", "network-lutnn"]
    value, kind = saved["network-lutnn"]
    assert kind == "model" and value.lengths == (("4", 2), ("5", 9), ("9", 8))
    assert value.test == usual.test[-1, 0] and value.dataset == "made"
