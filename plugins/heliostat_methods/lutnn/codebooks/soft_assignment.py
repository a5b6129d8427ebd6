"""Soft product quantisation: the value of the nearest centroid, the gradient of a soft choice.

    out = sum_c T_q[c, k*(n, c)]                       forward: what inference gives
    S   = softmax_k(-beta d[n, c, k])                  backward: the gradient of sum_c S T

with d the Euclidean distance, or its square. The gradient is written out, so that nothing but
inputs, centroids and weights is kept between the passes: distances of a 3x3 convolution would take
hundreds of megabytes a layer.

    gS = G T^T,  gT = S^T G,  gl = S (gS - sum_k S gS),  gd = -beta gl,  g_beta = -sum d gl
    r  = gd / d  (or 2 gd),   ga = a sum_k r - r P,      gP = P sum_n r - r^T a + gT w^T
    gw = P^T gT

Where a piece equals a centroid its distance has no derivative; 0 is taken.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from heliostat_methods.lutnn.codebooks.codes import nearest, portions
from heliostat_methods.lutnn.codebooks.tables import TableScale, quantised_tables_of

Distance = Literal["euclidean", "squared"]
Gradient = Literal["soft", "hard"]


def soft_lookup(
    x: Tensor,
    centroids: Tensor,
    weight: Tensor,
    beta: Tensor,
    *,
    distance: Distance = "euclidean",
    tables: TableScale | None = "per_layer",
    gradient: Gradient = "soft",
    composed: bool = False,
) -> Tensor:
    """Return outputs (N, M) of inputs (N, C V), centroids (C, K, V) and weights (C, V, M).

    ``beta`` () is the inverse temperature. ``tables`` are int8 with one step a layer or an output,
    or None for float ones. With ``gradient="hard"`` the chosen entries alone have a gradient, and
    inputs have none. ``composed`` goes through torch's operators, for gradients of gradients.
    """
    if composed:
        return _composed(x, centroids, weight, beta, distance, tables, gradient)
    found: Tensor = _SoftLookup.apply(x, centroids, weight, beta, distance, tables, gradient)  # type: ignore[no-untyped-call]
    return found


def soft_output(
    x: Tensor, centroids: Tensor, weight: Tensor, beta: Tensor, distance: Distance = "euclidean"
) -> Tensor:
    """Return sum_c S T (N, M), whose gradient `soft_lookup` has."""
    total = x.new_zeros(len(x), weight.shape[2])
    for (begin, end), pieces in portions(x, centroids):
        some = centroids[begin:end]
        soft = torch.softmax(-beta * _distances(pieces, some, distance), dim=2)
        total = total + torch.bmm(soft, torch.bmm(some, weight[begin:end])).sum(0)
    return total


def _composed(
    x: Tensor, centroids: Tensor, weight: Tensor, beta: Tensor, distance: Distance,
    tables: TableScale | None, gradient: Gradient,
) -> Tensor:  # fmt: skip
    codes = _codes(x.detach(), centroids.detach())
    products = torch.bmm(centroids, weight)
    at = functional.one_hot(codes, centroids.shape[1]).to(x.dtype).transpose(0, 1)  # (C, N, K)
    if tables is None:
        hard = torch.bmm(at, products.detach()).sum(0)
    else:
        entries, step = quantised_tables_of(products.detach(), tables)
        hard = torch.bmm(at, entries.to(x.dtype)).sum(0) * step
    if gradient == "hard":
        soft = torch.bmm(at, products).sum(0)
    else:
        soft = soft_output(x, centroids, weight, beta, distance)
    return soft + (hard - soft).detach()


class _SoftLookup(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, centroids: Tensor, weight: Tensor, beta: Tensor,
        distance: Distance, tables: TableScale | None, gradient: Gradient,
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(x, centroids, weight, beta)
        ctx.distance, ctx.gradient = distance, gradient
        codes = _codes(x, centroids)
        products = torch.bmm(centroids, weight)
        if tables is None:
            return _looked_up(products, codes)
        entries, step = quantised_tables_of(products, tables)
        return _looked_up(entries.to(x.dtype), codes) * step

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, centroids, weight, beta = ctx.saved_tensors
        grad_x = torch.zeros_like(x).reshape(len(x), centroids.shape[0], -1)
        grad_centroids, grad_weight = torch.zeros_like(centroids), torch.zeros_like(weight)
        grad_beta = torch.zeros_like(beta)
        for (begin, end), pieces in portions(x, centroids):
            some, w = centroids[begin:end], weight[begin:end]
            wide = grad.expand(end - begin, *grad.shape)
            if ctx.gradient == "hard":
                clusters = some.shape[1]
                chosen = functional.one_hot(nearest(pieces, some), clusters).to(grad.dtype)
                by_table = torch.bmm(chosen.transpose(1, 2), wide)
            else:
                d = _distances(pieces, some, ctx.distance)
                soft = torch.softmax(-beta * d, dim=2)
                by_table = torch.bmm(soft.transpose(1, 2), wide)
                by_soft = torch.bmm(wide, torch.bmm(some, w).transpose(1, 2))
                by_logit = soft * (by_soft - (soft * by_soft).sum(2, keepdim=True))
                grad_beta -= (d * by_logit).sum()
                r = _by_difference(-beta * by_logit, d, ctx.distance)
                grad_x[:, begin:end] = (
                    pieces * r.sum(2, keepdim=True) - torch.bmm(r, some)
                ).transpose(0, 1)
                grad_centroids[begin:end] = some * r.sum(1)[:, :, None] - torch.bmm(
                    r.transpose(1, 2), pieces
                )
            grad_centroids[begin:end] += torch.bmm(by_table, w.transpose(1, 2))
            grad_weight[begin:end] = torch.bmm(some.transpose(1, 2), by_table)
        return grad_x.reshape(x.shape), grad_centroids, grad_weight, grad_beta, None, None, None


def _codes(x: Tensor, centroids: Tensor) -> Tensor:
    found = [nearest(pieces, centroids[b:e]) for (b, e), pieces in portions(x, centroids)]
    return torch.cat(found).T


def _looked_up(tables: Tensor, codes: Tensor) -> Tensor:
    codebooks, clusters, outputs = tables.shape
    at = codes + torch.arange(codebooks, device=codes.device) * clusters
    if len(codes) == 0:
        return tables.new_empty(0, outputs)
    return functional.embedding_bag(at, tables.reshape(-1, outputs), mode="sum")


def _distances(pieces: Tensor, centroids: Tensor, distance: Distance) -> Tensor:
    """Return distances (C, N, K); of a piece that is a centroid about 0, whatever is rounded."""
    squared = torch.baddbmm(
        centroids.square().sum(2)[:, None], pieces, centroids.transpose(1, 2), alpha=-2
    )
    squared = (squared + pieces.square().sum(2, keepdim=True)).clamp(min=0)
    if distance == "squared":
        return squared
    # sqrt has no derivative at 0 that is finite; autograd, where it passes here, then takes 0
    return torch.where(squared > 0, squared, torch.ones_like(squared)).sqrt() * (squared > 0)


def _by_difference(by_distance: Tensor, d: Tensor, distance: Distance) -> Tensor:
    """Return r with d(distance)/da = r (a - P), times what is given for it."""
    if distance == "squared":
        return 2 * by_distance
    return torch.where(d > 0, by_distance / torch.where(d > 0, d, torch.ones_like(d)), 0.0)
