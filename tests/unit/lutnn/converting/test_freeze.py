"""Frozen models: the trained one's outputs, without its weights; what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from heliostat_methods.lutnn.converting.convert import convert_lut, with_lookups
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.layers.frozen import FrozenLutConv2d, FrozenLutLinear
from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings


@pytest.fixture
def trained(made):
    return convert_lut(made.network(), made.always(pad=True), made.images(40)).model


def test_a_frozen_model_gives_what_the_trained_one_gives(made, trained):
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    frozen = freeze_lut(trained.train())
    assert trained.training
    assert not any(m.training for m in frozen.modules())
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert isinstance(frozen[3], FrozenLutConv2d)
    assert isinstance(frozen[5][0], FrozenLutConv2d)
    assert isinstance(frozen[7], FrozenLutLinear)
    assert isinstance(frozen[9], FrozenLutLinear)
    assert not any(name.startswith(("3.weight", "7.weight")) for name in frozen.state_dict())
    x = made.images(20, seed=5)
    torch.testing.assert_close(frozen(x), trained.eval()(x), rtol=1e-4, atol=1e-4)


def test_an_int8_search_takes_the_size_of_inputs_from_calibration(made, trained):
    x = made.images(40)
    frozen = freeze_lut(trained, search="int8", calibration=[x[:10], x[10:]])
    seen = []
    hook = trained[7].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    trained.eval()(x)
    hook.remove()
    assert frozen[7].search == "int8"
    largest = float(torch.cat(seen).detach().abs().max())
    assert float(frozen[7].input_scale) == pytest.approx(largest / 127, rel=1e-5)
    with torch.no_grad():
        exact = freeze_lut(trained)(x)
        assert 0 < float((frozen(x) - exact).norm() / exact.norm()) < 0.3


def test_an_int8_search_needs_calibration(made, trained):
    with pytest.raises(ValueError) as error:
        freeze_lut(trained, search="int8")
    assert str(error.value) == ("calibration: None, expected inputs of the model for search='int8'")
    # a model without lookups needs none
    plain = made.network()
    x = made.images()
    assert torch.equal(freeze_lut(plain, search="int8")(x), plain.eval()(x))


def test_inputs_of_0_have_a_step_of_1(made):
    layer = LutLinear.from_tensors(made.drawn(2, 4, 3), made.drawn(2, 3, 4))
    frozen = freeze_lut(layer, search="int8", calibration=torch.zeros(5, 6))
    assert float(frozen.input_scale) == 1.0


@pytest.mark.parametrize("name", ["3", ""])
def test_layers_whose_centroids_were_never_set_are_named(made, name):
    plain = made.network() if name else nn.Linear(16, 4)
    model = with_lookups(plain, {name: 8}, 16, LutSettings())
    with pytest.raises(ValueError) as error:
        freeze_lut(model)
    assert str(error.value) == (
        f"{name or 'the model'}: centroids: never set; init_centroids(rows), "
        "set_centroids(centroids) or load_state_dict come first"
    )


def test_an_unknown_search_is_refused(trained):
    with pytest.raises(ValueError, match=r"^3: search: 'int4', expected 'float' or 'int8'$"):
        freeze_lut(trained, search="int4")


def test_a_layer_that_stands_twice_stays_one(made):
    shared = nn.Linear(16, 16)
    plain = nn.Sequential(shared, nn.ReLU(), shared, nn.Linear(16, 2))
    frozen = freeze_lut(convert_lut(plain, made.always(), made.drawn(30, 16)).model)
    assert frozen[0] is frozen[2]
    assert isinstance(frozen[0], FrozenLutLinear)


def test_a_model_that_is_a_layer_is_frozen_itself(made):
    layer = convert_lut(nn.Linear(16, 4), made.always(), made.drawn(30, 16)).model
    assert isinstance(freeze_lut(layer), FrozenLutLinear)
    assert isinstance(layer, LutLinear)
