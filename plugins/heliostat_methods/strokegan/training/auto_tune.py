"""Which memory format and precision is the faster here: measured, never assumed.

On CPUs bfloat16 was slower than float32 and channels_last anything from -15% to +40%, so a mode is
chosen by two steps of each. Modes differ in their last bits: on a CPU nothing chooses unless asked.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import torch

from heliostat_methods.strokegan.pairs.font_pair_data import FontPairData
from heliostat_methods.strokegan.training.settings import (
    MemoryFormat,
    Precision,
    TrainingSettings,
)
from heliostat_methods.strokegan.training.trainer import StrokeGANTrainer

Mode = tuple[Precision, MemoryFormat]
MODES: tuple[Mode, ...] = (
    ("float32", "contiguous"), ("float32", "channels_last"), ("bfloat16", "channels_last"),
)  # fmt: skip


@dataclass(frozen=True)
class ModeTimes:
    """Seconds per step of each mode: of CPU time on a CPU, of the clock on a GPU."""

    seconds: dict[Mode, float]

    @property
    def fastest(self) -> Mode:
        """The mode of the least time; the first of equals."""
        return min(self.seconds, key=lambda mode: self.seconds[mode])

    def applied(self, settings: TrainingSettings) -> TrainingSettings:
        """Return settings in the fastest mode."""
        precision, layout = self.fastest
        return replace(settings, precision=precision, memory_format=layout)


def measured_modes(
    data: FontPairData, settings: TrainingSettings, modes: tuple[Mode, ...] = MODES, steps: int = 2
) -> ModeTimes:
    """Return what ``steps`` steps of each mode take here, after one that is not counted."""
    found: dict[Mode, float] = {}
    for precision, layout in modes:
        tried = replace(
            settings, precision=precision, memory_format=layout, critic_weight=0.0, warm_start=0,
            steps=max(settings.steps, steps + 1),
        )  # fmt: skip
        trainer = StrokeGANTrainer(data, tried)
        trainer.step()
        begin = _now(trainer.device)
        for _ in range(steps):
            trainer.step()
        found[precision, layout] = (_now(trainer.device) - begin) / steps
    return ModeTimes(found)


def _now(device: str) -> float:
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()
