"""What `du` and `watch` print of any run has room at 80 columns."""

from __future__ import annotations

import pytest
from going_runs import GoingRun
from in_process import InProcess

STAMP = "20260101-000000"
WIDE = 80


def names(here: InProcess) -> list[str]:
    lines = here("du").stdout.splitlines()
    assert max(map(len, lines)) <= WIDE
    assert len({len(line) for line in lines}) == 1  # the last column ends where it ends
    return [line[:45].strip() for line in lines[1:]]


def test_names_of_any_length_shift_no_column(here: InProcess) -> None:
    method = "a_method_of_a_name_that_is_quite_long"
    GoingRun(here.runs, f"{STAMP}-{method}-aaaa", method).end()
    GoingRun(here.runs, f"{STAMP}-\x1b[31mred\x1b[0m" * 2).end()
    shown = names(here)
    assert any(name.startswith(STAMP) and name.endswith("..-aaaa") for name in shown)
    assert any("\\x1b[31m" in name for name in shown)


@pytest.mark.parametrize("state", ["finished", "interrupted"])
def test_the_way_on_is_a_line_of_its_own(here: InProcess, state: str) -> None:
    run = GoingRun(here.runs, f"{STAMP}-step_options_markets-aaaa")
    run.end(state)
    lines = here("watch", str(run.folder.path), "--once").stdout.splitlines()
    assert f"run {run.folder.id} is {state}" in lines
    assert max(map(len, lines)) <= WIDE
