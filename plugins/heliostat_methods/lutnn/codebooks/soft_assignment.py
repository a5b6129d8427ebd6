"""Soft product quantisation: the value of the nearest centroid, the gradient of a soft choice.

    out = sum_c T_q[c, k*(n, c)]                       forward: what inference gives
    S   = softmax_k(-beta d[n, c, k])                  backward: the gradient of sum_c S T

with d the Euclidean distance, or its square. The gradient is written out, so that nothing but
inputs, centroids and weights is kept between the passes: distances of a 3x3 convolution would take
hundreds of megabytes a layer.

    gS = G T^T,  gT = S^T G,  gl = S (gS - sum_k S gS),  gd = -beta gl,  g_beta = -sum d gl
    r  = gd / d  (or 2 gd),   ga = a sum_k r - r P,      gP = P sum_n r - r^T a + gT w^T
    gw = P^T gT

Where a piece equals a centroid its distance has no derivative; 0 is taken. Everything of a row, a
codebook and a centroid is (C, K, N): sums over rows and over outputs are then one product each.
"""

from __future__ import annotations

import math
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
    codes: Tensor | None = None,
) -> Tensor:
    """Return outputs (N, M) of inputs (N, C V), centroids (C, K, V) and weights (C, V, M).

    ``beta`` () is the inverse temperature. ``tables`` are int8 with one step a layer or an output,
    or None for float ones. With ``gradient="hard"`` the chosen entries alone have a gradient, and
    inputs have none. ``composed`` goes through torch's operators, for gradients of gradients.
    ``codes`` (N, C) are those of the inputs where they are known.
    """
    if composed:
        return _composed(x, centroids, weight, beta, distance, tables, gradient)
    found: Tensor = _SoftLookup.apply(x, centroids, weight, beta, distance, tables, gradient, codes)  # type: ignore[no-untyped-call]
    return found


def soft_output(
    x: Tensor, centroids: Tensor, weight: Tensor, beta: Tensor, distance: Distance = "euclidean"
) -> Tensor:
    """Return sum_c S T (N, M), whose gradient `soft_lookup` has."""
    total = x.new_zeros(len(x), weight.shape[2])
    for (begin, end), pieces in portions(x, centroids):
        some = centroids[begin:end]
        d = _squared(pieces, some)
        if distance == "euclidean":
            # sqrt has no finite derivative at 0, where 0 is taken
            d = torch.where(d > 0, d, 1.0).sqrt() * (d > 0)
        soft = torch.softmax(-beta * d, dim=1)
        products = torch.bmm(some, weight[begin:end])
        total = total + soft.flatten(0, 1).T @ products.flatten(0, 1)
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
        distance: Distance, tables: TableScale | None, gradient: Gradient, codes: Tensor | None,
    ) -> Tensor:  # fmt: skip
        ctx.save_for_backward(x, centroids, weight, beta)
        ctx.distance, ctx.gradient, ctx.codes = distance, gradient, codes
        codes = _codes(x, centroids) if codes is None else codes.long()
        products = torch.bmm(centroids, weight)
        if tables is None:
            return _looked_up(products, codes)
        entries, step = quantised_tables_of(products, tables)
        return _looked_up(entries.to(x.dtype), codes) * step

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, centroids, weight, beta = ctx.saved_tensors
        hard = ctx.gradient == "hard"
        grad_x = torch.zeros_like(x) if hard else torch.empty_like(x)
        of_x = grad_x.reshape(len(x), *centroids.shape[::2])
        grad_centroids, grad_weight = torch.zeros_like(centroids), torch.empty_like(weight)
        grad_beta = torch.zeros_like(beta)
        for (begin, end), pieces in portions(x, centroids):
            some, w = centroids[begin:end], weight[begin:end]
            if hard:
                known = ctx.codes
                codes = (nearest(pieces, some) if known is None else known[:, begin:end].T.long())[
                    :, None
                ]
                soft = torch.zeros(*some.shape[:2], len(x), dtype=x.dtype, device=x.device)
                soft.scatter_(1, codes, 1.0)
            else:
                d = _squared(pieces, some)
                if ctx.distance == "euclidean":
                    d.sqrt_()
                soft = torch.softmax(d * -beta, dim=1)
                r = (torch.bmm(some, w).flatten(0, 1) @ grad.T).reshape(soft.shape)
                r.sub_((soft * r).sum(1, keepdim=True)).mul_(soft)  # by the logits
                grad_beta -= torch.dot(d.flatten(), r.flatten())
                if ctx.distance == "euclidean":
                    r.div_(d.masked_fill_(d == 0, math.inf)).mul_(-beta)
                else:
                    r.mul_(-2 * beta)
                of_piece = torch.baddbmm(
                    pieces * r.sum(1, keepdim=True), some.transpose(1, 2), r, alpha=-1
                )
                of_x[:, begin:end] = of_piece.permute(2, 0, 1)
                grad_centroids[begin:end] = torch.baddbmm(
                    some * r.sum(2, keepdim=True), r, pieces.transpose(1, 2), alpha=-1
                )
            by_table = (soft.flatten(0, 1) @ grad).reshape(*some.shape[:2], -1)
            grad_centroids[begin:end] += torch.bmm(by_table, w.transpose(1, 2))
            grad_weight[begin:end] = torch.bmm(some.transpose(1, 2), by_table)
        return grad_x, grad_centroids, grad_weight, grad_beta, None, None, None, None


def _codes(x: Tensor, centroids: Tensor) -> Tensor:
    found = [nearest(pieces, centroids[b:e]) for (b, e), pieces in portions(x, centroids)]
    return torch.cat(found).T


def _looked_up(tables: Tensor, codes: Tensor) -> Tensor:
    codebooks, clusters, outputs = tables.shape
    at = codes + torch.arange(codebooks, device=codes.device) * clusters
    if len(codes) == 0:
        return tables.new_empty(0, outputs)
    return functional.embedding_bag(at, tables.reshape(-1, outputs), mode="sum")


def _squared(pieces: Tensor, centroids: Tensor) -> Tensor:
    """Return squared distances (C, K, N); of a piece that is a centroid about 0, by rounding."""
    norms = centroids.square().sum(2, keepdim=True)
    found = torch.baddbmm(norms, centroids, pieces, alpha=-2)
    return (found + pieces.square().sum(1, keepdim=True)).clamp(min=0)
