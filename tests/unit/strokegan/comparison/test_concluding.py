"""What a run claims: each font counts once, a seed where there is one font, failures stay told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliostat import ConfigError
from heliostat.contract import validate
from heliostat_methods.strokegan.comparison.concluding import COMPARED, Asked, concluded
from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_search.statistics import holm, paired
from heliostat_search.trainings.choosing import choose

MANY = settings(
    deadline=None, derandomize=True, max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
PLUS, PLAIN = "strokegan_plus", "cyclegan"
ASKED = (Asked(PLUS, PLAIN, "strokes and pairs add"),)


def conclude(made, targets=("hand",), variants=(PLAIN, PLUS), questions=ASKED, choices=None,
             **config):  # fmt: skip
    """Return what is concluded of trainings (item, what it came to or why it failed)."""
    items = [item for item, _ in made]
    found = [None if isinstance(one, str) else one for _, one in made]
    failures = [one if isinstance(one, str) else "" for _, one in made]
    return concluded(
        validate(StrokeGANConfig, {"steps": 6, **config}), "kai", targets, variants, questions,
        items, found, failures, {target: {"scores": {}} for target in targets}, choices or {},
    )  # fmt: skip


@pytest.fixture
def several(training, trained):
    """Return trainings of both variants with retrieval (variants, fonts, seeds)."""

    def make(retrieval):
        return [
            (training(variant, f"font{font}", seed), trained(float(value), float(value) ** 2))
            for variant, of_fonts in zip((PLAIN, PLUS), retrieval, strict=True)
            for font, of_seeds in enumerate(of_fonts)
            for seed, value in enumerate(of_seeds)
        ]

    return make


@MANY
@given(fonts=st.integers(1, 4), seeds=st.integers(1, 3), seed=st.integers(0, 99))
def test_each_font_counts_once_and_of_one_font_each_seed(fonts, seeds, seed, several) -> None:
    shares = np.random.default_rng(seed).random((2, fonts, seeds))
    names = [f"font{font}" for font in range(fonts)]
    result = conclude(several(shares), names, seeds=seeds)
    assert [one["metric"] for one in result["questions"]] == list(COMPARED)
    expected = []
    for question, values in zip(result["questions"], (shares, shares * 0 + 0.5, shares**2),
                                strict=True):  # fmt: skip
        plain, plus = values.mean(axis=2) if fonts > 1 else values[:, 0]
        assert question["n"] == (fonts if fonts > 1 else seeds) == len(plain)
        assert question["difference"] == pytest.approx((plus - plain).mean(), abs=1e-12)
        test = paired(plus, plain)
        if len(plain) > 1:
            assert question["half"] == pytest.approx(test.difference.half_width, abs=1e-9)
        else:
            assert question["half"] == 0
        expected.append(test.t_p if len(plain) > 1 else 1.0)
        assert question["p"] == pytest.approx(expected[-1], abs=1e-6)
    assert [one["corrected"] for one in result["questions"]] == pytest.approx(holm(expected))


def test_an_effect_of_one_font_is_not_shown_by_its_seeds(several) -> None:
    shares = np.full((2, 2, 3), 0.5)
    shares[1, 0] = 0.9, 0.91, 0.92
    result = conclude(several(shares), ("font0", "font1"), seeds=3)
    assert {one["verdict"] for one in result["questions"]} == {"no difference shown"}
    alone = conclude(several(shares[:, :1]), ("font0",), seeds=3)
    verdicts = {one["metric"]: one["verdict"] for one in alone["questions"]}
    assert verdicts["retrieval"] == "better"


def test_less_l1_is_better_and_one_training_shows_nothing(several) -> None:
    low = np.array([[[0.5, 0.52, 0.51]], [[0.2, 0.21, 0.2]]])
    verdicts = {one["metric"]: one["verdict"]
                for one in conclude(several(low), ("font0",))["questions"]}  # fmt: skip
    assert verdicts == {"retrieval": "worse", "distinct_nearest": "no difference shown",
                        "l1": "better"}  # fmt: skip
    single = conclude(several(low[..., :1]), ("font0",), seeds=1)
    assert {one["verdict"] for one in single["questions"]} == {"no difference shown"}
    assert single["sentence"].startswith("One training each: nothing can be told apart")


def test_a_row_has_means_and_halves_over_seeds(several) -> None:
    plain, plus = conclude(several([[[0.2, 0.4, 0.9]], [[0.5]]]), ("font0",))["rows"]
    assert (plain["variant"], plus["variant"], plain["target"]) == (PLAIN, PLUS, "font0")
    score = plain["scores"]["retrieval"]
    assert score["values"] == [0.2, 0.4, 0.9] and score["mean"] == pytest.approx(0.5)
    # Student's t of two degrees of freedom: 4.303
    half = 4.30265 * np.std([0.2, 0.4, 0.9], ddof=1) / 3**0.5
    assert score["half"] == pytest.approx(half, rel=1e-4)
    assert plus["scores"]["retrieval"]["half"] == 0
    assert plain["failed"] == "" and plain["diverged"] == 0
    assert plain["worst"] == [["永", 0.2, "na", "pie ti"]] and plain["records"] == {
        "step": [0.0, 1.0]
    }


def test_a_training_that_failed_loses_no_other(training, trained) -> None:
    made = [
        (training(PLAIN, seed=0), trained(0.3)), (training(PLAIN, seed=1), trained(0.5)),
        (training(PLUS, seed=0), "MemoryError"), (training(PLUS, seed=1), trained(0.6)),
    ]  # fmt: skip
    result = conclude(made, seeds=2)
    plain, plus = result["rows"]
    assert plain["failed"] == "" and plain["scores"]["retrieval"]["values"] == [0.3, 0.5]
    assert plus["failed"] == "MemoryError" and plus["scores"]["retrieval"]["values"] == [0.6]
    asked = result["questions"][0]
    assert asked["n"] == 1 and asked["difference"] == pytest.approx(0.1)


def test_a_variant_that_never_trained_is_a_row_without_scores(training, trained) -> None:
    made = [
        (training(PLAIN, "a"), trained(0.3)), (training(PLUS, "a"), "WorkerLost"),
        (training(PLAIN, "b"), trained(0.4)), (training(PLUS, "b"), trained(0.6)),
    ]  # fmt: skip
    result = conclude(made, ("a", "b"), seeds=1)
    rows = {(row["target"], row["variant"]): row for row in result["rows"]}
    assert len(rows) == 4
    assert rows["a", PLUS]["failed"] == "WorkerLost" and rows["a", PLUS]["scores"] == {}
    assert [key for key, row in rows.items() if row["failed"]] == [("a", PLUS)]
    assert {one["n"] for one in result["questions"]} == {1}


def test_a_question_whose_variant_never_trained_is_not_asked(training, trained) -> None:
    made = [(training(PLAIN), trained(0.3)), (training(PLUS), "WorkerLost")]
    further = (*ASKED, Asked("strokegan", PLAIN, "strokes add"))
    result = conclude(made, questions=further, seeds=2)
    assert result["questions"] == [] and result["sentence"] == ""


def test_nothing_that_trained_is_refused_with_what_went_wrong(training) -> None:
    made = [(training(PLAIN), "MemoryError"), (training(PLUS), "WorkerLost")]
    with pytest.raises(ConfigError, match=r"variants = .*expected one that trains.*MemoryError"):
        conclude(made)


def test_trainings_that_diverged_are_counted(training, trained) -> None:
    made = [(training(PLAIN, seed=seed), trained(0.1 * seed, diverged="step 3" * (seed > 0)))
            for seed in range(3)]  # fmt: skip
    (row,) = conclude(made, variants=(PLAIN,))["rows"]
    assert row["diverged"] == 2 and row["failed"] == ""


def test_rates_are_told_as_they_are(training, trained) -> None:
    def valid(asked):
        return [np.full((1, 1), abs(factor - 3.0)) for _, factor in asked]

    (choice,) = choose(1, [6], (0.5, 1.0, 2.0), 0, valid)
    made = [(training(PLAIN), trained(0.3))]
    result = conclude(made, variants=(PLAIN,), choices={PLAIN: choice}, learning_rate=0.01)
    (rate,) = result["rates"]
    assert rate["variant"] == PLAIN and rate["rate"] == pytest.approx(0.02) and rate["edge"]
    assert [one[0] for one in rate["tried"]] == pytest.approx([0.005, 0.01, 0.02])
    assert [one[1] for one in rate["tried"]] == pytest.approx([2.5, 2.0, 1.0])
    assert result["mode"] == ["float32", "contiguous"] and result["size"] == 32
