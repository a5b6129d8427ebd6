"""One step of online loss learning: the closed form against autograd through the update."""

import pytest
import torch
from torch.autograd import grad

from heliostat_methods.adalfl.stacks.dense import DenseStack, parameter_count
from heliostat_methods.adalfl.stacks.loss_networks import LossNetworkStack
from heliostat_methods.adalfl.stacks.objectives import objective
from heliostat_search.loss_networks.shape import LossShape

RATE, DECAY = 0.05, 5e-4
# name: momentum, nesterov
DESCENTS = {"plain": (0.0, False), "heavy ball": (0.9, False), "nesterov": (0.9, True)}


def step(theta, slope, buffer, momentum, nesterov):
    """Return parameters and buffer after one step of SGD, as torch.optim.SGD defines it."""
    slope = slope + DECAY * theta
    if not momentum:
        return theta - RATE * slope, buffer
    buffer = momentum * buffer + slope
    return theta - RATE * (slope + momentum * buffer if nesterov else buffer), buffer


@pytest.mark.parametrize("descent", DESCENTS)
@pytest.mark.parametrize("within", ["relu", "smooth_leaky_relu"])
@pytest.mark.parametrize(
    ("task", "widths"),
    [
        ("regression", (4, 1)),
        ("regression", (4, 6, 5, 1)),
        ("classification", (4, 6, 1)),
        ("classification", (4, 6, 3)),
        ("classification", (4, 10)),
    ],
)
def test_two_steps_meta_gradients_are_those_of_a_double_backward(
    descent, within, task, widths, plain, draw
):
    R, B, C = 3, 8, widths[-1]
    momentum, nesterov = DESCENTS[descent]
    shape = LossShape((6, 5), 0.01, 10.0, within)
    theta, phi = draw(R, parameter_count(widths)), draw(R, shape.weights)
    buffer = torch.zeros_like(theta)
    losses = LossNetworkStack(phi, shape, task)
    k = -RATE * (1 + momentum) if nesterov else -RATE
    generator = torch.Generator().manual_seed(4)
    for _ in range(2):
        x, valid_x = draw(R, B, 4), draw(R, B + 1, 4)
        y, valid_y = (plain.labels(R, rows, C, task, generator) for rows in (B, B + 1))
        train, valid = DenseStack(widths, theta), DenseStack(widths, theta)
        values, slopes = losses.slopes(train.forward(x), y)
        new, new_buffer = step(theta, train.pull(slopes), buffer, momentum, nesterov)
        valid.theta = new
        reached, at_valid = objective(valid.forward(valid_x), valid_y, task)
        meta = k * losses.by_weights(train.push(valid.pull(at_valid)))
        for r in range(R):
            weights, start = phi[r].clone().requires_grad_(), theta[r].clone().requires_grad_()
            value = plain.learned(weights, shape, plain.dense(start, widths, x[r]), y[r], task)
            (slope,) = grad(value, start, create_graph=True)
            after, _ = step(start, slope, buffer[r], momentum, nesterov)
            loss = plain.task_loss(plain.dense(after, widths, valid_x[r]), valid_y[r], task)
            (wanted,) = grad(loss, weights)
            torch.testing.assert_close(values[r], value.detach(), rtol=1e-10, atol=1e-12)
            torch.testing.assert_close(reached[r], loss.detach(), rtol=1e-10, atol=1e-12)
            torch.testing.assert_close(new[r], after.detach(), rtol=1e-10, atol=1e-12)
            apart = (meta[r] - wanted).abs().max()
            assert apart <= 1e-8 * wanted.abs().max()
            assert wanted.abs().max() > 0
        theta, buffer = new, new_buffer
        phi.sub_(0.1 * meta)


# Two steps of a linear model without a bias, plain SGD below (0.1) and above (0.05): M, theta
# after the step, the validation loss, and the meta-gradient, from an implementation of its own.
STEPS = [
    (
        0.2568515793,
        [0.1145816437, -0.1855383332],
        0.2851962215,
        [-0.0107271954, -0.0036519936, 0.0374211494, -0.0016077234, -0.0055754289, -0.0152387236],
    ),
    (
        0.2528905853,
        [0.1291771340, -0.1709741868],
        0.2695205975,
        [-0.0104614607, -0.0036558472, 0.0363859878, -0.0016184636, -0.0053902393, -0.0149296368],
    ),
]
REACHED = [0.5010594328, -0.3996346080, -0.3036903569, 0.6001613093, 0.7005482834, 0.8015084180]


def test_two_steps_by_hand():
    def rows(values):
        return torch.tensor([values], dtype=torch.float64)

    x, y = rows([[1, 2], [-1, 0.5], [0.5, -1]]), rows([[1], [-0.5], [0.2]])
    valid_x, valid_y = rows([[0.5, 1], [1, -1]]), rows([[0.6], [0.1]])
    theta, phi = rows([0.1, -0.2, 0.0]), rows([0.5, -0.4, -0.3, 0.6, 0.7, 0.8])
    without_bias = rows([1.0, 1.0, 0.0])
    losses = LossNetworkStack(phi, LossShape((2,), 0.01, 10.0), "regression")
    for value, after, reached, meta in STEPS:
        train = DenseStack((2, 1), theta)
        values, slopes = losses.slopes(train.forward(x), y)
        theta = theta - 0.1 * train.pull(slopes) * without_bias
        valid = DenseStack((2, 1), theta)
        found, at_valid = objective(valid.forward(valid_x), valid_y, "regression")
        change = valid.pull(at_valid) * without_bias
        gradient = -0.1 * losses.by_weights(train.push(change))
        assert values.item() == pytest.approx(value, abs=1e-9)
        assert theta[0, :2].tolist() == pytest.approx(after, abs=1e-9)
        assert found.item() == pytest.approx(reached, abs=1e-9)
        assert gradient[0].tolist() == pytest.approx(meta, abs=1e-9)
        phi.sub_(0.05 * gradient)
    assert phi[0].tolist() == pytest.approx(REACHED, abs=1e-9)
