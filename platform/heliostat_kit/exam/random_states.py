"""The global generators that no search and no task may use: their states, and which changed."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any


def random_states() -> dict[str, Any]:
    """Return the states of random and numpy.random, and of torch once it is loaded."""
    import numpy as np

    name, keys, *rest = np.random.get_state()
    states: dict[str, Any] = {
        "random": random.getstate(),
        "numpy.random": (name, bytes(np.asarray(keys)), *rest),
    }
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "get_rng_state"):  # not while it is being imported
        states["torch"] = torch.get_rng_state().numpy().tobytes()
    return states


def put_back(states: Mapping[str, Any]) -> None:
    """Set the generators to these states; one that is not among them stays as it is."""
    import numpy as np

    random.setstate(states["random"])
    name, keys, *rest = states["numpy.random"]
    np.random.set_state((name, np.frombuffer(keys, np.uint32), *rest))
    if "torch" in states:
        import torch

        state = torch.frombuffer(bytearray(states["torch"]), dtype=torch.uint8)
        torch.set_rng_state(state)


def changed_since(before: Mapping[str, Any]) -> list[str]:
    """Return which generators were used since; a torch loaded meanwhile, if it was drawn from."""
    now = random_states()
    if "torch" in now and "torch" not in before:
        import torch

        fresh = torch.Generator().manual_seed(torch.initial_seed()).get_state()
        before = {**before, "torch": fresh.numpy().tobytes()}
    return [name for name, state in now.items() if state != before[name]]
