"""What layers see: how many rows are kept, from which batches, in which mode."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from heliostat_methods.lutnn.converting.calibration import batches_of, called, seen_by_layers


def seen(model, batches, rows, names=("0",), seed=0):
    return seen_by_layers(model, {name: lambda x: x for name in names}, batches, rows, seed)


def test_rows_are_drawn_evenly_from_the_batches():
    batches = [torch.full((50, 2), float(i)) for i in range(4)]
    found = seen(nn.Sequential(nn.Linear(2, 2)), batches, 20)["0"]
    assert found.rows[:, 0].tolist() == [float(i) for i in range(4) for _ in range(5)]
    assert found.largest == 3.0
    assert found.per_call == 50
    assert found.shape == (50, 2)


def test_rows_are_different_ones_drawn_by_the_seed():
    x = torch.arange(100.0)[:, None]
    model = nn.Sequential(nn.Linear(1, 1))
    first, again, other = (seen(model, [x], 30, seed=s)["0"].rows[:, 0] for s in (1, 1, 2))
    assert len(first.unique()) == 30
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert seen(model, [x], 1000)["0"].rows.tolist() == x.tolist()


def test_at_most_as_many_rows_are_kept_as_are_asked_for():
    layer = nn.Linear(4, 4)
    x = torch.ones(20, 4)
    assert len(seen(nn.Sequential(layer), [x] * 3, 16)["0"].rows) <= 16
    assert len(seen(nn.Sequential(layer, layer), [x], 16)["0"].rows) <= 16


def test_the_largest_number_is_of_all_rows_and_the_sign_does_not_matter():
    x = torch.zeros(100, 2)
    x[77, 1] = -5.0
    assert seen(nn.Sequential(nn.Linear(2, 2)), [x, x[:3]], 2)["0"].largest == 5.0


def test_a_layer_that_is_not_reached_saw_nothing():
    model = nn.ModuleDict({"used": nn.Linear(2, 2), "unused": nn.Linear(2, 2)})
    model.forward = lambda x: model["used"](x)
    found = seen(model, [torch.ones(3, 2), torch.empty(0, 2)], 10, ("used", "unused"))
    assert found["unused"].per_call == 0
    assert found["unused"].rows.shape == (0, 0)
    assert found["used"].rows.shape == (3, 2)


def test_layers_are_watched_in_evaluation_mode():
    model = nn.Sequential(nn.Dropout(0.9), nn.BatchNorm1d(2), nn.Linear(2, 2)).train()
    found = seen(model, [torch.full((30, 2), 7.0)], 30, ("2",))["2"]
    torch.testing.assert_close(found.rows, torch.full((30, 2), 7.0), rtol=1e-4, atol=0)
    assert model[0].training
    assert int(model[1].num_batches_tracked) == 0


def test_hooks_and_modes_are_restored_where_the_model_fails():
    class Failing(nn.Module):
        def forward(self, x):
            raise RuntimeError("stop")

    model = nn.Sequential(nn.Linear(2, 2), Failing()).train()
    with pytest.raises(RuntimeError, match=r"^stop$"):
        seen(model, [torch.ones(3, 2)], 10)
    assert model.training
    assert model[1].training
    assert not model[0]._forward_pre_hooks


def test_rows_are_kept_apart_from_inputs_that_change():
    x = torch.ones(3, 2)
    model = nn.Sequential(nn.Linear(2, 2))
    found = seen(model, [x], 10)["0"]
    x.zero_()
    assert bool((found.rows == 1).all())


def test_batches_in_every_form():
    x, y = torch.ones(2), torch.zeros(2)
    assert batches_of(x) == [x]
    assert batches_of({"a": x}) == [{"a": x}]
    assert batches_of([(x, y), {"a": x}]) == [(x, y), {"a": x}]
    assert batches_of(iter([x])) == [x]
    assert torch.equal(called(torch.add, (x, x)), x + x)
    assert torch.equal(called(torch.add, {"input": x, "other": x}), x + x)
    assert torch.equal(called(torch.neg, x), -x)
