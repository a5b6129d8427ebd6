"""What a policy may say."""

from __future__ import annotations

import pytest

from heliostat_methods.lutnn.converting.policy import LutPolicy


def test_values_by_default_are_those_of_the_paper():
    policy = LutPolicy()
    assert (policy.linear, policy.convolution, policy.pointwise, policy.clusters) == (
        16, None, 4, 16,
    )  # fmt: skip
    assert policy.keep_first
    assert policy.keep_last
    assert policy.settings.temperature == 0.065


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"only_faster": "cost-model"},
            "only_faster: 'cost-model', expected one of cost_model, probe, no; did you mean "
            "'cost_model'?",
        ),
        (
            {"init": "kmean"},
            "init: 'kmean', expected one of kmeans, random; did you mean 'kmeans'?",
        ),
        ({"keep": "fc"}, "keep: 'fc', expected names in a tuple, ('fc',)"),
        ({"linear": 0}, "linear: 0, expected a whole number, at least 1"),
        ({"linear": True}, "linear: True, expected a whole number, at least 1"),
        ({"convolution": 0}, "convolution: 0, expected a whole number, at least 1"),
        ({"pointwise": 2.0}, "pointwise: 2.0, expected a whole number, at least 1"),
        ({"clusters": 1}, "clusters: 1, expected a whole number, at least 2"),
        ({"clusters": 257}, "clusters: 257, expected at most 256"),
        ({"rows": 15}, "rows: 15, expected a whole number, at least 16"),
    ],
)
def test_what_is_not_so_is_refused(options, message):
    with pytest.raises(ValueError) as error:
        LutPolicy(**options)
    assert str(error.value) == message
