import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.spaces.layout import Blocks
from heliostat_methods.pnag.supernet import prefixes
from heliostat_methods.pnag.supernet.paths import distinct_prefixes, prefix_order
from heliostat_methods.pnag.supernet.prefixes import Chunks, accuracies, each_logits
from heliostat_methods.pnag.supernet.recalibration import recalibrate

CHUNKS = Chunks(calibration=16, evaluation=25)
PAIRS = [(k, e) for k in (3, 5) for e in (2, 4)]
UNIT = [(a,) for a in PAIRS] + [(a, b) for a in PAIRS for b in PAIRS]
ALL: list[Blocks] = list(itertools.product(UNIT, repeat=2))


def some(count: int, seed: int = 0) -> list[Blocks]:
    return [ALL[i] for i in np.random.default_rng(seed).permutation(len(ALL))[:count]]


def together(net: Any, subnets: list[Blocks], images: Tensor) -> dict[int, Tensor]:
    return dict(each_logits(net, subnets, images[:40], images[40:], CHUNKS))


def test_the_whole_space_needs_8420_blocks_where_one_by_one_takes_43200() -> None:
    # specification, section 6
    subnets = list(itertools.product(UNIT, repeat=3))
    assert (len(subnets), distinct_prefixes(subnets)) == (8000, 8420)
    assert sum(len(unit) for blocks in subnets for unit in blocks) == 43200


def test_batches_in_prefix_order_need_the_fewest_blocks() -> None:
    subnets = some(len(ALL), seed=1)
    ordered = [subnets[i] for i in prefix_order(subnets)]
    assert ordered == [ALL[i] for i in prefix_order(ALL)]
    halves = distinct_prefixes(ordered[:200]) + distinct_prefixes(ordered[200:])
    assert halves <= distinct_prefixes(ALL) + 4  # at most one prefix is in both
    assert distinct_prefixes(subnets[:200]) + distinct_prefixes(subnets[200:]) > halves


def test_logits_have_the_bits_of_each_subnet_alone(build: Any, space: Any, images: Tensor) -> None:
    net, subnets = build(space), some(12)
    found = together(net, subnets, images)
    assert sorted(found) == list(range(12))
    for index, blocks in enumerate(subnets):
        assert torch.equal(found[index], together(net, [blocks], images)[0])


def test_gated_blocks_share_prefixes_with_equal_bits(
    build: Any, gated: ElasticConvSpace, images: Tensor
) -> None:
    net, rng = build(gated), np.random.default_rng(0)
    subnets = [
        tuple(
            tuple((int(rng.choice((3, 5, 7))), int(rng.choice((2, 3, 4)))) for _ in range(depth))
            for depth in rng.integers(1, 3, 2)
        )
        for _ in range(12)
    ]
    found = together(net, subnets, images)
    for index, blocks in enumerate(subnets):
        assert torch.equal(found[index], together(net, [blocks], images)[0])


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, len(ALL) - 1), min_size=1, max_size=9))
def test_a_subnets_logits_do_not_depend_on_the_others(
    build: Any, space: Any, images: Tensor, chosen: list[int]
) -> None:
    net = build(space)
    subnets = [ALL[i] for i in chosen]
    forward = together(net, subnets, images)
    backward = together(net, subnets[::-1], images)
    for index in range(len(subnets)):
        assert torch.equal(forward[index], backward[len(subnets) - 1 - index])


def test_logits_are_those_of_the_network_with_recalibrated_statistics(
    build: Any, space: Any, images: Tensor
) -> None:
    net = build(space)
    for blocks in some(5, seed=3):
        statistics = recalibrate(net, blocks, images[:40], batch=16)
        found = together(net, [blocks], images)[0]
        with torch.no_grad():
            plain = net(images[40:], blocks, statistics)
        torch.testing.assert_close(found, plain, atol=1e-5, rtol=1e-5)


def test_subnets_come_in_lexicographic_order_and_equal_ones_each(
    build: Any, space: Any, images: Tensor
) -> None:
    subnets = [ALL[210], ALL[3], ALL[210], ALL[399]]
    order = [i for i, _ in each_logits(build(space), subnets, images[:40], images[40:], CHUNKS)]
    assert order == [1, 0, 2, 3]


def test_accuracies_are_the_shares_of_right_answers(
    build: Any, space: Any, images: Tensor, labels: Tensor
) -> None:
    net, subnets = build(space), some(6)
    found = accuracies(net, subnets, images[:40], images[40:], labels[40:], CHUNKS)
    logits = together(net, subnets, images)
    right = [(logits[i].argmax(1) == labels[40:]).float().mean().item() for i in range(6)]
    np.testing.assert_allclose(found, right, rtol=1e-6)
    assert found.shape == (6,) and found.dtype == np.float64


def test_images_in_portions_give_the_same_accuracies(
    build: Any, space: Any, images: Tensor, labels: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    net, subnets, parts = build(space), some(6), []
    whole = accuracies(net, subnets, images[:40], images[40:], labels[40:], CHUNKS)
    monkeypatch.setattr(prefixes, "PIXELS_AT_ONCE", 1)
    counted = prefixes.each_logits

    def noted(*given: Any) -> Any:
        parts.append(len(given[3]))
        return counted(*given)

    monkeypatch.setattr(prefixes, "each_logits", noted)
    small = accuracies(net, subnets, images[:40], images[40:], labels[40:], CHUNKS)
    assert small.tobytes() == whole.tobytes()
    assert sum(parts) == len(images) - 40 and max(parts) <= CHUNKS.evaluation


def test_whoever_takes_logits_keeps_autograd(build: Any, space: Any, images: Tensor) -> None:
    for _ in each_logits(build(space), some(2), images[:40], images[40:], CHUNKS):
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_bad_input_is_named(build: Any, space: Any, images: Tensor, labels: Tensor) -> None:
    net, subnets = build(space), some(2)
    with pytest.raises(DataError, match="50 evaluation images and 90 labels"):
        accuracies(net, subnets, images[:40], images[40:], labels)
    with pytest.raises(DataError, match="calibration: no images"):
        accuracies(net, subnets, images[:0], images, labels)
    with pytest.raises(ConfigError, match="calibration batch = 0: expected at least 1 image"):
        accuracies(net, subnets, images, images, labels, Chunks(calibration=0))
    with pytest.raises(DataError, match=r"logits that are not finite"):
        accuracies(net, subnets, images[:40], images * float("nan"), labels)
