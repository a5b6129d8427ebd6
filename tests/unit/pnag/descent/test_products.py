"""Products and layers against those of torch, gradients included."""

import torch
from numpy.testing import assert_allclose
from torch.nn.functional import linear as torchs

from heliostat_methods.pnag.descent.products import linear, product


def test_products_are_those_of_torch_for_turned_matrices_too():
    draws = torch.Generator().manual_seed(0)
    a, b = (torch.randn(shape, generator=draws, dtype=torch.float64) for shape in ((3, 5), (2, 5)))
    out = torch.empty((3, 2), dtype=torch.float64)
    assert product(a, b.t(), out) is out
    assert_allclose(out, a @ b.t())
    assert_allclose(product(a.t(), a), a.t() @ a)


def test_a_layer_and_its_gradients_are_those_of_torch():
    draws = torch.Generator().manual_seed(1)
    ours = [torch.randn(s, generator=draws, dtype=torch.float64) for s in ((4, 3), (2, 3), (2,))]
    theirs = [one.clone().requires_grad_() for one in ours]
    ours = [one.requires_grad_() for one in ours]
    weights = torch.arange(8.0, dtype=torch.float64).view(4, 2)
    (linear(*ours).tanh() * weights).sum().backward()
    (torchs(*theirs).tanh() * weights).sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        assert_allclose(one.grad, other.grad)
    # An input that needs no gradient gets none.
    data = ours[0].detach()
    linear(data, ours[1], ours[2]).sum().backward()
    assert data.grad is None
