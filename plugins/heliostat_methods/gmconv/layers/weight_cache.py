"""A masked kernel kept while its parts do not change, so that inference masks nothing."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from heliostat_methods.gmconv.layers.transforms import holds_numbers


class MaskedWeightCache:
    """One masked kernel, and what it was made of.

    A change in place moves the version counter of a tensor and is noticed, and so is another tensor
    in its place. A change through ``.data`` or through another tensor on the same memory moves
    none: whoever changes weights so calls ``clear``. Copies and pickles are empty.
    """

    def __init__(self) -> None:
        self._kept: tuple[tuple[Any, ...], Tensor] | None = None

    def get(self, parts: tuple[Tensor, ...], make: Callable[[], Tensor]) -> Tensor:
        """Return what ``make`` makes of ``parts``, from the last time if they are as they were."""
        if not all(map(holds_numbers, parts)):
            return make()
        state = tuple((part._version, part.data_ptr(), part.dtype) for part in parts)
        kept = self._kept
        if kept is not None and kept[0][0] == state:
            same = zip(kept[0][1], parts, strict=True)
            if all(known() is part for known, part in same):
                return kept[1]
        # A tensor of inference mode could not be saved for a later backward pass to the input.
        with torch.inference_mode(False), torch.no_grad():
            made = make()
        self._kept = (state, tuple(map(weakref.ref, parts))), made
        return made

    def clear(self) -> None:
        """Forget what is kept."""
        self._kept = None

    def __reduce__(self) -> tuple[type[MaskedWeightCache], tuple[()]]:
        return MaskedWeightCache, ()
