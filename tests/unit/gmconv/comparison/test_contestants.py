"""What is compared: every kind once, sweeps behind what they vary, labels that tell them apart."""

from __future__ import annotations

from typing import Any

from heliostat.contract import validate
from heliostat_methods.gmconv.comparison.contestants import contestants
from heliostat_methods.gmconv.config import GMConvConfig
from heliostat_methods.gmconv.found.product import _file_name
from heliostat_methods.gmconv.names import VARIANTS
from heliostat_methods.gmconv.training.variant import Variant


def found(**values: Any) -> list[Variant]:
    return contestants(validate(GMConvConfig, values))


def test_all_names_are_contestants_in_the_order_that_was_asked() -> None:
    asked = list(VARIANTS)[::-1]
    some = found(variants=asked, fixed_sigmas=[1.5])
    assert [one.kind for one in some] == asked
    assert [one.label for one in some] == [
        "fixed 1.5" if name == "fixed" else name for name in asked
    ]


def test_sweeps_follow_what_they_vary() -> None:
    some = found(
        variants=["static", "fixed", "dynamic"], further_rate_factors=[30, 0.5],
        fixed_sigmas=[1, 2.5], sigma_init=3, sigma_rate_factor=2, reduction=8, preserve=True,
        sigma_param="softplus",
    )  # fmt: skip
    assert [(one.label, one.sigma, one.rate_factor) for one in some] == [
        ("static", 3.0, 2.0), ("static, sigma x30", 3.0, 30.0), ("static, sigma x0.5", 3.0, 0.5),
        ("fixed 1", 1.0, 2.0), ("fixed 2.5", 2.5, 2.0), ("dynamic", 3.0, 2.0),
    ]  # fmt: skip
    assert {(one.reduction, one.preserve, one.sigma_param) for one in some} == {
        (8, True, "softplus")
    }


def test_no_two_have_one_label_or_one_product() -> None:
    some = found(
        variants=["static", "fixed"], fixed_sigmas=[1e-6, 1e6, 1.0, 1.00000001],
        further_rate_factors=[1e-6, 1e6, 2.0, 2.00000001],
    )  # fmt: skip
    assert len({one.label for one in some}) == len({_file_name(one.label) for one in some}) == 9
