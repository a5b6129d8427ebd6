"""What is compared, in the order that was asked; a network that no variant changes is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from heliostat import ConfigError
from heliostat.contract import validate
from heliostat_methods.lutnn.comparison.contestants import contestants, refuse_unchanged
from heliostat_methods.lutnn.config import LutNNConfig
from heliostat_methods.lutnn.names import VARIANTS
from heliostat_methods.lutnn.training.variant import Variant


class Given:
    """A recipe that gives one module."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def create(self, shape: Any, outputs: int, generator: torch.Generator) -> nn.Module:
        return self.module


def found(**values: Any) -> list[Variant]:
    return contestants(validate(LutNNConfig, values))


def test_all_names_are_contestants_in_the_order_that_was_asked() -> None:
    asked = list(VARIANTS)[::-1]
    assert [one.kind for one in found(variants=asked)] == asked


def test_settings_of_the_configuration_arrive() -> None:
    (one,) = found(
        variants="lutnn", linear=3, convolution=5, pointwise=2, clusters=9, keep=["a", "b"],
        keep_first=False, keep_last=False, convert="cost_model", temperature=0.5,
    )  # fmt: skip
    assert one == Variant("lutnn", 3, 5, 2, 9, ("a", "b"), False, False, "cost_model", 0.5)


@pytest.mark.parametrize("kind", list(VARIANTS))
def test_a_network_with_layers_to_convert_is_taken(small: SimpleNamespace, kind: str) -> None:
    refuse_unchanged(small.problem(), small.Recipe(), [small.variant(kind)])


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.Linear(4, 2)),
            "1: it is named in keep; 2: it is the last layer (keep_last)",
        ),
        (nn.Sequential(nn.Flatten(), nn.PReLU()), "it has no linear layer and no convolution"),
        (
            nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=2), nn.Linear(4, 2)),
            "0: it is the first convolution (keep_first); 1: it has 2 groups; 2: it is the last",
        ),
    ],
)
def test_a_network_that_stays_dense_is_refused_with_the_reason_of_each_layer(
    small: SimpleNamespace, module: nn.Module, message: str
) -> None:
    keep = ("1",) if isinstance(module[1], nn.Linear) else ()
    some = [small.variant("dense"), small.variant("pq", keep=keep)]
    with pytest.raises(ConfigError) as refused:
        refuse_unchanged(small.problem(), Given(module), some)  # type: ignore[arg-type]
    said = " ".join(str(refused.value).split())
    assert "model = 'cnn': expected a network with layers that may become tables" in said
    assert message in said
    refuse_unchanged(small.problem(), Given(module), some[:1])  # type: ignore[arg-type]


def test_an_unknown_name_in_keep_is_refused_with_the_nearest(small: SimpleNamespace) -> None:
    module = nn.Sequential()
    module.add_module("hidden", nn.Linear(36, 4))
    module.add_module("head", nn.Linear(4, 2))
    one = small.variant("lutnn", keep=("hiden",))
    with pytest.raises(ConfigError) as refused:
        refuse_unchanged(small.problem(), Given(module), [one])  # type: ignore[arg-type]
    said = str(refused.value)
    assert "keep = ['hiden']: expected layers of the model" in said
    assert "did you mean 'hidden'" in said


def test_all_layers_have_what_other_variants_leave(small: SimpleNamespace) -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(4, 2))
    refuse_unchanged(small.problem(), Given(module), [small.variant("all_layers")])  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="a network with layers that may become tables"):
        refuse_unchanged(small.problem(), Given(module), [small.variant("lutnn")])  # type: ignore[arg-type]
