"""The page of a run: residuals, poles and diagrams first, then tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat.contract import RunView
from heliostat.report import Folded, Picture, Plot, Section, Series, Table, Text
from heliostat_methods.amplitudes.report.wording import conclusion, legs_text, summed, verdict
from heliostat_methods.amplitudes.studies.costs import counts


def report(view: RunView) -> Sequence[Section]:
    """Return the sections of the page; of a run that has not ended, what is known."""
    result = view.result
    if result is None:
        return [Section("So far", [Text(view.so_far() or "No comparison has ended yet.")])]
    sections = [_relations(result["relations"])]
    sections += [make(result) for key, make in _PARTS.items() if key in result]
    sections += _cost(view)
    sections.append(_certificates(result["relations"]))
    return sections


def _relations(rows: Sequence[dict[str, Any]]) -> Section:
    ones = summed(rows)
    bars = Plot(
        "Comparisons of each relation", "relation", "comparisons, all legs and points",
        [Series("equal", list(range(len(ones))), [one["equal"] for one in ones], style="bars"),
         Series("different", list(range(len(ones))),
                [one["compared"] - one["equal"] for one in ones], style="bars")],
        categories=[one["relation"] for one in ones],
        note="Every bar of differences should be empty: one comparison that differs refutes.",
    )  # fmt: skip
    table = Table(
        ["relation", "what it says", "legs", "comparisons", "verdict", "largest residual"],
        [[one["relation"], one["statement"], legs_text(one["legs"]), one["compared"], verdict(one),
          f"{one['residual']:.0e}" if one["residual"] else "0"] for one in ones],
        "Both sides are computed at random points. Equal means equal: no tolerance. That is a "
        "proof up to the chance stated above, not a derivation. Where a relation has more than "
        "some twenty instances, such as orders of legs, as many are taken, spread evenly.",
    )  # fmt: skip
    return Section("Relations", [Text(conclusion(rows), strong=True), bars, table])


def _batch(result: dict[str, Any]) -> Section:
    batch = result["batch"]
    middle = [10 ** ((a + b) / 2) for a, b in zip(batch["edges"], batch["edges"][1:], strict=False)]

    def points(label: str, counts: Sequence[int]) -> Series:
        there = [(x, count) for x, count in zip(middle, counts, strict=True) if count]
        return Series(label, [x for x, _ in there], [count for _, count in there], style="points")

    histogram = Plot(
        "Floats over phase space", "relative size", "points",
        [points("Ward residual (e -> k)", batch["residuals"]),
         points("error against Parke and Taylor", batch["errors"])],
        log_x=True, log_y=True,
        note="The tail is points with nearly parallel legs, where terms cancel and momenta add up "
        "to 16 digits of the largest alone. The residual, known without the answer, follows.",
    )  # fmt: skip
    content: list[Any] = [histogram, Text(
        f"{batch['points']:,} points, {batch['n']} legs, helicities --+..+. "
        f"{batch['flagged']:,} points had a residual above {batch['flag_above']:.0e}."
    )]  # fmt: skip
    if batch["again"]:
        content.append(Folded("Points computed again with 40 digits", [Table(
            ["point of its block", "Ward residual in floats", "with 40 digits",
             "error of the float"],
            [[at, f"{a:.1e}", f"{b:.1e}", f"{c:.1e}"] for at, a, b, c in batch["again"]],
        )]))  # fmt: skip
    return Section("Accuracy of floats", content)


def _integral(result: dict[str, Any]) -> Section:
    one = result["integral"]
    samples = [row[0] for row in one["steps"]]
    first = one["steps"][0]
    guide = [first[1] * (first[0] / n) ** 0.5 for n in samples]
    plot = Plot(
        "The all-plus loop of four gluons", "samples", "error, relative to the box coefficient",
        [Series("standard error", samples, [row[1] for row in one["steps"]]),
         Series("distance to -1/6", samples, [row[2] for row in one["steps"]], style="points"),
         Series("samples^(-1/2)", samples, guide)],
        log_x=True, log_y=True,
        note="A finite combination of the integrand, by importance sampling. Distances lie about "
        "the standard error: two of three below it.",
    )  # fmt: skip
    value, error = one["value"][0], one["error"]
    return Section("One loop, integrated", [plot, Text(
        f"{value:.6f} ± {error:.6f} from {one['samples']:,} samples; closed form "
        f"{one['known']:.6f}. "
        f"The imaginary part, {one['value'][1]:.1e} ± {one['imaginary_error']:.1e}, is 0."
    )])  # fmt: skip


def _cost(view: RunView) -> list[Section]:
    found: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for _, item, seconds in view.found("amplitudes.seconds_of"):
        found.setdefault((item.field, item.way), []).append((item.n, seconds))
    if not found:
        return []

    def line(label: str, field: str, way: str) -> Series:
        points = found[field, way]
        return Series(label, [n for n, _ in points], [seconds for _, seconds in points])

    start = found["rational", "recursion"]
    legs = [n for n, _ in start]
    guides = [Series(f"n^{power}", legs, [start[0][1] * (n / legs[0]) ** power for n in legs])
              for power in (3, 5)]  # fmt: skip
    exact = Plot(
        "One exact amplitude", "legs", "CPU seconds",
        [line("rationals", "rational", "recursion"), line("modulo 2^31 - 1", "gf", "recursion"),
         *guides], log_x=True, log_y=True,
        note="Vectors of 2n - 1 products in sums over O(n^4) splits; rationals grow with n "
        "besides. Measured on this machine, no part of the digest.",
    )  # fmt: skip
    ways = Plot(
        "The same values by other ways", "legs", "CPU seconds, rationals",
        [line(way, field, way) for field, way in found if field == "rational"], log_y=True,
        note="Without cache, by 2^(n-1) finite differences, or graph by graph, work grows as a "
        "power of a number; the recursion and the substitution stay polynomial.",
    )  # fmt: skip
    table = Table(
        ["legs", "words that are kept", "currents without cache", "cubic graphs"],
        counts(legs),
        "Currents computed for one amplitude, the unit in which the recursions compare.",
    )
    return [Section("Cost", [exact, ways, table])]


def _reconstructed(result: dict[str, Any]) -> Section:
    rows = [[row["quantity"], row["n"], len(row["primes"]), len(row["skipped"]), row["value"]]
            for row in result["reconstructed"]]  # fmt: skip
    return Section("Values lifted from residues", [Table(
        ["quantity", "legs", "primes", "left out", "value"], rows,
        "At the standard points. Each was fixed by all primes but the last, which confirmed it, "
        "and is equal to the recursion over the rationals.",
    )])  # fmt: skip


def _discovered(result: dict[str, Any]) -> Section:
    content: list[Any] = []
    for row in result["discovered"]:
        content.append(Text(row["sentence"]))
        if row.get("history"):
            history = row["history"]
            content.append(Plot(
                row["title"], "generation", "fitness, best of the population",
                [Series("best", list(range(len(history))), history, style="step")],
                note="Residual rank of the ansatz plus its size; lower is better.",
            ))  # fmt: skip
        if row.get("rows"):
            content.append(Table(row["columns"], row["rows"]))
    return Section("Discovery", content)


def _figures(result: dict[str, Any]) -> Section:
    figures = result["figures"]
    content: list[Any] = [
        Picture(f"Cubic diagrams of {n} legs in the order 0..{int(n) - 1}", svg,
                f"What m(id|id) of {n} bi-adjoint scalars is the sum of: a line inside is 1/s_P.")
        for n, svg in figures["diagrams"].items()
    ]  # fmt: skip
    content.append(Picture(
        "Rings of the one-loop integrand of 4 legs, without quartic vertices", figures["rings"],
        "A number alone is a leg at the ring; legs joined first have a tree current. 25 rings with "
        "quartic vertices.",
    ))  # fmt: skip
    poles = figures["poles"]
    content.append(Plot(
        "Energies at which psi_YM of 4 legs has its terms", "energy, a sum of norms",
        "|coefficient| of the term",
        [Series("partial energies", [row[1] for row in poles if not row[4]],
                [abs(row[3]) for row in poles if not row[4]], style="points"),
         Series("total energy", [row[1] for row in poles if row[4]],
                [abs(row[3]) for row in poles if row[4]], style="points")],
        log_y=True,
        note="At the standard point. psi is the sum of coefficient / energy^order; where the total "
        "energy goes to 0 its coefficient goes to the flat amplitude.",
    ))  # fmt: skip
    content.append(Folded("The terms", [Table(
        ["energy", "value", "order", "coefficient"],
        [[name, f"{energy:.4g}", order, f"{c:.4g}"] for name, energy, order, c, _ in poles],
        "|k_0| + |k_1+k_2| is the sum of the norms of k_0 and of k_1 + k_2.",
    )]))  # fmt: skip
    for title, text, tex in figures["expressions"]:
        content += [Text(title), Text(text, code=True), Text(tex, code=True)]
    return Section("Diagrams, poles, expressions", content)


def _certificates(rows: Sequence[dict[str, Any]]) -> Section:
    table = Table(
        ["relation", "legs", "instance", "field", "left", "right"],
        [[row["relation"], row["n"], str(row["sample"]["case"]), row["sample"]["field"],
          _short(row["sample"]["left"][0]), _short(row["sample"]["right"][0])] for row in rows],
        "The first instance of each, both sides. The product `certificate` of the run has the "
        "point of each in full; points follow from the run's seed, the field, n and their number.",
    )  # fmt: skip
    return Section("Certificates", [Folded("Both sides of one instance each", [table])])


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


_PARTS = {
    "figures": _figures, "batch": _batch, "integral": _integral, "reconstructed": _reconstructed,
    "discovered": _discovered,
}  # fmt: skip
