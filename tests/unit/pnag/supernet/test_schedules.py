"""The sandwich rule and progressive shrinking."""

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.sandwich import Sandwich
from heliostat_methods.pnag.supernet.shrinking import ProgressiveShrinking

KEEP = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


def test_a_sandwich_is_largest_smallest_and_random_ones(choices: SubnetChoices) -> None:
    plan = Sandwich(random=3).plan(choices, 0, 10, np.random.default_rng(0))
    assert plan.subnets[:2] == (choices.largest, choices.smallest)
    assert len(plan.subnets) == 5 and plan.teacher == "first"
    again = Sandwich(random=3).plan(choices, 7, 10, np.random.default_rng(0))
    assert again == plan
    other = Sandwich(random=3).plan(choices, 0, 10, np.random.default_rng(1))
    assert other.subnets[2:] != plan.subnets[2:]


def elastic(plan: Any, choices: SubnetChoices) -> set[str]:
    found = set()
    for blocks in plan.subnets:
        for unit, largest in zip(blocks, choices.largest, strict=True):
            found |= {"depth"} if len(unit) < len(largest) else set()
            for (kernel, expand), (most, widest) in zip(unit, largest, strict=False):
                found |= {"kernel"} if kernel != most else set()
                found |= {"width"} if expand != widest else set()
    return found


def test_shrinking_adds_kernels_then_depths_then_widths(choices: SubnetChoices) -> None:
    schedule, rng = ProgressiveShrinking((0.4, 0.2, 0.2, 0.2)), np.random.default_rng(0)
    plans = [schedule.plan(choices, step, 100, rng) for step in range(100)]
    assert all(p.subnets == (choices.largest,) and p.teacher == "none" for p in plans[:40])
    assert all(p.teacher == "frozen" and len(p.subnets) == 2 for p in plans[40:])
    for start, seen in ((40, {"kernel"}), (60, {"kernel", "depth"}),
                        (80, {"kernel", "depth", "width"})):  # fmt: skip
        phase = [elastic(p, choices) for p in plans[start : start + 20]]
        assert set().union(*phase) == seen
    assert [i for i, p in enumerate(plans) if p.freeze] == [40]
    assert [i for i, p in enumerate(plans) if p.sort] == [80]


@settings(max_examples=60, **KEEP)  # type: ignore[arg-type]
@given(st.integers(1, 60), st.lists(st.integers(0, 5), min_size=3, max_size=3), st.integers(1, 5))
def test_a_teacher_is_frozen_before_it_teaches_whatever_the_shares(
    choices: SubnetChoices, steps: int, later: list[int], first: int
) -> None:
    total = first + sum(later)
    shares = tuple(share / total for share in (first, *later))
    schedule, rng = ProgressiveShrinking(shares, random=1), np.random.default_rng(0)  # type: ignore[arg-type]
    plans = [schedule.plan(choices, step, steps, rng) for step in range(steps)]
    assert plans[0].teacher == "none"
    taught = [i for i, p in enumerate(plans) if p.teacher == "frozen"]
    assert [i for i, p in enumerate(plans) if p.freeze] == taught[:1]
    narrow = [i for i, p in enumerate(plans) if "width" in elastic(p, choices)]
    sorts = [i for i, p in enumerate(plans) if p.sort]
    assert len(sorts) <= 1 and (not narrow or sorts[0] <= narrow[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sandwich(-1), r"random = -1: expected 0 random subnets"),
        (lambda: ProgressiveShrinking(random=0), r"random = 0: expected 1 random subnet"),
        (lambda: ProgressiveShrinking((0.5, 0.2, 0.2, 0.2)), r"shares = .*that sum to 1"),
        (lambda: ProgressiveShrinking((0.0, 0.4, 0.3, 0.3)), r"shares = .*a first phase"),
    ],
)
def test_settings_that_make_no_schedule_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
