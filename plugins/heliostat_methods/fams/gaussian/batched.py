"""The lower level in torch operations on any device: batched products over a chunk of groups.

The mathematics of `dense` and `descent`, in the same layout (units first, samples last, a row of
ones for the biases), with a leading axis of groups. Noise is drawn on the CPU by the same names and
moved. Chunks bound memory; unlike on the CPU they may change last bits, since a batched product of
another size is another product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, elu

from heliostat_methods.fams.gaussian.any_loss import mean_loss
from heliostat_methods.fams.gaussian.batches import Batch
from heliostat_methods.fams.gaussian.block import BlockResult, LossNotFinite
from heliostat_methods.fams.gaussian.descent import LEAST, MOST
from heliostat_methods.fams.gaussian.divergence import divergence, divergence_gradient
from heliostat_methods.fams.gaussian.moments import Moments, merge_moments
from heliostat_methods.fams.gaussian.network import GaussianMLP
from heliostat_methods.fams.gaussian.noise import normals
from heliostat_methods.fams.gaussian.posteriors import Posteriors
from heliostat_methods.fams.gaussian.settings import LowerLevel


@dataclass(frozen=True, eq=False)
class Pass:
    """What the way back needs of one layer: inputs, d out / d v, weights and their variances."""

    inputs: Tensor
    slope: Tensor | None
    mean: Tensor
    variance: Tensor


def adapt_block(
    prior: GaussianMLP,
    posteriors: Posteriors | None,
    batch: Batch,
    round: int,
    rate: float,
    settings: LowerLevel,
    shares: NDArray[np.float64],
    keep: bool,
) -> BlockResult:
    """Do as `lower_level` says, `settings.chunk` groups at a time on `settings.device`."""
    q = prior.to(settings.device)
    parts = []
    for begin in range(0, len(batch), settings.chunk):
        part = slice(begin, begin + settings.chunk)
        given = None if posteriors is None else posteriors.at(part)
        parts.append(
            _adapt_chunk(q, given, batch.at(part), round, rate, settings, shares[part], keep)
        )
    kept = [part.posteriors for part in parts if part.posteriors is not None]
    return BlockResult(
        merge_moments(part.moments for part in parts),
        np.concatenate([part.loss for part in parts]),
        np.concatenate([part.divergence for part in parts]),
        Posteriors.joined(kept) if kept else None,
        sum(part.clamped for part in parts),
    )


def _adapt_chunk(
    q: GaussianMLP,
    given: Posteriors | None,
    batch: Batch,
    round: int,
    rate: float,
    settings: LowerLevel,
    shares: NDArray[np.float64],
    keep: bool,
) -> BlockResult:
    device, strength = settings.device, settings.strength(q.mean.shape[1])
    own = _moved(Posteriors.at_prior(q, len(batch)) if given is None else given.copy(), device)
    nets = own.networks
    x = torch.from_numpy(batch.inputs).to(device)
    clamped = 0
    for step in range(settings.inner):
        logits, passes = _forward(nets, x, batch, round, step, settings)
        losses, signal = _loss(logits, batch, settings)
        by_mean, by_variance = _backward(passes, signal, settings.draws)
        d_mean, d_log_variance = divergence_gradient(nets, q, settings.divergence)
        _adagrad(nets.mean, by_mean + strength * d_mean, own.sum_mean, rate)
        by_log_variance = by_variance * nets.log_variance.exp() + strength * d_log_variance
        _adagrad(nets.log_variance, by_log_variance, own.sum_log_variance, rate)
        clamped += int(((nets.log_variance < LEAST) | (nets.log_variance > MOST)).sum())
        nets.log_variance.clamp_(LEAST, MOST)
    apart = divergence(nets, q, settings.divergence)
    bad = ~(torch.isfinite(losses) & torch.isfinite(apart)).cpu()
    if bool(bad.any()):
        raise LossNotFinite(int(batch.groups[int(bad.nonzero()[0])]), round)
    result = _moved(own, "cpu")
    moments = Moments.none(q.mean.shape[1])
    if shares.sum() > 0:
        moments = Moments.of(result.networks, shares)
    wanted = result if keep or given is not None else None
    loss = losses.double().cpu().numpy()
    return BlockResult(moments, loss, apart.cpu().numpy(), wanted, clamped)


def _moved(own: Posteriors, device: str) -> Posteriors:
    sums = own.sum_mean.to(device), own.sum_log_variance.to(device)
    return Posteriors(own.networks.to(device), *sums)


def _forward(
    nets: GaussianMLP, x: Tensor, batch: Batch, round: int, step: int, settings: LowerLevel
) -> tuple[Tensor, list[Pass]]:
    """Return logits (G, draws * batch) and what the way back needs."""
    S, h, passes, begin = settings.draws, x, [], 0
    samples = S * x.shape[2]
    for layer, (i, o) in enumerate(zip(nets.dims, nets.dims[1:], strict=False)):
        end = begin + (i + 1) * o
        W = nets.mean[:, begin:end].view(-1, o, i + 1)
        V = nets.log_variance[:, begin:end].exp().view(-1, o, i + 1)
        begin, slope = end, None
        out = torch.bmm(W, h)
        if settings.eps > 0:
            s = torch.bmm(V, h.square()).sqrt()
            if layer == 0:
                out, s = out.repeat(1, 1, S), s.repeat(1, 1, S)
            z = _noise((o, samples), batch, round, step, layer, settings).to(x.device)
            out = out + settings.eps * z * s
            slope = 0.5 * settings.eps * z / s
        passes.append(Pass(h, slope, W, V))
        h = torch.cat((elu(out), torch.ones_like(out[:, :1])), 1)
    return out[:, 0], passes


def _noise(
    shape: tuple[int, int], batch: Batch, round: int, step: int, layer: int, settings: LowerLevel
) -> Tensor:
    drawn = [
        normals(shape, seed=settings.seed, round=round, group=int(group), step=step, layer=layer)
        for group in batch.groups
    ]
    return torch.from_numpy(np.stack(drawn))


def _loss(logits: Tensor, batch: Batch, settings: LowerLevel) -> tuple[Tensor, Tensor]:
    """Return each group's mean loss, (G,), and the gradient of it by its logits."""
    S, leaf = settings.draws, logits.detach().requires_grad_()
    y = torch.from_numpy(batch.targets).to(logits.device).repeat(1, S)
    if settings.loss is None:
        each = binary_cross_entropy_with_logits(leaf, y, reduction="none")
        if batch.weights is not None:
            each = each * torch.from_numpy(batch.weights).to(logits.device).repeat(1, S)
        losses = each.mean(1)
    else:
        weights = [None] * len(batch) if batch.weights is None else list(batch.weights)
        losses = torch.stack([
            mean_loss(settings.loss, one, target, None if w is None else np.tile(w, S))
            for one, target, w in zip(leaf, y, weights, strict=True)
        ])  # fmt: skip
    (signal,) = torch.autograd.grad(losses.sum(), leaf)
    return losses.detach(), signal


def _backward(passes: list[Pass], signal: Tensor, draws: int) -> tuple[Tensor, Tensor]:
    """Return the gradients by means and by variances, (G, P) each."""
    g, means, variances = signal[:, None], [], []
    for at in range(len(passes) - 1, -1, -1):
        one = passes[at]
        gv = torch.zeros_like(g) if one.slope is None else g * one.slope
        if at == 0 and draws > 1:
            g, gv = (x.view(*x.shape[:2], draws, -1).sum(2) for x in (g, gv))
        turned = one.inputs.transpose(1, 2)
        means.append(torch.bmm(g, turned).flatten(1))
        variances.append(torch.bmm(gv, turned.square()).flatten(1))
        if at > 0:
            h = one.inputs[:, :-1]
            back = torch.bmm(one.mean[..., :-1].transpose(1, 2), g)
            back = back + 2 * h * torch.bmm(one.variance[..., :-1].transpose(1, 2), gv)
            g = back * torch.where(h > 0, torch.ones_like(h), h + 1)
    return torch.cat(means[::-1], 1), torch.cat(variances[::-1], 1)


def _adagrad(parameter: Tensor, gradient: Tensor, squares: Tensor, rate: float) -> None:
    squares.addcmul_(gradient, gradient)
    parameter.addcdiv_(gradient, squares.sqrt().add_(1e-10), value=-rate)
