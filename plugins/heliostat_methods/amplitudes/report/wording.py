"""Sentences and lines that terminal and page share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat_methods.amplitudes.relations.catalogue import catalogue


def degree(n: int) -> int:
    """Return a bound on the degree of a relation of n legs, cleared of its denominators.

    Every propagator of any order, s_P for each cut of the legs into two sets of at least two, and
    the numerators of both sides, which have fewer factors than that: derived, generous.
    """
    return 2 * ((1 << (n - 1)) - n - 1) + 2 * n


def summed(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row a relation: its legs, instances, comparisons, and its largest residual."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(row["relation"], {
            "relation": row["relation"], "statement": row["statement"], "legs": [], "compared": 0,
            "equal": 0, "exact": True, "residual": 0.0, "chance": 0.0,
            "modular": True, "flat": catalogue()[row["relation"]].kind not in ("ads", "loop"),
        })  # fmt: skip
        one["legs"].append(row["n"])
        one["compared"] += row["compared"]
        one["equal"] += row["equal"]
        exact = all(name.partition(":")[0] in ("rational", "flint", "gf") for name in row["points"])
        one["exact"] = one["exact"] and exact and not catalogue()[row["relation"]].limit
        one["residual"] = max(one["residual"], *row["residual"].values())
        one["chance"] = max(one["chance"], chance(row))
        modular = any(name.startswith("gf") for name in row["points"])
        one["modular"] = one["modular"] and modular
    return list(found.values())


def chance(row: dict[str, Any]) -> float:
    """Return how likely a false relation of that degree passes at its points modulo primes."""
    likely = 1.0
    if catalogue()[row["relation"]].kind in ("ads", "loop"):  # no bound on the degree is known
        return likely
    for name, points in row["points"].items():
        kind, _, prime = name.partition(":")
        if kind == "gf":
            likely *= (degree(row["n"]) / int(prime or 2**31 - 1)) ** points
    return likely


def legs_text(legs: Sequence[int]) -> str:
    """Return 4-8, or 4, 6."""
    ordered = sorted(set(legs))
    if len(ordered) > 2 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]}-{ordered[-1]}"
    return ", ".join(map(str, ordered))


def verdict(row: dict[str, Any]) -> str:
    """Return what may be said of a relation."""
    if row["equal"] < row["compared"]:
        return f"FAILS {row['compared'] - row['equal']} times"
    if row["exact"]:
        return "equal"
    return f"holds to {row['residual']:.0e}"


def conclusion(rows: Sequence[dict[str, Any]]) -> str:
    """Return what all of it says, in a sentence or two."""
    ones = summed(rows)
    compared, equal = sum(one["compared"] for one in ones), sum(one["equal"] for one in ones)
    exact = [one for one in ones if one["exact"]]
    text = f"{len(ones)} relation{'s' * (len(ones) != 1)}, {compared:,} comparisons: "
    text += "all hold" if equal == compared else f"{compared - equal:,} FAIL"
    if len(exact) == len(ones):
        text += ", without any rounding"
    elif exact:
        text += f", {len(exact)} of them without any rounding"
    return text + "." + _chances(exact)


def _chances(exact: Sequence[dict[str, Any]]) -> str:
    """Return what the points are worth: how a false relation would have fared at them."""
    bounded = [one["chance"] for one in exact if one["modular"] and one["flat"]]
    if not bounded:
        return ""
    likely = max(bounded)
    if likely >= 1:
        return (" The primes are so small that a false relation might pass as well: take larger "
                "ones, or more points.")  # fmt: skip
    return (f" A false tree relation would have passed its points modulo primes with a chance "
            f"of at most {likely:.0e} (degree over prime, for each point).")  # fmt: skip
