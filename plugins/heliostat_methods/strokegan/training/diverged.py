"""What a training ends with where its numbers are not finite."""

from __future__ import annotations

from collections.abc import Mapping

from heliostat import HeliostatError


class GlyphTrainingDiverged(HeliostatError):
    """A loss or a squared gradient is not finite.

    ``step`` counts from 0, ``terms`` are its losses. The step is not taken: the trainer's
    ``state()`` is the last good one.
    """

    def __init__(self, step: int, terms: Mapping[str, float]) -> None:
        self.step, self.terms = step, dict(terms)
        said = ", ".join(f"{name} {value:.4g}" for name, value in self.terms.items())
        super().__init__(
            f"step {step}: the loss or its squared gradient is not finite ({said}); the step was "
            f"not taken, and state() is that after {step} steps"
        )
