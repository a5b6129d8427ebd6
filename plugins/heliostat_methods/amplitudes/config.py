"""What can be set: which relations are proved, where, and what is measured and searched besides."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from heliostat import ConfigError, MethodConfig
from heliostat.errors import did_you_mean
from heliostat_methods.amplitudes.names import DISCOVERIES, QUANTITIES, RELATIONS

EVERY = "all"
Legs = Annotated[int, Field(ge=3, le=10)]


class AmplitudesConfig(MethodConfig):
    """Relations proved at random points; accuracy of floats, cost, reconstruction and searches."""

    relation: tuple[str, ...] = Field(
        (EVERY,), description="names of relations, or all: " + ", ".join(RELATIONS)
    )
    n: tuple[Legs, ...] = Field(
        (), description="numbers of legs; without them those that each relation is proved for"
    )
    field: tuple[str, ...] = Field(
        ("rational", "gf"),
        min_length=1,
        description="where points are from: rational, flint (the same, faster), gf (modulo "
        "`primes` primes) or gf:PRIME, float64, complex128, mpmath:DIGITS",
    )
    points: int = Field(2, ge=1, le=10_000, description="random points for each field and prime")
    primes: int = Field(
        2, ge=1, le=100, description="the largest primes below 2^31, for the field gf"
    )
    chunk: int = Field(
        12, ge=1, le=10_000, description="instances of a relation, such as orderings, in one task"
    )
    batch: int = Field(
        0, ge=0, le=100_000_000,
        description="phase-space points whose float amplitudes are checked by Ward identities",
    )  # fmt: skip
    batch_legs: Annotated[int, Field(ge=4, le=14)] = Field(8, description="legs of these points")
    batch_block: int = Field(8_192, ge=64, le=65_536, description="of them in one task")
    flag_above: float = Field(
        1e-11, gt=0, lt=1,
        description="Ward residual, relative, above which a point is computed again with 40 digits",
    )  # fmt: skip
    cost_legs: int = Field(
        0, ge=0, le=12, description="exact amplitudes are timed up to so many legs; 0 is not"
    )
    integrate: int = Field(
        0, ge=0, le=1_000_000_000,
        description="samples of the one-loop all-plus amplitude, a finite combination of its "
        "integrand, in blocks of 4096; 0 is none",
    )  # fmt: skip
    reconstruct: tuple[str, ...] = Field(
        (), description="values lifted from residues: " + ", ".join(QUANTITIES)
    )
    reconstruct_legs: Annotated[int, Field(ge=4, le=8)] = Field(5, description="legs of these")
    discover: tuple[str, ...] = Field(
        (), description="what is searched for: " + ", ".join(DISCOVERIES)
    )
    discover_legs: Annotated[int, Field(ge=4, le=5)] = Field(4, description="legs of the search")
    generations: int = Field(20, ge=1, le=1_000, description="of the genetic search for poles")
    population: int = Field(24, ge=4, le=10_000, description="of that search")
    figures: bool = Field(True, description="diagrams, poles and expressions in the report")

    @field_validator("relation", "n", "field", "reconstruct", "discover", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str | int) else value

    @model_validator(mode="after")
    def _known(self) -> AmplitudesConfig:
        known = {"relation": (*RELATIONS, EVERY), "reconstruct": QUANTITIES,
                 "discover": DISCOVERIES}  # fmt: skip
        for field, names in known.items():
            for place, name in enumerate(getattr(self, field)):
                if name not in names:
                    kind = {"relation": "a relation"}.get(field, "one of them")
                    hint = did_you_mean(name, names, len(names))
                    raise ConfigError(f"{field}[{place}]", name, f"the name of {kind}", hint)
        for place, name in enumerate(self.field):
            from heliostat_methods.amplitudes.fields.named import field_named

            try:
                field_named(name)
            except (ValueError, ImportError) as error:
                expected = str(error).partition(", expected ")[2] or str(error)
                raise ConfigError(f"field[{place}]", name, expected) from None
        return self

    def relations(self) -> tuple[str, ...]:
        """Return the names of the relations that are proved, in the order of tables."""
        if EVERY in self.relation:
            return tuple(RELATIONS)
        return tuple(name for name in RELATIONS if name in self.relation)
