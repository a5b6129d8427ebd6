"""How the learning rate falls and the stroke weight rises."""

from __future__ import annotations


def linear_decay(epoch: int, constant: int = 100, decay: int = 100) -> float:
    """Return what the learning rate is multiplied by in an epoch, counted from 1.

    ``1 - max(0, epoch - constant) / (decay + 1)``, as the authors' code has it; steps may stand
    for epochs. It is 1 at first and never below 0.
    """
    return max(0.0, 1.0 - max(0, epoch - constant) / (decay + 1))


def rising(step: int, over: float) -> float:
    """Return a weight's share at a step, counted from 0: rises evenly from 0 to 1 in ``over``."""
    return 1.0 if over <= 0 else min(1.0, step / over)
