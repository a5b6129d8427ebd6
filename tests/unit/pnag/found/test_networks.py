"""Networks that a run leaves: chosen by a budget, built from their text, fitted to other data."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from pnag_outcomes import TEXTS, outcome
from pnag_problems import SMALL, left_networks

from heliostat import ConfigError
from heliostat.values.canonical import decode, encode
from heliostat_methods.pnag.cost.budget import Budget
from heliostat_methods.pnag.found.networks import FoundNetworks, build_model
from heliostat_methods.pnag.found.parameters import NetworkParameters
from heliostat_methods.pnag.supernet.normalisation import Given
from heliostat_methods.pnag.supernet.paths import walk

IMAGES = torch.randn(5, 1, 8, 8, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def found() -> FoundNetworks:
    """Four networks of 250k, 500k, 1M and 2M multiply-adds, 3000 to 3003 parameters."""
    return left_networks(outcome().front)


def model(found: FoundNetworks, budget: str = "") -> Any:
    return build_model(found, NetworkParameters(budget=budget))


@pytest.mark.parametrize(
    ("budget", "place"),
    [(250e3, 0), (499_999, 0), (500e3, 1), (1.5e6, 2), (9e9, 3), (1, 0)],
)
def test_the_most_accurate_within_a_budget_or_the_cheapest(
    found: FoundNetworks, budget: float, place: int
) -> None:
    assert found.within(Budget("madds", budget)).text == TEXTS[place]


def test_another_quantity_that_was_measured_will_do(found: FoundNetworks) -> None:
    assert found.within(Budget("params", 3002)).text == TEXTS[2]
    with pytest.raises(
        ConfigError,
        match=r"budget = 'latency': expected one of what the run measured: madds, params; latency "
        "needs a table: heliostat latency build",
    ):
        found.within(Budget("latency", 0.01))


@pytest.mark.parametrize(("budget", "place"), [(500_000, 1), (5e5, 1), (499_999.5, 0)])
def test_a_budget_may_be_a_plain_number(found: FoundNetworks, budget: float, place: int) -> None:
    parameters = NetworkParameters.model_validate({"budget": budget})
    assert build_model(found, parameters).network.text == TEXTS[place]


def test_of_equally_accurate_networks_the_cheapest_in_what_was_asked() -> None:
    front = [replace(one, accuracy=0.9, costs={**one.costs, "params": 3000.0 - at})
             for at, one in enumerate(outcome().front)]  # fmt: skip
    ties = left_networks(front)
    assert ties.within(Budget("madds", 9e9)).text == TEXTS[0]
    assert ties.within(Budget("params", 9e9)).text == TEXTS[3]


@pytest.mark.parametrize(
    ("budget", "place"),
    [("", 3), ("500k", 1), ("1MMAdds", 2), ("3.001kparams", 1), ("250kMAdds", 0)],
)
def test_a_model_is_named_by_its_budget(found: FoundNetworks, budget: str, place: int) -> None:
    assert model(found, budget).network.text == TEXTS[place]


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ("100k", "budget = '100k': expected at least 250kMAdds, the cheapest network's"),
        ("2kparams", "budget = '2kparams': expected at least 3kparams, the cheapest network's"),
        ("12ms", "budget = '12ms': expected one of what the run measured: madds, params"),
        ("soon", "budget = 'soon': expected a cost such as 12ms, 350MMAdds or 2.5Mparams"),
    ],
)
def test_a_budget_that_nothing_fits_is_refused(
    found: FoundNetworks, budget: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        model(found, budget)


def test_a_product_read_from_its_text_gives_equal_logits(found: FoundNetworks) -> None:
    again: FoundNetworks = decode(encode(found))
    assert again.layout == found.layout and again.middles == found.middles
    for one, other in zip(found.networks, again.networks, strict=True):
        assert one.blocks == other.blocks
        assert torch.equal(found.module(one)(IMAGES), again.module(other)(IMAGES))


def _normalised(given: Given, stage: Any, *values: Any) -> Any:
    return stage(*values, given)


def test_a_module_says_what_the_supernet_says_with_the_network_s_statistics(
    found: FoundNetworks,
) -> None:
    for network in found.networks:
        moments = {
            name: (torch.from_numpy(np.array(mean)), torch.from_numpy(np.array(variance)))
            for name, (mean, variance) in network.statistics.items()
        }
        with torch.no_grad():
            norm = partial(_normalised, Given(moments))
            ((_, logits),) = walk(found.supernet(), [network.blocks], IMAGES, norm)
            torch.testing.assert_close(found.module(network)(IMAGES), logits)


def test_a_model_with_the_same_classes_begins_with_its_weights(found: FoundNetworks) -> None:
    made = model(found, "1M")
    generator = torch.Generator().manual_seed(4)
    module = made.create((1, 8, 8), 10, generator)
    expected = found.module(made.network)(IMAGES)
    assert torch.equal(module(IMAGES), expected)
    assert torch.equal(made.create((64,), 10, generator)(IMAGES.flatten(1)), expected)
    assert made.widths((64,), 10) is None


def test_with_other_classes_the_classifier_alone_is_new(found: FoundNetworks) -> None:
    made = model(found)
    one, again, other = (
        made.create((1, 8, 8), 7, torch.Generator().manual_seed(seed)) for seed in (4, 4, 5)
    )
    assert one(IMAGES).shape == (5, 7)
    assert torch.equal(one(IMAGES), again(IMAGES))
    differing = [
        name for name, value in one.state_dict().items()
        if not torch.equal(value, other.state_dict()[name])
    ]  # fmt: skip
    assert len(differing) == 1 and one.state_dict()[differing[0]].shape[0] == 7
    # What comes before the classifier is the network's own.
    features = found.module(made.network)[:-1](IMAGES)
    assert torch.equal(one[-1][:-1](IMAGES), features)


def test_images_of_another_size_are_refused(found: FoundNetworks) -> None:
    with pytest.raises(
        ConfigError, match=r"input_shape = \(1, 9, 9\): expected images \(1, 8, 8\)"
    ):
        model(found).create((1, 9, 9), 10, torch.Generator())


def test_networks_are_those_of_the_space(found: FoundNetworks) -> None:
    assert [one.blocks for one in found.networks] == [
        SMALL.blocks(SMALL.read(text)) for text in TEXTS
    ]
