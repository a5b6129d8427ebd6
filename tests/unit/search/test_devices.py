"""What a device asks of workers, and what is said where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from heliostat import ConfigError, Resources
from heliostat.errors import ResourceError
from heliostat_search.devices import device_resources, refuse_missing_gpu


class NoGPU:
    def require(self, resources: Resources) -> None:
        raise ResourceError(str(resources), "2 CPUs")


def test_a_device_says_what_a_task_needs() -> None:
    assert device_resources("cpu") is None
    assert device_resources("cuda") == Resources(gpus=1)
    assert device_resources("auto") == Resources(gpus=1, or_cpu=True)


def test_only_cuda_insists() -> None:
    nobody: Any = NoGPU()
    refuse_missing_gpu("cpu", nobody)
    refuse_missing_gpu("auto", nobody)
    with pytest.raises(ConfigError, match="wanted cpus=1, gpus=1, available 2 CPUs") as caught:
        refuse_missing_gpu("cuda", nobody)
    assert caught.value.field == "device" and "'cpu' or 'auto' here" in str(caught.value)
