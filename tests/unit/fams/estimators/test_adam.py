"""Adam's steps against those of torch."""

from __future__ import annotations

import torch
from numpy.testing import assert_allclose

from heliostat_methods.fams.estimators.adam import Adam

# Origin: torch.optim.Adam of torch 2.13, lr .1, weight_decay .3, double precision, on
# sum(p^4) / 4 + 3 p_0 p_1 from (1, -2, .5). Not run here: its first use loads torch's compiler.
STEPS = [
    [1.099999999787234, -1.9000000001785715, 0.4000000036363635],
    [1.1993219425004555, -1.8019033809647245, 0.30292347257259755],
    [1.2971737830795653, -1.7077253807270616, 0.2107127957383006],
    [1.3923534257827175, -1.6201350396590386, 0.12497963500905043],
]


def test_steps_are_those_of_torchs_adam() -> None:
    at = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    adam = Adam([at], 0.1, 0.3)
    for expected in STEPS:
        (at**4 / 4 + at[0] * at[1]).sum().backward()
        adam.step()
        assert_allclose(at.detach().numpy(), expected, rtol=1e-12)


def test_a_parameter_without_a_gradient_stays() -> None:
    used, unused = (torch.ones(2, requires_grad=True) for _ in range(2))
    adam = Adam([used, unused], 0.1)
    used.sum().backward()
    adam.step()
    assert unused.tolist() == [1, 1] and used.grad is None
