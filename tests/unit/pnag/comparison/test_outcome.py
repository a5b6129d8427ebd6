"""What a run stores of its outcome."""

from __future__ import annotations

import json

import pytest
from pnag_outcomes import answer, outcome

from heliostat.values.canonical import decode, encode


def test_what_is_stored_is_plain_and_has_the_outputs_at_its_top() -> None:
    made = outcome()
    plain = made.plain()
    assert decode(encode(plain)) == plain
    assert json.loads(json.dumps(plain, allow_nan=False))["sentence"] == made.sentence
    own = made.contestants[0]
    assert plain["hypervolume"] == pytest.approx(sum(own.shares) / len(own.shares))
    assert plain["accuracy"] == max(one.accuracy for one in made.front)
    assert plain["contestants"][1]["beside"]["verdict"] == "no difference shown"


def test_regret_is_of_answers_that_fit_and_have_something_to_be_held_against() -> None:
    told = [
        answer(300e3, 250e3, 0.75, 0.8),  # 0.05 below
        answer(600e3, 500e3, 0.85, 0.84),  # 0.01 above
        answer(600e3, 650e3, 0.10, 0.84),  # over its budget
        answer(100e3, 90e3, 0.10, None),  # nothing known within the budget
    ]
    assert outcome(answers=told).plain()["regret"] == pytest.approx(0.02)


def test_without_an_answer_that_fits_there_is_no_regret() -> None:
    assert "regret" not in outcome(answers=[answer(600e3, 650e3, 0.9, 0.84)]).plain()


def test_the_run_s_own_searcher_counts_wherever_it_stands() -> None:
    made = outcome()
    turned = outcome(contestants=made.contestants[::-1])
    assert turned.plain()["hypervolume"] == made.plain()["hypervolume"]
