"""The same generator said plainly: one architecture at a time, a cell step and a head a decision.

What the batched one is compared with, in tests and in `benchmarks/pnag.py`; after the manner of the
released code of Guo et al. 2022.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from heliostat_methods.pnag.generator.architecture_generator import ArchitectureGenerator
from heliostat_methods.pnag.generator.budget_embedding import BudgetEmbedding
from heliostat_methods.pnag.spaces.space import ABSENT


class LoopedGenerator(nn.Module):
    """A generator with `nn.LSTMCell`, and a linear head and an embedding for each kind."""

    def __init__(self, model: ArchitectureGenerator) -> None:
        super().__init__()
        vocabulary, hidden = model.vocabulary, model.weight_state.shape[1]
        self.decisions, self.masked = vocabulary.decisions, model.masked
        self.cell = nn.utils.skip_init(nn.LSTMCell, hidden, hidden)  # type: ignore[no-untyped-call]
        self.heads, self.vectors = nn.ModuleDict(), nn.ModuleDict()
        self.budget = BudgetEmbedding(
            model.budget.knots,
            hidden,
            np.random.default_rng(0),
            model.budget.extrapolate,
            model.budget.interpolation,
        )
        for decision, begin in zip(vocabulary.decisions, vocabulary.first, strict=True):
            if decision.kind not in self.heads:
                words = slice(begin, begin + len(decision.choices))
                self._add(decision.kind, model, words)
        with torch.no_grad():
            self.budget.vectors.copy_(model.budget.vectors)
            for ours, theirs in (
                (model.weight_input, self.cell.weight_ih),
                (model.weight_state, self.cell.weight_hh),
                (model.bias_input, self.cell.bias_ih),
                (model.bias_state, self.cell.bias_hh),
            ):
                o, i, f, g = ours.chunk(4)
                theirs.copy_(torch.cat((i, f, g, o)))
        self.to(model.weight_state.dtype)

    def forward(
        self, budget: float, rng: np.random.Generator | None, given: Sequence[int] = ()
    ) -> tuple[list[int], Tensor, Tensor]:
        """Return choices, log pi and entropy of one architecture, drawn, or as given."""
        x = self.budget(budget)
        h = c = torch.zeros_like(x)
        choices: list[int] = []
        log_prob, entropy = x.new_zeros(()), x.new_zeros(())
        for place, decision in enumerate(self.decisions):
            h, c = self.cell(x, (h, c))
            parent = decision.parent
            if self.masked and parent is not None and choices[parent] < decision.least:
                choices.append(ABSENT)
                x = torch.zeros_like(x)
                continue
            log_probs = log_softmax(self.heads[decision.kind](h)[0], 0)
            choice = int(given[place]) if rng is None else _drawn(log_probs, rng)
            log_prob = log_prob + log_probs[choice]
            entropy = entropy - (log_probs.exp() * log_probs).sum()
            choices.append(choice)
            x = self.vectors[decision.kind](torch.tensor([choice]))
        return choices, log_prob, entropy

    def _add(self, kind: str, model: ArchitectureGenerator, words: slice) -> None:
        count, hidden = words.stop - words.start, model.weight_state.shape[1]
        head = nn.utils.skip_init(nn.Linear, hidden, count)  # type: ignore[no-untyped-call]
        vectors = nn.utils.skip_init(nn.Embedding, count, hidden)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            head.weight.copy_(model.head_weight[words])
            head.bias.copy_(model.head_bias[words])
            vectors.weight.copy_(model.vectors[words])
        self.heads[kind], self.vectors[kind] = head, vectors


def _drawn(log_probs: Tensor, rng: np.random.Generator) -> int:
    """Return the interval of the distribution that one uniform number falls into."""
    below = log_probs.detach().exp().cumsum(0)[:-1]
    return int((rng.random() >= below).sum())
