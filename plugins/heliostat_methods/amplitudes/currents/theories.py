"""Theories by name: their currents, and their amplitudes at a point."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heliostat.errors import nearest
from heliostat_methods.amplitudes.currents.biadjoint import BiadjointCurrents
from heliostat_methods.amplitudes.currents.single_trace import SingleTraceCurrents
from heliostat_methods.amplitudes.currents.vector_currents import (
    ExternalLeg,
    Span,
    VectorCurrents,
)
from heliostat_methods.amplitudes.currents.words import (
    Word,
    checked_word,
    turned_to_end_with,
)
from heliostat_methods.amplitudes.fields.field import Number
from heliostat_methods.amplitudes.kinematics.ads_point import AdSPoint
from heliostat_methods.amplitudes.kinematics.polarised import PolarisedPoint
from heliostat_methods.amplitudes.kinematics.space import Vector, product
from heliostat_methods.amplitudes.operators.substitution import pion_point

THEORIES: dict[str, str] = {
    "ym": "gluons",
    "yms": "gluons and scalars in pairs of one flavour, with the quartic vertex of scalars",
    "yms_minimal": "gluons and scalars coupled to them alone",
    "ym_phi3": "gluons and scalars in one trace, which also meet in threes",
    "bas": "bi-adjoint scalars, two orders of legs",
    "nlsm": "pions",
}
"""Each theory and its particles."""
Scalars = Iterable[Any] | Mapping[int, Any]


def amplitude(
    theory: str, point: PolarisedPoint, ordering: Any = None, scalars: Scalars = (),
    trace: Sequence[int] | None = None,
) -> Number:  # fmt: skip
    """Return the colour-ordered tree amplitude at a point.

    ``ordering``: the order of legs, by default 0..n-1; for "bas" a pair of orders (None for either
    is 0..n-1). ``scalars``, for "yms" and "yms_minimal": (1, 2) for one pair, ((1, 2), (3, 4)) for
    a flavour each, or a mapping from leg to flavour. ``trace``, for "ym_phi3": the scalars in their
    order. "nlsm" takes no more: it is T[w_0 w_{n-1}] prod L_i of Yang-Mills, 0 for odd n.

    Conventions: plane waves e^{k.x}, A = s_P A_P.e_last with P all legs but the last of the order,
    so that D = 4 MHV amplitudes are 2^{(n-4)/2} times Parke and Taylor's. Raises SingularKinematics
    naming a propagator that is 0, and ValueError for legs and theories that are none. Source:
    derived; see docs/methods/amplitudes.md.
    """
    check_theory(theory)
    _check_flat(point)
    with point.field.quiet():
        return _amplitude(theory, point, ordering, scalars, trace)


def _amplitude(
    theory: str, point: PolarisedPoint, ordering: Any, scalars: Scalars,
    trace: Sequence[int] | None,
) -> Number:  # fmt: skip
    if theory == "bas":
        _refuse(theory, scalars=scalars, trace=trace)
        return _biadjoint(point, ordering)
    word = checked_word("ordering", ordering, point.n, whole=True)
    half = point.field.divide(point.field.one, point.field.number(2))
    if theory == "nlsm":
        _refuse(theory, scalars=scalars, trace=trace)
        if point.n % 2:
            return point.field.zero
        return _amplitude("ym", pion_point(point, word), word, (), None)
    if theory == "ym_phi3":
        _refuse(theory, scalars=scalars)
        order = checked_trace(trace, point.n)
        word = turned_to_end_with(word, order[-1] if word[-1] not in order else word[-1])
        order = turned_to_end_with(order, word[-1])
        return _single_trace(point, word, order).numerator(0, point.n - 1) * half
    flavours = _flavours(theory, scalars, trace, point.n)
    currents = _vectors(theory, point, word[:-1], flavours)
    last = currents.numerator(0, point.n - 1)
    return _closed(point, last, word[-1], flavours) * half


def bg_currents(
    theory: str, point: PolarisedPoint, word: Sequence[int], *, scalars: Scalars = (),
    trace: Sequence[int] | None = None, other: Sequence[int] | None = None,
) -> dict[Span, Any]:  # fmt: skip
    """Return the currents of all subwords: (i, j) -> that of word[i:j].

    A vector theory gives (2n - 1,) coefficients in the free basis k_0..k_{n-2}, e_0..e_{n-1} (of a
    FourVectorPoint its D components), with the scalars' flavour components after them; "ym_phi3"
    numbers for words with scalars, vectors for those without; "bas" numbers, for the order
    ``other`` (by default 0..n-1). Currents depend on the gauge: this is Lorenz gauge, k_P.A_P = 0.
    A word of all legs but one has s_P = 0: its entry is left out, see `semi_on_shell`. "nlsm" gives
    the currents of Yang-Mills at the point that its operators make, w_0 being a scalar.
    """
    check_theory(theory)
    _check_flat(point)
    with point.field.quiet():
        return _currents(theory, point, word, scalars, trace, other)


def _currents(
    theory: str, point: PolarisedPoint, word: Sequence[int], scalars: Scalars,
    trace: Sequence[int] | None, other: Sequence[int] | None,
) -> dict[Span, Any]:  # fmt: skip
    if theory != "bas":
        _refuse(theory, other=other)
    letters = checked_word("word", word, point.n, whole=False)
    size = len(letters)
    spans = [(i, j) for length in range(1, size + 1) for i in range(size - length + 1)
             if (j := i + length) and length < point.n - 1]  # fmt: skip
    if theory == "bas":
        _refuse(theory, scalars=scalars, trace=trace)
        right = checked_word("other", other, point.n, whole=True)
        found = BiadjointCurrents(point, letters, right)
        return {span: found.current(*span) for span in spans}
    if theory == "nlsm":
        _refuse(theory, scalars=scalars, trace=trace)
        rest = [leg for leg in range(point.n) if leg not in letters]
        point = pion_point(point, (*letters, *rest))
        vectors = VectorCurrents(point.space, external_legs(point, letters, {letters[0]: 0}), 1)
        return {span: vectors.current(*span) for span in spans}
    if theory == "ym_phi3":
        _refuse(theory, scalars=scalars)
        single = _single_trace(point, (*letters, -1), checked_trace(trace, point.n))
        return {
            span: single.current(*span) if single.scalars(span) else single.gluons.current(*span)
            for span in spans
        }
    currents = _vectors(theory, point, letters, _flavours(theory, scalars, trace, point.n))
    return {span: currents.current(*span) for span in spans}


def semi_on_shell(
    theory: str, point: PolarisedPoint, word: Sequence[int], *, scalars: Scalars = ()
) -> Vector:
    """Return 2 s_P A_P for a whole word of a vector theory, defined where s_P = 0 too."""
    check_theory(theory, ("ym", "yms", "yms_minimal"))
    _check_flat(point)
    letters = checked_word("word", word, point.n, whole=False)
    if len(letters) < 2:
        raise ValueError(f"word: {letters}, expected at least two legs")
    currents = _vectors(theory, point, letters, _flavours(theory, scalars, None, point.n))
    return currents.numerator(0, len(letters))


def check_theory(theory: str, known: Iterable[str] = tuple(THEORIES)) -> None:
    """Raise ValueError naming the nearest theory for one that is none."""
    known = tuple(known)
    if theory not in known:
        near = nearest(str(theory), known)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"theory: {theory!r}, expected one of {', '.join(known)}{hint}")


def _check_flat(point: Any) -> None:
    if isinstance(point, AdSPoint):
        raise ValueError("point: an AdSPoint has no flat amplitude, expected a GramPoint; see psi")
    if not isinstance(point, PolarisedPoint):
        kind = type(point).__name__
        raise ValueError(f"point: {kind}, expected a GramPoint or a FourVectorPoint")


def external_legs(
    point: PolarisedPoint, word: Sequence[int], flavours: Mapping[int, int]
) -> list[ExternalLeg]:
    """Return the legs of a word; those with a flavour are scalars, without polarisation."""
    nothing = (point.field.zero,) * point.space.dimension
    return [
        ExternalLeg(point.momentum(leg), nothing, flavours[leg], leg) if leg in flavours
        else ExternalLeg(point.momentum(leg), point.polarisation(leg), None, leg)
        for leg in word
    ]  # fmt: skip


def checked_flavours(scalars: Scalars, n: int) -> dict[int, int]:
    """Return leg -> number of its flavour; each flavour has two legs or more.

    Raises ValueError naming a leg that is none, stands twice, or is alone with its flavour.
    """
    if isinstance(scalars, Mapping):
        names = list(dict.fromkeys(scalars.values()))
        groups = [[leg for leg in scalars if scalars[leg] == name] for name in names]
    else:
        if isinstance(scalars, str | set | frozenset) or not hasattr(scalars, "__iter__"):
            raise ValueError(f"scalars: {scalars!r}, expected legs, pairs of legs, or a mapping")
        listed = list(scalars)
        nested = [isinstance(one, Sequence) and not isinstance(one, str) for one in listed]
        if any(nested) and not all(nested):
            raise ValueError(f"scalars: {scalars!r}, expected legs, or pairs of legs")
        groups = [list(one) for one in listed] if any(nested) else [listed] if listed else []
    checked_word("scalars", [leg for group in groups for leg in group] or [0], n, whole=False)
    for group in groups:
        if len(group) % 2:
            raise ValueError(f"scalars: legs {group} of one flavour, expected an even number")
    return {leg: flavour for flavour, group in enumerate(groups) for leg in group}


def checked_trace(trace: Sequence[int] | None, n: int) -> Word:
    """Return the scalars of one trace, at least two; ValueError for what is none."""
    if trace is None:
        raise ValueError("trace: None, expected the scalars of 'ym_phi3' in their order")
    order = checked_word("trace", trace, n, whole=False)
    if len(order) < 2:
        raise ValueError(f"trace: {order}, expected at least two scalars")
    return order


def _biadjoint(point: PolarisedPoint, ordering: Any) -> Number:
    if isinstance(ordering, set | frozenset | Mapping | str) or (
        ordering is not None and not hasattr(ordering, "__iter__")
    ):
        raise ValueError(f"ordering: {ordering!r}, expected two orders of legs for 'bas'")
    pair = (None, None) if ordering is None else tuple(ordering)
    if pair and not any(one is None or hasattr(one, "__len__") for one in pair):
        pair = (pair, None)
    if len(pair) != 2:
        raise ValueError(f"ordering: {ordering!r}, expected two orders of legs for 'bas'")
    left, right = (checked_word("ordering", one, point.n, whole=True) for one in pair)
    right = turned_to_end_with(right, left[-1])
    return BiadjointCurrents(point, left[:-1], right[:-1]).numerator(0, point.n - 1)


def _single_trace(point: PolarisedPoint, word: Word, trace: Word) -> SingleTraceCurrents:
    legs = external_legs(point, word[:-1], {})
    return SingleTraceCurrents(point.space, legs, trace)


def _vectors(
    theory: str, point: PolarisedPoint, word: Sequence[int], flavours: dict[int, int]
) -> VectorCurrents:
    legs = external_legs(point, word, flavours)
    number = 1 + max(flavours.values(), default=-1)
    return VectorCurrents(point.space, legs, number, quartic=theory != "yms_minimal")


def _closed(point: PolarisedPoint, last: Vector, leg: int, flavours: dict[int, int]) -> Number:
    if leg in flavours:
        return last[point.space.dimension + flavours[leg]]
    vector = last[: point.space.dimension]
    return product(vector, point.space.lower(point.polarisation(leg)), point.field.zero)


def _flavours(theory: str, scalars: Scalars, trace: Sequence[int] | None, n: int) -> dict[int, int]:
    if theory == "ym":
        _refuse(theory, scalars=scalars, trace=trace)
    _refuse(theory, trace=trace)
    return checked_flavours(scalars, n)


def _refuse(theory: str, **given: Any) -> None:
    for name, value in given.items():
        if value is not None and (not hasattr(value, "__len__") or len(value)):
            takes = {"scalars": "'yms' and 'yms_minimal'", "trace": "'ym_phi3'", "other": "'bas'"}[
                name
            ]
            raise ValueError(f"{name}: {value!r}, which {theory!r} does not take; {takes} do")
