"""The meta-gradient of one step: worked numbers, central differences, double backward."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from heliostat_search.loss_networks.conventions import task_objective
from heliostat_search.loss_networks.network import MetaLossNetwork
from heliostat_search.loss_networks.shape import LossShape
from heliostat_search.unrolled.drawing import drawing_from
from heliostat_search.unrolled.meta_gradient import unrolled_meta_gradient
from heliostat_search.unrolled.sgd import SGD

KINDS = {
    "plain": SGD(0.3, 0.0, False, 0.0),
    "plain, decay": SGD(0.3, 0.0, False, 0.1),
    "heavy-ball": SGD(0.3, 0.9, False, 0.0),
    "heavy-ball, decay": SGD(0.3, 0.9, False, 0.1),
    "nesterov": SGD(0.3, 0.9, True, 0.0),
    "nesterov, decay": SGD(0.3, 0.9, True, 0.1),
}
MODELS = {
    "dense": lambda: nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)),
    "batchnorm": lambda: nn.Sequential(
        nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 2)
    ),
    "dropout": lambda: nn.Sequential(
        nn.Linear(3, 20), nn.Dropout(0.5), nn.Tanh(), nn.Linear(20, 2), nn.Dropout(0.2)
    ),
    "both": lambda: nn.Sequential(
        nn.Linear(3, 9), nn.BatchNorm1d(9), nn.Dropout(0.3), nn.Tanh(), nn.Linear(9, 2)
    ),
}


def tensor(rows):
    return torch.tensor(rows, dtype=torch.float64)


def normal(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def model_of(name):
    with drawing_from(3):
        return MODELS[name]().double()


def parameters_of(model):
    return {name: part.detach().clone() for name, part in model.named_parameters()}


def learned(shape=None, task="classification", seed=2):
    shape = LossShape((6,)) if shape is None else shape
    rng = torch.Generator().manual_seed(seed)
    return MetaLossNetwork.drawn(task, rng, shape).double()


def batches(seed=0):
    y = torch.arange(8) % 2
    return (normal(seed, 8, 3), y), (normal(seed + 1, 8, 3), y.flip(0) * y.roll(3))


def cross_entropy(outputs, targets):
    return task_objective("classification", outputs, targets)


def take(model, parameters, loss, sgd, momentum=None, seed=0, data=None, objective=cross_entropy):
    batch, valid = batches(seed) if data is None else data
    return unrolled_meta_gradient(
        model, parameters, loss, list(loss.parameters()), batch, valid, sgd, momentum,
        objective=objective, seed=seed,
    )  # fmt: skip


def whole_step(model, parameters, loss, phi, sgd, momentum, seed=0):
    """The objective after one step, with a graph through all of it; ``phi`` by name."""
    batch, valid = batches(seed)
    other = copy.deepcopy(model)
    own = {name: part.detach().clone().requires_grad_() for name, part in parameters.items()}
    with drawing_from(seed):
        outputs = functional_call(other, own, (batch[0],))
    value = functional_call(loss, phi, (outputs, batch[1]))
    gradients = torch.autograd.grad(value, list(own.values()), create_graph=True)
    after = {}
    for (name, part), gradient in zip(own.items(), gradients, strict=True):
        slope = gradient + sgd.weight_decay * part
        carried = slope if momentum is None else sgd.momentum * momentum[name] + slope
        if not sgd.momentum:
            direction = slope
        else:
            direction = slope + sgd.momentum * carried if sgd.nesterov else carried
        after[name] = part - sgd.learning_rate * direction
    with drawing_from(seed + 1):
        judged = functional_call(other, after, (valid[0],))
    return cross_entropy(judged, valid[1])


def test_two_online_steps_give_the_worked_numbers():
    # section 5 of the specification, oracle 2
    model = nn.Linear(2, 1, bias=False).double()
    shape = LossShape((2,), gamma=0.01, beta=10.0)
    layers = [tensor([[0.5, -0.4], [-0.3, 0.6]]), tensor([[0.7, 0.8]])]
    loss = MetaLossNetwork(layers, "regression", shape)
    train = tensor([[1, 2], [-1, 0.5], [0.5, -1]]), tensor([1, -0.5, 0.2])
    valid = tensor([[0.5, 1], [1, -1]]), tensor([0.6, 0.1])
    table = [
        (0.2568515793, [0.1145816437, -0.1855383332], 0.2851962215,
         [-0.0107271954, -0.0036519936, 0.0374211494, -0.0016077234],
         [-0.0055754289, -0.0152387236]),
        (0.2528905853, [0.1291771340, -0.1709741868], 0.2695205975,
         [-0.0104614607, -0.0036558472, 0.0363859878, -0.0016184636],
         [-0.0053902393, -0.0149296368]),
    ]  # fmt: skip
    theta, momentum = {"weight": tensor([[0.1, -0.2]])}, None
    for value, after, objective, first, second in table:
        step = take(
            model, theta, loss, SGD(0.1, 0.0, False, 0.0), momentum, data=(train, valid),
            objective=lambda f, y: task_objective("regression", f, y),
        )  # fmt: skip
        assert step.loss.item() == pytest.approx(value, abs=1e-9)
        assert step.parameters["weight"].reshape(-1).tolist() == pytest.approx(after, abs=1e-9)
        assert step.objective.item() == pytest.approx(objective, abs=1e-9)
        assert step.gradient[0].reshape(-1).tolist() == pytest.approx(first, abs=1e-9)
        assert step.gradient[1].reshape(-1).tolist() == pytest.approx(second, abs=1e-9)
        theta, momentum = step.parameters, step.momentum
        with torch.no_grad():
            for layer, gradient in zip(loss.layers, step.gradient, strict=True):
                layer.sub_(gradient, alpha=0.05)
    final = [0.5010594328, -0.3996346080, -0.3036903569, 0.6001613093, 0.7005482834, 0.8015084180]
    assert loss.vector.tolist() == pytest.approx(final, abs=1e-9)


def carried_to(model, parameters, loss, sgd, steps):
    momentum = None
    for number in range(steps):
        step = take(model, parameters, loss, sgd, momentum, seed=10 * number)
        parameters, momentum = step.parameters, step.momentum
    return parameters, momentum


@pytest.mark.parametrize("hidden", ["relu", "smooth_leaky_relu"])
@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_central_difference_of_the_whole_step(kind, before, hidden):
    sgd, model = KINDS[kind], model_of("dense")
    loss = learned(LossShape((6,), hidden_activation=hidden))
    parameters, momentum = carried_to(model, parameters_of(model), loss, sgd, before)
    found = torch.cat([g.reshape(-1) for g in
                       take(model, parameters, loss, sgd, momentum).gradient])  # fmt: skip
    phi, e = loss.vector, 1e-6
    other = copy.deepcopy(loss)

    def after(vector):
        other.load_vector(vector)
        value = whole_step(model, parameters, other, dict(other.named_parameters()), sgd, momentum)
        return value.item()

    expected = []
    for number in range(len(phi)):
        by = torch.zeros_like(phi)
        by[number] = e
        expected.append((after(phi + by) - after(phi - by)) / (2 * e))
    assert (found - tensor(expected)).norm() <= 1e-6 * found.norm()
    assert found.norm() > 1e-4


@pytest.mark.parametrize("before", [0, 2])
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_double_backward_through_the_update(kind, name, before):
    sgd, model, loss = KINDS[kind], model_of(name), learned()
    start = parameters_of(model)
    kept = {key: part.clone() for key, part in model.state_dict().items()}
    parameters, momentum = carried_to(model, start, loss, sgd, before)
    step = take(model, parameters, loss, sgd, momentum, seed=5)
    phi = dict(loss.named_parameters())
    value = whole_step(model, parameters, loss, phi, sgd, momentum, seed=5)
    expected = torch.autograd.grad(value, list(phi.values()))
    assert step.objective.item() == pytest.approx(value.item(), rel=1e-12)
    for found, one in zip(step.gradient, expected, strict=True):
        assert torch.allclose(found, one, rtol=1e-9, atol=1e-12)
    # the model keeps its own parameters and buffers
    assert all(torch.equal(part, kept[key]) for key, part in model.state_dict().items())


def test_an_operation_without_forward_derivative_changes_nothing():
    class Tanh(torch.autograd.Function):
        """The hyperbolic tangent, forward derivative left out."""

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.tanh(x)

        @staticmethod
        def backward(ctx, slopes):
            return slopes * (1 - torch.tanh(ctx.saved_tensors[0]) ** 2)

    class Layer(nn.Module):
        """It as a module."""

        def forward(self, x):
            return Tanh.apply(x)

    model, loss, sgd = model_of("batchnorm"), learned(), KINDS["nesterov, decay"]
    other = copy.deepcopy(model)
    other[2] = Layer()
    one, two = (take(m, parameters_of(model), loss, sgd) for m in (model, other))
    for found, expected in zip(two.gradient, one.gradient, strict=True):
        assert torch.allclose(found, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["dense", "both"])
def test_the_step_itself_is_torchs_with_this_loss(kind, name):
    sgd, model, loss = KINDS[kind], model_of(name), learned()
    plain = copy.deepcopy(model)
    optimiser = torch.optim.SGD(
        plain.parameters(), lr=sgd.learning_rate, momentum=sgd.momentum,
        nesterov=sgd.nesterov, weight_decay=sgd.weight_decay,
    )  # fmt: skip
    parameters, momentum = parameters_of(model), None
    for number in range(3):
        step = take(model, parameters, loss, sgd, momentum, seed=number)
        parameters, momentum = step.parameters, step.momentum
        for key, part in model.named_buffers():
            part.copy_(step.statistics[key])
        optimiser.zero_grad()
        with drawing_from(number):
            outputs = plain(batches(number)[0][0])
        loss(outputs, batches(number)[0][1]).backward()
        optimiser.step()
        for key, part in plain.named_parameters():
            assert torch.equal(parameters[key], part.detach())
        assert all(torch.equal(step.statistics[key], part) for key, part in plain.named_buffers())


class Scaled(nn.Module):
    """The task's own loss times a number."""

    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(tensor(factor))

    def forward(self, outputs, targets):
        return self.factor * cross_entropy(outputs, targets)


@given(st.floats(0.1, 5.0), st.sampled_from([0.0, 0.5]))
@settings(max_examples=15, deadline=None)
def test_a_multiple_of_the_task_loss_is_a_learning_rate(factor, momentum):
    model, base = model_of("dense"), 0.1
    one = two = parameters_of(model)
    buffers = [None, None]
    for number in range(3):
        first = take(model, one, Scaled(factor), SGD(base, momentum, False, 0.0), buffers[0],
                     seed=number)  # fmt: skip
        second = take(model, two, Scaled(1.0), SGD(base * factor, momentum, False, 0.0), buffers[1],
                      seed=number)  # fmt: skip
        one, two, buffers = first.parameters, second.parameters, [first.momentum, second.momentum]
        assert all(torch.allclose(one[key], two[key], rtol=1e-10, atol=1e-13) for key in one)
        # by the chain rule through rate = base * factor
        found, other = first.gradient[0].item(), second.gradient[0].item()
        assert found * factor == pytest.approx(other, rel=1e-8, abs=1e-13)


def saturated(pre_activation, output):
    """One row whose last unit sees ``pre_activation``: f = 10, weights sqrt(|.| / 10)."""
    w = (abs(pre_activation) / 10) ** 0.5
    layers = [tensor([[w, 0.0]]), tensor([[-w]])]
    loss = MetaLossNetwork(layers, "regression", LossShape((1,), output_activation=output))
    model = nn.Linear(1, 1, bias=False).double()
    batch = tensor([[10.0]]), tensor([[0.0]])
    sgd = SGD(1.0, 0.0, False, 0.0)
    # the objective's slope of 0.01 through x = 10 twice is J v = 1
    step = take(
        model, {"weight": tensor([[1.0]])}, loss, sgd, data=(batch, batch),
        objective=lambda f, y: (f * 0.01).sum(),
    )  # fmt: skip
    # without momentum or decay the buffer is the gradient by theta
    return step.momentum["weight"].item(), [one.abs().max().item() for one in step.gradient], w


def test_a_saturated_softplus_moves_neither_model_nor_loss():
    by_theta, by_phi, _ = saturated(-40, "softplus")
    assert 0 < abs(by_theta) < 1e-15
    assert 0 < max(by_phi) < 1e-15


@pytest.mark.parametrize("pre_activation", [-40, -400, -4000])
def test_a_smooth_leaky_relu_is_nowhere_flat(pre_activation):
    by_theta, by_phi, w = saturated(pre_activation, "smooth_leaky_relu")
    gamma, rounding = 0.01, 1 - 1e-12
    # the pre-activation is -w w f: its slope by theta w w 10, that of w w J v by a weight w
    assert abs(by_theta) >= gamma * w * w * 10 * rounding
    assert min(by_phi) >= gamma * w * rounding


def test_the_callers_own_recording_does_not_matter():
    model, loss, sgd = model_of("both"), learned(), KINDS["nesterov"]
    expected = take(model, parameters_of(model), loss, sgd)
    with torch.no_grad():
        found = take(model, parameters_of(model), loss, sgd)
    assert all(map(torch.equal, found.gradient, expected.gradient))
    assert any(gradient.abs().sum() > 0 for gradient in found.gradient)
    out = (*found.gradient, *found.parameters.values(), *found.momentum.values(), found.loss)
    assert not any(one.requires_grad for one in (*out, *found.statistics.values(), found.objective))
    assert all(layer.grad is None for layer in loss.layers)
    assert all(part.grad is None for part in model.parameters())


def test_parameters_that_are_not_named_stay_as_they_are():
    model, loss, sgd = model_of("dense"), learned(), KINDS["plain"]
    every = parameters_of(model)
    some = {name: every[name] for name in ("2.weight", "2.bias")}
    found, whole = take(model, some, loss, sgd), take(model, every, loss, sgd)
    assert list(found.parameters) == list(some)
    for name in some:
        assert torch.equal(found.parameters[name], whole.parameters[name])
    assert not torch.allclose(found.gradient[0], whole.gradient[0])


def test_a_model_that_no_parameter_moves_has_no_meta_gradient():
    class Constant(nn.Module):
        """Says one thing of every row."""

        def __init__(self):
            super().__init__()
            self.idle = nn.Parameter(tensor([1.0, 2.0]))

        def forward(self, x):
            return x[:, :2]

    model = Constant()
    step = take(model, parameters_of(model), learned(), KINDS["plain, decay"])
    assert all(not gradient.any() for gradient in step.gradient)
    assert step.parameters["idle"].tolist() == pytest.approx([0.97, 1.94])


def test_an_objective_that_hears_no_outputs_has_no_meta_gradient():
    model = model_of("dense")
    step = take(model, parameters_of(model), learned(), KINDS["plain"],
                objective=lambda f, y: y.double().sum())  # fmt: skip
    assert all(not gradient.any() for gradient in step.gradient)


def test_a_loss_or_an_objective_that_is_no_scalar_is_refused():
    class Entries(nn.Module):
        """A loss that forgot its mean."""

        def forward(self, outputs, targets):
            return functional.cross_entropy(outputs, targets, reduction="none")

    model, sgd = model_of("dense"), KINDS["plain"]
    with pytest.raises(ValueError, match=r"loss: got shape \(8,\); expected a scalar"):
        take(model, parameters_of(model), Entries(), sgd)
    with pytest.raises(ValueError, match=r"objective: got shape \(8,\); expected a scalar"):
        take(model, parameters_of(model), learned(), sgd, objective=Entries())


@pytest.mark.parametrize("where", ["x", "valid", "phi", "theta", "statistics", "momentum"])
def test_a_step_says_whether_all_of_it_is_finite(where):
    model, loss, sgd = model_of("batchnorm").float(), learned().float(), SGD(1e-9, 0.9, True, 0.0)
    parameters = parameters_of(model)
    (x, y), (xv, yv) = batches()
    x, xv = x.float(), xv.float()
    momentum = {name: torch.zeros_like(part) for name, part in parameters.items()}
    assert take(model, parameters, loss, sgd, momentum, data=((x, y), (xv, yv))).finite
    if where == "x":
        x[0, 0] = torch.nan
    elif where == "valid":
        xv[0, 0] = torch.inf
    elif where == "phi":
        with torch.no_grad():
            loss.layers[0].fill_(torch.nan)
    elif where == "theta":
        parameters["3.weight"].fill_(torch.inf)
    elif where == "statistics":
        model[1].running_var.fill_(torch.inf)  # seen in evaluation alone
    else:
        momentum["0.weight"].fill_(3.4e38)  # times 1.9e-9 no large move, and it stays what it is
        momentum["0.weight"][0, 0] = torch.inf
    assert not take(model, parameters, loss, sgd, momentum, data=((x, y), (xv, yv))).finite
