from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.parallel import ShardGradient, shards_of, summed
from heliostat_methods.pnag.supernet.sandwich import Sandwich
from heliostat_methods.pnag.supernet.shrinking import ProgressiveShrinking
from heliostat_methods.pnag.supernet.training import SupernetTrainer, TrainingSettings


@pytest.mark.parametrize(
    "schedule", [Sandwich(1), ProgressiveShrinking((0.25, 0.25, 0.25, 0.25), random=1)]
)
def test_shards_on_any_worker_in_any_order_give_the_bits_of_a_serial_step(
    build: Any,
    space: Any,
    choices: SubnetChoices,
    named: Any,
    images: Tensor,
    labels: Tensor,
    schedule: Any,
) -> None:
    settings = TrainingSettings(epochs=2, batch=32, rate=0.05, shards=3)

    def trainer() -> SupernetTrainer:
        return SupernetTrainer(build(space), choices, schedule, settings, named)

    serial, driver, workers = trainer(), trainer(), [trainer(), trainer()]
    for _ in range(4):
        serial.step(images, labels)
        plan = driver.begin(len(images))
        state = driver.state()
        parts = shards_of(driver.batch(len(images)), 3)
        found: dict[int, ShardGradient] = {}
        for shard in (2, 0, 1):
            worker = workers[shard % 2]
            worker.load(state)
            part = torch.from_numpy(parts[shard])
            found[shard] = worker.shard(plan, images[part], labels[part])
        driver.apply([found[i] for i in range(3)], driver.steps(len(images)))
    assert serial.state().keys() == driver.state().keys()
    for name, value in serial.state().items():
        assert np.array_equal(value, driver.state()[name])


def test_gradients_are_weighted_by_images() -> None:
    one = ShardGradient(np.array([1.0, 4.0], np.float32), (2.0,), 1)
    three = ShardGradient(np.array([5.0, 0.0], np.float32), (6.0,), 3)
    total = summed([one, three])
    assert total.values.tolist() == [4.0, 1.0] and total.values.dtype == np.float32
    assert (total.losses, total.images) == ((5.0,), 4)


def test_a_single_shard_is_the_batch() -> None:
    only = ShardGradient(np.array([0.1], np.float32), (2.0,), 5)
    assert summed([only]) is only


def test_shards_differ_by_at_most_one_image() -> None:
    parts = shards_of(np.arange(11), 4)
    assert [len(p) for p in parts] == [3, 3, 3, 2]
    assert np.concatenate(parts).tolist() == list(range(11))


def test_more_shards_than_images_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"shards = 4: expected 1 to 3, the images of a batch"):
        shards_of(np.arange(3), 4)
    with pytest.raises(DataError, match="no gradients of shards"):
        summed([])
