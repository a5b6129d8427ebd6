"""ML3's loss network: what it computes, how it starts, and how it is stored."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat_methods.evomal.losses.ml3 import HIDDEN, LossNetwork
from heliostat_methods.evomal.losses.primitives import LossExpressionError

SEEDS = st.integers(0, 2**32)
QUICK = settings(max_examples=30, deadline=None)


def network(seed=0, task="regression", hidden=HIDDEN):
    return LossNetwork.drawn(task, np.random.default_rng(seed), hidden)


def small(task="regression"):
    """softplus(2 relu(3 f - y) - relu(y)), by hand."""
    layers = [torch.tensor([[3.0, -1.0], [0.0, 1.0]]), torch.tensor([[2.0, -1.0]])]
    return LossNetwork(layers, task)


def softplus(x):
    return np.log1p(np.exp(x))


def test_it_computes_what_its_weights_say_with_the_prediction_first():
    y, f = np.array([1.0, -1.0, 2.0]), np.array([0.5, 1.0, -1.0])
    expected = softplus(np.array([2 * 0.5 - 1, 2 * 4.0 - 0, 0 - 2.0]))
    assert small().values(y, f) == pytest.approx(expected, rel=1e-12)
    loss = small()(torch.tensor(f), torch.tensor(y))
    assert loss.item() == pytest.approx(expected.mean(), rel=1e-6)


def test_a_classification_sums_over_classes_and_averages_over_the_batch():
    logits = np.array([[2, -1, 0.5], [0, 0, 0], [-1, 3, 1], [4, 0, -2.0]])
    targets = np.array([0, 1, 2, 0])
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = np.eye(3)[targets]
    expected = softplus(2 * np.maximum(3 * p - y, 0) - y).sum(axis=1).mean()
    found = small("classification")(torch.tensor(logits), torch.tensor(targets))
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_one_class_goes_through_the_sigmoid():
    logits, targets = np.array([[0.3], [-2.0]]), np.array([1, 0])
    p = 1 / (1 + np.exp(-logits[:, 0]))
    expected = softplus(2 * np.maximum(3 * p - targets, 0) - targets).mean()
    found = small("classification")(torch.tensor(logits), torch.tensor(targets))
    assert found.item() == pytest.approx(expected, rel=1e-6)


def test_the_method_has_two_hidden_layers_of_fifty_and_no_biases():
    shapes = [tuple(layer.shape) for layer in network().layers]
    assert shapes == [(50, 2), (50, 50), (1, 50)]
    assert sum(p.numel() for p in network().parameters()) == 50 * 2 + 50 * 50 + 50
    assert network(hidden=(7,)).hidden == (7,)


def test_first_weights_have_the_variance_two_over_inputs():
    wide = network(hidden=(400, 400))
    for layer, inputs in zip(wide.layers, (2, 400, 400), strict=True):
        deviation = float(layer.detach().std()) * np.sqrt(inputs / 2)
        assert deviation == pytest.approx(1, abs=6 / np.sqrt(2 * layer.numel()))


@given(SEEDS, st.floats(0.01, 50))
@QUICK
def test_below_the_softplus_the_network_is_homogeneous(seed, factor):
    # No biases: a relu network of a scaled input is the scaled network.
    found = network(seed)
    y, f = np.random.default_rng(seed).standard_normal((2, 6))
    before = np.log(np.expm1(found.values(y, f)))
    after = np.log(np.expm1(found.values(factor * y, factor * f)))
    usable = (np.abs(before) < 30) & (np.abs(after) < 30)
    assert after[usable] == pytest.approx(factor * before[usable], rel=1e-6, abs=1e-6)
    assert found.values(0.0, 0.0) == pytest.approx(np.log(2))


@given(SEEDS)
@QUICK
def test_the_loss_is_positive_and_rows_may_come_in_any_order(seed):
    rng = np.random.default_rng(seed)
    found = network(seed, "classification")
    logits, targets = torch.tensor(rng.normal(size=(8, 4))), torch.tensor(rng.integers(4, size=8))
    loss = found(logits, targets)
    order = torch.tensor(rng.permutation(8))
    assert loss.item() > 0
    assert found(logits[order], targets[order]).item() == pytest.approx(loss.item(), rel=1e-5)
    classes = torch.tensor(rng.permutation(4))
    renamed = found(logits[:, classes], torch.argsort(classes)[targets])
    assert renamed.item() == pytest.approx(loss.item(), rel=1e-5)


def test_curves_follow_the_module():
    found = network(1)
    y, f = np.meshgrid([0.0, 1.0], np.linspace(-2, 2, 9))
    values = found.values(y, f)
    assert values.shape == (9, 2)
    double = found.double().elementwise(torch.tensor(f), torch.tensor(y))
    assert values == pytest.approx(double.detach().numpy(), rel=1e-12)
    assert found.values(1.0, f[:, 0]) == pytest.approx(values[:, 1])


def test_all_weights_get_a_gradient_and_the_outputs_do():
    found = network(2, "classification")
    logits = torch.randn((16, 3), generator=torch.Generator().manual_seed(0), requires_grad=True)
    found(logits, torch.arange(16) % 3).backward()
    assert all(layer.grad.abs().sum() > 0 for layer in found.layers)
    assert logits.grad.abs().sum() > 0


@given(SEEDS, st.sampled_from(["regression", "classification"]), st.booleans())
@QUICK
def test_it_is_stored_exactly(seed, task, double):
    found = network(seed, task, hidden=(5, 3))
    found = found.double() if double else found
    with torch.no_grad():
        found.layers[0].mul_(1 / 3)  # not a number of few digits
    read = LossNetwork.from_dict(json.loads(json.dumps(found.to_dict())))
    assert read.tasks == (task,)
    for one, other in zip(found.layers, read.layers, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def test_either_generator_alone_decides_the_weights():
    def drawn(torch_generator):
        torch.manual_seed(99)
        before = torch.get_rng_state()
        rng = torch.Generator().manual_seed(5) if torch_generator else np.random.default_rng(5)
        layers = LossNetwork.drawn("regression", rng).to_dict()["layers"]
        assert torch.equal(before, torch.get_rng_state())
        torch.manual_seed(100)
        return layers

    assert drawn(False) == drawn(False)
    assert drawn(True) == drawn(True)
    assert drawn(True) != drawn(False)
    assert network(5).to_dict() != network(6).to_dict()


def test_the_weights_given_are_not_changed_by_training():
    layers = [torch.ones(2, 2), torch.ones(1, 2)]
    found = LossNetwork(layers, "regression")
    with torch.no_grad():
        found.layers[0].zero_()
    assert torch.equal(layers[0], torch.ones(2, 2))


STORED = {"network": "ml3", "task": "regression", "dtype": "float32"}
FITTING = [[[1.0, 2.0]], [[3.0]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "expected a mapping"),
        ({**STORED}, "expected a mapping with network, task, dtype, layers"),
        ({**STORED, "layers": FITTING, "more": 1}, "and no more"),
        ({**STORED, "layers": FITTING, "network": "ml4"}, "network: got 'ml4'; expected 'ml3'"),
        ({**STORED, "layers": FITTING, "dtype": "int8"}, "dtype: got 'int8'"),
        ({**STORED, "layers": FITTING, "task": "ranking"}, "task: got 'ranking'"),
        ({**STORED, "layers": []}, "layers: expected a list"),
        ({**STORED, "layers": [[[1.0, 2.0]]]}, r"hidden: got \(\); expected at least one"),
        ({**STORED, "layers": [[[1.0]], [[1.0]]]}, r"layers\[0\]: shape \(1, 1\)"),
        ({**STORED, "layers": [[[1.0, 2.0]], [[1.0, 2.0]]]}, r"layers\[1\]: shape \(1, 2\)"),
        ({**STORED, "layers": [[[1.0, 2.0]], [[1.0], [2.0]]]}, r"layers\[1\]: shape \(2, 1\)"),
        ({**STORED, "layers": [[[1.0, 2.0], [3.0]], [[1.0]]]}, r"layers\[0\]: expected rows"),
        ({**STORED, "layers": [[[1.0, "2"]], [[1.0]]]}, r"layers\[0\]: expected rows"),
        ({**STORED, "layers": [[[1.0, float("inf")]], [[1.0]]]}, r"layers\[0\]: expected finite"),
    ],
)
def test_stored_data_that_do_not_fit_are_refused(data, message):
    with pytest.raises(LossExpressionError, match=message):
        LossNetwork.from_dict(data)


def test_stored_data_that_fit_are_read():
    assert LossNetwork.from_dict({**STORED, "layers": FITTING}).hidden == (1,)


@pytest.mark.parametrize("hidden", [(), (0,), (50, -1), (10**6,)])
def test_widths_that_cannot_be_are_refused(hidden):
    with pytest.raises(LossExpressionError, match="hidden: got"):
        network(hidden=hidden)
