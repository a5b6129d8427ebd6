"""A training that is stepped, stopped and gone on with, whatever the variant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from heliostat_methods.strokegan.pairs.font_pair_data import FontPairData
from heliostat_methods.strokegan.pairs.shifted_glyphs import as_inputs, as_pictures
from heliostat_methods.strokegan.training.averaged_weights import AveragedWeights
from heliostat_methods.strokegan.training.cycle_objective import CycleObjective
from heliostat_methods.strokegan.training.diverged import GlyphTrainingDiverged
from heliostat_methods.strokegan.training.draws import Draws
from heliostat_methods.strokegan.training.image_pool import ImagePool
from heliostat_methods.strokegan.training.network_factory import OwnNetworks, create_networks
from heliostat_methods.strokegan.training.paired_objective import (
    PairedObjective,
    PairsOnlyObjective,
)
from heliostat_methods.strokegan.training.schedules import linear_decay
from heliostat_methods.strokegan.training.settings import TrainingSettings
from heliostat_methods.strokegan.training.stored_numbers import (
    below,
    load_module,
    load_optimiser,
    module_arrays,
    optimiser_arrays,
)
from heliostat_methods.strokegan.training.terms import TERMS, Terms, total
from heliostat_search.supervised.streams import Streams, streams_from, under

_PORTION = 128
_COLUMNS = ("step", *TERMS)
State = dict[str, Any]


class _Objective(Protocol):
    def generator_terms(self, step: int) -> Terms: ...
    def judge_terms(self, step: int) -> Terms: ...


class StrokeGANTrainer:
    """Trains the networks of ``settings`` on ``data``; two of one seed are equal bit for bit.

    ``streams``: random streams by name, or a seed; everything drawn comes from them by step number
    and on the CPU, so that neither stopping nor a GPU changes a draw. ``critic``: a frozen module
    that reads logits (N, 32) from pictures (N, C, px, px) in [-1, 1]. ``networks`` makes others
    than the settings name.

    Raises ``ValueError`` where data and settings do not fit.
    """

    def __init__(
        self,
        data: FontPairData,
        settings: TrainingSettings,
        streams: Streams | int = 0,
        *,
        critic: nn.Module | None = None,
        networks: OwnNetworks | None = None,
    ) -> None:
        _check(data, settings, critic)
        self.data, self.settings = data, settings
        named = streams if callable(streams) else streams_from(int(streams))
        self.device = _device(settings.device)
        stroke_dim = data.codes.shape[1]
        self.networks = create_networks(settings, named, stroke_dim, data.fonts, networks)
        layout = _layout(settings)
        for module in self.networks.values():
            module.to(self.device, memory_format=layout)  # type: ignore[call-overload]
        if critic is not None:
            critic = critic.to(self.device).eval().requires_grad_(False)
        self._pools = {
            name: ImagePool(settings.pool, under(named, name))
            for name in self.networks
            if name.startswith("judge_")
        }
        self._objective = self._create(Draws(data, settings, named, self.device), critic)
        self._optimisers = {
            kind: self._adam(kind)
            for kind in ("to", "judge")
            if any(name.startswith(kind) for name in self.networks)
        }
        self._average = self._averaged()
        self.taken = 0
        self._rows: list[list[float]] = []

    def _create(self, draws: Draws, critic: nn.Module | None) -> _Objective | None:
        match self.settings.objective:
            case "copy":
                return None
            case "pairs_only":
                return PairsOnlyObjective(self.settings, draws, self.networks)
            case "paired":
                return PairedObjective(self.settings, draws, self.networks, critic)
            case _:
                return CycleObjective(self.settings, draws, self.networks, self._pools, critic)

    def _averaged(self) -> AveragedWeights | None:
        if "to_target" not in self.networks or not self.settings.average:
            return None
        return AveragedWeights(self.networks["to_target"], self.settings.average)

    def _adam(self, kind: str) -> torch.optim.Adam:
        parameters = [
            parameter
            for name, module in self.networks.items()
            if name.startswith(kind)
            for parameter in module.parameters()
        ]
        s = self.settings
        return torch.optim.Adam(parameters, s.learning_rate, (s.beta1, s.beta2), fused=True)

    @property
    def finished(self) -> bool:
        """Whether all steps of the settings are taken."""
        return self.taken >= self.settings.steps

    def step(self) -> dict[str, float]:
        """Take one step and return its loss terms, before their weights.

        Raises `GlyphTrainingDiverged`, the step not taken, where a loss or a gradient is not
        finite; ``ValueError`` after the last step.
        """
        if self.finished:
            raise ValueError(f"steps: all {self.settings.steps} are taken; settings.steps says so")
        terms = self.gradients() if self._objective is not None else {}
        rate = self.settings.learning_rate * self._factor()
        for optimiser in self._optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
        if self._average is not None:
            self._average.follow(self.networks["to_target"], self.taken)
        if self.taken % self.settings.record_every == 0 or self.taken + 1 == self.settings.steps:
            values = [terms.get(name, math.nan) for name in TERMS]
            self._rows.append([float(self.taken), *values])
        self.taken += 1
        return terms

    def gradients(self) -> dict[str, float]:
        """Leave the gradients of the next step in the networks' parameters; return its terms."""
        if self._objective is None:
            return {}
        for optimiser in self._optimisers.values():
            optimiser.zero_grad(set_to_none=True)
        found: dict[str, Tensor] = {}
        for side in (self._objective.generator_terms, self._objective.judge_terms):
            with torch.enable_grad():
                with self._precision():
                    terms = side(self.taken)
                if terms:
                    total(terms).backward()  # type: ignore[no-untyped-call]
            found.update({name: term.value.detach() for name, term in terms.items()})
        # squared as Adam does it: an infinite moment would hold a parameter for good
        slopes = [
            parameter.grad.square().sum()
            for module in self.networks.values()
            for parameter in module.parameters()
            if parameter.grad is not None
        ]
        whole = torch.stack(slopes).sum()
        *values, slope = torch.stack([*found.values(), whole]).tolist()
        said = dict(zip(found, values, strict=True))
        if not all(map(math.isfinite, [*values, slope])):
            raise GlyphTrainingDiverged(self.taken, said)
        return said

    def fit(self, steps: int | None = None) -> dict[str, NDArray[np.float64]]:
        """Take ``steps`` more steps, or all that are left, and return the records."""
        left = self.settings.steps - self.taken
        if steps is not None and not 0 <= steps <= left:
            raise ValueError(f"steps must be from 0 to the {left} that are left, got {steps}")
        for _ in range(left if steps is None else steps):
            self.step()
        return self.records

    @property
    def records(self) -> dict[str, NDArray[np.float64]]:
        """Loss terms of every so many steps: ``step`` (K,) from 0, and each term (K,) by name.

        A term that a step lacked is NaN; one that no step had is left out.
        """
        rows = np.array(self._rows, np.float64).reshape(len(self._rows), len(_COLUMNS))
        found = {name: rows[:, at].copy() for at, name in enumerate(_COLUMNS)}
        return {k: v for k, v in found.items() if k == "step" or not np.isnan(v).all()}

    def generate(self, images: NDArray[np.uint8], font: int = 0) -> NDArray[np.float32]:
        """Return source glyphs (N, px, px) uint8 drawn in the target font, float32 in [0, 1].

        ``font``: of those that a generator with an embedding was taught.
        """
        pictures = np.asarray(images)
        side = self.settings.image_size
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (side, side):
            raise ValueError(
                f"images: {pictures.dtype} of shape {pictures.shape}, expected uint8 "
                f"(N, {side}, {side})"
            )
        if not 0 <= font < self.data.fonts:
            raise ValueError(f"font must be from 0 to {self.data.fonts - 1}, got {font}")
        if "to_target" not in self.networks:
            return np.asarray(pictures / np.float32(255), np.float32)
        last, made = self.networks["to_target"], []
        drawer = last if self._average is None else self._average.module
        further = {"font": font} if getattr(drawer, "fonts", None) is not None else {}
        drawer.eval()  # of networks of one's own: dropout, running means
        with torch.inference_mode(), self._precision():
            for part in torch.split(torch.from_numpy(np.array(pictures)), _PORTION):
                given = as_inputs(part.to(self.device), self.settings.channels)
                told = {
                    name: torch.full((len(part),), value, device=self.device)
                    for name, value in further.items()
                }
                made.append(as_pictures(drawer(given, **told)))
        drawer.train()
        return np.concatenate(made) if made else np.empty((0, side, side), np.float32)

    def state(self) -> State:
        """Return everything that the next step depends on: arrays by name, and ``step``."""
        state: State = {"step": self.taken}
        for name, module in self.networks.items():
            state |= {f"{name}/{k}": v for k, v in module_arrays(module).items()}
        for name, optimiser in self._optimisers.items():
            state |= {f"adam_{name}/{k}": v for k, v in optimiser_arrays(optimiser).items()}
        if self._average is not None:
            own = module_arrays(self._average.module)
            state |= {f"average/{k}": v for k, v in own.items()}
        for name, pool in self._pools.items():
            state |= {f"pool_{name}/{k}": v for k, v in pool.state().items()}
        rows = np.array(self._rows, np.float64)
        state["records"] = rows.reshape(len(self._rows), len(_COLUMNS))
        return state

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same data, settings and streams.

        Raises ``ValueError`` for one of other networks.
        """
        for name, module in self.networks.items():
            load_module(module, below(state, name), name)
        for name, optimiser in self._optimisers.items():
            load_optimiser(optimiser, below(state, f"adam_{name}"))
        if self._average is not None:
            load_module(self._average.module, below(state, "average"), "average")
        for name, pool in self._pools.items():
            pool.load(below(state, f"pool_{name}"), self.device)
        self._rows = [list(map(float, row)) for row in state["records"]]
        self.taken = int(state["step"])

    def _factor(self) -> float:
        s = self.settings
        if s.schedule == "constant":
            return 1.0
        constant = s.steps // 2
        return linear_decay(self.taken + 1, constant, s.steps - constant)

    def _precision(self) -> AbstractContextManager[Any]:
        if self.settings.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device, dtype=torch.bfloat16)


def _check(data: FontPairData, settings: TrainingSettings, critic: nn.Module | None) -> None:
    if data.px != settings.image_size:
        raise ValueError(
            f"image_size must be that of the data's pictures, {data.px}, got {settings.image_size}"
        )
    few = settings.paired_characters == "selected" and not len(data.paired)
    if settings.needs_pairs and few:
        raise ValueError(
            "paired: no pairs in the data, and these settings learn from pairs; "
            "data.with_pairs(...) chooses some"
        )
    if settings.critic_weight and critic is None:
        raise ValueError(f"critic_weight is {settings.critic_weight}, but no critic was given")


def _device(asked: str) -> str:
    there = torch.cuda.is_available()
    if asked == "cuda" and not there:
        raise ValueError("device must be 'cpu' or 'auto' here, got 'cuda': there is no GPU")
    return "cuda" if there and asked != "cpu" else "cpu"


def _layout(settings: TrainingSettings) -> torch.memory_format:
    if settings.memory_format == "channels_last":
        return torch.channels_last
    return torch.contiguous_format
