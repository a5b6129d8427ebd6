"""The radial equation of AdS4 for sources that are sums of exponentials.

A'' - w^2 A = v z^m e^{-Kz}, A(0) = 0, bounded. For K^2 != w^2 a polynomial of degree m times
e^{-Kz}, less its value at 0 times e^{-wz}: for m = 0, v (e^{-Kz} - e^{-wz}) / (K^2 - w^2). For
K = w a polynomial of degree m + 1 that vanishes at 0: for m = 0, -v z e^{-wz} / (2w). Source:
derived, by comparing powers of z.
"""

from __future__ import annotations

from collections.abc import Sequence

from heliostat_methods.amplitudes.ads.exponential_sum import Coefficient, ExpSum, Term, gathered
from heliostat_methods.amplitudes.ads.exponents import Exponents, Key
from heliostat_methods.amplitudes.errors import SingularKinematics
from heliostat_methods.amplitudes.fields.field import Field, Number
from heliostat_methods.amplitudes.kinematics.space import Vector, product


def propagated(source: ExpSum, norm: Key, scale: Number = None) -> ExpSum:
    """Return the bounded A with A'' - w^2 A = source and A(0) = 0; ``norm``: the exponent w.

    With w = 0 a source without exponential has no bounded answer: it has to cancel, in floats to
    1e-9 of ``scale``, the size of the terms that made the source. Raises SingularKinematics naming
    K where it does not, or where K = -w. In floats digits are lost as K comes near w, about
    -log10 |K/w - 1| of them for each power of z and one more, as far as the terms near w do not
    cancel; within 1e-9 they count as equal. Exponents may be negative: the
    answer is the continuation from positive ones.
    """
    exponents, field = source.exponents, source.field
    w = exponents.value(norm)
    met: dict[Term, list[tuple[Number, Coefficient]]] = {}
    for (key, m), c in source.terms.items():
        k = exponents.value(key)
        if norm == exponents.zero and _equal(field, k, field.zero):
            if scale is not None and _vanishes(field, c, scale):
                continue
            raise SingularKinematics(
                f"a longitudinal source with K = {_named(exponents, key)} does not cancel: {c} is "
                f"left, and no bounded field has A'' = z^{m}"
            )
        resonant = _equal(field, k, w)
        try:
            if not resonant and _equal(field, k, -w):
                raise ZeroDivisionError
            found = (_resonant if resonant else _apart)(field, k, w, m)
        except ZeroDivisionError:
            raise SingularKinematics(
                f"K^2 = w^2 for K = {exponents.text(key)} and w = {exponents.text(norm)}, but K is "
                "not w: the field of this source is not bounded"
            ) from None
        home = norm if resonant else key
        for j, a in enumerate(found):
            met.setdefault((home, j), []).append((a, c))
        met.setdefault((norm, 0), []).append((-found[0], c))
    return gathered(exponents, met)


def propagated_vector(source: ExpSum, norm: Key, momentum: Vector, low_momentum: Vector) -> ExpSum:
    """Return A with A'' - w^2 A - k (k.A) = source, for k.k = -w^2, in axial gauge.

    What is transverse to k propagates with w, what is along it with 0. ``low_momentum``: k with its
    index lowered.
    """
    field = source.field
    square = product(momentum, low_momentum, field.zero)
    try:
        inverse = field.divide(field.one, square)
    except ZeroDivisionError:
        raise SingularKinematics(
            f"{source.exponents.text(norm)}^2 = 0: a source at this norm has no longitudinal part"
        ) from None
    along = source.mapped(lambda v: inverse * product(v, low_momentum, field.zero))
    scale = None if field.exact else _size(source, low_momentum) * abs(inverse)
    constrained = propagated(along, source.exponents.zero, scale)
    return propagated(source - _times(along, momentum), norm) + _times(constrained, momentum)


def _apart(field: Field, k: Number, w: Number, m: int) -> list[Number]:
    """Return a_0..a_m of the particular solution sum a_j z^j e^{-Kz}."""
    inverse = field.divide(field.one, k * k - w * w)
    a = [field.zero] * (m + 2)
    a[m] = inverse
    for j in range(m - 1, -1, -1):
        a[j] = inverse * (2 * (j + 1) * k * a[j + 1] - (j + 2) * (j + 1) * a[j + 2])
    return a[: m + 1]


def _resonant(field: Field, _: Number, w: Number, m: int) -> list[Number]:
    """Return b_0..b_{m+1} of the solution sum b_j z^j e^{-wz}; b_0 = 0."""
    inverse = field.divide(field.one, -2 * w)
    b = [field.zero] * (m + 3)
    b[m + 1] = inverse * field.divide(field.one, field.number(m + 1))
    for j in range(m, 0, -1):
        b[j] = -(inverse * (j + 1) * b[j + 1])
    return b[: m + 2]


def _equal(field: Field, one: Number, other: Number) -> bool:
    difference = one - other
    if getattr(difference, "ndim", 0):
        near = abs(difference) <= 1e-9 * (abs(one) + abs(other))
        if near.any() and not near.all():
            raise SingularKinematics(
                f"two exponents are equal at {int(near.sum())} of {near.size} points of a batch, "
                "which makes powers of z there: give these points apart"
            )
    return field.is_zero(difference) or (
        not field.exact and field.negligible(difference, abs(one) + abs(other))
    )


def _named(exponents: Exponents, key: Key) -> str:
    name = exponents.text(key)
    return name if key == exponents.zero else f"{name} = 0"


def _vanishes(field: Field, c: Number | Vector, scale: Number) -> bool:
    return all(field.negligible(x, scale) for x in (c if isinstance(c, tuple) else (c,)))


def _times(numbers: ExpSum, vector: Vector) -> ExpSum:
    return numbers.mapped(lambda c: tuple(c * x for x in vector))


def _size(source: ExpSum, low_momentum: Sequence[Number]) -> Number:
    total: Number = 0
    for vector in source.terms.values():
        for x, y in zip(vector, low_momentum, strict=True):
            total = total + abs(x * y)
    return total
