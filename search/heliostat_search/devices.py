"""What a configuration's `device` asks of workers: "cpu", "cuda", or "auto" for a GPU if any."""

from __future__ import annotations

from heliostat import ConfigError, Resources, Run
from heliostat.errors import ResourceError


def device_resources(device: str) -> Resources | None:
    """Return what a task that trains on ``device`` needs of a worker; None for the CPU."""
    return None if device == "cpu" else Resources(gpus=1, or_cpu=device == "auto")


def refuse_missing_gpu(device: str, run: Run) -> None:
    """Raise ConfigError before any work where `device` insists on a GPU that no worker has."""
    if device != "cuda":
        return
    try:
        run.require(Resources(gpus=1))
    except ResourceError as error:
        raise ConfigError("device", device, "'cpu' or 'auto' here", str(error)) from None
