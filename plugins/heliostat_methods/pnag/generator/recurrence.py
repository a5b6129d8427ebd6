"""An LSTM over tokens, a pass at a time: activations kept, gradients written out.

Hochreiter, Schmidhuber 1997, with forget gates (Gers et al. 2000), as `torch.nn.LSTMCell` but for
the order of the gates, o, i, f, g: c' = f c + i g; h' = o tanh c'. Inputs come from few tokens, so
their products with the input weights are a table that is made once a pass; what is left in a step
is one product with the recurrent weights. The gradient of all weights is one product over all
steps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from heliostat_methods.pnag.descent.products import product


class Trace:
    """What a pass over (steps, batch) leaves: gates (steps, batch, 4H), cells and states.

    `states[t]` and `cells[t]` stand before step t; both begin with zeros. `tokens[t]` is the token
    that step t hears, `tokens[t + 1]` the one that it says; step 0 hears the row of its sample in
    `first` instead.
    """

    def __init__(self, steps: int, first: Tensor, table: Tensor, weight: Tensor) -> None:
        batch, hidden = len(first), weight.shape[1]
        self.table, self.turned = table, weight.t().contiguous()
        self.tokens = torch.zeros((steps + 1, batch), dtype=torch.int64, device=first.device)
        self.gates = first.new_empty((steps, batch, 4 * hidden))
        self.cells = first.new_zeros((steps + 1, batch, hidden))
        self.bent = first.new_empty((steps, batch, hidden))
        self.states = first.new_zeros((steps + 1, batch, hidden))
        self._recalled = first.new_empty((batch, 4 * hidden))
        self.gates[0] = first
        # Views are made once: to slice in every step costs as much as the arithmetic.
        self._gates, self._cells, self._bent, self._states, self._tokens = (
            rows.unbind() for rows in (self.gates, self.cells, self.bent, self.states, self.tokens)
        )
        self._sigmoid = self.gates[..., : 3 * hidden].unbind()
        self._o, self._i, self._f, self._g = (gate.unbind() for gate in self.gates.chunk(4, dim=2))

    def advance(self, step: int) -> Tensor:
        """Return the state after a step, (batch, H); the steps before have been made."""
        if step > 0:
            gates = self._gates[step]
            torch.index_select(self.table, 0, self._tokens[step], out=gates)
            gates.add_(product(self._states[step], self.turned, self._recalled))
        self._sigmoid[step].sigmoid_()
        self._g[step].tanh_()
        cell = self._cells[step + 1]
        torch.mul(self._f[step], self._cells[step], out=cell)
        cell.addcmul_(self._i[step], self._g[step])
        torch.tanh(cell, out=self._bent[step])
        return torch.mul(self._o[step], self._bent[step], out=self._states[step + 1])


class Recurrence(torch.autograd.Function):
    """The states after each step, (steps, batch, H), of a trace that is complete.

    Differentiable in table (tokens, 4H), first (batch, 4H) and weight (4H, H), which the trace was
    made with.
    """

    @staticmethod
    def forward(ctx: Any, table: Tensor, first: Tensor, weight: Tensor, trace: Trace) -> Tensor:
        """Return the states that stand in the trace."""
        ctx.trace = trace
        ctx.save_for_backward(weight)
        return trace.states[1:]

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """Return the gradients of table, first and weight."""
        (weight,) = ctx.saved_tensors
        trace: Trace = ctx.trace
        slopes = _through_time(trace, weight, upstream[0])
        steps, batch, width = slopes.shape
        flat = slopes.view(steps * batch, width)
        # Before the first step stands the state 0, which gives no gradient.
        heard_states = trace.states[1:-1].reshape(-1, weight.shape[1])
        heard = one_hot(trace.tokens[1:-1].reshape(-1), len(trace.table)).to(flat.dtype)
        later = flat[batch:]
        return product(heard.t(), later), slopes[0], product(later.t(), heard_states), None


def _through_time(trace: Trace, weight: Tensor, upstream: Tensor) -> Tensor:
    """Return the gradient of what enters the gates, (steps, batch, 4H)."""
    slopes, bend = _local_slopes(trace)
    steps, batch, _, hidden = slopes.shape
    of_output, of_cell = slopes[:, :, 0].unbind(), slopes[:, :, 1:].unbind()
    following, above, bends = (
        slopes.view(steps, batch, -1).unbind(),
        upstream.unbind(),
        bend.unbind(),
    )
    forget = trace.gates.chunk(4, dim=2)[2].unbind()
    cell = bend.new_zeros((batch, hidden))
    over_gates = cell.unsqueeze(1)
    state = above[-1].clone()
    for step in range(steps - 1, -1, -1):
        if step < steps - 1:
            product(following[step + 1], weight, state).add_(above[step])
        cell.addcmul_(state, bends[step])
        of_cell[step].mul_(over_gates)
        of_output[step].mul_(state)
        cell.mul_(forget[step])
    return slopes.view(steps, batch, 4 * hidden)


def _local_slopes(trace: Trace) -> tuple[Tensor, Tensor]:
    """Return what does not depend on later steps.

    The slopes of state (gate o) and cell (gates i, f, g) in what enters the gates, (steps, batch,
    4, H), and of the state in the cell, (steps, batch, H).
    """
    o, i, f, g = trace.gates.chunk(4, dim=2)
    steps, batch, hidden = trace.bent.shape
    slopes = trace.gates.new_empty((steps, batch, 4, hidden))
    of_o, of_i, of_f, of_g = slopes.unbind(2)
    # x - x y in place of x (1 - y): nothing is allocated on the way.
    torch.addcmul(o, o, o, value=-1, out=of_o).mul_(trace.bent)
    torch.addcmul(i, i, i, value=-1, out=of_i).mul_(g)
    torch.addcmul(f, f, f, value=-1, out=of_f).mul_(trace.cells[:-1])
    torch.addcmul(i, torch.mul(i, g, out=of_g), g, value=-1, out=of_g)
    bend = o * trace.bent
    return slopes, torch.addcmul(o, bend, trace.bent, value=-1, out=bend)
