"""The list of runs: what is chosen, in what order, and what 80 columns show."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat.cli.runs_table import (
    checked_sort,
    checked_state,
    has_tags,
    in_order,
    lines,
    read_tags,
)
from heliostat.errors import ConfigError


def run(end: str, **more: Any) -> dict[str, Any]:
    return {
        "run": f"20260101-000000-step_options-{end}",
        "name": "",
        "method": "step_options",
        "on": "out-call K=100, 1 y, barrier 90, 95, 100, 105",
        "state": "interrupted",
        "phase": "pricing by mc_bridge",
        "step": 120,
        "of": 1000,
        "best": {"abs_error": 0.0123456},
        "seed": 7,
        "digest": None,
        "outcomes": 10,
        "stored": 12,
        "failures": 1,
        "created": 1e9,
        "seconds": 7384.0,
        "bytes": 123_456_789,
        "tags": {"paper": "", "series": "b"},
        "note": "",
        **more,
    }


def test_the_important_columns_stay_at_80_columns() -> None:
    shown = lines([run("aaaa"), run("bbbb", name="tuesday")], 80)
    assert max(map(len, shown)) <= 80
    head, first, second = shown
    assert head.split()[:4] == ["run", "state", "step", "best"]
    assert "20260101-000000-step_options-aaaa" in first
    assert all(word in first for word in ("interrupted", "120/1000", "abs_error 0.01235"))
    assert second.startswith("tuesday ")
    assert "bbbb" not in second


def test_without_a_width_all_columns_are_shown() -> None:
    head, line, _ = lines([run("aaaa"), run("bbbb", name="tuesday")], None)
    for word in ("on", "begin", "duration", "method", "tags", "tasks", "failed", "size", "seed"):
        assert word in head.split()
    for text in ("2 h 3 min", "123 MB", "10 (12 stored)", "paper, series=b", "out-call K=100"):
        assert text in line


def test_names_that_a_terminal_would_obey_are_shown_on_one_line() -> None:
    (_, line) = lines([run("aaaa", on="a\n\x1b[2J", tags={})], None)
    assert "\x1b" not in line
    assert "a\\n" in line


@pytest.mark.parametrize(
    ("field", "order"),
    [("begin", "cba"), ("-begin", "abc"), ("size", "acb"), ("best", "bca"), ("run", "abc")],
)
def test_runs_are_sorted_by_a_field(field: str, order: str) -> None:
    runs = [
        run("a", created=1.0, bytes=3, best={"x": 3.0}),
        run("b", created=2.0, bytes=1, best={"x": 1.0}),
        run("c", created=3.0, bytes=2, best={"x": 2.0}),
    ]
    assert "".join(one["run"][-1] for one in in_order(runs, checked_sort(field))) == order


@pytest.mark.parametrize(("field", "order"), [("best", "bcad"), ("-best", "acbd")])
def test_the_best_is_first_where_a_goal_is_to_be_large(field: str, order: str) -> None:
    runs = [
        run("a", best={"x": 1.0}, goals={"x": "max"}),
        run("b", best={"x": 3.0}, goals={"x": "max"}),
        run("c", best={"x": 2.0}, goals={"x": "max"}),
        run("d", best={}, goals={"x": "max"}),
    ]
    assert "".join(one["run"][-1] for one in in_order(runs, checked_sort(field))) == order


def test_tags_are_asked_for_by_key_or_value() -> None:
    mine = run("a")
    assert has_tags(mine, read_tags(["paper", "series=b"]))
    assert not has_tags(mine, read_tags(["series=c"]))
    assert not has_tags(mine, read_tags(["other"]))
    with pytest.raises(ConfigError, match="--tag"):
        read_tags(["=x"])


def test_an_unknown_value_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'running'"):
        checked_state("runing")
    with pytest.raises(ConfigError, match="did you mean 'duration'"):
        checked_sort("-durations")
