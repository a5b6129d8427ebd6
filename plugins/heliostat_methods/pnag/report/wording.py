"""What terminal and report say alike: the data, the front, and what may not be concluded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from heliostat_methods.pnag.report.units import cost_text, count_text, head, percent, short
from heliostat_search.statistics import mean_interval

SELECTED = (
    "Validation images chose the networks of the front, so their accuracies there are high by "
    "luck as well; test images chose nothing."
)
BEYOND = "Below 0: the generator found what no search had evaluated."
CHANCE = 1.96


def data_text(result: Mapping[str, Any]) -> str:
    """Return what was searched, on which data, and how much of it was evaluated."""
    quantity = head(result["quantity"])
    text = f"{result['space']}: {count_text(result['size'])} networks"
    evaluated, searches = f"{result['evaluated']:,}", _searches(result)
    if not trained(result):
        return f"{text} of known accuracy and {quantity}; {evaluated} evaluated. {searches}"
    train, valid, test = result["images"]
    return (
        f"{text} of one supernet, {evaluated} evaluated, small in {quantity}. "
        f"{result['dataset']}: {train:,} images train, {valid:,} validate, {test:,} test. "
        f"{searches}"
    )


def _searches(result: Mapping[str, Any]) -> str:
    seeds = result["seeds"]
    times = "one search" if seeds == 1 else f"{seeds:,} searches"
    return f"Each searcher: {times} of {result['evaluations']:,} different networks."


def trained(result: Mapping[str, Any]) -> bool:
    """Return whether networks were trained, and not looked up."""
    return bool(result["dataset"])


def front_text(result: Mapping[str, Any]) -> str:
    """Return from where to where the front goes, and of what it is the front."""
    front, quantity = result["front"], result["quantity"]
    ends = [
        f"{cost_text(quantity, one['costs'][quantity])} ({percent(one['accuracy'])})"
        for one in (front[0], front[-1])
    ]
    what = f"{len(front):,} networks from {ends[0]} to {ends[1]}"
    what = f"one network, {ends[0]}" if len(front) == 1 else what
    best = max(front, key=lambda one: one["accuracy"])
    test = "" if best["test"] is None else (
        f"; the most accurate has {percent(best['test'])} on test "
        + ("images" if trained(result) else "data")
    )  # fmt: skip
    return (
        f"The front: {what}, accuracy on validation data in brackets{test}. {whose_front(result)}"
    )


def whose_front(result: Mapping[str, Any]) -> str:
    """Return whether the front is that of the space, or of what was evaluated."""
    if is_whole(result):
        return "It is the front of the whole space" + (
            ", by shared weights." if trained(result) else "."
        )
    text = f"It is the front of all {result['evaluated']:,} networks that were evaluated"
    if result["known"]:
        return f"{text}; shares are of the front of the whole space, which is known."
    return (
        f"{text}, not of the whole space: shares are of what all searches together reached, and "
        "better networks may be there that nobody tried."
    )


def is_whole(result: Mapping[str, Any]) -> bool:
    """Return whether every network of the space was evaluated."""
    return bool(result["known"]) and int(result["evaluated"]) >= int(result["size"])


def share_text(shares: Sequence[float]) -> str:
    """Return a mean over seeds with the half-width of its interval; of one seed the mean alone."""
    found = mean_interval(shares)
    if math.isnan(found.half_width):
        return short(found.mean)
    return f"{short(found.mean)} \u00b1{short(found.half_width)}"


def difference_text(beside: Mapping[str, Any] | None) -> str:
    """Return a paired difference and its interval, "-" for the run's own searcher."""
    if beside is None:
        return "-"
    if beside["low"] is None:
        return short(beside["mean"], signed=True)
    low, high = (short(beside[end], signed=True) for end in ("low", "high"))
    return f"{short(beside['mean'], signed=True)} [{low}, {high}]"


def regret_text(answer: Mapping[str, Any]) -> str:
    """Return by how many points of accuracy an answer stays below the best known."""
    if not answer["feasible"]:
        return "over budget"
    if answer["best"] is None:
        return "-"
    return f"{100 * (answer['best'] - answer['accuracy']):.1f}"


def regrets(answers: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the regrets, in shares of 1, of the answers that have one."""
    return [
        one["best"] - one["accuracy"] for one in answers
        if one["feasible"] and one["best"] is not None
    ]  # fmt: skip


def proxy_text(result: Mapping[str, Any]) -> str:
    """Return what accuracies by shared weights say of networks trained alone, and how surely."""
    count, tau = len(result["retrained"]), result["rank_correlation"]
    if count == 0:
        return (
            "Accuracies are by shared weights, a proxy: no network was trained by itself "
            "(set retrain.networks), so how these networks would rank trained alone is not known."
        )
    if tau is None:
        return (
            f"Shared against own weights: {count} network{'s' if count > 1 else ''} trained alone, "
            "of which no rank correlation can be had; accuracies by shared weights are a proxy."
        )
    return (
        f"Shared against own weights, {count} networks: Kendall's tau {tau:+.2f}: shared weights "
        f"rank about {50 * (1 + tau):.0f} of 100 pairs as training alone does. "
        f"{_certainty(count, tau)}"
    )


def _certainty(count: int, tau: float) -> str:
    noise = chance_tau(count)
    if abs(tau) <= noise:
        told = "that is within chance, so no agreement is shown"
    else:
        told = "that is more than chance" + (", and the order is reversed" if tau < 0 else "")
    return f"Of {count} networks without any relation tau lies within \u00b1{noise:.2f}; {told}."


def chance_tau(count: int) -> float:
    """Return the half-width that holds tau 95 % of the time where nothing is related, at most 1.

    Variance 2(2n + 5) / (9n(n - 1)) of n pairs without ties (Kendall 1938), taken as normal.
    """
    return min(1.0, CHANCE * math.sqrt(2 * (2 * count + 5) / (9 * count * (count - 1))))


def reservations(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield what may not be concluded, and what the data had to bear."""
    if trained(result):
        yield proxy_text(result)
        yield SELECTED
    yield from result["remarks"]


def evenly(rows: Sequence[Any], most: int) -> list[Any]:
    """Return at most `most` rows at even places, the first and the last among them."""
    if len(rows) <= most:
        return list(rows)
    return [rows[round(at * (len(rows) - 1) / (most - 1))] for at in range(most)]
