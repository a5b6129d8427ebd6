"""Losses that cannot teach, and losses that teach the same: known before any training.

Two questions are answered by structure, exactly and for whatever weights:

* ``gradient_free``: no path leads from the loss to ``f`` but through a ``sign``;
* ``label_free``: the gradient by ``f`` is the same for every label, so nothing about the labels
  gets into the model.

The third, whether two losses train alike, is answered by *fingerprints*: the gradient by ``f`` on a
fixed ``Probe``, rounded and hashed. A term of the loss without ``f`` does not train and does not
show. Fingerprints are computed entry by entry in double precision, so a candidate's does not depend
on those that it is computed with.

=========================== ================================ =================================
key                         equal keys mean                  what it can lose
=========================== ================================ =================================
``fingerprint``             equal gradients at these         two losses that part after tuning,
                            weights, to ``digits``           between the probes or beyond
                                                             ``digits``; with ``"norms"`` also
                                                             a loss and its negative
``plain_fingerprint``       the same, at weights of one:     the same but tuning; exact in
                            all there is for GP-LFL          practice if nothing is tuned
``parametric_fingerprint``  equal gradients as functions of  two losses that differ only where
                            the weights of one tree shape    no probe and no drawn weight gets
=========================== ================================ =================================

A loss equals another at weights of one far more often than as a function of its weights, so sharing
a tuned fitness by ``plain_fingerprint`` is an approximation. None of the three finds all that are
equal: a rounding that falls either way, and for ``parametric_fingerprint`` another shape, tells
equal losses apart, which costs time and changes no result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from heliostat.contract import digest
from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.primitives import Opcode
from heliostat_methods.evomal.losses.tree import MAX_NODES, Task
from heliostat_methods.evomal.population.evaluation import gradients
from heliostat_methods.evomal.population.program import LossProgram

Array = npt.NDArray[Any]
Seen = Literal["gradients", "norms"]
PROBE_SAMPLES = 64


@dataclass(frozen=True)
class Probe:
    """Where losses are compared: labels ``y`` and model outputs ``f``, (samples, outputs) each.

    For a classification ``y`` are one-hot rows and ``f`` probabilities. Raises ``ValueError`` for
    other shapes and for numbers that are not finite.
    """

    y: Array
    f: Array

    def __post_init__(self) -> None:
        for name in ("y", "f"):
            array = np.array(getattr(self, name), np.float64)
            if array.ndim != 2 or array.size == 0:
                raise ValueError(f"{name}: shape {array.shape}; expected (samples, outputs)")
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name}: expected finite numbers")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.y.shape != self.f.shape:
            raise ValueError(f"f: shape {self.f.shape}; expected that of y, {self.y.shape}")

    @classmethod
    def drawn(
        cls, task: Task, rng: np.random.Generator, samples: int = PROBE_SAMPLES, classes: int = 1
    ) -> "Probe":
        """Return standard normal labels and outputs, or random classes and softmax of logits.

        ``classes`` counts for a classification only; one class has labels 0 and 1 and a sigmoid.
        """
        if task == "regression":
            return cls(rng.standard_normal((samples, 1)), rng.standard_normal((samples, 1)))
        logits = 2.0 * rng.standard_normal((samples, classes))
        if classes == 1:
            return cls(rng.integers(2, size=(samples, 1)), 1.0 / (1.0 + np.exp(-logits)))
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        labels = np.eye(classes)[rng.integers(classes, size=samples)]
        return cls(labels, odds / odds.sum(axis=1, keepdims=True))


def gradient_free(program: LossProgram) -> npt.NDArray[np.bool_]:
    """Return which expressions have the gradient 0 by ``f`` for any weights, (P,)."""
    return ~program.trainable


def label_free(expressions: Sequence[LossExpression]) -> npt.NDArray[np.bool_]:
    """Return which expressions have a gradient by ``f`` that no label changes, (P,).

    Holds for any weights; those without any gradient are among them. Decided by structure, so it
    never errs that way. Missed are losses whose label cancels only by what an operation does to
    values, as ``sign(square(y))`` where no label is 0.
    """
    return np.array([not _reads(expression)[0].slope for expression in expressions], np.bool_)


def fingerprint(
    program: LossProgram,
    weights: Array,
    probe: Probe,
    digits: int = 2,
    seen: Seen = "gradients",
) -> list[str]:
    """Return a key for each expression: its gradients by ``f`` at ``weights`` (P, N or more).

    Each number is rounded to ``digits`` significant digits. ``seen="norms"`` takes one number a
    sample, the gradient's Euclidean norm over the outputs, as AutoLoss-Zero does; it cannot tell a
    loss from its negative, of which one learns and the other unlearns. Raises ``ValueError`` for
    shapes that do not fit, ``digits`` below 1 or another ``seen``.
    """
    known = get_args(Seen)
    if seen not in known:
        raise ValueError(f"seen: got {seen!r}; expected {' or '.join(map(repr, known))}")
    found = _probed(program, weights, probe)
    if seen == "norms":
        found = np.sqrt(np.square(found.reshape(program.count, *probe.y.shape)).sum(axis=2))
    return [digest(text) for text in _rounded(found, digits)]


def plain_fingerprint(program: LossProgram, probe: Probe, digits: int = 4) -> list[str]:
    """Return keys at weights of one: for GP-LFL, which tunes none, its losses themselves."""
    return fingerprint(program, np.ones((program.count, program.capacity)), probe, digits)


def parametric_fingerprint(
    expressions: Sequence[LossExpression],
    probe: Probe,
    rng: np.random.Generator,
    draws: int = 16,
    digits: int = 6,
) -> list[str]:
    """Return keys that are equal for equal functions of the weights on trees of one shape.

    Both trees then take the same path of local search from the same first weights, node by node in
    prefix order, so they may share its outcome; give canonical expressions, whose order is fixed.
    Trees that are ``gradient_free`` share one key. A tree that is not, but shows no gradient in any
    draw, keeps a key of its own: nothing was learned about it.

    ``draws`` sets of weights, 0.1 to 3 of either sign, come from ``rng``: give a generator of one
    and the same stream for every block of a population. Raises ``ValueError`` for ``draws`` or
    ``digits`` below 1 and as ``LossProgram.from_expressions`` does.
    """
    if draws < 1:
        raise ValueError(f"draws: got {draws}; expected at least 1")
    program = LossProgram.from_expressions(expressions)
    texts: list[list[str]] = [[] for _ in expressions]
    shown = np.zeros(program.count, np.bool_)
    for _ in range(draws):
        row = _random_weights(rng)[: program.capacity]
        found = _probed(program, np.repeat(row[None, :], program.count, axis=0), probe)
        shown |= np.any(np.isfinite(found) & (found != 0.0), axis=1)
        for parts, text in zip(texts, _rounded(found, digits), strict=True):
            parts.append(text)
    keys = []
    for p, expression in enumerate(expressions):
        if not program.trainable[p]:
            keys.append(digest("no gradient"))
        elif not shown[p]:
            keys.append(digest(" ".join(expression.nodes)))
        else:
            # Elsewhere the weights of an outcome would not fit the tree.
            shape = ",".join(str(len(arguments)) for arguments in expression.children())
            keys.append(digest("\n".join((shape, *texts[p]))))
    return keys


@dataclass(frozen=True)
class _Reading:
    """What the label can change about a node: its value, and its slope by ``f`` if it has one."""

    value: bool
    moves: bool
    slope: bool


def _reads(expression: LossExpression) -> list[_Reading]:
    arguments = expression.children()
    result: list[_Reading] = [_Reading(False, False, False)] * expression.complexity
    for i in range(expression.complexity - 1, -1, -1):
        opcode = expression.table[expression.nodes[i]].opcode
        parts = [result[k] for k in arguments[i]]
        if not parts:
            result[i] = _Reading(opcode == Opcode.LABEL, opcode == Opcode.OUTPUT, False)
            continue
        value = any(part.value for part in parts)
        moves = any(part.moves for part in parts)
        slope = any(part.slope for part in parts)
        if opcode == Opcode.SIGN:
            moves = slope = False
        elif opcode in (Opcode.ADD, Opcode.SUB):
            pass
        elif opcode == Opcode.MUL:
            # (a b)' = a' b + a b': a factor is read only where the other one moves.
            a, b = parts
            slope = slope or (a.moves and b.value) or (b.moves and a.value)
        elif opcode == Opcode.DIV:
            # Linear in the numerator, whose share of the slope reads the denominator alone.
            a, b = parts
            slope = slope or (a.moves and b.value) or (b.moves and value)
        else:
            slope = slope or (moves and value)
        result[i] = _Reading(value, moves, slope)
    return result


def _random_weights(rng: np.random.Generator) -> Array:
    # Always as many as the longest tree can take, so that the next draw does not depend on P.
    size = np.exp(rng.uniform(np.log(0.1), np.log(3.0), MAX_NODES))
    return np.asarray(size * rng.choice((-1.0, 1.0), MAX_NODES))


def _probed(program: LossProgram, weights: Array, probe: Probe) -> Array:
    with np.errstate(all="ignore"):  # a loss may overflow at the probes; that is part of its key
        return gradients(program, weights, probe.f.ravel(), probe.y.ravel())


def _rounded(rows: Array, digits: int) -> list[str]:
    if digits < 1:
        raise ValueError(f"digits: got {digits}; expected at least 1")
    form = f"{{:.{digits - 1}e}}"
    # No -0 among them: the kernels add up each gradient from 0.
    return [" ".join(map(form.format, row)) for row in rows.tolist()]
