"""All relations by name, in the order in which tables show them."""

from __future__ import annotations

from functools import cache

from heliostat_methods.amplitudes.names import RELATIONS
from heliostat_methods.amplitudes.relations.helicities import HELICITIES
from heliostat_methods.amplitudes.relations.integrands import INTEGRANDS
from heliostat_methods.amplitudes.relations.relation import Relation
from heliostat_methods.amplitudes.relations.trees import TREES
from heliostat_methods.amplitudes.relations.wavefunctions import WAVEFUNCTIONS


@cache
def catalogue() -> dict[str, Relation]:
    """Return the relations, each under the name that configurations know."""
    made = {one.name: one for one in (*TREES, *HELICITIES, *WAVEFUNCTIONS, *INTEGRANDS)}
    return {name: made[name] for name in RELATIONS}
