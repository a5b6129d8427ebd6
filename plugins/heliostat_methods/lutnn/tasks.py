"""What runs on a worker: a dense training, a variant made of it and fine-tuned, timings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from heliostat import Shared, TaskContext, stored, task
from heliostat.contract import Model
from heliostat_methods.lutnn.baselines.conversion import convert_int8, maddness_of
from heliostat_methods.lutnn.converting.convert import LutConversion, convert_lut
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.finite import NotFiniteError
from heliostat_methods.lutnn.layers.trainable import LutLayer
from heliostat_methods.lutnn.training.accounts import (
    LayerAccount,
    NetworkCost,
    dense_cost,
    int8_cost,
    layer_accounts,
    lookup_cost,
    maddness_accounts,
    plain_numbers,
)
from heliostat_methods.lutnn.training.annealing import annealed, set_temperature
from heliostat_methods.lutnn.training.parameter_groups import lut_param_groups
from heliostat_methods.lutnn.training.variant import Variant
from heliostat_search.supervised.batches import Batches
from heliostat_search.supervised.module_training import (
    ModuleState,
    ModuleTraining,
    module_outputs,
    schedule_factor,
)
from heliostat_search.supervised.problem import Data, Part, Problem, create
from heliostat_search.supervised.streams import under
from heliostat_search.trainings.measures import measured
from heliostat_search.unrolled.drawing import draw_seeds

Array = npt.NDArray[Any]
_CHECK_EVERY = 20
"""Steps between offers of a checkpoint; the platform keeps one every so many seconds."""
_CALIBRATION_BATCH = 32


@stored("lutnn.settings")
@dataclass(frozen=True)
class Settings:
    """How networks are trained; shared once by hash. ``*_at``: steps after which to measure."""

    learning_rate: float
    steps: int
    measured_at: tuple[int, ...]
    tuning_rate: float
    temperature_rate: float
    tuning_steps: int
    tuning_at: tuple[int, ...]
    weight_decay: float
    schedule: Literal["cosine", "constant"]
    batch_size: int
    calibration_rows: int


@stored("lutnn.training")
@dataclass(frozen=True)
class Training:
    """A dense training at one rate under one seed; ``keeps``: whether the network is kept."""

    problem: Shared[Problem]
    settings: Shared[Settings]
    factor: float
    seed: int
    keeps: bool


@stored("lutnn.numbers")
@dataclass(frozen=True)
class Numbers:
    """A network's state dict."""

    of: Mapping[str, Array]


@stored("lutnn.trained")
@dataclass(frozen=True)
class Trained:
    """What a dense training came to: the metric on validation rows (K,), and its network."""

    valid: Array
    numbers: Numbers | None


@stored("lutnn.tuning")
@dataclass(frozen=True)
class Tuning:
    """A variant made of a dense network and fine-tuned at one rate.

    ``detail``: whether test rows and costs are measured, which a choice of rates needs not;
    ``keeps``: whether the network itself is kept.
    """

    problem: Shared[Problem]
    settings: Shared[Settings]
    dense: Shared[Numbers]
    variant: Variant
    factor: float
    seed: int
    detail: bool
    keeps: bool


@stored("lutnn.tuned")
@dataclass(frozen=True)
class Tuned:
    """What a variant came to; K measurements, M measures, L layers that look up.

    ``valid`` (K,) is the metric on validation rows, ``test`` (K, M) all measures on test rows, the
    last of the frozen network; ``int8_search`` (M,) the same with an int8 search, empty without
    one. ``temperatures`` (K, L). ``skipped``: layers that stayed dense, each with why.
    """

    valid: Array
    test: Array
    int8_search: Array
    temperatures: Array
    layers: tuple[LayerAccount, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    cost: NetworkCost | None = None
    numbers: Numbers | None = None


@stored("lutnn.kept_training")
@dataclass(frozen=True)
class _KeptTraining:
    state: ModuleState
    valid: Array


@stored("lutnn.kept_tuning")
@dataclass(frozen=True)
class _KeptTuning:
    state: ModuleState
    measured: Tuned


@task("lutnn.train")
def train(item: Training, ctx: TaskContext) -> Trained:
    """Train the dense network from the numbers that a seed begins with."""
    problem, settings = ctx.shared(item.problem), ctx.shared(item.settings)
    streams = under(ctx.rng, "seed", item.seed)
    recipe: Model = ctx.part("model", problem.model)
    module = create(problem, recipe, int(streams("init").integers(1 << 62))).to(ctx.device)
    data = Data.of(problem, ctx.device)
    rate = settings.learning_rate * item.factor
    optimiser = torch.optim.Adam(module.parameters(), rate, weight_decay=settings.weight_decay)
    training = ModuleTraining(
        module, optimiser, data,
        Batches([streams], "train", len(data.train), settings.batch_size, ctx.device),
        problem.task, problem.classes,
        factor=lambda step: schedule_factor(settings.schedule, step, settings.steps),
        seeds=draw_seeds(streams("dropout"), settings.steps), device=ctx.device,
    )  # fmt: skip
    valid: list[float] = []
    kept: _KeptTraining | None = ctx.restore(None)
    if kept is not None:
        training.load(kept.state)
        valid = list(map(float, kept.valid))
    while True:
        if training.taken in settings.measured_at:
            valid.append(float(_measures(problem, training.module, data.valid, one=True)[0]))
        if training.taken == settings.steps:
            break
        training.step()
        if training.taken % _CHECK_EVERY == 0:
            ctx.checkpoint(_KeptTraining(training.state(), np.array(valid)))
    numbers = Numbers(training.state().module) if item.keeps else None
    return Trained(np.array(valid), numbers)


@task("lutnn.tune")
def tune(item: Tuning, ctx: TaskContext) -> Tuned:
    """Make a variant of a dense network, fine-tune it, freeze it and measure it."""
    problem, settings = ctx.shared(item.problem), ctx.shared(item.settings)
    streams, variant = under(ctx.rng, "tuning seed", item.seed), item.variant
    dense = dense_network(problem, ctx.part("model", problem.model), ctx.shared(item.dense))
    cpu = Data.of(problem)
    calibration = calibration_batches(
        cpu.train.x, settings.calibration_rows, streams("calibration")
    )
    seed = int(streams("centroids").integers(1 << 62))
    try:
        made = made_of(dense, variant, calibration, seed)
    except NotFiniteError:
        return _ran_away(item, problem, settings)
    if variant.kind == "int8" and not _runs(dense, cpu):
        return _ran_away(item, problem, settings)
    if not variant.trained:
        return _as_it_is(item, problem, dense, made, cpu)
    return _fine_tuned(item, problem, settings, dense, made, cpu, calibration, ctx)


@dataclass(frozen=True)
class Made:
    """A variant of a network: the module, its layers that look up, and those that do not."""

    module: nn.Module
    layers: tuple[LayerAccount, ...]
    skipped: tuple[tuple[str, str], ...]


def made_of(dense: nn.Module, variant: Variant, calibration: list[Tensor], seed: int) -> Made:
    """Return a variant of a dense network; its centroids are of calibration batches."""
    if variant.kind == "int8":
        return Made(convert_int8(dense), (), ())
    if not variant.looks_up:
        return Made(dense, (), ())
    done = _converted(dense, variant, calibration, seed)
    skipped = tuple((one.name, one.reason) for one in done.skipped)
    layers = layer_accounts(done, len(calibration[0]), variant.kind == "float_tables")
    if variant.kind == "maddness":
        names = [one.name for one in done.converted]
        lengths = {one.name: one.shape.length for one in done.converted}
        found = maddness_of(dense, names, lengths, calibration)
        accounts = maddness_accounts(found.model, layers, found.errors)
        return Made(found.model, accounts, skipped)
    return Made(done.model, layers, skipped)


def _converted(
    dense: nn.Module, variant: Variant, calibration: list[Tensor], seed: int
) -> LutConversion:
    import warnings

    with warnings.catch_warnings():
        # small data sets have fewer pieces than centroids, which the report's errors show
        warnings.filterwarnings("ignore", message=".*fewer than .* distinct pieces")
        return convert_lut(dense, variant.policy(16_384), calibration, seed=seed)


def dense_network(problem: Problem, recipe: Model, numbers: Numbers) -> nn.Module:
    """Return a dense network with the numbers it was trained to."""
    module = create(problem, recipe, 0)
    module.load_state_dict(
        {name: torch.from_numpy(np.array(part)) for name, part in numbers.of.items()}
    )
    return module


def calibration_batches(x: Tensor, rows: int, rng: np.random.Generator) -> list[Tensor]:
    """Return drawn rows in batches of one size; a rest that fills none is left out."""
    drawn = x[torch.from_numpy(rng.permutation(len(x))[: calibrating_rows(len(x), rows)])]
    return list(torch.split(drawn, min(_CALIBRATION_BATCH, len(drawn))))


def calibrating_rows(there: int, rows: int) -> int:
    """Return how many of the training rows calibrate where ``rows`` are asked for."""
    most = min(there, rows)
    return most - most % min(_CALIBRATION_BATCH, most)


def _ran_away(item: Tuning, problem: Problem, settings: Settings) -> Tuned:
    """Return what a variant of a dense network comes to whose numbers are no longer finite."""
    count = len(settings.tuning_at) if item.variant.trained else 1
    rows = count if item.detail else 0
    return Tuned(
        np.full(count, np.inf), np.full((rows, len(problem.measures)), np.inf), np.empty(0),
        np.empty((rows, 0)), skipped=(("", "the dense network that it is made of ran away"),),
    )  # fmt: skip


def _runs(module: nn.Module, data: Data) -> bool:
    """Return whether a module has finite outputs: torch's int8 layers fail where it has not."""
    module.eval()
    with torch.no_grad():
        parts = (data.valid.x, data.test.x)
        return all(bool(torch.isfinite(module(x)).all()) for x in parts)


def _as_it_is(item: Tuning, problem: Problem, dense: nn.Module, made: Made, data: Data) -> Tuned:
    module = made.module
    if item.variant.kind == "pq":
        module = freeze_lut(module)
    valid = _measures(problem, module, data.valid, one=True)
    if not item.detail:
        return Tuned(valid, np.empty((0, 0)), np.empty(0), np.empty((1, 0)))
    base, _ = dense_cost(dense, data.train.x[:1])
    cost = int8_cost(base, dense) if item.variant.kind == "int8" else lookup_cost(base, made.layers)
    test = _measures(problem, module, data.test)[None]
    return Tuned(
        valid, test, np.empty(0), np.empty((1, 0)), made.layers, made.skipped, cost,
        Numbers(plain_numbers(dense.state_dict())) if item.keeps and item.variant.kind == "dense"
        else None,
    )  # fmt: skip


def _fine_tuned(
    item: Tuning, problem: Problem, settings: Settings, dense: nn.Module, made: Made, cpu: Data,
    calibration: list[Tensor], ctx: TaskContext,
) -> Tuned:  # fmt: skip
    variant, streams = item.variant, under(ctx.rng, "tuning seed", item.seed)
    module = made.module.to(ctx.device)
    data = cpu if ctx.device == "cpu" else Data.of(problem, ctx.device)
    rate = settings.tuning_rate * item.factor
    optimiser = torch.optim.Adam(
        lut_param_groups(
            module, rate, temperature_lr=settings.temperature_rate * item.factor,
            weight_decay=settings.weight_decay,
        ),
        rate,
    )  # fmt: skip
    training = ModuleTraining(
        module, optimiser, data,
        Batches([streams], "train", len(data.train), settings.batch_size, ctx.device),
        problem.task, problem.classes,
        factor=lambda step: schedule_factor(settings.schedule, step, settings.tuning_steps),
        seeds=draw_seeds(streams("dropout"), settings.tuning_steps), device=ctx.device,
    )  # fmt: skip
    looking = _Looking(item, problem, data, [one.name for one in made.layers])
    kept: _KeptTuning | None = ctx.restore(None)
    if kept is not None:
        training.load(kept.state)
        looking.load(kept.measured)
    while True:
        if variant.kind == "annealed":
            set_temperature(module, annealed(training.taken / settings.tuning_steps))
        try:
            if training.taken in settings.tuning_at:
                looking.look(module)
            if training.taken == settings.tuning_steps:
                break
            training.step()
        except NotFiniteError:  # tables of numbers that ran away: so is all that would follow
            looking.ran_away(len(settings.tuning_at))
            break
        if training.taken % _CHECK_EVERY == 0:
            ctx.checkpoint(_KeptTuning(training.state(), looking.so_far()))
    return _ended(item, problem, dense, made, training, looking.so_far(), cpu, calibration)


class _Looking:
    """Measures a network on its way."""

    def __init__(self, item: Tuning, problem: Problem, data: Data, layers: list[str]) -> None:
        self._item, self._problem, self._data, self._layers = item, problem, data, layers
        self._valid: list[float] = []
        self._test: list[Array] = []
        self._temperatures: list[list[float]] = []

    def look(self, module: nn.Module) -> None:
        self._valid.append(float(_measures(self._problem, module, self._data.valid, one=True)[0]))
        if self._item.detail:
            self._test.append(_measures(self._problem, module, self._data.test))
            layers = [one for one in module.modules() if isinstance(one, LutLayer)]
            self._temperatures.append([one.temperature for one in layers])

    def ran_away(self, count: int) -> None:
        """Fill up to ``count`` measurements with infinite errors."""
        width, layers = len(self._problem.measures), len(self._layers)
        self._valid += [math.inf] * (count - len(self._valid))
        if self._item.detail:
            self._test += [np.full(width, np.inf)] * (count - len(self._test))
            self._temperatures += [[math.nan] * layers] * (count - len(self._temperatures))

    def so_far(self) -> Tuned:
        width = len(self._problem.measures)
        return Tuned(
            np.array(self._valid),
            np.stack(self._test) if self._test else np.empty((0, width)),
            np.empty(0),
            np.array(self._temperatures).reshape(len(self._temperatures), len(self._layers)),
        )

    def load(self, kept: Tuned) -> None:
        self._valid, self._test = list(map(float, kept.valid)), list(kept.test)
        self._temperatures = [list(map(float, row)) for row in kept.temperatures]


def _ended(
    item: Tuning, problem: Problem, dense: nn.Module, made: Made, training: ModuleTraining,
    found: Tuned, cpu: Data, calibration: list[Tensor],
) -> Tuned:  # fmt: skip
    if not item.detail:
        return found
    module, variant = training.module.cpu(), item.variant
    base, _ = dense_cost(dense, cpu.train.x[:1])
    test, int8_search = found.test, np.empty(0)
    if variant.looks_up and variant.kind != "float_tables" and np.isfinite(test[-1]).all():
        test = np.array(test)
        test[-1] = _measures(problem, freeze_lut(module), cpu.test)
        if variant.clusters <= 16:
            frozen = freeze_lut(module, search="int8", calibration=calibration)
            int8_search = _measures(problem, frozen, cpu.test)
    numbers = Numbers(plain_numbers(module.state_dict())) if item.keeps else None
    return Tuned(
        found.valid, test, int8_search, found.temperatures, made.layers, made.skipped,
        lookup_cost(base, made.layers), numbers,
    )  # fmt: skip


def _measures(problem: Problem, module: nn.Module, part: Part, one: bool = False) -> Array:
    names = (problem.metric,) if one else problem.measures
    outputs = module_outputs(module, part.x, problem.classes)
    return np.asarray(measured(names, outputs, part.labels.T.cpu().numpy()))
