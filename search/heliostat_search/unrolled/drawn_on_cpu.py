"""Random numbers inside a network that is on a GPU: drawn on the CPU, then moved.

A dropout draws from the generator of the device that it runs on, and a GPU's gives other masks than
the CPU's from one seed. Under ``DrawnOnCPU`` whatever draws does so on the CPU, so that a network
sees the same masks on both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map


class DrawnOnCPU(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs every operation that draws on the CPU, and gives its results back where they belong."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one operation; torch calls this below automatic differentiation."""
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        return through_cpu(func, args, kwargs)


def through_cpu(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return ``func(*args, **kwargs)``, computed on copies of its tensors on the CPU.

    Results come back to the device of the first tensor, or the one in ``kwargs``. A tensor that
    ``func`` writes to is written to here as well, and returned as itself.
    """
    tensors = [one for one in (*args, *kwargs.values()) if isinstance(one, Tensor)]
    device = tensors[0].device if tensors else torch.device(kwargs.get("device") or "cpu")
    copies = {id(one): one.detach().cpu() for one in tensors}
    versions = {id(one): one._version for one in copies.values()}
    owners = {id(copies[id(one)]): one for one in tensors}

    def here(value: Any) -> Any:
        return copies.get(id(value), value)

    given = {name: here(value) for name, value in kwargs.items()}
    if given.get("device") is not None:
        given["device"] = torch.device("cpu")
    made = func(*map(here, args), **given)
    for copy, tensor in ((copies[id(one)], one) for one in tensors):
        if copy._version != versions[id(copy)] and copy.data_ptr() != tensor.data_ptr():
            tensor.copy_(copy)

    def back(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        owner = owners.get(id(value))
        return value.to(device) if owner is None else owner

    return tree_map(back, made)
