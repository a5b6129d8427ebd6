"""What a study will cost, estimated from counted multiplications before anything runs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from heliostat_methods.evomal.config import EvoMALConfig, StudyConfig
from heliostat_methods.evomal.learners.loading import Parts
from heliostat_methods.evomal.learners.problem import ProblemData
from heliostat_methods.evomal.searches.settings import comparison_steps
from heliostat_search.trainings.rates import checkpoints

DENSE_RATE, TORCH_RATE = 3e10, 1.5e10
"""Multiplications a second that the estimate counts with, compiled and through autograd."""
CALL = 4e-4
"""Seconds that the estimate adds for each step through autograd."""
FILTER = 4e-8
"""Seconds that the estimate counts for one step of the rejection protocol on one sample."""
GROWN, WAYS = 2, 1.5
"""Rates that the estimate counts as added to those given, and trainings of a loss under one seed:
one at equal steps and one at its best, which are often one.
"""

ProblemTable = dict[tuple[str, str], ProblemData | str]
"""The problem of each data set and model, or why there is none."""


class Estimate:
    """The seconds that parts of a study will take; `parts` builds the models to be counted."""

    def __init__(
        self, config: EvoMALConfig, plan: StudyConfig, problems: ProblemTable, parts: Parts
    ) -> None:
        self._config, self._plan, self._problems, self._parts = config, plan, problems, parts

    def cell(self, dataset: str, model: str, baseline: str) -> float:
        """Return the estimate for a cell: search, comparison and transfers."""
        data = self._problems[dataset, model]
        if isinstance(data, str):
            return 0.0
        settings = self._config.of_cell(dataset, data.model.name)
        return (
            self._search(settings, baseline, data)
            + self._test(settings, baseline, data)
            + self.transfers(dataset, model, baseline)
        )

    def standards(self) -> float:
        """Return the estimate for the standard losses' trainings, needed once in each table."""
        total = 0.0
        for (dataset, _), data in self._problems.items():
            if isinstance(data, ProblemData):
                settings = self._config.of_cell(dataset, data.model.name)
                step = self._step(settings, data, data.hidden is None)
                total += self._test(settings, "fixed", data)
                trainings = settings.splits * settings.test_seeds  # at the configured rate
                total += trainings * comparison_steps(settings, data) * step
        return total

    def transfers(self, dataset: str, model: str, baseline: str) -> float:
        """Return the estimate for trying a cell's loss on other data sets of its kind of task."""
        if not self._plan.transfer or baseline != "none":
            return 0.0
        here = self._problems[dataset, model]
        return sum(
            self._test(self._config.of_cell(other, there.model.name), baseline, there)
            for (other, its_model), there in self._problems.items()
            if other != dataset and its_model == model
            and isinstance(there, ProblemData) and isinstance(here, ProblemData)
            and there.task == here.task
        )  # fmt: skip

    def _search(self, config: EvoMALConfig, baseline: str, data: ProblemData) -> float:
        candidates = config.population * (config.generations + 1)
        if baseline == "ml3":
            # A loss network is differentiated through autograd, whatever the model.
            step = self._step(config, data, torch=True)
            return config.network_restarts * (2 * config.meta_steps + config.base_steps) * step
        step = self._step(config, data, torch=data.hidden is None)
        if baseline == "fixed":
            return len(config.initial) * config.base_steps * step
        tunes = baseline in ("none", "random")
        entries = config.filter_samples * data.classes
        seconds = candidates * 0.5 * config.base_steps * step  # about half are rejected
        if not baseline.startswith("taylorglo"):
            seconds += candidates * config.filter_steps * entries * FILTER
        return seconds + (candidates * config.meta_steps * 2 * step if tunes else 0.0)

    def _test(self, config: EvoMALConfig, baseline: str, data: ProblemData) -> float:
        """Return the estimate for the trainings that compare one loss."""
        torch = data.hidden is None or baseline == "ml3"
        rates = len(config.rate_factors)
        rates += min(config.rate_growths, GROWN) if rates > 1 else -1
        chosen, tested = rates * config.test_block, WAYS * config.test_seeds
        step, batch = self._step(config, data, torch), min(config.batch_size, len(data.train[1]))
        steps = comparison_steps(config, data)
        # A forward pass is a third of a step; test data are measured in the tested ones alone.
        looks = len(checkpoints(steps)) * step / 3 / batch
        valid, test = len(data.valid[1]), len(data.test[1])
        seconds = (chosen + tested) * (steps * step + looks * valid) + tested * looks * test
        return config.splits * seconds

    def _step(self, config: EvoMALConfig, data: ProblemData, torch: bool) -> float:
        """Return the estimate for a forward and a backward pass of one batch."""
        rows = min(config.batch_size, len(data.train[1]))
        multiplications, compiled = self._work(data)
        seconds = 3.0 * rows * multiplications / (DENSE_RATE if compiled else TORCH_RATE)
        return seconds + (CALL if torch else 2e-6)

    def _work(self, data: ProblemData) -> tuple[int, bool]:
        """Return a forward pass's multiplications for one sample, and whether they are compiled."""
        if data.hidden is not None:
            widths = (data.train[0].shape[1], *data.hidden, data.classes)
            return int(sum(a * b for a, b in pairwise(widths))), True
        import torch
        from torch import nn

        from heliostat_methods.evomal.learners.generic.layered import plan_of

        recipe = self._parts("model", data.model)
        network = recipe.create(data.input_shape, data.classes, torch.Generator().manual_seed(0))
        compiled = plan_of(network, data.input_shape) is not None  # before hooks, which forbid it
        counted = 0

        def count(module: nn.Module, inputs: Any, output: Any) -> None:
            nonlocal counted
            places = output[0, 0].numel() if isinstance(module, nn.Conv2d) else 1
            counted += sum(p.numel() for p in module.parameters()) * places

        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.register_forward_hook(count)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            network.eval()(torch.zeros(1, *data.input_shape))
        return counted, compiled
