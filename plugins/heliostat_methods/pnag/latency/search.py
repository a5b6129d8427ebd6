"""The search of a latency table: networks drawn and put together, then everything timed in rounds.

Timings are measurements and no part of the digest, so the result says what was timed and the
product `table` what it took.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from heliostat import ConfigError, Resources, Run
from heliostat.errors import ResourceError
from heliostat_methods.pnag.cost.latency_agreement import agreement
from heliostat_methods.pnag.cost.latency_probe import ProbeSettings, judged, wants_more
from heliostat_methods.pnag.cost.latency_table import LatencyTable, Setting, keys_of
from heliostat_methods.pnag.latency.config import LatencyConfig
from heliostat_methods.pnag.latency.plan import planned
from heliostat_methods.pnag.latency.tasks import Network, Round, put_together, time_round
from heliostat_methods.pnag.spaces.layout import TrainableSpace
from heliostat_methods.pnag.spaces.moves import sample_distinct
from heliostat_methods.pnag.spaces.space import Archs
from heliostat_methods.pnag.training.building import refuse_missing_layers

PRODUCT = "table"
PROBE = "latency_probe"
"""Ray resource of nodes that are kept quiet for measurements."""
SEEDS = 2**31


def search(config: LatencyConfig, run: Run) -> dict[str, Any]:
    """Measure a table of block latencies and compare its sums with whole networks."""
    space = _trainable(config, run)
    layout = space.layout(*_images(config, run))
    refuse_missing_layers(layout, config.layers)
    archs = _networks(config, space, run)
    setting = Setting(config.batch, config.threads, config.dtype)
    seed = run.seed64("weights") % SEEDS
    handle = run.share(planned(space, layout, archs, setting, seed, config.layers))
    run.phase("putting networks together")
    items = [Network(handle, number) for number in range(len(archs))]
    counts = [one.unwrap() for one in run.map(put_together, items, shared=handle)]
    settings = ProbeSettings(
        config.rounds, config.repeats, config.warm_up, config.drift, config.most_rounds
    )
    keys = list(keys_of(layout, setting))
    found = judged(_rounds(handle, settings, _resources(config, run), run), settings)
    blocks, (fixed, *networks) = found.timings[: len(keys)], found.timings[len(keys) :]
    entries = dict(zip(keys, blocks, strict=True))
    layers = tuple(ref.plain() for ref in config.layers)
    table = LatencyTable(layout, setting, entries, fixed, found.noisy, layers=layers)
    predicted = table.latencies(space, archs)
    measured = np.array([one.median for one in networks])
    texts = [space.write(arch) for arch in archs]
    value = {
        "table": table.plain(),
        "networks": [
            {"arch": text, **count, "predicted": float(said), "measured": asdict(real)}
            for text, count, said, real in zip(texts, counts, predicted, networks, strict=True)
        ],
        "agreement": asdict(agreement(predicted, measured)),
        "kept": found.kept,
        "rejected": found.rejected,
    }
    run.save(PRODUCT, value, kind="latency_table")
    return {
        "space": space.name,
        "input_shape": list(layout.input_shape),
        "classes": layout.classes,
        **asdict(setting),
        "blocks": len(keys),
        "networks": len(texts),
    }


def _trainable(config: LatencyConfig, run: Run) -> TrainableSpace:
    space = run.part("space", config.space)
    if not isinstance(space, TrainableSpace):
        expected = "a space whose architectures are networks of blocks, such as elastic_conv"
        raise ConfigError("space", config.space.name, expected)
    return space


def _images(config: LatencyConfig, run: Run) -> tuple[tuple[int, int, int], int]:
    """Return (channels, height, width) of the images, and the number of classes."""
    dataset = run.part("dataset", config.dataset)
    shape = getattr(dataset, "image_shape", None)
    if shape is None or dataset.task != "classification":
        raise ConfigError("dataset", config.dataset.name, "images with classes, such as digits")
    channels, height, width = shape
    if config.image_size is not None:
        height = width = config.image_size
    return (channels, height, width), dataset.classes


def _networks(config: LatencyConfig, space: TrainableSpace, run: Run) -> Archs:
    archs = sample_distinct(space, config.networks, run.rng("networks"))
    if len(archs) < 2:
        raise ConfigError("space", config.space.name, "a space of two networks or more")
    return archs


def _resources(config: LatencyConfig, run: Run) -> Resources:
    """Return what a round needs: a node kept for measurements where the cluster has one."""
    alone = Resources(cpus=config.threads, custom=((PROBE, 1.0),))
    try:
        run.require(alone)
    except ResourceError:
        return Resources(cpus=config.threads)
    return alone


def _rounds(plan: Any, settings: ProbeSettings, resources: Resources, run: Run) -> Sequence[Any]:
    run.phase("timing blocks")
    rounds: list[Any] = []
    while wants_more(rounds, settings):
        item = Round(plan, len(rounds), **asdict(settings))
        outcome = run.observe(time_round, item, shared=plan, resources=resources)
        rounds.append(outcome.unwrap().readings)
        run.report(len(rounds), of=settings.most_rounds, free_cores=rounds[-1].free_cores)
    return rounds
