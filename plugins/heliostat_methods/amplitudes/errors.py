"""What can be wrong with a point, a word or a request."""

from __future__ import annotations


class SingularKinematics(ValueError):
    """A propagator that is needed is 0, or two poles meet; the message names which."""


class InvalidPoint(ValueError):
    """A point breaks a constraint of its kinematics; the message names it and its value."""


class NoPoint(ValueError):
    """No regular point was found, as over a small prime, where propagators vanish by accident."""
