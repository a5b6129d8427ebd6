"""Searchers side by side: how their share of the front grew, and who was ahead at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliostat.report import Plot, Section, Series, Table, Text
from heliostat_methods.pnag.report.wording import difference_text, share_text, whose_front


def searchers_section(result: Mapping[str, Any]) -> Section:
    """Return the growth of shares, then the table of searchers with paired tests."""
    own = result["searcher"]
    head = ["searcher", "what it is", "share", f"{own} less it", "p (Holm)", "verdict", "random"]
    rows = [_row(one) for one in result["contestants"]]
    told = (
        "share: of the front's hypervolume in the plane of log cost and error, mean over "
        f"{result['seeds']:,} seeds with the half-width of its 95 % interval. Differences are "
        "paired by seed; p is of the paired t-test, corrected by Holm for the number of "
        f"searchers; the verdict says of {own} what it is beside that one. Where no difference is "
        "shown there may still be one smaller than its interval. random: networks of a search "
        "that were drawn where the searcher proposed nothing new."
    )
    few = "" if result["seeds"] >= 20 else (
        " Seeds are few: a claim that one searcher is better needs twenty, on data that were not "
        "used to choose its settings."
    )  # fmt: skip
    return Section(
        "Searchers", [_growth(result), Table(head, rows), Text(told + few),
                      Text(whose_front(result))],
    )  # fmt: skip


def _growth(result: Mapping[str, Any]) -> Plot:
    banded = result["seeds"] > 1
    series = [
        Series(one["name"], [float(count) for count in one["counts"]], one["curve"],
               low=one["low"] if banded else None, high=one["high"] if banded else None)
        for one in result["contestants"]
    ]  # fmt: skip
    note = "Higher sooner is better." + (
        " Bands are 95 % intervals of the mean over seeds, each by itself: searchers of one seed "
        "begin alike, so judge by the paired differences."
        if banded
        else " One seed: there are no intervals, and nothing may be concluded."
    )
    return Plot("Share of the front's hypervolume", "different networks evaluated", "share",
                series, note=note)  # fmt: skip


def _row(one: Mapping[str, Any]) -> list[str | float | None]:
    beside = one["beside"]
    p = "-" if beside is None or beside["p"] is None else f"{beside['p']:.3f}"
    verdict = "-" if beside is None else beside["verdict"]
    filled = sum(one["filled"]) / len(one["filled"])
    return [one["name"], one["sentence"], share_text(one["shares"]), difference_text(beside), p,
            verdict, f"{filled:g}"]  # fmt: skip
