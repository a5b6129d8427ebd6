"""`heliostat show RUN --budget TEXT`: what of a run fits a budget, for methods that answer one."""

from __future__ import annotations

from typing import Any

import pytest
from in_process import Ended, InProcess

from heliostat.contract import Within
from heliostat.errors import PluginError


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    found = InProcess(tmp_path_factory.mktemp("budgets"))
    for method in ("fits", "keeps"):
        found.json("run", method, "-o", "width=5", "--workers", "serial", "--no-report")
    return found


def run_of(here: InProcess, method: str) -> str:
    return next(str(row["run"]) for row in here.json("ls") if row["method"] == method)


def show(here: InProcess, budget: str, method: str = "fits", *more: str) -> Ended:
    return here("show", run_of(here, method), *more, "--budget", budget)


def test_what_fits_a_budget_is_shown_to_people_and_to_programs(here: InProcess) -> None:
    assert show(here, "7").stdout == "width 5\nof 1\n"
    assert here.json("show", run_of(here, "fits"), "--budget", "7") == {
        "run": run_of(here, "fits"),
        "method": "fits",
        "budget": "7",
        "feasible": True,
        "found": {"width": 5},
    }


def test_that_nothing_fits_is_the_first_thing_said(here: InProcess) -> None:
    done = show(here, "4")
    assert done.returncode == 0
    run = run_of(here, "fits")
    assert done.stdout == f"nothing in run {run} fits the budget 4\nwidth 5\nof 1\n"
    found = here.json("show", run, "--budget", "4")
    assert (found["feasible"], found["found"]) == (False, {"width": 5})


@pytest.mark.parametrize(
    ("budget", "method", "more", "code", "words"),
    [
        ("7", "keeps", (), 2, "--budget = '7': expected a run whose method answers budgets; method "
         "keeps answers no budget"),
        ("wide", "fits", (), 2, "--budget = 'wide': expected a width such as 12"),
        ("7", "fits", ("0",), 2, "KEY = '0': expected no key together with --budget"),
        ("break", "fits", (), 3, "method fits: within failed: ZeroDivisionError"),
        ("nothing", "fits", (), 3, "method fits: within returned a NoneType, expected a Within"),
    ],
)  # fmt: skip
def test_a_budget_without_an_answer_is_an_error_with_its_reason(
    here: InProcess, budget: str, method: str, more: Any, code: int, words: str
) -> None:
    done = show(here, budget, method, *more)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"text": 3}, "text = 3: expected text"),
        ({"text": "", "plain": [1]}, "plain = [1]: expected plain values by name"),
        ({"text": "", "feasible": 1}, "feasible = 1: expected True or False"),
    ],
)
def test_an_answer_of_another_shape_is_refused(given: Any, words: str) -> None:
    with pytest.raises(PluginError) as caught:
        Within(**given)
    assert words in str(caught.value)
