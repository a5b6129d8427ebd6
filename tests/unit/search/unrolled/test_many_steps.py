"""The gradient through many steps: beside autograd through all of them, in parts, in stacks."""

import weakref
from dataclasses import dataclass, field, replace

import pytest
import torch

from heliostat_search.unrolled.many_steps import through_steps
from heliostat_search.unrolled.sgd import SGD

KINDS = {
    "plain": SGD(0.2, 0.0, False, 0.0),
    "plain, decay": SGD(0.2, 0.0, False, 0.1),
    "heavy-ball": SGD(0.2, 0.9, False, 0.0),
    "heavy-ball, decay": SGD(0.2, 0.9, False, 0.1),
    "nesterov": SGD(0.2, 0.9, True, 0.0),
    "nesterov, decay": SGD(0.2, 0.9, True, 0.1),
}
PARAMETERS, WEIGHTS = 6, 4
X = torch.randn(9, 8, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = torch.sin(3 * X.sum(2))


def outputs(theta, x):
    """A network 3-1 with a bent scale, (..., 8) for theta (..., 6) and x (8, 3)."""
    hidden = torch.tanh(theta[..., None, :3] * x + theta[..., None, 3:])
    return hidden.sum(-1)


def loss(theta, phi, step):
    """A loss of the step's batch with weights phi (..., 4), a number for each network."""
    e = outputs(theta, X[step]) - Y[step]
    scale, bend, shift, power = (phi[..., i, None] for i in range(WEIGHTS))
    return (scale * e**2 + torch.sin(bend * e + shift) + 0.1 * power * e**3).mean(-1)


def judged(theta):
    return ((outputs(theta, X[8]) - Y[8]) ** 2).mean(-1)


@dataclass
class Learning:
    """The loss by autograd, one network or a stack."""

    phi: torch.Tensor

    def gradient(self, step, theta):
        own = theta.detach().requires_grad_()
        (found,) = torch.autograd.grad(loss(own, self.phi, step).sum(), own)
        return found

    def second(self, step, theta, along):
        own, phi = theta.detach().requires_grad_(), self.phi.detach().requires_grad_()
        (slope,) = torch.autograd.grad(loss(own, phi, step).sum(), own, create_graph=True)
        bent, by_phi = torch.autograd.grad((slope * along).sum(), (own, phi))
        return bent, by_phi

    def objective(self, theta):
        own = theta.detach().requires_grad_()
        value = judged(own)
        (slope,) = torch.autograd.grad(value.sum(), own)
        return value.detach(), slope


def drawn(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def all_at_once(theta, phi, count, sgd, rate=None):
    """The objective after ``count`` steps with a graph through all of them."""
    rate = sgd.learning_rate if rate is None else rate
    buffer = None
    theta = theta.clone().requires_grad_()
    for step in range(count):
        (gradient,) = torch.autograd.grad(loss(theta, phi, step), theta, create_graph=True)
        slope = gradient + sgd.weight_decay * theta
        buffer = slope if buffer is None else sgd.momentum * buffer + slope
        direction = slope + sgd.momentum * buffer if sgd.nesterov else buffer
        theta = theta - rate * (direction if sgd.momentum else slope)
    return judged(theta), theta


@pytest.mark.parametrize("count", [1, 2, 5, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_autograd_through_all_steps(kind, count):
    sgd, theta, phi = KINDS[kind], drawn(1, PARAMETERS), drawn(2, WEIGHTS).requires_grad_()
    log_rate = torch.tensor(sgd.learning_rate, dtype=torch.float64).log().requires_grad_()
    value, after = all_at_once(theta, phi, count, sgd, log_rate.exp())
    by_phi, by_rate = torch.autograd.grad(value, (phi, log_rate))
    found = through_steps(Learning(phi.detach()), theta, count, sgd)
    assert found.objective.item() == pytest.approx(value.item(), rel=1e-12)
    assert torch.allclose(found.theta, after.detach(), rtol=1e-12, atol=1e-14)
    assert torch.allclose(found.gradient, by_phi, rtol=1e-9, atol=1e-9 * by_phi.norm().item())
    assert found.by_log_rate.item() == pytest.approx(by_rate.item(), rel=1e-9)
    assert by_phi.norm() > 1e-3 and abs(by_rate) > 1e-3


@pytest.mark.parametrize("kind", ["plain, decay", "heavy-ball", "nesterov, decay"])
def test_every_segment_gives_equal_bits(kind):
    theta, phi = drawn(1, PARAMETERS), drawn(2, WEIGHTS)
    one, *others = (
        through_steps(Learning(phi), theta, 7, KINDS[kind], segment)
        for segment in (None, 1, 2, 3, 4, 6, 7, 8, 100)
    )
    for other in others:
        assert torch.equal(other.gradient, one.gradient)
        assert torch.equal(other.by_log_rate, one.by_log_rate)
        assert torch.equal(other.theta, one.theta)
        assert torch.equal(other.objective, one.objective)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_of_two_is_each_alone(kind):
    theta, phi, sgd = drawn(1, 2, PARAMETERS), drawn(2, 2, WEIGHTS), KINDS[kind]
    both = through_steps(Learning(phi), theta, 5, sgd)
    assert both.objective.shape == both.by_log_rate.shape == (2,)
    assert both.gradient.shape == (2, WEIGHTS) and both.theta.shape == (2, PARAMETERS)
    for row in range(2):
        alone = through_steps(Learning(phi[row]), theta[row], 5, sgd)
        assert alone.objective.shape == alone.by_log_rate.shape == ()
        for name in ("objective", "gradient", "by_log_rate", "theta"):
            one, other = getattr(both, name)[row], getattr(alone, name)
            assert torch.allclose(one, other, rtol=1e-10, atol=1e-13)


def test_a_stack_with_one_loss_for_all_adds_what_each_says():
    theta, phi, sgd = drawn(1, 2, PARAMETERS), drawn(2, WEIGHTS), KINDS["nesterov"]
    both = through_steps(Learning(phi), theta, 5, sgd)
    alone = [through_steps(Learning(phi), row, 5, sgd).gradient for row in theta]
    assert torch.allclose(both.gradient, alone[0] + alone[1], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_rates_of_rows_are_those_of_the_step_row_by_row(kind):
    theta, phi, sgd = drawn(1, 3, PARAMETERS), drawn(2, 3, WEIGHTS), KINDS[kind]
    rates = torch.tensor([[0.02], [0.2], [0.7]], dtype=torch.float64)
    found = through_steps(Learning(phi), theta, 5, sgd, rate=rates)
    for row, rate in enumerate(rates[:, 0].tolist()):
        own = replace(sgd, learning_rate=rate)
        alone = through_steps(Learning(phi[row]), theta[row], 5, own)
        for name in ("objective", "gradient", "by_log_rate", "theta"):
            one, other = getattr(found, name)[row], getattr(alone, name)
            assert torch.allclose(one, other, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("sgd", [SGD(0.2, 0.0, False, 0.0), SGD(0.2, 0.9, True, 0.1)])
def test_what_comes_in_stays_and_memory_that_is_used_again_does_no_harm(sgd):
    class Reusing(Learning):
        """Gives everything out in one place, which its next answer overwrites."""

        def __init__(self, phi):
            super().__init__(phi)
            self.places = {}

        def gradient(self, step, theta):
            return self._put("gradient", super().gradient(step, theta))

        def second(self, step, theta, along):
            bent, by_phi = super().second(step, theta, along)
            return self._put("bent", bent), self._put("by_phi", by_phi)

        def _put(self, name, found):
            place = self.places.setdefault(name, torch.empty_like(found))
            return place.copy_(found)

    theta, phi = drawn(1, PARAMETERS), drawn(2, WEIGHTS)
    kept = theta.clone()
    expected = through_steps(Learning(phi), theta, 6, sgd)
    found = through_steps(Reusing(phi), theta, 6, sgd)
    assert torch.equal(theta, kept)
    assert torch.equal(found.gradient, expected.gradient)
    assert torch.equal(found.by_log_rate, expected.by_log_rate)


@dataclass
class Flat:
    """A loss whose gradient is 1 everywhere; counts what it is asked, and parameters alive."""

    asked: list[int] = field(default_factory=list)
    alive: set[int] = field(default_factory=set)
    most: int = 0

    def gradient(self, step, theta):
        self.asked.append(step)
        self._see(theta)
        return torch.ones_like(theta)

    def second(self, step, theta, along):
        self._see(theta)
        return torch.zeros_like(theta), torch.zeros(1)

    def objective(self, theta):
        return theta.sum(), torch.ones_like(theta)

    def _see(self, theta):
        if id(theta) not in self.alive:
            self.alive.add(id(theta))
            weakref.finalize(theta, self.alive.discard, id(theta))
        self.most = max(self.most, len(self.alive))


@pytest.mark.parametrize("count", [1, 2, 9, 10, 100, 250])
@pytest.mark.parametrize("segment", [None, 1, 7, 1000])
def test_each_step_is_taken_twice_at_most_and_few_parameters_are_held(count, segment):
    flat = Flat()
    through_steps(flat, torch.zeros(1), count, KINDS["nesterov"], segment)
    assert flat.asked[:count] == list(range(count))
    assert all(flat.asked.count(step) <= 2 for step in range(count))
    length = min(segment or 1 + int((count - 1) ** 0.5), count)
    # the last step of a segment leads to where the next begins, and is not taken again
    segments = -(-count // length)
    assert len(flat.asked) == 2 * count - segments
    # a segment's own, and at most the one before and after a step; kept beginnings are copies
    assert flat.most <= length + 3


def test_without_a_segment_it_is_the_square_root():
    flat = Flat()
    through_steps(flat, torch.zeros(1), 250, KINDS["plain"])
    assert flat.most <= 16 + 3


@pytest.mark.parametrize("count", [0, -3])
def test_no_step_is_refused(count):
    with pytest.raises(ValueError, match=f"count: got {count}; expected at least 1 step"):
        through_steps(Flat(), torch.zeros(1), count, KINDS["plain"])


@pytest.mark.parametrize("segment", [0, -1])
def test_a_segment_of_no_step_is_refused(segment):
    with pytest.raises(ValueError, match=f"segment: got {segment}; expected at least 1 step"):
        through_steps(Flat(), torch.zeros(1), 4, KINDS["plain"], segment)
