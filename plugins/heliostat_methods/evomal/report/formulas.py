"""Formulas as a terminal shows them, and how a loss was trained, in words."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any


def terminal_width() -> int:
    """Return the columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def cut(text: str, width: int | None = None) -> str:
    """Return a line, cut with dots where it is longer than the terminal is wide."""
    room = max(20, terminal_width() if width is None else width)
    return text if len(text) <= room else f"{text[: room - 4]} ..."


def training_lines(training: Mapping[str, Any] | None) -> list[str]:
    """Return how a model was trained with a loss at its best; a loss is found for a rate."""
    if not training:
        return []
    momentum = f"{'Nesterov ' if training['nesterov'] else ''}momentum {training['momentum']:g}"
    return [
        f"trained with {training['optimiser']}: learning rate {training['learning_rate']:g}, "
        f"{momentum},",
        f"weight decay {training['weight_decay']:g}, batches of {training['batch_size']}, "
        f"{training['steps']} steps",
    ]
