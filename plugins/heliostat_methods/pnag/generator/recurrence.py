"""An LSTM over tokens, a pass at a time: activations kept, gradients written out.

Hochreiter, Schmidhuber 1997, with forget gates (Gers et al. 2000), as `torch.nn.LSTMCell`: gates
i, f, g, o; c' = f c + i g; h' = o tanh c'. Inputs come from few tokens, so their products with the
input weights are a table that is made once a pass; what is left in a step is one product with the
recurrent weights. The gradient of all weights is one product over all steps.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot


class Trace:
    """What a pass over (steps, batch) leaves: gates (steps, batch, 4H), cells and states.

    `states[t]` and `cells[t]` stand before step t; both begin with zeros. `tokens[t]` is the token
    that step t hears; step 0 hears the row of its sample in `first` instead.
    """

    def __init__(self, steps: int, first: Tensor, table: Tensor, weight: Tensor) -> None:
        batch, hidden = len(first), weight.shape[1]
        self.first, self.table, self.turned = first, table, weight.t().contiguous()
        self.tokens = torch.zeros((steps, batch), dtype=torch.int64, device=first.device)
        self.gates = first.new_empty((steps, batch, 4 * hidden))
        self.cells = first.new_zeros((steps + 1, batch, hidden))
        self.bent = first.new_empty((steps, batch, hidden))
        self.states = first.new_zeros((steps + 1, batch, hidden))

    def advance(self, step: int) -> Tensor:
        """Return the state after a step, (batch, H); the steps before have been made."""
        gates, hidden = self.gates[step], self.states.shape[2]
        if step == 0:
            gates.copy_(self.first)
        else:
            torch.index_select(self.table, 0, self.tokens[step], out=gates)
            gates.addmm_(self.states[step], self.turned)
        gates[:, : 2 * hidden].sigmoid_()
        gates[:, 2 * hidden : 3 * hidden].tanh_()
        gates[:, 3 * hidden :].sigmoid_()
        i, f, g, o = gates.chunk(4, dim=1)
        cell = torch.mul(f, self.cells[step], out=self.cells[step + 1]).addcmul_(i, g)
        torch.tanh(cell, out=self.bent[step])
        return torch.mul(o, self.bent[step], out=self.states[step + 1])


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
        flat = slopes.reshape(steps * batch, width)
        of_weight = flat.t() @ trace.states[:-1].reshape(steps * batch, -1)
        heard = one_hot(trace.tokens[1:].reshape(-1), len(trace.table)).to(flat.dtype)
        return heard.t() @ flat[batch:], slopes[0], of_weight, None


def _through_time(trace: Trace, weight: Tensor, upstream: Tensor) -> Tensor:
    """Return the gradient of what enters the gates, (steps, batch, 4H)."""
    i, f, g, o = trace.gates.chunk(4, dim=2)
    # What does not depend on later steps is made for all of them at once.
    of_cell = torch.cat((g * i * (1 - i), trace.cells[:-1] * f * (1 - f), i * (1 - g * g)), 2)
    of_state = trace.bent * o * (1 - o)
    bend = o * (1 - trace.bent * trace.bent)
    steps, batch, hidden = trace.bent.shape
    of_cell = of_cell.view(steps, batch, 3, hidden)
    slopes = trace.gates.new_empty((steps, batch, 4, hidden))
    cell = trace.bent.new_zeros((batch, hidden))
    state = upstream[-1]
    for step in range(steps - 1, -1, -1):
        if step < steps - 1:
            after = slopes[step + 1].view(batch, 4 * hidden)
            state = torch.addmm(upstream[step], after, weight)
        cell.addcmul_(state, bend[step])
        torch.mul(of_cell[step], cell.unsqueeze(1), out=slopes[step, :, :3])
        torch.mul(of_state[step], state, out=slopes[step, :, 3])
        cell.mul_(f[step])
    return slopes.view(steps, batch, 4 * hidden)
