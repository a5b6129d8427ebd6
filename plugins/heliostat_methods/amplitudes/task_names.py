"""Where the permanent names of this method's tasks and stored types are registered."""

from heliostat_methods.amplitudes import tasks
from heliostat_methods.amplitudes.studies import (
    batches,
    costs,
    discoveries,
    integrations,
    reconstructions,
)

__all__ = ["batches", "costs", "discoveries", "integrations", "reconstructions", "tasks"]
