"""What lies between the products of ``gram``, compiled: each array is passed over once.

Arrays are (units, samples). A stepped layer is ``keep`` times what the layer gave before the step
minus ``step`` times a ``change``.
"""

from typing import Any

import numpy.typing as npt

from heliostat_methods.evomal.population.compilation import entry

Array = npt.NDArray[Any]


@entry
def rectified(product: Array, bias: Array, change: Array, keep: Any, step: Any, out: Array) -> None:
    """Write a stepped layer's outputs, ``max(0, keep (product + bias) - step change)``.

    ``bias`` (units,).
    """
    zero = product.dtype.type(0.0)
    for j in range(out.shape[0]):
        b, x, d, row = bias[j], product[j], change[j], out[j]
        for l in range(out.shape[1]):
            z = keep * (x[l] + b) - step * d[l]
            row[l] = zero if z < zero else z


@entry
def gated(product: Array, change: Array, acts: Array, keep: Any, step: Any, out: Array) -> None:
    """Write the slopes below a stepped layer, ``keep product - step change`` of active units."""
    zero = product.dtype.type(0.0)
    for k in range(out.shape[0]):
        x, d, a, row = product[k], change[k], acts[k], out[k]
        for l in range(out.shape[1]):
            z = keep * x[l] - step * d[l]
            row[l] = z if a[l] > zero else zero


@entry
def gated_row(weights: Array, slopes: Array, acts: Array, out: Array) -> None:
    """Write the slopes below one output, ``weights slopes`` of active units.

    ``weights`` (units,) of the output, ``slopes`` (samples,) of what came out.
    """
    zero = weights.dtype.type(0.0)
    for k in range(out.shape[0]):
        w, a, row = weights[k], acts[k], out[k]
        for l in range(out.shape[1]):
            z = w * slopes[l]
            row[l] = z if a[l] > zero else zero
