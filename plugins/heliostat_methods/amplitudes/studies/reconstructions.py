"""Values lifted from residues modulo several primes, each prime a task."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from heliostat import Run, TaskContext, stored, task
from heliostat.errors import ExecutionError
from heliostat_methods.amplitudes.ads.wavefunction import psi
from heliostat_methods.amplitudes.config import AmplitudesConfig
from heliostat_methods.amplitudes.currents.theories import amplitude
from heliostat_methods.amplitudes.fields.field import Field
from heliostat_methods.amplitudes.fields.prime import GF, MERSENNE_31, primes_below
from heliostat_methods.amplitudes.kinematics.standard import standard_ads_point, standard_gram_point
from heliostat_methods.amplitudes.reconstruction.prime_samples import is_unlucky
from heliostat_methods.amplitudes.reconstruction.rational_lift import RationalLift

AT_ONCE, MOST = 4, 256
"""Primes asked for at a time, and at most."""


@stored("amplitudes.residue_asked")
@dataclass(frozen=True)
class Asked:
    """A quantity at the standard point of n legs, modulo a prime."""

    quantity: str
    n: int
    prime: int


def quantity_at(quantity: str, n: int, field: Field | None) -> Any:
    """Return a quantity at its standard point, in a field or over the rationals."""
    if quantity == "psi_ym":
        ads = standard_ads_point(n)
        return psi("ym", ads if field is None else ads.over(field))
    flat = standard_gram_point(n)
    point = flat if field is None else flat.over(field)
    word = tuple(range(n))
    more: dict[str, dict[str, Any]] = {
        "yms": {"scalars": (0, 1)},
        "ym_phi3": {"trace": (0, 2, n - 1)},
        "bas": {"ordering": (word, (0, *range(n - 2, 0, -1), n - 1))},
    }
    return amplitude(quantity, point, **more.get(quantity, {}))


@task("amplitudes.residue")
def residue(item: Asked, ctx: TaskContext) -> int:
    """Return a quantity modulo a prime; -1 where the prime divides a denominator."""
    try:
        return int(quantity_at(item.quantity, item.n, GF(item.prime)))
    except (ValueError, ZeroDivisionError) as error:
        if not is_unlucky(error):
            raise
        return -1


@task("amplitudes.directly")
def directly(item: Asked, ctx: TaskContext) -> str:
    """Return a quantity computed over the rationals, as text."""
    return str(quantity_at(item.quantity, item.n, None))


def reconstruct(config: AmplitudesConfig, run: Run) -> dict[str, Any]:
    """Return each quantity lifted from residues and confirmed by a further prime."""
    if not config.reconstruct:
        return {}
    rows = []
    for quantity in config.reconstruct:
        run.phase(f"reconstructing {quantity} from residues")
        rows.append(_lifted(quantity, config.reconstruct_legs, run))
    return {"reconstructed": rows}


def _lifted(quantity: str, n: int, run: Run) -> dict[str, Any]:
    lift, skipped, below = RationalLift(), [], MERSENNE_31 + 1
    used: list[int] = []
    while len(used) < MOST:
        primes = primes_below(below, AT_ONCE)
        below = primes[-1]
        outcomes = run.map(residue, [Asked(quantity, n, prime) for prime in primes])
        for prime, outcome in zip(primes, outcomes, strict=True):
            value = outcome.unwrap()
            if value < 0:
                skipped.append(prime)
                continue
            lift = lift.with_residue(value, prime)
            used.append(prime)
            if lift.candidate is not None and lift.confirmations:
                exact = run.call(directly, Asked(quantity, n, 0)).unwrap()
                if Fraction(exact) != lift.candidate:
                    raise ExecutionError(
                        f"{quantity} of {n} legs: {lift.candidate} from residues, {exact} directly"
                    )
                return {"quantity": quantity, "n": n, "value": str(lift.candidate),
                        "primes": used, "skipped": skipped, "direct": exact}  # fmt: skip
    raise ExecutionError(f"{quantity} of {n} legs: {MOST} primes did not fix it")
