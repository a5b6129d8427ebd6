import numpy as np
import pytest
import torch

from heliostat_methods.fams.gaussian.network import GaussianMLP, parameters

STACK = GaussianMLP.initial((3, 4, 2, 1), seed=2, groups=(0, 5))


def test_state_dict_goes_there_and_back():
    state = STACK.state_dict()
    assert state["layers.1.weight_log_variance"].shape == (2, 2, 4)
    again = GaussianMLP.from_state_dict(state)
    assert again.dims == STACK.dims and torch.equal(again.mean, STACK.mean)
    assert torch.equal(again.log_variance, STACK.log_variance)


def test_layers_are_views():
    own = STACK.at([0, 1])
    own.layers()[2].bias_mean[:] = 7
    assert (own.mean[:, -1] == 7).all() and own.mean.shape == (2, parameters(own.dims))


def test_initial_numbers_depend_on_seed_and_group_alone():
    assert torch.equal(GaussianMLP.initial((3, 4, 2, 1), 2, (5,)).mean, STACK.at([1]).mean)
    assert STACK.layers()[0].weight_mean.abs().max() <= 3**-0.5
    assert np.abs(STACK.arrays()[1] - 0.01).max() < 0.06


@pytest.mark.parametrize("dims", ((), (3,), (3, 0, 1), (3, 2), (3, 1.5, 1)))
def test_dims_that_make_no_network_are_refused(dims):
    with pytest.raises(ValueError, match=r"dims = .*: expected features, hidden widths and a last"):
        GaussianMLP.initial(dims)


def test_arrays_that_do_not_fit_are_refused():
    zeros = torch.zeros(2, 4)
    with pytest.raises(ValueError, match=r"mean has shape \(2, 4\), expected .*, 3\)"):
        GaussianMLP((2, 1), zeros, zeros)
    with pytest.raises(ValueError, match="different numbers of networks"):
        GaussianMLP((3, 1), zeros, zeros[:1])
    with pytest.raises(ValueError, match=r"state_dict has no entry layers\.0\.weight_mean"):
        GaussianMLP.from_state_dict({})
    state = STACK.state_dict()
    del state["layers.1.bias_mean"]
    with pytest.raises(ValueError, match=r"no entry layers\.1\.bias_mean"):
        GaussianMLP.from_state_dict(state)
