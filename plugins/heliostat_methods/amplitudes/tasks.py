"""What runs on a worker: instances of a relation at a point, a batch of floats, samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from heliostat import TaskContext, stored, task
from heliostat_methods.amplitudes.errors import NoPoint
from heliostat_methods.amplitudes.relations.catalogue import catalogue
from heliostat_methods.amplitudes.relations.proof import Compared, compare


@stored("amplitudes.instances")
@dataclass(frozen=True)
class Instances:
    """Instances [begin, end) of a relation for n legs at one random point of a field."""

    relation: str
    n: int
    field: str
    point: int
    begin: int
    end: int


@task("amplitudes.compare_sides")
def compare_sides(item: Instances, ctx: TaskContext) -> dict[str, Any]:
    """Return how the sides of some instances compare; the point is named by field, n and number."""
    relation = catalogue()[item.relation]
    cases = relation.cases(item.n)[item.begin : item.end]

    def stream(draw: int) -> Any:
        return ctx.rng("points", relation.kind, item.field, item.n, item.point, draw)

    try:
        return plain(compare(relation, item.n, item.field, cases, stream))
    except NoPoint as error:
        return {"unusable": str(error)}


def plain(found: Compared) -> dict[str, Any]:
    """Return it as values of a journal."""
    return {"compared": found.compared, "equal": found.equal, "residual": found.residual,
            "redrawn": found.redrawn, "failed": found.failed, "sample": found.sample}  # fmt: skip
