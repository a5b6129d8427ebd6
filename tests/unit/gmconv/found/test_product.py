"""A network that a run left is what it was: trained or anew, folded or under its masks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from heliostat import ConfigError
from heliostat.values.canonical import decode, encode
from heliostat_methods.gmconv import DynamicGMConv2d, GMConv2d
from heliostat_methods.gmconv.found import product
from heliostat_methods.gmconv.found.parameters import NetworkParameters
from heliostat_methods.gmconv.found.product import FoundNetwork, build_model
from heliostat_methods.gmconv.tasks import Training, train

X = torch.from_numpy(np.random.default_rng(5).normal(size=(7, 1, 6, 6)).astype(np.float32))


@pytest.fixture
def left(made: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives what a training of a kind leaves, as a run stores it."""
    parts = SimpleNamespace(build_part=lambda kind, ref: made.Recipe())
    monkeypatch.setattr(product, "registry", lambda: parts)

    def found(kind: str) -> tuple[FoundNetwork, nn.Module]:
        kept: list[nn.Module] = []
        one = made.variant(kind, sigma=1.0)
        item = Training(made.problem(), made.settings(8), one, 1.0, 0, True, True)

        class Recipe(made.Recipe):  # type: ignore[misc,name-defined]
            def create(self, *given: Any) -> nn.Module:
                kept.append(super().create(*given))
                return kept[-1]

        network = train(item, made.Context(recipe=Recipe())).network
        again = one.converted(kept[0], torch.Generator())
        again.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in network.items()})
        value = FoundNetwork(item.problem.model, (1, 6, 6), 2, one, "made", "error_rate", 0.1,
                             network)  # fmt: skip
        return decode(encode(value)), again.eval()

    return found


def created(value: Any, shape: Any = (1, 6, 6), outputs: int = 2, **more: Any) -> nn.Module:
    generator = torch.Generator().manual_seed(more.pop("seed", 1))
    model = build_model(value, NetworkParameters(**more))
    assert model.widths(shape, outputs) is None
    return model.create(shape, outputs, generator).eval()


@pytest.mark.parametrize("kind", ["conv", "static", "per_channel", "fixed", "dynamic"])
@pytest.mark.parametrize("folded", [True, False])
def test_it_gives_what_the_run_s_network_gives(left: Any, kind: str, folded: bool) -> None:
    value, network = left(kind)
    module = created(value, folded=folded)
    assert torch.equal(module(X), network(X))
    masked = [m for m in module.modules() if isinstance(m, GMConv2d)]
    assert len(masked) == (2 if kind not in ("conv", "dynamic") and not folded else 0)
    dynamic = [m for m in module.modules() if isinstance(m, DynamicGMConv2d)]
    assert len(dynamic) == (2 if kind == "dynamic" else 0)


def test_untrained_it_is_drawn_anew_under_its_masks(left: Any) -> None:
    value, network = left("static")
    first, same, other = (created(value, trained=False, seed=s) for s in (1, 1, 2))
    assert torch.equal(first(X), same(X)) and not torch.equal(first(X), other(X))
    assert not torch.equal(first(X), network(X))
    assert [float(m.sigma.detach()) for m in first.modules() if isinstance(m, GMConv2d)] == [
        1.0,
        1.0,
    ]
    assert created(value, trained=False, outputs=5)(X).shape == (7, 5)


@pytest.mark.parametrize(("shape", "outputs"), [((1, 6, 6), 3), ((3, 6, 6), 2), ((1, 8, 8), 2)])
def test_trained_for_other_samples_or_outputs_it_is_refused(
    left: Any, shape: Any, outputs: int
) -> None:
    value, _ = left("static")
    with pytest.raises(ConfigError) as refused:
        created(value, shape, outputs)
    said = str(refused.value)
    assert f"samples {shape}, {outputs} outputs" in said
    assert "expected samples (1, 6, 6) and 2 outputs" in said
    assert "trained = false draws the same layers anew" in said
