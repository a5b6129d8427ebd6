"""The generator: identities of specification 5.4, and the plain loop as its oracle."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.looped import LoopedGenerator
from heliostat_methods.pnag.spaces.mobilenet import OFAMobileNetV3Space
from heliostat_methods.pnag.spaces.moves import within
from heliostat_methods.pnag.spaces.space import Decision

OFA = OFAMobileNetV3Space().decisions
KNOTS = (80, 110, 140, 170, 200)
LOG3 = math.log(3)


def ofa(**options):
    return ArchitectureGenerator(OFA, KNOTS, np.random.default_rng(0), **options)


def uniform(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return model


def depth_sum(archs):
    """Blocks in all: depths are 2, 3, 4 and stand first among nine decisions of each unit."""
    return archs[:, ::9].sum(1) + 10


def test_shapes_are_those_of_the_authors():
    model = ofa()
    assert [decision.kind for decision in OFA[:3]] == ["depth", "expand", "kernel"]
    assert model.vocabulary.kinds == ("depth", "expand", "kernel")
    assert sum(parameter.numel() for parameter in model.parameters()) == 34_761
    assert all(float(parameter.detach().abs().max()) <= 0.1 for parameter in model.parameters())


def test_uniform_unmasked_policy_is_that_of_45_free_choices():
    said = uniform(ofa(masked=False)).sample([80, 200], np.random.default_rng(0))
    assert_allclose(said.log_prob.detach().numpy(), -49.437552990065, rtol=1e-6)
    assert_allclose(said.entropy.detach().numpy(), 49.437552990065, rtol=1e-6)
    assert said.choices.min() == 0
    assert (said.archs == -1).any()


def test_uniform_masked_policy_counts_what_exists():
    said = uniform(ofa()).sample(np.full(50, 100), np.random.default_rng(0))
    expected = -5 * LOG3 - 2 * LOG3 * depth_sum(said.archs)
    assert_allclose(said.log_prob.detach().numpy(), expected, rtol=1e-6)
    assert_allclose(said.entropy.detach().numpy(), -expected, rtol=1e-6)


def test_mean_log_probability_is_minus_the_entropy():
    with torch.no_grad():
        said = ofa().sample(np.full(1000, 120), np.random.default_rng(1))
        excess = (said.log_prob + said.entropy).double().numpy()
    # 5 standard errors.
    assert abs(excess.mean()) < 5 * excess.std() / math.sqrt(len(excess))


def test_log_probabilities_of_everything_sum_to_one():
    decisions = (
        Decision("d", "depth", (1, 2, 3)),
        Decision("k", "kernel", (3, 5), parent=0, least=1),
        Decision("e", "expand", (1, 2, 4, 6), parent=1, least=1),
    )
    model = ArchitectureGenerator(decisions, (1, 2), np.random.default_rng(0), hidden=3)
    rows = [[0, -1, -1]]
    rows += [[d, 0, -1] for d in (1, 2)] + [[d, 1, e] for d in (1, 2) for e in range(4)]
    with torch.no_grad():
        probabilities = model.log_prob(np.array(rows), 1.3).exp().numpy()
        drawn = model.sample(np.full(4000, 1.3), np.random.default_rng(2)).archs
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)
    frequency = [(drawn == row).all(1).mean() for row in np.array(rows)]
    # 5 standard deviations of a binomial share.
    assert_allclose(frequency, probabilities, atol=5 * math.sqrt(0.25 / 4000))


@st.composite
def spaces(draw):
    """Any few decisions, some that exist only after others, in up to three kinds."""
    widths = [draw(st.integers(1, 4)) for _ in range(3)]
    decisions = []
    for place in range(draw(st.integers(1, 6))):
        kind = draw(st.integers(0, 2))
        parent = draw(st.none() | st.integers(0, place - 1)) if place else None
        least = draw(st.integers(0, 3)) if parent is not None else 0
        choices = tuple(range(widths[kind]))
        decisions.append(Decision(f"x{place}", f"kind {kind}", choices, parent, least))
    return tuple(decisions)


@settings(deadline=None, max_examples=15)
@given(spaces(), st.booleans(), st.sampled_from(["linear", "nearest"]), st.integers(0, 99))
def test_values_and_gradients_are_those_of_the_loop(decisions, masked, interpolation, seed):
    model = ArchitectureGenerator(
        decisions, (1, 2, 4), np.random.default_rng(seed), 5, masked, interpolation=interpolation
    ).double()
    budgets = [1.0, 1.4, 3.9]
    said = model.sample(budgets, np.random.default_rng(seed))
    assert within(decisions, said.archs).all()
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    ((said.log_prob + 0.3 * said.entropy) @ weights).backward()

    plain = LoopedGenerator(model)
    total = torch.zeros(())
    for row, budget in enumerate(budgets):
        _, log_prob, entropy = plain(budget, None, said.choices[row])
        assert float(log_prob.detach()) == pytest.approx(
            float(said.log_prob[row].detach()), abs=1e-12
        )
        assert float(entropy.detach()) == pytest.approx(
            float(said.entropy[row].detach()), abs=1e-12
        )
        total = total + weights[row] * (log_prob + 0.3 * entropy)
    total.backward()
    i, f, g, o = plain.cell.weight_hh.grad.chunk(4)
    assert_allclose(model.weight_state.grad, torch.cat((o, i, f, g)), atol=1e-12)
    i, f, g, o = plain.cell.weight_ih.grad.chunk(4)
    assert_allclose(model.weight_input.grad, torch.cat((o, i, f, g)), atol=1e-12)
    assert_allclose(model.budget.vectors.grad, plain.budget.vectors.grad, atol=1e-12)
    for kind, head in plain.heads.items():
        begin = next(
            first
            for first, decision in zip(model.vocabulary.first, decisions, strict=True)
            if decision.kind == kind
        )
        words = slice(begin, begin + head.out_features)
        for ours, theirs in (
            (model.head_weight, head.weight),
            (model.head_bias, head.bias),
            (model.vectors, plain.vectors[kind].weight),
        ):
            expected = 0 if theirs.grad is None else theirs.grad
            assert_allclose(ours.grad[words], expected, atol=1e-12)


@pytest.mark.parametrize("masked", [True, False])
def test_evaluated_again_samples_are_as_likely(masked):
    model = ofa(masked=masked)
    budgets = np.linspace(80, 200, 7)
    said = model.sample(budgets, np.random.default_rng(3))
    again = model.evaluate(said.choices, budgets)
    assert_allclose(again.log_prob.detach(), said.log_prob.detach(), rtol=1e-6)
    assert_allclose(again.entropy.detach(), said.entropy.detach(), rtol=1e-6)
    assert_array_equal(again.archs, said.archs)


def test_the_loop_draws_the_same_from_the_same_numbers():
    model = ofa(masked=False)
    said = model.sample([90, 190], np.random.default_rng(4))
    rng, plain = np.random.default_rng(4), LoopedGenerator(model)
    assert plain(90, rng)[0] == said.choices[0].tolist()
    assert plain(190, rng)[0] == said.choices[1].tolist()


def test_more_samples_leave_the_first_ones_as_they_are():
    model = ofa()
    few = model.sample(np.full(3, 100), np.random.default_rng(5)).archs
    with torch.no_grad():
        many = model.sample(np.full(1500, 100), np.random.default_rng(5)).archs
    assert_array_equal(many[:3], few)
    assert len(many) == 1500


def test_greedy_takes_the_likeliest_choice_everywhere():
    decisions = tuple(Decision(f"x{place}", "op", (0, 1, 2)) for place in range(4))
    model = ArchitectureGenerator(decisions, (1, 2), np.random.default_rng(0), hidden=4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(20)
        row = model.greedy(1.5).archs[0]
        everything = np.stack(np.meshgrid(*[range(3)] * 4, indexing="ij"), -1).reshape(-1, 4)
        chances = model.log_prob(everything, 1.5).exp().numpy()
    for place in range(4):
        same = (everything[:, :place] == row[:place]).all(1)
        of_choice = [chances[same & (everything[:, place] == choice)].sum() for choice in range(3)]
        assert row[place] == np.argmax(of_choice)


def test_equal_streams_give_equal_bits():
    runs = [ofa().sample([100, 150], np.random.default_rng(6)) for _ in range(2)]
    assert_array_equal(runs[0].archs, runs[1].archs)
    assert torch.equal(runs[0].log_prob, runs[1].log_prob)


def test_refused_arguments_are_named():
    model = ofa()
    with pytest.raises(ConfigError, match=r"budget = 70.0: expected a number from 80 to 200"):
        model.sample(70, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="hidden = 0"):
        ofa(hidden=0)
    with pytest.raises(DataError, match=r"choices\[0\] is no row"):
        model.log_prob(np.full((1, 45), 3), 100)
    with pytest.raises(DataError, match="what was said at every decision needed"):
        unmasked = ofa(masked=False)
        unmasked.log_prob(unmasked.sample(100, np.random.default_rng(0)).archs, 100)
