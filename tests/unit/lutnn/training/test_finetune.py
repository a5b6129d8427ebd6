"""Fine-tuning on real digits: only the large effects, with fixed seeds; and what is noted."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from heliostat_methods.lutnn.converting.convert import convert_lut
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.converting.policy import LutPolicy
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.training.annealing import annealed
from heliostat_methods.lutnn.training.finetune import finetune

SEED, TRAINED = 0, 1000


@pytest.fixture(scope="module")
def digits():
    """Inputs, standardised by those that are trained with, and classes."""
    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(SEED))
    x, y = torch.tensor(x, dtype=torch.float32)[order], torch.tensor(y)[order]
    return (x - x[:TRAINED].mean(0)) / (x[:TRAINED].std(0) + 0.1), y


@pytest.fixture(scope="module")
def batches(digits):
    x, y = digits
    return list(zip(x[:TRAINED].split(50), y[:TRAINED].split(50), strict=True))


@pytest.fixture(scope="module")
def dense(batches):
    torch.manual_seed(SEED)
    model = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(6):
        for x, y in batches:
            optimiser.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            optimiser.step()
    return model


def accuracy(model, digits):
    x, y = (part[TRAINED:] for part in digits)
    model.eval()
    with torch.no_grad():
        return 100 * float((model(x).argmax(1) == y).float().mean())


def converted(dense, digits, length, **options):
    policy = LutPolicy(linear=length, only_faster="no", **options)
    return convert_lut(dense, policy, digits[0][:TRAINED], seed=SEED).model


def test_centroids_of_k_means_are_better_than_random_ones(dense, digits, batches):
    found = {}
    for init in ("kmeans", "random"):
        model = converted(dense, digits, 8, init=init)
        done = finetune(model, batches, epochs=4)
        assert all(math.isfinite(loss) for loss in done.losses)
        found[init] = accuracy(model, digits)
    assert accuracy(dense, digits) > found["kmeans"] > 85
    assert found["kmeans"] > found["random"] + 8


def test_fine_tuned_is_better_than_k_means_alone_and_stays_so_frozen(dense, digits, batches):
    model = converted(dense, digits, 16)
    before = accuracy(model, digits)
    done = finetune(model, batches, epochs=8)
    after = accuracy(model, digits)
    assert after >= before + 1
    assert sum(done.losses[-20:]) < 0.7 * sum(done.losses[:20])
    assert accuracy(freeze_lut(model), digits) == pytest.approx(after, abs=0.2)
    assert accuracy(
        freeze_lut(model, search="int8", calibration=digits[0][:TRAINED]), digits
    ) == pytest.approx(after, abs=3)


def test_losses_and_temperatures_are_noted(dense, digits, batches):
    model = converted(dense, digits, 16, settings=LutSettings(temperature=0.2))
    done = finetune(model, batches[:5], epochs=3)
    assert len(done.losses) == 15
    assert list(done.temperatures) == ["0", "2"]
    for name, values in done.temperatures.items():
        assert len(values) == 4
        assert values[0] == pytest.approx(0.2)
        assert values[-1] == model.get_submodule(name).temperature
        assert values[-1] != values[0]
    assert model.training


def test_an_equal_beginning_gives_equal_bits(dense, digits, batches):
    states = []
    for _ in range(2):
        model = converted(dense, digits, 16)
        finetune(model, iter(batches[:3]), epochs=1)
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    first = converted(dense, digits, 16).state_dict()
    for name in first:
        assert not torch.equal(first[name], states[0][name]), name


def test_annealed_temperatures_follow_the_schedule(dense, digits, batches):
    model = converted(dense, digits, 16)
    done = finetune(model, batches[:5], epochs=4, anneal=True)
    for values in done.temperatures.values():
        expected = [annealed((5 * epoch + 4) / 20) for epoch in range(4)]
        assert values[1:] == pytest.approx(expected, rel=1e-4)


def test_rates_fall_by_a_cosine_and_temperatures_have_their_own(dense, digits, monkeypatch):
    seen = []
    step = torch.optim.Adam.step

    def watched(self, *arguments, **named):
        seen.append([group["lr"] for group in self.param_groups])
        assert self.param_groups[-1]["weight_decay"] == 0.25
        return step(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.Adam, "step", watched)
    x, y = (part[:100] for part in digits)
    rows = list(zip(x.split(50), y.split(50), strict=True))
    finetune(
        converted(dense, digits, 16), rows, epochs=2, lr=0.01, temperature_lr=0.2,
        weight_decay=0.25,
    )  # fmt: skip
    shares = [0.5 * (1 + math.cos(math.pi * i / 4)) for i in range(4)]
    for found, share in zip(seen, shares, strict=True):
        assert found == pytest.approx([0.2 * share, 0.01 * share, 0.01 * share])


def test_another_loss_may_be_given(dense, digits, batches):
    model = converted(dense, digits, 16)
    done = finetune(model, batches[:2], lambda out, y: out.square().mean() + 3, epochs=1)
    assert all(value > 3 for value in done.losses)


def test_no_batch_is_refused(dense):
    with pytest.raises(ValueError) as error:
        finetune(dense, [])
    assert str(error.value) == "batches: none, expected pairs of inputs and targets"


def test_a_loss_that_is_not_finite_is_refused_naming_the_step(dense, digits, batches):
    model = converted(dense, digits, 16)
    bad = [batches[0], (batches[1][0] * math.nan, batches[1][1])]
    with pytest.raises(ValueError) as error:
        finetune(model, [(x, y) for x, y in bad], lambda out, y: out.sum() * (math.nan if
                 bool(y is bad[1][1]) else 1.0))  # fmt: skip
    assert str(error.value) == "loss: nan in step 1, expected a finite number"
    assert all(bool(torch.isfinite(p).all()) for p in model.parameters())


def test_a_frozen_model_is_not_trained():
    model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 2))
    x = torch.randn(40, 16, generator=torch.Generator().manual_seed(0))
    frozen = freeze_lut(convert_lut(model, LutPolicy(only_faster="no"), x).model)
    with pytest.raises(ValueError, match="model: 0 frozen, expected layers to train"):
        finetune(frozen, [(x, torch.zeros(40, dtype=torch.long))])
