"""When Gram matrices are worth it: multiply-adds of each way to take an inner step, at their rates.

The choice follows from a network's widths, the batches and the instructions that this process may
use. It never asks how many candidates or workers there are: both ways are right to rounding, but
not bit by bit, and a candidate's bits must not depend on what runs beside it.

Rates were measured in single precision on one core of an AMD EPYC 9004 (30 November 2026), a
population of 16 trees, widths from 32 to 4000, batches from 16 to 500: they give the times of
``unrolled`` there within a fifth for batches of 64 and more.
"""

from collections.abc import Sequence
from itertools import pairwise

from heliostat_search.compiled.cpu_features import usable_features

# Multiply-adds a second of BLAS and of the compiled loops. With AVX2 BLAS is near that core's peak,
# which AVX-512 does not raise there: loops gain from the wider registers, products as narrow as a
# validation batch lose by them.
_AVX2, _AVX512 = (40e9, 32e9), (33e9, 43e9)
_PASS_SECONDS = 50e-6  # a candidate's calls from Python: those outside the layers
_LAYER_SECONDS = 40e-6  # and those of each hidden layer
_TREE_SECONDS = 15e-6  # what a compiled candidate takes beside its network
_VECTOR = 16  # the compiled steps fill up whole vector registers with columns of zeros


def _rates() -> tuple[float, float]:
    return _AVX512 if "avx512f" in usable_features() else _AVX2


def gram_seconds(widths: Sequence[int], batch: int, samples: int) -> float:
    """Return the seconds of one candidate by ``GramStep.after``."""
    layers, count = list(pairwise(widths)), 0
    for number, (k, j) in enumerate(layers[:-1]):
        count += 2 * j * batch * samples
        if number:
            count += 2 * k * samples * (j + batch)
    blas, _ = _rates()
    return _PASS_SECONDS + (len(layers) - 1) * _LAYER_SECONDS + count / blas


def compiled_seconds(widths: Sequence[int], batch: int, samples: int) -> float:
    """Return the seconds of one candidate by ``meta_step``."""
    columns, count = -(-samples // _VECTOR) * _VECTOR, 0
    for number, (k, j) in enumerate(pairwise(widths)):
        if k * j > batch * samples:
            count += 2 * j * batch * columns
            if number:
                count += 2 * k * j * columns + (2 * k + j) * batch * columns
        else:
            count += k * j * (2 * batch + (3 if number else 2) * columns)
    _, loops = _rates()
    return _TREE_SECONDS + count / loops


def gram_suits_trees(widths: Sequence[int], batch: int, samples: int) -> bool:
    """Return whether a population's steps take Gram matrices: one output, and less time.

    ``widths`` as in ``networks``; ``batch`` and ``samples`` are columns of the training and the
    validation batch. The network's own passes, which all candidates share, are left out.
    """
    return widths[-1] == 1 and gram_seconds(widths, batch, samples) < compiled_seconds(
        widths, batch, samples
    )


def gram_suits_one_loss(widths: Sequence[int], batch: int, samples: int) -> bool:
    """Return whether the step of a single loss does, against the passes of ``layered``.

    Those take, with every matrix or its gradient, five products of the training batch and three of
    the validation batch, in loops. Here the network's own two passes count.
    """
    if widths[-1] != 1:
        return False
    wide = sum(k * j for k, j in pairwise(widths))
    blas, loops = _rates()
    own = 2 * wide * batch / blas
    # Once forward; a pull or a push takes two.
    layered = wide * (5 * batch + 3 * samples) / loops
    return own + gram_seconds(widths, batch, samples) < layered
