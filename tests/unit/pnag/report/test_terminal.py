"""What a terminal shows at the end: every number in its unit, and what may not be concluded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pnag_outcomes import TEXTS, answer, contestant, outcome

from heliostat_methods.pnag.comparison.outcome import FrontNetwork
from heliostat_methods.pnag.report.terminal import BUDGETS, WIDTH, describe

RUN = "20260131-142530-pnag-k3f9"
HOSTILE = "<script>alert(1)</script>\n\x1b[31m, " + "long " * 40 + "x" * 200


def shown(**more: Any) -> str:
    return describe(outcome(**more).plain(), RUN)


def joined(**more: Any) -> str:
    return " ".join(shown(**more).split())


def table() -> dict[str, Any]:
    """What a run on a known space has otherwise."""
    front = [FrontNetwork("88887", 0.584, None, {"latency": 442.584e-6}),
             FrontNetwork("87072", 0.819, 0.8, {"latency": 3.244797e-3})]  # fmt: skip
    return {
        "space": "nas_bench_graph(cora)", "size": "26206", "dataset": "", "images": [],
        "quantity": "latency", "known": True, "evaluated": 4000, "front": front, "retrained": [],
        "rank_correlation": None, "losses": [], "answers": [answer(350e-6, 340e-6, 0.5, 0.55)],
    }  # fmt: skip


def test_space_data_and_front_are_said_first() -> None:
    text = joined()
    assert text.startswith(
        "elastic_conv(2 units): 400 networks of one supernet, 321 evaluated, small in MAdds. "
        "digits: 1,077 images train, 360 validate, 360 test. Each searcher: 5 searches of 100 "
        "different networks. The front: 4 networks from 250k MAdds (80.0 %) to 2M MAdds (92.0 %)"
    )
    assert "the most accurate has 91.0 % on test images" in text


def test_searchers_stand_in_a_table_with_interval_difference_and_verdict() -> None:
    lines = shown().splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("searcher"))
    head, own, other = lines[at : at + 3]
    assert head.split("  ")[0] == "searcher" and head.endswith("ensemble is")
    assert own.split()[0] == "ensemble" and own.endswith("-")
    assert other.split()[0] == "random" and other.endswith("no difference shown")
    assert other.count("\u00b1") == 1 and other.count("[+.") == 1


def test_networks_drawn_at_random_are_a_column_where_there_are_any() -> None:
    assert "random: networks of a search" not in joined()
    made = outcome()
    filled = [made.contestants[0], contestant("gp", 0.9, 5, made.contestants[0].shares)]
    object.__setattr__(filled[1], "filled", [3, 0, 0, 4, 0])
    lines = shown(contestants=filled).splitlines()
    row = next(line for line in lines if line.startswith("gp "))
    assert row.split()[-1] == "1.4"
    assert "random: networks of a search that were drawn" in joined(contestants=filled)


def test_answers_over_budget_are_marked_and_do_not_count() -> None:
    lines = shown().splitlines()
    rows = [line.split() for line in lines if line.lstrip().startswith(("300k", "600k", "1M"))]
    assert rows[0] == ["300k", "250k", "79.0", "%", "80.0", "%", "1.0"]
    assert rows[1][-2:] == ["over", "budget"]
    assert rows[2][-1] == "0.0"
    assert "1 of 3 answers cost more than their budget" in joined()


def test_of_a_long_sweep_some_are_shown_and_the_others_counted() -> None:
    many = [answer(1e3 * at, 1e3 * at, 0.5, 0.5) for at in range(1, 31)]
    text = joined(answers=many)
    assert f"The report has {30 - BUDGETS} more." in text
    lines = shown(answers=many).splitlines()
    assert [line for line in lines if line.startswith("    1k")]
    assert [line for line in lines if line.startswith("   30k")]


def test_the_rank_correlation_is_said_with_what_chance_gives() -> None:
    text = joined()
    assert "4 networks: Kendall's tau +0.64: shared weights rank about 82 of 100 pairs" in text
    assert "tau lies within \u00b10.96; that is within chance, so no agreement is shown" in text
    twelve = [outcome().retrained[0]] * 12
    assert "\u00b10.43; that is more than chance." in joined(retrained=twelve)
    worse = joined(retrained=twelve, rank_correlation=-0.9)
    assert "that is more than chance, and the order is reversed" in worse


def test_without_retrained_networks_accuracies_are_said_to_be_a_proxy() -> None:
    text = joined(retrained=[], rank_correlation=None)
    assert "a proxy: no network was trained by itself (set retrain.networks)" in text
    one = joined(retrained=outcome().retrained[:1], rank_correlation=None)
    assert "1 network trained alone, of which no rank correlation can be had" in one


def test_a_front_of_what_was_evaluated_is_not_called_that_of_the_space() -> None:
    assert "321 networks that were evaluated, not of the whole space" in joined()
    assert "the whole space, by shared weights." in joined(known=True, evaluated=400)
    known = joined(**table())
    assert "shares are of the front of the whole space, which is known." in known
    assert "on test data" in known and "on test images" not in known
    assert "proxy" not in known and "Validation images" not in known


def test_an_answer_beyond_all_that_searches_evaluated_is_said() -> None:
    assert "Below 0" not in joined()
    better = [replace(one, best=0.5) for one in outcome().answers]
    assert "Below 0: the generator found what no search had evaluated." in joined(answers=better)


def test_latency_is_told_in_readable_units() -> None:
    text = joined(**table())
    assert "from 443 us (58.4 %) to 3.24 ms (81.9 %)" in text
    assert "350us --budget" not in text
    assert f"heliostat show {RUN} --budget 3.3ms" in text


def test_what_is_next_can_be_copied() -> None:
    last = shown().splitlines()[-2:]
    assert last == [
        f"a network for a budget: heliostat show {RUN} --budget 1M",
        f"pictures: heliostat report {RUN}",
    ]


def test_one_seed_has_no_intervals() -> None:
    text = shown(seeds=1)
    rows = [line for line in text.splitlines() if line.startswith(("ensemble ", "random "))]
    assert "\u00b1" not in "".join(rows) and "[" not in "".join(rows)
    assert "nan" not in text


def test_hostile_names_stay_inside_79_columns_and_obey_nothing() -> None:
    made = outcome()
    named = [made.contestants[0], contestant("r" * 60 + "\x1b[2J", 0.5, 5, [0.9] * 5)]
    text = shown(dataset=HOSTILE, space=HOSTILE, remarks=[HOSTILE], contestants=named)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\x1b" not in text


costs = st.floats(1e-9, 1e15)
shares = st.floats(0, 1)


@settings(max_examples=60, deadline=None)
@given(
    quantity=st.sampled_from(["madds", "params", "latency", "energy"]),
    cost=costs,
    wide=st.floats(1, 1e6),
    share=shares,
    accuracy=shares,
    seeds=st.integers(1, 4),
    size=st.integers(1, 10**400),
)
def test_any_outcome_fits_79_columns_without_nan(
    quantity: str, cost: float, wide: float, share: float, accuracy: float, seeds: int, size: int
) -> None:
    front = [FrontNetwork(TEXTS[0], accuracy, None, {quantity: cost}),
             FrontNetwork(TEXTS[1], accuracy, accuracy, {quantity: cost * wide})]  # fmt: skip
    own = contestant("ensemble", share, seeds, None)
    beside = contestant("optuna_nsga2", share / 2, seeds, own.shares)
    answers = [answer(cost, cost * wide, accuracy, None), answer(cost, cost / 2, 0.0, accuracy)]
    text = shown(
        seeds=seeds, size=str(size), quantity=quantity, front=front, answers=answers,
        contestants=[own, beside], evaluated=1,
    )  # fmt: skip
    table = [line for line in text.splitlines() if "heliostat " not in line]
    assert max(map(len, table)) <= WIDTH
    assert "nan" not in text.lower() and "inf" not in text.lower()


def test_units_promote_at_their_edge() -> None:
    from heliostat_methods.pnag.report.units import bare, count_text, roomy_budget

    assert [bare("madds", one) for one in (999.4, 999.6, 999_600, 1.2e6, 7e12)] == [
        "999", "1k", "1M", "1.2M", "7,000G",
    ]  # fmt: skip
    assert [bare("latency", one) for one in (350e-6, 0.0123, 2.5, 4e-8)] == [
        "350 us", "12.3 ms", "2.5 s", "0.04 us",
    ]  # fmt: skip
    assert count_text("21758655492572485851") == "2.18e19"
    assert count_text("26206") == "26,206"
    assert roomy_budget("madds", 341_234.0) == "350k"


@settings(max_examples=200, deadline=None)
@given(quantity=st.sampled_from(["madds", "params", "latency"]), cost=st.floats(1e-7, 1e14))
def test_the_budget_that_is_proposed_can_be_read_and_is_enough(quantity: str, cost: float) -> None:
    from heliostat_methods.pnag.cost.budget import read_any_budget
    from heliostat_methods.pnag.report.units import roomy_budget

    found = read_any_budget(roomy_budget(quantity, cost), quantity)
    assert found.quantity == quantity
    assert cost * (1 - 1e-12) <= found.value <= 1.11 * cost


@pytest.mark.parametrize(("count", "wanted"), [(2, 1.0), (3, 1.0), (8, 0.566), (100, 0.1330)])
def test_what_chance_gives_tau_follows_kendalls_variance(count: int, wanted: float) -> None:
    from heliostat_methods.pnag.report.wording import chance_tau

    assert chance_tau(count) == pytest.approx(wanted, abs=5e-4)
