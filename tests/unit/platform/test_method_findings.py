"""What methods say to doctor, and what stands there when one cannot be asked."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from heliostat_test_methods import METHODS

from heliostat import hookimpl
from heliostat.contract import Finding
from heliostat.errors import PluginError
from heliostat.ops.method_findings import of_methods
from heliostat.plugins.registry import Registry


def found(examine: Any) -> list[Finding]:
    registry = Registry()
    method = dataclasses.replace(METHODS["count"], examine=examine)
    hooks = {"heliostat_methods": hookimpl(lambda: [method])}
    registry.register(SimpleNamespace(**hooks), "mine")
    return list(of_methods(registry))


def leaves() -> list[Finding]:
    raise SystemExit("a method that wants to leave")


def test_what_a_method_finds_is_shown_beside_that_of_the_built_in_ones() -> None:
    mine = Finding("telescope", "warning", "cap on", "take it off")
    shown = found(lambda: [mine])
    assert mine in shown
    assert "fonts" in {one.name for one in shown}


@pytest.mark.parametrize(
    ("examine", "why"),
    [
        (leaves, "a method that wants to leave"),
        (lambda: 3, "could not be asked"),
        (lambda: ["fine"], "a list with a str, expected a Finding"),
        (lambda: [Finding("telescope", "broken", "cap on")], "state = 'broken'"),  # type: ignore[arg-type]
    ],
)
def test_a_method_that_fails_is_a_warning_and_others_are_asked(examine: Any, why: str) -> None:
    shown = {one.name: one for one in found(examine)}
    assert shown["count"].state == "warning"
    assert why in shown["count"].found
    assert shown["fonts"].state == "ok"


def test_a_finding_judges_its_fields() -> None:
    with pytest.raises(PluginError, match="found = 3: expected text"):
        Finding("telescope", "ok", 3)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="expected a function or None"):
        dataclasses.replace(METHODS["count"], examine=3)
