"""A step that is not kept, of a wide network with one output: Gram matrices, no weight gradient.

A meta step asks two things of a candidate's inner step ``theta1 = s theta0 - a g``: what comes out
of the validation batch after it, and ``t = J v`` with v the objective's gradient at theta1. Layer l
takes inputs ``A_l`` (in, B), the batch's activations, to pre-activations whose slopes by the
network's output are ``D_l`` (out, B). With one output, these serve every candidate: its own slopes
at the pre-activations are ``D_l diag(c)``, c (B,) its slopes at the outputs, and its gradient is
``D_l diag(c) A_l^T`` for the matrix and ``D_l c`` for the bias. Written out for validation
activations H_l (in, V) and slopes E_l (out, V), with ``o`` the element-wise product:

    ``G_l = A_l^T H_l + 1``,  ``Q_l = D_l^T E_l``                              both (B, V)
    ``Z_l = s (W_l H_l + b_l) - a D_l (c o G_l)``                              pre-activations
    ``E_{l-1} = (s W_l^T E_l - a A_l (c o Q_l)) o (H_l > 0)``                  slopes
    ``t = sum_l (Q_l o G_l) 1``                                                (B,)

The 1 in G stands for the bias. So a gradient never takes the shape of a weight matrix. The first
layer's ``W_0 H_0`` and ``G_0`` are common to all candidates; of products with W two remain for each
further hidden layer, and all others have B times V numbers on one side. The last layer is a single
row r and is stepped as such: ``r1 = s r - a A c``, and its part of t is ``A^T (H e) + sum e``.

The products are BLAS's, one candidate at a time and on one thread: the library may add up in
another order for another shape or number of threads, and a candidate's bits must not depend on what
runs beside it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from heliostat_methods.evomal.learners.kernels.gates import gated, gated_row, rectified
from heliostat_methods.evomal.learners.networks import check_widths, layer_views
from heliostat_methods.evomal.learners.output_slopes import objective_slopes
from heliostat_methods.evomal.population.compilation import aligned

Array = npt.NDArray[Any]


class GramStep:
    """Inner steps of one dense ReLU network with one output, ``theta1 = keep theta0 - step g``.

    ``widths`` as in ``networks``, ``batch`` B and ``samples`` V columns of the training and the
    validation batch. ``begin`` is called once for each network and its batches, ``after`` once for
    each candidate. Raises ``ValueError`` for another number of outputs.
    """

    def __init__(
        self, widths: Sequence[int], batch: int, samples: int, dtype: npt.DTypeLike,
        *, keep: float, step: float,
    ) -> None:  # fmt: skip
        self.widths = check_widths(widths)
        if self.widths[-1] != 1:
            raise ValueError(f"widths: got {self.widths}; expected one output")
        kind: Any = np.dtype(dtype).type
        self._keep, self._step = kind(keep), kind(step)

        def arrays(sizes: Sequence[int], columns: int) -> list[Array]:
            return [aligned(n * columns, dtype).reshape(n, columns) for n in sizes]

        hidden, below = self.widths[1:-1], self.widths[:-1]
        self._acts = arrays(below, batch)
        self._slopes = arrays(hidden, batch)
        self._acts_v = arrays(below, samples)
        self._pairs = arrays([batch] * len(hidden), samples)
        self._first = arrays(hidden[:1], samples)
        # Slopes of a layer are made of those above it: two buffers take turns.
        widest = max(hidden, default=0)
        self._product, self._change, *self._slopes_v = arrays([widest] * 4, samples)
        self._gram, self._scaled = arrays([batch] * 2, samples)

    def begin(self, theta: Array, x: Array, x_valid: Array) -> Array:
        """Return the training batch's outputs (1, B) at theta0 (parameters,).

        Batches are (inputs, B) and (inputs, V). ``theta`` is kept, not copied.
        """
        self._layers = layer_views(theta, self.widths)
        acts, slopes = self._acts, self._slopes
        acts[0][:], self._acts_v[0][:] = x, x_valid
        with one_thread():
            for l, (matrix, bias) in enumerate(self._layers[:-1]):
                np.matmul(matrix, acts[l], out=acts[l + 1])
                acts[l + 1] += bias[:, None]
                np.maximum(acts[l + 1], 0, out=acts[l + 1])
            row, bias = self._layers[-1]
            outputs: Array = row @ acts[-1] + bias
            for l in range(len(slopes) - 1, -1, -1):
                if l == len(slopes) - 1:
                    slopes[l][:] = row.T
                else:
                    np.matmul(self._layers[l + 1][0].T, slopes[l + 1], out=slopes[l])
                slopes[l] *= np.sign(acts[l + 1])  # 1 where the unit is active
            if slopes:  # what every candidate's first layer needs
                np.matmul(self._layers[0][0], self._acts_v[0], out=self._first[0])
                np.matmul(acts[0].T, self._acts_v[0], out=self._pairs[0])
                self._pairs[0] += 1
        return outputs

    def after(self, slopes: Array, labels: Array, classify: bool) -> tuple[float, Array]:
        """Return the objective after a step along a candidate's ``slopes``, and ``t = J v``.

        ``slopes`` (1, B) of its loss by the outputs of ``begin``, ``labels`` (1, V) of the
        validation batch; t is (1, B). After a step out of the finite numbers neither is finite.
        """
        # A candidate that diverges is seen by its NaN; a warning would say nothing more.
        with one_thread(), np.errstate(over="ignore", invalid="ignore"):
            row, outputs = self._outputs(slopes[0])
            value, away = objective_slopes(outputs, labels, classify)
            return value, self._tangent(slopes[0], row, away[0])

    def _outputs(self, c: Array) -> tuple[Array, Array]:
        """Return the last layer's row after the step, (in,), and the outputs (1, V)."""
        for l, (matrix, bias) in enumerate(self._layers[:-1]):
            below, pair, width = self._acts_v[l], self._pairs[l], len(bias)
            product, change = self._product[:width], self._change[:width]
            if l == 0:
                product = self._first[0]
            else:
                np.matmul(matrix, below, out=product)
                np.matmul(self._acts[l].T, below, out=pair)
                pair += 1
            np.multiply(pair, c[:, None], out=self._scaled)
            np.matmul(self._slopes[l], self._scaled, out=change)
            rectified(product, bias, change, self._keep, self._step, self._acts_v[l + 1])
        last, bias = self._layers[-1]
        row: Array = self._keep * last[0] - self._step * (self._acts[-1] @ c)
        outputs: Array = row @ self._acts_v[-1] + (self._keep * bias - self._step * c.sum())
        return row, outputs[None]

    def _tangent(self, c: Array, row: Array, e: Array) -> Array:
        """Return t (1, B), for the slopes e (V,) of the objective by the outputs."""
        t: Array = (self._acts_v[-1] @ e) @ self._acts[-1] + e.sum()
        for l in range(len(self._slopes) - 1, -1, -1):
            acts = self._acts_v[l + 1]
            here = self._slopes_v[l % 2][: len(acts)]
            if l == len(self._slopes) - 1:
                gated_row(row, e, acts, here)
            else:
                above = self._slopes_v[(l + 1) % 2][: self.widths[l + 2]]
                product, change = self._product[: len(acts)], self._change[: len(acts)]
                np.matmul(self._layers[l + 1][0].T, above, out=product)
                # The Gram matrix of the slopes above is still there.
                np.multiply(self._gram, c[:, None], out=self._scaled)
                np.matmul(self._acts[l + 1], self._scaled, out=change)
                gated(product, change, acts, self._keep, self._step, here)
            np.matmul(self._slopes[l].T, here, out=self._gram)
            t += np.multiply(self._gram, self._pairs[l], out=self._scaled).sum(axis=1)
        return t[None]


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold BLAS to one thread: a product's bits may depend on how many share it."""
    with _blas().limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _blas() -> Any:
    return ThreadpoolController()  # looks through all loaded libraries: milliseconds
