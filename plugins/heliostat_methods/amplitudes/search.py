"""The search: relations proved point by point, then floats, cost, reconstruction and discovery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heliostat import ConfigError, Run
from heliostat.errors import ExecutionError
from heliostat_methods.amplitudes.config import EVERY, AmplitudesConfig
from heliostat_methods.amplitudes.fields.prime import MERSENNE_31, primes_below
from heliostat_methods.amplitudes.names import RELATIONS
from heliostat_methods.amplitudes.relations.catalogue import catalogue
from heliostat_methods.amplitudes.relations.relation import Relation
from heliostat_methods.amplitudes.studies.batches import batch_study
from heliostat_methods.amplitudes.studies.costs import cost_study
from heliostat_methods.amplitudes.studies.discoveries import discover
from heliostat_methods.amplitudes.studies.figures import figures
from heliostat_methods.amplitudes.studies.integrations import integrate_all_plus
from heliostat_methods.amplitudes.studies.reconstructions import reconstruct
from heliostat_methods.amplitudes.tasks import Instances, compare_sides


def search(config: AmplitudesConfig, run: Run) -> dict[str, Any]:
    """Prove what the configuration names, and measure and search what it asks for besides."""
    result: dict[str, Any] = {"relations": _proved(config, run)}
    result |= batch_study(config, run)
    cost_study(config, run)
    result |= integrate_all_plus(config, run)
    result |= reconstruct(config, run)
    result |= discover(config, run)
    if config.figures:
        result["figures"] = figures()
    return result


def _proved(config: AmplitudesConfig, run: Run) -> list[dict[str, Any]]:
    items = _items(config)
    rows: dict[tuple[str, int], dict[str, Any]] = {}
    run.phase("proving relations")
    outcomes = zip(items, run.stream(compare_sides, items), strict=True)
    for done, (item, outcome) in enumerate(outcomes, 1):
        found = outcome.unwrap()
        if "unusable" in found:
            expected = f"one with regular points for {item.relation!r} and {item.n} legs"
            raise ConfigError("field", item.field, expected, found["unusable"])
        key = (item.relation, item.n)
        row = rows.setdefault(key, {
            "relation": item.relation, "n": item.n, "statement": RELATIONS[item.relation],
            "instances": len(catalogue()[item.relation].cases(item.n)), "points": {},
            "compared": 0, "equal": 0, "residual": {}, "redrawn": 0, "failed": [], "sample": None,
        })  # fmt: skip
        row["compared"] += found["compared"]
        row["equal"] += found["equal"]
        if item.begin == 0:
            row["redrawn"] += found["redrawn"]
            row["points"][item.field] = row["points"].get(item.field, 0) + 1
        row["residual"][item.field] = max(row["residual"].get(item.field, 0.0), found["residual"])
        row["failed"] += [{"field": item.field, "point": item.point, **one}
                          for one in found["failed"]]  # fmt: skip
        row["sample"] = row["sample"] or {"field": item.field, **found["sample"]}
        run.report(done, of=len(items), count=sum(one["compared"] for one in rows.values()))
    order = list(RELATIONS)
    ordered = [rows[key] for key in sorted(rows, key=lambda key: (order.index(key[0]), key[1]))]
    run.save("certificate", ordered, kind="certificate")
    _refuse_failures(ordered)
    return ordered


def _items(config: AmplitudesConfig) -> list[Instances]:
    """Cut all instances into tasks, relation by relation and point by point, as configured."""
    made = []
    for name in config.relations():
        relation = catalogue()[name]
        for n in _numbers(config, relation):
            cases = len(relation.cases(n))
            for field in fields_of(config, relation):
                for point in range(config.points):
                    made += [
                        Instances(name, n, field, point, begin, min(begin + config.chunk, cases))
                        for begin in range(0, cases, config.chunk)
                    ]
    if not made:
        raise ConfigError("n", list(config.n), "a number of legs that one of the relations has")
    return made


def _numbers(config: AmplitudesConfig, relation: Relation) -> Sequence[int]:
    if not config.n:
        return relation.numbers()
    asked = [n for n in config.n if relation.legs[0] <= n <= relation.most]
    if not asked and EVERY not in config.relation:
        least, most = relation.legs[0], relation.most
        range_text = f"{least} to {most}" if least < most else f"{least}"
        raise ConfigError("n", list(config.n), f"{range_text} legs for {relation.name!r}")
    return asked


def fields_of(config: AmplitudesConfig, relation: Relation) -> list[str]:
    """Return the fields that a relation is proved in, each prime by itself.

    One that none of the fields asked for suits is proved in its own where all relations are asked
    for; where it is named that is an error.
    """
    made: list[str] = []
    for name in config.field:
        if relation.fields and name.partition(":")[0] not in relation.fields:
            continue
        made += _primes(config) if name == "gf" else [name]
    if not made and EVERY not in config.relation:
        expected = f"{' or '.join(relation.fields)} for {relation.name!r}"
        raise ConfigError("field", list(config.field), expected)
    if not made:
        made = _primes(config) if relation.fields[0] == "gf" else [relation.fields[0]]
    return list(dict.fromkeys(made))


def _primes(config: AmplitudesConfig) -> list[str]:
    return [f"gf:{prime}" for prime in primes_below(MERSENNE_31 + 1, config.primes)]


def _refuse_failures(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        for one in row["failed"]:
            raise ExecutionError(
                f"relation {row['relation']!r} does not hold for n = {row['n']} at point "
                f"{one['point']} over {one['field']}, instance {one['case']}: {one['left'][0]} "
                f"against {one['right'][0]}; {row['compared'] - row['equal']} of {row['compared']} "
                "comparisons differ"
            )
