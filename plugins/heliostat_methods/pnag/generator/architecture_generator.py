"""The generator f(B; theta): an LSTM that says an architecture, decision by decision, for a budget.

Guo et al. 2022 (arXiv 2210.07634). The first input is the budget's vector, every further one the
vector of what was just chosen; a decision's kind has the head that its choices are drawn from. A
decision that does not exist is silence: probability 1, entropy 0, and zeros as the next input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.descent.perceptron import uniform
from heliostat_methods.pnag.generator.budget_embedding import (
    BOUND,
    BudgetEmbedding,
    Extrapolate,
    Interpolation,
)
from heliostat_methods.pnag.generator.recurrence import Recurrence, Trace
from heliostat_methods.pnag.generator.vocabulary import Vocabulary
from heliostat_methods.pnag.spaces.moves import absent_marked
from heliostat_methods.pnag.spaces.space import ABSENT, Archs, Decision

AT_ONCE = 1024
"""Architectures that one pass without gradients holds; it bounds memory."""
IMPOSSIBLE = -1e9
"""Logit of a choice that a decision does not have; its probability is exactly 0 and finite."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Architectures of a generator and how likely it thinks them.

    `archs`: (n, decisions), -1 where a decision does not exist. `choices`: what was said, the same
    unless decisions that do not exist are said too. `log_prob`, `entropy`: (n,), sums over what was
    said; the entropy is that of each decision given those before it.
    """

    archs: Archs
    choices: Archs
    log_prob: Tensor
    entropy: Tensor


class ArchitectureGenerator(nn.Module):
    """pi(alpha | B) over the decisions of any space; float32, all parameters from U(-0.1, 0.1).

    `masked = False` says decisions that do not exist as well, and counts them (the authors' code).
    """

    def __init__(
        self,
        decisions: Sequence[Decision],
        knots: ArrayLike,
        rng: np.random.Generator,
        hidden: int = 64,
        masked: bool = True,
        extrapolate: Extrapolate = "error",
        interpolation: Interpolation = "linear",
    ) -> None:
        super().__init__()
        if hidden < 1:
            raise ConfigError("hidden", hidden, "an integer, at least 1")
        self.vocabulary = Vocabulary.of(decisions)
        self.masked = masked
        self.budget = BudgetEmbedding(knots, hidden, rng, extrapolate, interpolation)
        words = self.vocabulary.silence
        for name, shape in (
            ("vectors", (words, hidden)),
            ("weight_input", (4 * hidden, hidden)),
            ("weight_state", (4 * hidden, hidden)),
            ("bias_input", (4 * hidden,)),
            ("bias_state", (4 * hidden,)),
            ("head_weight", (words, hidden)),
            ("head_bias", (words,)),
        ):
            self.register_parameter(name, nn.Parameter(uniform(shape, BOUND, rng)))
        rows, possible = _head_rows(self.vocabulary)
        self.register_buffer("_rows", rows, persistent=False)
        self.register_buffer("_possible", possible, persistent=False)

    vectors: Tensor
    weight_input: Tensor
    weight_state: Tensor
    bias_input: Tensor
    bias_state: Tensor
    head_weight: Tensor
    head_bias: Tensor
    _rows: Tensor
    _possible: Tensor

    def sample(self, budgets: ArrayLike, rng: np.random.Generator) -> Samples:
        """Return one architecture drawn for each budget (n,).

        Choices come from one uniform number each by the inverse of their distribution, drawn on the
        CPU row by row: more budgets leave the numbers of the first ones as they are. Raises
        ConfigError for a budget outside the knots.
        """
        values = _row_of(budgets)
        numbers = torch.from_numpy(rng.random((len(values), len(self.vocabulary.decisions))))
        return self._in_blocks(values, numbers)

    def greedy(self, budgets: ArrayLike) -> Samples:
        """Return for each budget (n,) the architecture whose every choice is the likeliest."""
        return self._in_blocks(_row_of(budgets), None)

    def evaluate(self, choices: NDArray[Any], budgets: ArrayLike) -> Samples:
        """Return given choices (n, decisions) as samples for budgets (n,), or one for all.

        Raises DataError for what is no row of choices; where decisions that do not exist are said
        too (`masked = False`), they are needed.
        """
        decisions = self.vocabulary.decisions
        archs = absent_marked(decisions, choices)
        said = archs if self.masked else choices.astype(np.int16)
        tokens = self.vocabulary.tokens(said)
        if not self.masked and (tokens == self.vocabulary.silence).any():
            raise DataError("choices: what was said at every decision needed by masked = False")
        values = np.broadcast_to(_row_of(budgets), len(choices))
        table, first = self._inputs(values)
        with torch.no_grad():
            trace = Trace(len(decisions), first, table, self.weight_state)
            trace.tokens[1:] = torch.from_numpy(tokens.T.copy())
            for step in range(len(decisions)):
                trace.advance(step)
        return self._samples(said, table, first, trace)

    def log_prob(self, choices: NDArray[Any], budgets: ArrayLike) -> Tensor:
        """Return log pi of choices (n, decisions) under budgets, (n,); raises as `evaluate`."""
        return self.evaluate(choices, budgets).log_prob

    def _in_blocks(self, budgets: NDArray[np.float64], numbers: Tensor | None) -> Samples:
        if torch.is_grad_enabled() or len(budgets) <= AT_ONCE:
            return self._said(budgets, numbers)
        blocks = [slice(begin, begin + AT_ONCE) for begin in range(0, len(budgets), AT_ONCE)]
        parts = [
            self._said(budgets[part], None if numbers is None else numbers[part]) for part in blocks
        ]
        return Samples(
            np.concatenate([part.archs for part in parts]),
            np.concatenate([part.choices for part in parts]),
            torch.cat([part.log_prob for part in parts]),
            torch.cat([part.entropy for part in parts]),
        )

    def _said(self, budgets: NDArray[np.float64], numbers: Tensor | None) -> Samples:
        """Return what is chosen by uniform numbers (n, decisions), or greedily, in one pass."""
        table, first = self._inputs(budgets)
        with torch.no_grad():
            trace = Trace(len(self.vocabulary.decisions), first, table, self.weight_state)
            self._decide(trace, numbers)
        said = self.vocabulary.choices(trace.tokens[1:].t().cpu().numpy())
        return self._samples(said, table, first, trace)

    def _decide(self, trace: Trace, numbers: Tensor | None) -> None:
        """Make all steps of a trace; the choices become its tokens."""
        if numbers is not None:
            numbers = numbers.t().contiguous().to(self.head_weight)
        vocabulary, heads = self.vocabulary, self._heads()
        absent: dict[tuple[int, int], Tensor] = {}
        for step, decision in enumerate(vocabulary.decisions):
            begin = vocabulary.first[step]
            bias, weight = heads[begin]
            logits = torch.addmm(bias, trace.advance(step), weight)
            said = trace.tokens[step + 1]
            if numbers is None:
                torch.argmax(logits, 1, out=said)
            else:
                _inverse(logits, numbers[step], said)
            said.add_(begin)
            if self.masked and decision.parent is not None:
                condition = (decision.parent, decision.least)
                if condition not in absent:
                    absent[condition] = self._absent(trace, *condition)
                said.masked_fill_(absent[condition], vocabulary.silence)

    def _heads(self) -> dict[int, tuple[Tensor, Tensor]]:
        """Return bias and weight (H, choices) of each kind, by its first token."""
        found = {}
        for begin, width in zip(self.vocabulary.first, self.vocabulary.widths, strict=True):
            words = slice(begin, begin + width)
            found[begin] = self.head_bias[words], self.head_weight[words].t().contiguous()
        return found

    def _absent(self, trace: Trace, parent: int, least: int) -> Tensor:
        """Return where a decision does not exist by what its parent said, (n,)."""
        heard, silence = trace.tokens[parent + 1], self.vocabulary.silence
        return (heard < self.vocabulary.first[parent] + least) | (heard == silence)

    def _inputs(self, budgets: NDArray[np.float64]) -> tuple[Tensor, Tensor]:
        """Return what each token (words + 1, 4H), and each budget (n, 4H), brings to the gates."""
        bias = self.bias_input + self.bias_state
        spoken = torch.addmm(bias, self.vectors, self.weight_input.t())
        first = torch.addmm(bias, self.budget(budgets), self.weight_input.t())
        return torch.cat((spoken, bias[None])), first

    def _samples(self, said: Archs, table: Tensor, first: Tensor, trace: Trace) -> Samples:
        states: Tensor = Recurrence.apply(table, first, self.weight_state, trace)  # type: ignore[no-untyped-call]
        log_probs = self._log_probs(states)
        there = torch.from_numpy((said != ABSENT).T.copy()).to(states)
        picked = torch.from_numpy(np.maximum(said, 0).T.astype(np.int64)).to(states.device)
        of_choice = log_probs.gather(2, picked[..., None]).squeeze(2)
        spread = -(log_probs.exp() * log_probs).sum(2)
        archs = said if self.masked else absent_marked(self.vocabulary.decisions, said)
        return Samples(archs, said, (of_choice * there).sum(0), (spread * there).sum(0))

    def _log_probs(self, states: Tensor) -> Tensor:
        """Return log-probabilities of all choices, (decisions, n, most choices)."""
        weight, bias = self.head_weight[self._rows], self.head_bias[self._rows]
        logits = torch.baddbmm(bias[:, None, :], states, weight.transpose(1, 2))
        if not bool(self._possible.all()):
            logits = logits.masked_fill(~self._possible[:, None, :], IMPOSSIBLE)
        return logits.log_softmax(2)


def _inverse(logits: Tensor, numbers: Tensor, out: Tensor) -> None:
    """Write which interval of its distribution each uniform number falls into, (n,)."""
    below = logits.softmax(1).cumsum(1)[:, :-1]
    torch.sum(numbers[:, None] >= below, 1, out=out)


def _head_rows(vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
    """Return the head's row of each decision's choices, and which of them exist."""
    places = np.arange(max(vocabulary.widths))
    possible = places < np.array(vocabulary.widths)[:, None]
    rows = np.where(possible, np.array(vocabulary.first)[:, None] + places, 0)
    return torch.from_numpy(rows), torch.from_numpy(possible)


def _row_of(budgets: ArrayLike) -> NDArray[np.float64]:
    return np.atleast_1d(np.asarray(budgets, dtype=np.float64))
