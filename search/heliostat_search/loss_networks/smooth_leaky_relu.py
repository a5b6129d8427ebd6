"""The smooth leaky ReLU, its slope and its curvature.

``phi(x) = gamma x + (1 - gamma) log(1 + exp(beta x)) / beta``: increasing with slopes between gamma
and 1, convex, with straight ends, so a loss that ends in it is nowhere flat. gamma = 0 and beta = 1
make it softplus, gamma = 1 the identity, and a growing beta the leaky ReLU.

Source: Raymond et al. 2023, "Online loss function learning", arXiv 2301.13247.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from heliostat_search.loss_networks.shape import check_beta, check_gamma


def value(x: Tensor, gamma: float, beta: float) -> Tensor:
    """Return phi(x) entry by entry."""
    # Beyond its threshold torch's softplus is a line; at the usual 20 that is off by 2e-9, at 40
    # by less than double precision sees.
    return softplus(x, beta, 40.0).mul(1.0 - gamma).add(x, alpha=gamma)


def slope(x: Tensor, gamma: float, beta: float) -> Tensor:
    """Return phi'(x) = gamma + (1 - gamma) sigmoid(beta x) entry by entry."""
    return torch.sigmoid(x * beta).mul(1.0 - gamma).add(gamma)


def curvature(x: Tensor, gamma: float, beta: float) -> Tensor:
    """Return phi''(x) = (1 - gamma) beta s (1 - s), s = sigmoid(beta x), entry by entry."""
    scaled = x * beta
    # 1 - sigmoid(x) = sigmoid(-x); the latter keeps its digits far above 0.
    return torch.sigmoid(scaled).mul(torch.sigmoid(-scaled)).mul((1.0 - gamma) * beta)


class SmoothLeakyReLU(nn.Module):
    """phi as a module, differentiable as often as wanted: tensor -> tensor of the same shape.

    gamma: slope far below 0, in [0, 1]. beta: sharpness of the bend, from 1e-6 to 1e6. Raises
    ``ValueError`` for others.
    """

    def __init__(self, gamma: float = 0.01, beta: float = 10.0) -> None:
        super().__init__()
        check_gamma(gamma)
        check_beta(beta)
        self.gamma = float(gamma)
        self.beta = float(beta)

    def forward(self, x: Tensor) -> Tensor:
        """Return phi(x)."""
        return value(x, self.gamma, self.beta)

    def extra_repr(self) -> str:
        """Return the settings, for ``print(module)``."""
        return f"gamma={self.gamma}, beta={self.beta}"
