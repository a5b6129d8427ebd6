"""What a comparison leaves for other methods: each adapted loss, as it was in the best training."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch

from heliostat import Run
from heliostat_methods.adalfl.comparison.concluding import Found
from heliostat_methods.adalfl.comparison.contestants import Contestant
from heliostat_methods.adalfl.comparison.trained import Posed, valid_curves
from heliostat_search.loss_networks.network import MetaLossNetwork, drawn_layers
from heliostat_search.trainings.choosing import Choice

KIND = "loss"


def save_losses(
    posed: Posed, some: Sequence[Contestant], choices: Sequence[Choice], found: Sequence[Found],
    run: Run,
) -> None:  # fmt: skip
    """Save the loss network of each contestant, of the training that validation rows like best."""
    first = True
    for one, choice, blocks in zip(some, choices, found, strict=True):
        if one.beginning is None:
            continue
        mine = blocks[choice.at_end.factor]
        ends = valid_curves(mine)[:, -1]
        phi = np.concatenate([block.phi for block in mine])
        usable = np.isfinite(ends) & np.isfinite(phi).all(axis=1)
        if not usable.any():
            continue
        best = int(np.argmin(np.where(usable, ends, np.inf)))
        shape = one.beginning.shape
        layers = drawn_layers(np.random.default_rng(0), shape.hidden)  # for their shapes alone
        network = MetaLossNetwork(layers, posed.problem.task, shape)
        network.load_vector(torch.tensor(phi[best]))
        name = "loss" if first else f"loss-{one.name}"
        run.save(_file_name(name), {"loss": network.to_dict(), "task": posed.problem.task,
                                    "contestant": one.label}, kind=KIND)  # fmt: skip
        first = False


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", text)
