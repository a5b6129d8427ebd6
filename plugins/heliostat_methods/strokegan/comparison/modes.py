"""Precision and memory format where the configuration leaves them to what is faster here."""

from __future__ import annotations

from typing import get_args

from heliostat import Run, Shared
from heliostat_methods.strokegan.config import StrokeGANConfig
from heliostat_methods.strokegan.glyph_sets import GlyphSet
from heliostat_methods.strokegan.tasks import ModeTrial, fastest_mode
from heliostat_methods.strokegan.training.settings import MemoryFormat, Precision
from heliostat_search.devices import device_resources


def in_fastest_mode(
    config: StrokeGANConfig, glyphs: Shared[GlyphSet], run: Run
) -> StrokeGANConfig:  # fmt: skip
    """Return the configuration with a mode for each ``auto``, measured once on a worker.

    It is a task of the run, so that all workers, and a run that is resumed, have the same.
    """
    precisions = get_args(Precision) if config.precision == "auto" else (config.precision,)
    formats = get_args(MemoryFormat) if config.memory_format == "auto" else (config.memory_format,)
    if len(precisions) == len(formats) == 1:
        return config
    run.phase("measuring precisions and memory formats")
    trial = ModeTrial(glyphs, config.training(), config.contestants()[-1], precisions, formats)
    resources = device_resources(config.device)
    mode: tuple[str, str] = run.call(
        fastest_mode, trial, shared=[glyphs], resources=resources
    ).unwrap()
    return config.model_copy(update={"precision": mode[0], "memory_format": mode[1]})
