"""What a run works on, in a few words, as lists of runs say it."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat.driver.summary import LONGEST_SUBJECT, subject
from heliostat.plugins.registry import registry


@pytest.mark.parametrize(
    ("method", "settings", "said"),
    [
        ("step_options", {}, "out-call K=100, 1 y, barrier 90"),
        ("step_options", {"barriers": [80, 125], "rates": [5, 0, 5], "kind": "put"},
         "out-put K=100, 1 y, barrier 80, 125"),
        ("step_options", {"book": "desk/contracts.csv"}, "contracts.csv"),
        ("evomal", {"datasets": ["digits", "wine"]}, "digits, wine"),
        ("fams", {"dataset": "adult"}, "adult"),
        ("pnag", {"dataset": "digits"}, "elastic_conv, digits"),
        ("latency", {}, "elastic_conv"),
        ("tune", {"method": "step_options", "space": {"vol": {"low": 0.1, "high": 0.2}}},
         "step_options: out-call K=100, 1 y, barrier 90"),
        ("tune", {"method": "evomal", "base": {"datasets": ["wine"]},
                  "space": {"population": {"low": 4, "high": 8}}}, "evomal: wine"),
    ],
)  # fmt: skip
def test_a_configuration_says_what_it_works_on(
    method: str, settings: dict[str, Any], said: str
) -> None:
    spec = registry().method(method)
    assert subject(spec, spec.config.model_validate(settings)) == said
    assert len(said) <= LONGEST_SUBJECT
