"""What samples can fail to give."""

from __future__ import annotations


class NotReconstructed(ValueError):
    """Samples do not determine what was asked for; the message says what was tried and found."""


class UnluckyPrime(ValueError):
    """Modulo this prime there is nothing to sample; the next one is tried."""
