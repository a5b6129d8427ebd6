"""An audit in sentences, and its table for a terminal of 80 columns."""

from __future__ import annotations

import textwrap

import numpy as np

from heliostat_methods.fams.commands.findings import LEVEL, Findings, Subgroup
from heliostat_methods.fams.metrics.bootstrap import GapInterval, Interval

WIDTH = 79
MOST_NAMED, MOST_SHOWN = 4, 30
_NAME = 22


def terminal_lines(found: Findings) -> list[str]:
    """Return what a terminal shows: sentences first, then the table of subgroups."""
    lines: list[str] = []
    for text in sentences(found):
        lines += [*textwrap.wrap(text, WIDTH), ""]
    lines += _table(found.subgroups[:MOST_SHOWN], found.rows.by)
    hidden = len(found.subgroups) - MOST_SHOWN
    if hidden > 0:
        lines.append(f"... {hidden:,} more; --json and --report have them all")
    return [*lines, "", *textwrap.wrap(TABLE_NOTE, WIDTH)]


TABLE_NOTE = (
    "difference: outcome rate of the subgroup less that of all rows of the same scores; above 0 "
    "the score understates it. An interval is 95 % for its one subgroup: of many, some miss by "
    "chance. ! stands out among all subgroups (Holm). * few rows: fewer than 5 outcomes of one "
    "kind are expected, so the difference is not tested and its interval is rough."
)


def sentences(found: Findings) -> list[str]:
    """Return the findings in words, the verdict first."""
    return [
        _what(found),
        _verdict(found),
        _size(found.interval),
        _plug_in(found),
        _standing_out(found.subgroups),
        _accuracy(found),
    ]


def _what(found: Findings) -> str:
    rows, of = found.rows, " x ".join(found.rows.by)
    equally = "row" if found.settings.weights == "population" else "subgroup"
    bins = f"{found.bins} score bin" + ("" if found.bins == 1 else "s")
    return (
        f"{rows.source}: {len(rows.y):,} rows in {len(found.subgroups):,} subgroups of {of}; "
        f"{rows.outcome} in {interval(found.rate, 3)} of them (95 % intervals in brackets). Scores "
        f"fill {bins}; every {equally} counts the same."
    )


def _verdict(found: Findings) -> str:
    test = found.test
    draws = len(test.null)
    p = f"p = {test.p_value:.2g} by {draws:,} permutations of labels inside the bins"
    if test.p_value * (1 + draws) < 1.5:
        p = f"p = {test.p_value:.2g}, the least that {draws:,} permutations of labels can show"
    if test.p_value <= LEVEL:
        return (
            "The score is not equally right for all subgroups: among rows of one score, outcomes "
            f"differ between subgroups by more than chance gives ({p}).{_bins_suspected(found)}"
        )
    if any(one.stands_out for one in found.subgroups):
        return (
            "Taken together, subgroups differ among rows of one score by no more than chance gives "
            f"({p}). One by one, some do: see below."
        )
    if found.rate.value in (0.0, 1.0):
        return (
            f"Nothing can be compared: {found.rows.outcome} in "
            f"{'none' if found.rate.value == 0 else 'all'} of the rows, and where outcomes do not "
            "differ subgroups cannot."
        )
    size = "" if found.interval is None else "; the interval below says how large it may be"
    return (
        "No difference is shown: among rows of one score, outcomes differ between subgroups by no "
        f"more than chance gives ({p}). That is no proof that there is none{size}."
    )


def _bins_suspected(found: Findings) -> str:
    if found.test.excess > 2 * found.bins_alone:
        return ""
    return (
        " Bins alone may explain that: inside a bin, scores of subgroups differ, and so would the "
        "outcomes of a score that is right. Take more --bins before you believe it."
    )


def _size(found: GapInterval | None) -> str:
    if found is None:
        return (
            "How large the differences are cannot be said: no score bin holds two subgroups with "
            "two rows each. Take fewer bins or larger subgroups."
        )
    text = (
        f"Typical difference: {interval(found.root, 3)}, as a root mean square that small "
        "subgroups do not inflate"
    )
    if found.coverage < 0.9995:
        text += f"; {100 * found.coverage:.1f} % of the weight is in cells it can use"
    return text + "."


def _plug_in(found: Findings) -> str:
    low, high = np.quantile(found.test.null, [0.025, 0.975])
    chance = interval(Interval(float(found.test.null.mean()), float(low), float(high)), 3)
    ends = found.interval
    again = ""
    if ends is not None:
        low, high = ends.plug_in.low, ends.plug_in.high
        again = f" [{low:.3f}, {high:.3f} were labels drawn again]"
    return (
        f"Plug-in gap: {found.test.gap:.3f}{again}. Chance alone gives {chance} with these "
        f"subgroups, and bins alone {found.bins_alone:.3f} to a score that is right, so read it "
        "beside these, never by itself."
    )


def _standing_out(subgroups: tuple[Subgroup, ...]) -> str:
    tested = sum(not one.difference.few for one in subgroups)
    out = [one for one in subgroups if one.stands_out]
    if not tested:
        return "No subgroup has rows enough to be tested by itself."
    if not out:
        return f"Of {tested:,} subgroups tested one by one, none stands out (Holm, 5 %)."
    named = "; ".join(_named(one) for one in out[:MOST_NAMED])
    more = f"; and {len(out) - MOST_NAMED:,} more" if len(out) > MOST_NAMED else ""
    stand = "stands" if len(out) == 1 else "stand"
    return (
        f"Of {tested:,} subgroups tested one by one, {len(out):,} {stand} out (Holm, 5 %): "
        f"{named}{more}."
    )


def _named(one: Subgroup) -> str:
    apart = one.difference
    side = "understated" if apart.difference > 0 else "overstated"
    size = Interval(*sorted_ends(apart.difference, apart.low, apart.high))
    return f"{apart.group} is {side} by {interval(size, 3)}"


def sorted_ends(value: float, low: float, high: float) -> tuple[float, float, float]:
    """Return a difference and its ends as an amount above 0."""
    return (value, low, high) if value > 0 else (-value, -high, -low)


def _accuracy(found: Findings) -> str:
    worst = min(found.subgroups, key=lambda one: (one.accuracy.accuracy, one.difference.group))
    low = Interval(worst.accuracy.accuracy, worst.accuracy.low, worst.accuracy.high)
    rows = worst.accuracy.rows
    return (
        f"Accuracy at 0.5: {interval(found.accuracy, 3)}; lowest in {worst.difference.group}, "
        f"{interval(low, 2)} of {rows:,} row{'' if rows == 1 else 's'}; the lowest of several is "
        f"low by chance, too. Brier score {interval(found.brier, 3)}, log loss "
        f"{interval(found.log_loss, 3)}."
    )


def interval(one: Interval, digits: int) -> str:
    """Return ``0.24 [0.20, 0.28]``."""
    return f"{one.value:.{digits}f} [{one.low:.{digits}f}, {one.high:.{digits}f}]"


def _table(subgroups: tuple[Subgroup, ...], by: tuple[str, ...]) -> list[str]:
    title = ", ".join(by)
    title = title if len(title) <= _NAME else "subgroup"
    wide = min(_NAME, max(len(title), *(len(_values(one, by)) for one in subgroups)))
    head = f"{'rows':>9}  {'score':>5}  {'outcome rate':<17}  {'difference':<20}"
    lines = [f"{title:<{wide}} {head}".rstrip()]
    for one in subgroups:
        name = _values(one, by)
        if len(name) > wide:  # on a line of its own rather than cut: ends tell groups apart
            lines += textwrap.wrap(name, WIDTH)
            name = ""
        lines.append(f"{name:<{wide}} {_numbers(one)}".rstrip())
    return lines


def _values(one: Subgroup, by: tuple[str, ...]) -> str:
    """Return ``Black, F`` of ``race=Black, sex=F``: the head of the table names the columns."""
    name = one.difference.group
    for column in by:
        name = name.replace(f"{column}=", "", 1)
    return name


def _numbers(one: Subgroup) -> str:
    apart = one.difference
    signed = f"{apart.difference:+.2f} [{apart.low:+.2f}, {apart.high:+.2f}]"
    mark = "*" if apart.few else "!" if one.stands_out else ""
    rate = interval(one.rate, 2)
    return f"{apart.rows:>9,}  {one.mean_score:>5.2f}  {rate:<17}  {signed:<20} {mark}"
