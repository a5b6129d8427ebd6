"""Parameter groups: widths by themselves, at their own rate, without decay."""

import math

import pytest
import torch
from torch import nn

from heliostat_methods.gmconv import DynamicGMConv2d, GMConv2d, gmconv_param_groups


def model():
    return nn.Sequential(
        GMConv2d(2, 3, 3),
        GMConv2d(3, 3, 3, learn_sigma=False),
        DynamicGMConv2d(3, 2, 3),
        nn.Linear(4, 4),
    )


def test_every_parameter_is_in_one_group_and_widths_do_not_decay():
    made = model()
    made[3].bias.requires_grad_(False)
    weights, sigma = gmconv_param_groups(made, 1e-2, lr=0.1, sigma_lr_factor=30.0)
    assert (weights["weight_decay"], weights["name"], weights["lr"]) == (1e-2, "weights", 0.1)
    assert (sigma["weight_decay"], sigma["name"], sigma["lr"]) == (0.0, "sigma", 0.1 * 30.0)
    wanted = [made[0].sigma, *made[2].squeeze.parameters(), *made[2].predict.parameters()]
    assert [id(p) for p in sigma["params"]] == [id(p) for p in wanted]
    together = {id(p) for group in (weights, sigma) for p in group["params"]}
    assert together == {id(p) for p in made.parameters() if p.requires_grad}


def test_an_optimiser_takes_them_and_leaves_an_idle_width_alone():
    made = nn.Sequential(GMConv2d(2, 3, 3))
    optimiser = torch.optim.SGD(gmconv_param_groups(made, 0.5), lr=0.1)
    for p in made.parameters():
        p.grad = torch.zeros_like(p)
    before = made[0].weight.detach().clone()
    optimiser.step()
    assert float(made[0].sigma.detach()) == 5.0
    torch.testing.assert_close(made[0].weight.detach(), before * (1 - 0.1 * 0.5))


def test_a_model_without_widths_has_one_group():
    (group,) = gmconv_param_groups(nn.Linear(2, 2), 0.1)
    assert group["weight_decay"] == 0.1
    assert "lr" not in group
    assert len(group["params"]) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight_decay": -1.0}, "weight_decay must be a finite number, at least 0, got -1.0"),
        ({"lr": math.nan}, "lr must be a finite number, at least 0, or None, got nan"),
        (
            {"lr": 0.1, "sigma_lr_factor": -2.0},
            "sigma_lr_factor must be a finite number, at least 0, got -2.0",
        ),
        ({"sigma_lr_factor": 30.0}, "lr must be given for sigma_lr_factor 30.0, got None"),
    ],
)
def test_numbers_that_are_not_so_are_refused(options, message):
    with pytest.raises(ValueError) as error:
        gmconv_param_groups(model(), **{"weight_decay": 0.0, **options})
    assert str(error.value) == message
