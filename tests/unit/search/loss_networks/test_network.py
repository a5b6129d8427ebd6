"""A loss that is a network: what it computes, how it is stored, what it refuses.

What ML3's shape of it does stands in the tests of evomal's losses.
"""

import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from heliostat_search.loss_networks.network import LossNetworkError, MetaLossNetwork
from heliostat_search.loss_networks.shape import LossShape

QUICK = settings(max_examples=30, deadline=None)
SEEDS = st.integers(0, 2**32)
SHAPES = st.builds(
    LossShape,
    hidden=st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple),
    gamma=st.sampled_from([0.0, 0.01, 0.25, 1.0]),
    beta=st.sampled_from([1.0, 2.0, 10.0]),
    hidden_activation=st.sampled_from(["relu", "smooth_leaky_relu"]),
    output_activation=st.sampled_from(["smooth_leaky_relu", "softplus"]),
    class_reduction=st.sampled_from(["sum", "mean"]),
    add_task_loss=st.booleans(),
)
TASKS = st.sampled_from(["regression", "classification"])


def network(seed=0, task="regression", shape=None):
    return MetaLossNetwork.drawn(task, np.random.default_rng(seed), shape).double()


def batch(seed, rows=6, classes=4):
    rng = np.random.default_rng(seed)
    return torch.tensor(rng.normal(size=(rows, classes))), torch.tensor(
        rng.integers(classes, size=rows)
    )


def by_hand(found, output, label):
    """One value of M, one unit at a time."""
    shape = found.shape

    def bend(x):
        return shape.gamma * x + (1 - shape.gamma) * np.logaddexp(0, shape.beta * x) / shape.beta

    hidden = bend if shape.hidden_activation == "smooth_leaky_relu" else lambda x: max(x, 0.0)
    last = bend if shape.output_activation == "smooth_leaky_relu" else lambda x: np.logaddexp(0, x)
    signal = [output, label]
    for depth, layer in enumerate(found.layers):
        act = last if depth == len(found.layers) - 1 else hidden
        signal = [act(sum(w * s for w, s in zip(row, signal, strict=True)))
                  for row in layer.tolist()]  # fmt: skip
    (value,) = signal
    return value


@given(SEEDS, SHAPES)
@QUICK
def test_a_value_is_what_the_units_say_one_by_one(seed, shape):
    found = network(seed, shape=shape)
    outputs, labels = np.random.default_rng(seed).normal(size=(2, 3))
    expected = [by_hand(found, f, y) for f, y in zip(outputs, labels, strict=True)]
    assert found.values(labels, outputs) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    module = found.elementwise(torch.tensor(outputs), torch.tensor(labels))
    # torch's softplus is a line above 20, off by 2e-9
    assert module.detach().numpy() == pytest.approx(expected, rel=1e-12, abs=3e-9)


@given(SEEDS, SHAPES.filter(lambda shape: shape.output_activation == "smooth_leaky_relu"))
@QUICK
def test_values_are_those_of_the_module_in_double_precision(seed, shape):
    found = network(seed, shape=shape)
    y, f = np.meshgrid([-1.0, 0.0, 1.0], np.linspace(-40, 40, 9))
    module = found.elementwise(torch.tensor(f), torch.tensor(y)).detach().numpy()
    assert found.values(y, f) == pytest.approx(module, rel=1e-12, abs=1e-12)
    single = MetaLossNetwork([layer.float() for layer in found.layers], "regression", shape)
    assert single.values(y, f).dtype == np.float64
    assert single.values(y, f) == pytest.approx(single.double().values(y, f), rel=0, abs=0)


def test_a_curve_is_the_values_for_one_label():
    found, grid = network(3), np.linspace(-2, 2, 12).reshape(3, 4)
    curve = found.curve(1.0, grid)
    assert curve.shape == (3, 4)
    expected = [by_hand(found, float(f), 1.0) for f in grid.reshape(-1)]
    assert curve.reshape(-1) == pytest.approx(expected, rel=1e-12)
    assert not np.allclose(curve, found.curve(0.0, grid))


@given(SEEDS, SHAPES)
@QUICK
def test_classes_in_another_order_change_nothing(seed, shape):
    found = network(seed, "classification", shape)
    logits, targets = batch(seed)
    logits.requires_grad_()
    order = torch.tensor(np.random.default_rng(seed).permutation(4))
    renamed = logits.detach()[:, order].requires_grad_()
    loss, other = found(logits, targets), found(renamed, torch.argsort(order)[targets])
    assert other.item() == pytest.approx(loss.item(), rel=1e-12, abs=1e-12)
    (slopes,), (moved,) = torch.autograd.grad(loss, logits), torch.autograd.grad(other, renamed)
    assert torch.allclose(slopes[:, order], moved, rtol=1e-9, atol=1e-12)


@given(SEEDS, SHAPES, TASKS)
@QUICK
def test_rows_in_another_order_change_nothing(seed, shape, task):
    found = network(seed, task, shape)
    outputs, targets = batch(seed)
    targets = targets if task == "classification" else torch.sin(outputs * 3)
    order = torch.tensor(np.random.default_rng(seed).permutation(6))
    before = found(outputs, targets).item()
    assert found(outputs[order], targets[order]).item() == pytest.approx(before, rel=1e-12)


@given(SEEDS, SHAPES)
@QUICK
def test_all_classes_at_once_are_the_loop_over_classes(seed, shape):
    found = network(seed, "classification", shape)
    logits, targets = batch(seed)
    p, rows = logits.softmax(1), torch.eye(4, dtype=torch.float64)[targets]
    each = [found.elementwise(p[:, c], rows[:, c]).mean() for c in range(4)]
    expected = sum(each) / (4 if shape.class_reduction == "mean" else 1)
    if shape.add_task_loss:
        expected = expected + functional.cross_entropy(logits, targets)
    assert found(logits, targets).item() == pytest.approx(expected.item(), rel=1e-12, abs=1e-12)
    whole = found.elementwise(p, rows)
    flat = found.elementwise(p.reshape(-1), rows.reshape(-1))
    assert torch.allclose(whole.reshape(-1), flat, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_the_task_loss_is_added_where_it_is_asked_for(task):
    outputs, targets = batch(0)
    targets = targets if task == "classification" else torch.sin(outputs * 3)
    plain, more = (network(1, task, LossShape((5,), add_task_loss=add)) for add in (False, True))
    own = functional.cross_entropy if task == "classification" else functional.mse_loss
    difference = (more(outputs, targets) - plain(outputs, targets)).item()
    assert difference == pytest.approx(own(outputs, targets).item(), rel=1e-12)


def test_the_mean_over_classes_is_the_sum_through_their_number():
    logits, targets = batch(0)
    total, mean = (
        network(1, "classification", LossShape((5,), class_reduction=way))
        for way in ("sum", "mean")
    )
    assert mean(logits, targets).item() == pytest.approx(total(logits, targets).item() / 4)
    regression = network(1, "regression", LossShape((5,), class_reduction="sum"))
    other = network(1, "regression", LossShape((5,), class_reduction="mean"))
    assert regression(logits, logits + 1).item() == other(logits, logits + 1).item()


def test_the_loss_follows_its_weights_type():
    logits, targets = batch(0)
    assert network(0, "classification")(logits.float(), targets).dtype == torch.float64
    assert network(0, "classification").float()(logits, targets).dtype == torch.float32


@given(SEEDS, SHAPES, TASKS, st.booleans())
@QUICK
def test_a_network_is_stored_exactly(seed, shape, task, double):
    found = network(seed, task, shape)
    if not double:
        found = found.float()
    data = found.to_dict()
    read = MetaLossNetwork.from_dict(json.loads(json.dumps(data)))
    assert (read.task, read.shape, read.to_dict()) == (task, shape, data)
    assert read.tasks == (task,) and read.hidden == shape.hidden
    for one, other in zip(found.layers, read.layers, strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other)


@given(SEEDS, SHAPES)
@QUICK
def test_weights_go_through_one_vector(seed, shape):
    found, other = network(seed, shape=shape), network(seed + 1, shape=shape)
    assert found.vector.shape == (shape.weights,)
    assert found.vector.tolist() == [w for w in _flat(found)]
    other.load_vector(found.vector)
    assert _flat(other) == _flat(found)
    found.vector.zero_()
    assert _flat(other) == _flat(found)
    assert all(layer.requires_grad for layer in other.layers)


def _flat(found):
    return list(itertools.chain.from_iterable(row for one in found.layers for row in one.tolist()))


@pytest.mark.parametrize("wrong", [(16,), (14,), (1, 15), (15, 1), ()])
def test_a_vector_of_another_length_is_refused_and_changes_nothing(wrong):
    found = network(shape=LossShape((5,)))
    before = found.vector
    with pytest.raises(LossNetworkError, match=r"phi: shape .*; expected \(15,\)"):
        found.load_vector(torch.zeros(wrong))
    assert torch.equal(found.vector, before)


@pytest.mark.parametrize("generator", ["numpy", "torch"])
def test_a_generator_alone_decides_the_first_weights(generator):
    def drawn(seed, hidden=(40, 40)):
        torch.manual_seed(seed + 7)
        before = torch.get_rng_state()
        rng = (np.random.default_rng if generator == "numpy" else torch.Generator().manual_seed)(
            seed
        )
        found = MetaLossNetwork.drawn("regression", rng, LossShape(hidden)).vector
        assert torch.equal(before, torch.get_rng_state())
        return found

    assert torch.equal(drawn(5), drawn(5))
    assert not torch.equal(drawn(5), drawn(6))
    # variance 2 / inputs; 1600 weights of the middle layer, within five standard errors
    middle = drawn(5)[80:-40]
    assert middle.var().item() == pytest.approx(2 / 40, rel=5 * (2 / 1600) ** 0.5)
    assert drawn(5, (1000,))[:2000].var().item() == pytest.approx(1, rel=5 * (2 / 2000) ** 0.5)


def test_without_a_shape_it_is_the_one_of_the_method():
    found = network()
    assert found.shape == LossShape() and found.hidden == (40, 40)
    assert "2-40-40-1, task='regression'" in repr(found)


SETTINGS = {
    "hidden": [1], "gamma": 0.01, "beta": 10.0, "hidden_activation": "relu",
    "output_activation": "softplus", "class_reduction": "sum", "add_task_loss": False,
}  # fmt: skip
STORED = {
    "network": "meta_loss", "task": "regression", "dtype": "float32", "shape": SETTINGS,
    "layers": [[[1.0, 2]], [[3.0]]],
}  # fmt: skip


def without(name):
    return {key: value for key, value in SETTINGS.items() if key != name}


def test_stored_data_that_fit_are_read():
    assert MetaLossNetwork.from_dict(STORED).vector.tolist() == [1.0, 2.0, 3.0]


REFUSED = [
    ([], "expected a mapping with network, task, dtype, shape, layers and no more"),
    ({"more": 1}, "expected a mapping with network, task, dtype, shape, layers and no more"),
    ({"network": "ml3"}, "network: got 'ml3'; expected 'meta_loss'"),
    ({"task": "ranking"}, "task: got 'ranking'; expected 'regression' or 'classification'"),
    ({"dtype": "int8"}, "dtype: got 'int8'; expected 'float32' or 'float64'"),
    ({"dtype": ["float32"]}, r"dtype: got \['float32'\]; expected"),
    ({"shape": [1]}, "shape: expected a mapping with hidden, gamma, .*add_task_loss and no more"),
    ({"shape": without("hidden")}, "shape: expected a mapping with hidden"),
    ({"shape": without("gamma")}, "shape: expected a mapping with hidden, gamma"),
    ({"shape": {**SETTINGS, "biases": True}}, "shape: expected a mapping .* and no more"),
    ({"shape": {**SETTINGS, "hidden": 1}}, "shape: hidden: got 1; expected a list of widths"),
    ({"shape": {**SETTINGS, "hidden": "1"}}, "shape: hidden: got '1'; expected a list of widths"),
    ({"shape": {**SETTINGS, "hidden": []}}, r"shape: hidden: got \(\); expected at least one"),
    ({"shape": {**SETTINGS, "hidden": [1.0]}}, r"shape: hidden: got \(1\.0,\); expected at least"),
    ({"shape": {**SETTINGS, "gamma": "0"}}, "shape: gamma: got '0'; expected a number"),
    ({"shape": {**SETTINGS, "gamma": 1.5}}, "shape: gamma: got 1.5; expected a number from 0 to 1"),
    ({"shape": {**SETTINGS, "beta": None}}, "shape: beta: got None; expected a number"),
    ({"shape": {**SETTINGS, "beta": 0.0}}, "shape: beta: got 0.0; expected a number from"),
    ({"shape": {**SETTINGS, "hidden_activation": "tanh"}}, "shape: hidden_activation: got 'tanh'"),
    ({"shape": {**SETTINGS, "output_activation": "relu"}}, "shape: output_activation: got 'relu'"),
    ({"shape": {**SETTINGS, "class_reduction": "max"}}, "shape: class_reduction: got 'max'"),
    ({"shape": {**SETTINGS, "add_task_loss": 1}}, "shape: add_task_loss: got 1; expected True"),
    ({"layers": {}}, "layers: expected a list of matrices"),
    ({"layers": []}, "layers: expected a list of matrices"),
    ({"layers": [[[1.0, 2.0]]]}, "layers: got 1; expected at least 2"),
    ({"layers": [[[1.0, 2.0]], [[3.0]], [[1.0]]]}, "layers: got 3; expected 2"),
    ({"layers": [[[1.0]], [[1.0]]]}, r"layers\[0\]: shape \(1, 1\); expected \(1, 2\)"),
    ({"layers": [[[1.0, 2.0]], [[1.0, 2.0]]]}, r"layers\[1\]: shape \(1, 2\); expected \(1, 1\)"),
    ({"layers": [[1.0, 2.0], [3.0]]}, r"layers\[0\]: expected rows of as many numbers each"),
    ({"layers": [[[1.0, 2.0], [1.0]], [[3.0]]]}, r"layers\[0\]: expected rows"),
    ({"layers": [[[1.0, 2.0]], [[True]]]}, r"layers\[1\]: expected rows"),
    ({"layers": [[[1.0, 2.0]], [["3"]]]}, r"layers\[1\]: expected rows"),
    ({"layers": [[[1.0, 10**400]], [[3.0]]]}, r"layers\[0\]: expected rows"),
    ({"layers": [[[1.0, 1e300]], [[3.0]]]}, r"layers\[0\]: expected finite numbers"),
    ({"layers": [[[1.0, 2.0]], [[float("nan")]]]}, r"layers\[1\]: expected finite numbers"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_stored_data_that_do_not_fit_are_refused(change, message):
    data = {**STORED, **change} if isinstance(change, dict) else change
    with pytest.raises(LossNetworkError, match=message):
        MetaLossNetwork.from_dict(data)


def test_layers_that_do_not_fit_the_shape_are_refused():
    with pytest.raises(LossNetworkError, match=r"layers\[1\]: shape \(1, 2\); expected \(1, 3\)"):
        MetaLossNetwork([torch.ones(3, 2), torch.ones(1, 2)], "regression", LossShape((3,)))
    with pytest.raises(LossNetworkError, match="layers: got 2; expected 3"):
        MetaLossNetwork([torch.ones(3, 2), torch.ones(1, 3)], "regression", LossShape((3, 3)))


def test_shapes_of_a_batch_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"targets: shape \(3,\); expected \(4,\)"):
        network()(torch.zeros(4), torch.zeros(3))
    with pytest.raises(ValueError, match=r"outputs: shape \(4,\); expected \(batch, classes\)"):
        network(task="classification")(torch.zeros(4), torch.zeros(4).long())
