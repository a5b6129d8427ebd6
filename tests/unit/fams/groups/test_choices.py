"""A message names the choices once, and the nearest where one comes close."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from heliostat_methods.fams.estimators import parameters
from heliostat_methods.fams.gaussian import divergence, settings
from heliostat_methods.fams.groups import arguments, builder

CHOICES = ("error", "group", "drop")
REFUSE: list[tuple[Callable[[Any], Any], tuple[str, ...]]] = [
    (lambda value: arguments.choice("how", value, CHOICES), CHOICES),
    (lambda value: parameters.one_of("how", value, CHOICES), CHOICES),
    (lambda value: settings.one_of("how", value, CHOICES), CHOICES),
    (lambda value: builder.build_groups({"a": [1]}, missing=value), CHOICES),
    (lambda value: divergence.checked_kind(value), ("kl", "w2")),
]


@pytest.mark.parametrize(("refuse", "choices"), REFUSE)
@pytest.mark.parametrize("value", ["quite other", 3, None, ["drop"]])
def test_choices_are_named_once(
    refuse: Callable[[Any], Any], choices: tuple[str, ...], value: Any
) -> None:
    with pytest.raises(arguments.ArgumentError) as told:
        refuse(value)
    expected = str(told.value).partition("expected ")[2]
    assert all(expected.count(choice) == 1 for choice in choices)
    assert "mean" not in expected


@pytest.mark.parametrize("refuse", [refuse for refuse, choices in REFUSE if choices == CHOICES])
def test_the_nearest_is_asked_for(refuse: Callable[[Any], Any]) -> None:
    with pytest.raises(arguments.ArgumentError, match=r"; did you mean 'group'\?$"):
        refuse("grup")
