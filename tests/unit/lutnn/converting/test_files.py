"""Models in files: there and back, trained and frozen; what does not fit is said."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from heliostat_methods.lutnn.converting.convert import convert_lut
from heliostat_methods.lutnn.converting.files import load_lut, lookups, save_lut, state_bytes
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.layers.frozen import FrozenLut
from heliostat_methods.lutnn.layers.settings import LutSettings
from heliostat_methods.lutnn.layers.trainable import LutLayer


def other_numbers(model):
    """A dense model of the same layers with other numbers."""
    with torch.no_grad():
        for value in model.parameters():
            value.add_(1.0)
    return model


def converted(made, form, plain=None, x=None, **options):
    x = made.images(40) if x is None else x
    model = convert_lut(plain or made.network(), made.always(**options), x).model
    if form == "trained":
        return model
    search = "int8" if form == "int8" else "float"
    return freeze_lut(model, search=search, calibration=x)


@pytest.mark.parametrize("form", ["trained", "frozen", "int8"])
@pytest.mark.parametrize("pad", [False, True])
def test_a_model_comes_back(made, tmp_path, form, pad):
    settings = LutSettings(temperature=0.3, distance="squared", table_scale="per_output")
    model = converted(made, form, pad=pad, settings=settings)
    if form == "trained":
        with torch.no_grad():
            model[7].theta.add_(0.5)
    save_lut(model, tmp_path / "model.safetensors")
    plain = other_numbers(made.network())
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    loaded = load_lut(plain, str(tmp_path / "model.safetensors"))
    assert all(torch.equal(value, before[name]) for name, value in plain.state_dict().items())
    state = loaded.state_dict()
    assert set(state) == set(model.state_dict())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert [type(m) for m in loaded.modules()] == [type(m) for m in model.modules()]
    x = made.images(5, seed=2)
    assert torch.equal(loaded.eval()(x), model.eval()(x))
    if form == "trained":
        assert loaded[7].settings == settings
        assert loaded[7].ready
        assert loaded[7].temperature == model[7].temperature
    else:
        assert loaded[7].search == model[7].search
        assert not load_lut(plain.train(), tmp_path / "model.safetensors").training
    assert set(lookups(loaded)) == {"3", "5.0", "7", *(["9"] if pad else [])}


@pytest.mark.parametrize("form", ["trained", "frozen"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_model_that_is_a_layer(made, tmp_path, form, bias):
    x = made.drawn(40, 16)
    model = converted(made, form, nn.Linear(16, 4, bias=bias), x)
    save_lut(model, tmp_path / "layer")
    loaded = load_lut(nn.Linear(16, 4, bias=bias), tmp_path / "layer")
    assert isinstance(loaded, LutLayer | FrozenLut)
    assert torch.equal(loaded(x), model(x))


@pytest.mark.parametrize("form", ["trained", "frozen"])
def test_tied_weights_stay_tied(made, tmp_path, form):
    def tied():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Embedding(20, 16), nn.Linear(16, 16), nn.Linear(16, 20))
        model[2].weight = model[0].weight
        return model

    tokens = torch.arange(40) % 20
    model = converted(made, form, tied(), tokens)
    save_lut(model, tmp_path / "tied")
    loaded = load_lut(other_numbers(tied()), tmp_path / "tied")
    assert loaded[2].weight is loaded[0].weight
    assert torch.equal(loaded.eval()(tokens), model.eval()(tokens))


def test_a_layer_that_stands_twice_stays_one(made, tmp_path):
    def shared():
        torch.manual_seed(0)
        one = nn.Linear(16, 16)
        return nn.Sequential(one, nn.ReLU(), one, nn.Linear(16, 2))

    x = made.drawn(40, 16)
    model = converted(made, "frozen", shared(), x)
    save_lut(model, tmp_path / "shared")
    loaded = load_lut(other_numbers(shared()), tmp_path / "shared")
    assert loaded[0] is loaded[2]
    assert torch.equal(loaded(x), model(x))


def test_a_frozen_file_has_tables_and_no_weights(made, tmp_path):
    plain = nn.Sequential(nn.Linear(256, 256), nn.Linear(256, 2))
    model = converted(made, "frozen", plain, made.drawn(40, 256), linear=32)
    save_lut(model, tmp_path / "frozen")
    tensors = load_file(tmp_path / "frozen")
    assert "0.weight" not in tensors
    assert tensors["0.tables"].dtype == torch.int8
    sizes = {name: t.numel() * t.element_size() for name, t in tensors.items()}
    assert sizes["0.tables"] * 8 == 4 * 256 * 256
    assert state_bytes(model) == sum(sizes.values())
    assert state_bytes(plain) == 4 * (256 * 256 + 256 + 2 * 256 + 2)


def message_of(model, path):
    with pytest.raises(ValueError) as error:
        load_lut(model, path)
    return str(error.value)


def test_a_file_of_another_kind_is_refused(made, tmp_path):
    path = tmp_path / "text"
    path.write_text("this is no model")
    assert message_of(made.network(), path).startswith(f"path: {path} is not a safetensors file: ")
    path = tmp_path / "dense.safetensors"
    save_file(made.network().state_dict(), path)
    assert message_of(made.network(), path) == (
        f"path: {path} has no layers by table lookup; save_lut writes such files"
    )
    with pytest.raises(FileNotFoundError):
        load_lut(made.network(), tmp_path / "nothing")


def test_a_newer_file_is_refused(made, tmp_path):
    path = tmp_path / "newer"
    about = {"version": 99, "layers": {}}
    save_file({"x": torch.ones(1)}, path, metadata={"heliostat_lutnn": json.dumps(about)})
    assert message_of(made.network(), path) == (
        f"path: {path} is of version 99, expected at most 1: a later Heliostat wrote it"
    )


@pytest.mark.parametrize("form", ["trained", "frozen"])
def test_a_layer_that_the_model_has_not_is_named(made, tmp_path, form):
    x = made.drawn(40, 16)
    layers = nn.ModuleDict({"first": nn.Linear(16, 16), "last": nn.Linear(16, 2)})
    layers.forward = lambda x: layers["last"](layers["first"](x))
    plain = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 2))
    model = nn.ModuleDict({"first": converted(made, form, plain, x)[0], "last": plain[1]})
    save_lut(model, tmp_path / "file")
    other = nn.ModuleDict({"frist": nn.Linear(16, 16), "last": nn.Linear(16, 2)})
    assert message_of(other, tmp_path / "file") == (
        "model: no layer 'first', which the file looks up; did you mean 'frist'?"
    )


@pytest.mark.parametrize("form", ["trained", "frozen"])
def test_layers_of_another_kind_or_size_are_refused(made, tmp_path, form):
    x = made.drawn(40, 36)
    model = converted(made, form, nn.Sequential(nn.Linear(36, 16), nn.Linear(16, 2)), x, linear=9)
    path = tmp_path / "file"
    save_lut(model, path)
    last = nn.Linear(16, 2)
    found = message_of(nn.Sequential(nn.ReLU(), last), path)
    assert found == "model: layer '0': a ReLU, expected a Linear or Conv2d"
    for other in (nn.Linear(36, 15), nn.Linear(45, 16), nn.Linear(20, 16)):
        found = message_of(nn.Sequential(other, last), path)
        if form == "frozen":
            assert found == (
                f"model: layer '0': {other.in_features} features and {other.out_features} "
                "outputs, the file has 4 codebooks of length 9 and 16 outputs"
            )
        else:
            assert found.startswith("model: its numbers do not fit those of file: ")
    found = message_of(nn.Sequential(nn.Linear(36, 16), nn.Linear(16, 3)), path)
    assert found.startswith("model: its numbers do not fit those of file: ")


@pytest.mark.parametrize("form", ["trained", "frozen"])
def test_a_linear_layer_is_not_loaded_as_a_convolution_of_its_size(made, tmp_path, form):
    x = made.drawn(40, 36)
    model = converted(made, form, nn.Sequential(nn.Linear(36, 16), nn.Linear(16, 2)), x, linear=9)
    save_lut(model, tmp_path / "file")
    assert "layer '0'" in message_of(
        nn.Sequential(nn.Conv2d(4, 16, 3), nn.Linear(16, 2)), tmp_path / "file"
    )


def test_an_incomplete_file_names_the_layer(made, tmp_path):
    x = made.drawn(40, 16)
    model = converted(made, "frozen", nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 2)), x)
    save_lut(model, tmp_path / "file")
    tensors = load_file(tmp_path / "file")
    del tensors["0.tables"]
    about = {"version": 1, "layers": {"0": {"form": "frozen", "kind": "Linear", "search": "float"}}}
    save_file(tensors, tmp_path / "file", metadata={"heliostat_lutnn": json.dumps(about)})
    found = message_of(nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 2)), tmp_path / "file")
    assert found.startswith("model: layer '0': ")
    assert "tables" in found


def test_bias_has_to_be_on_both_sides_or_neither(made, tmp_path):
    x = made.drawn(40, 16)
    for bias in (True, False):
        model = converted(made, "trained", nn.Linear(16, 4, bias=bias), x)
        save_lut(model, tmp_path / "file")
        found = message_of(nn.Linear(16, 4, bias=not bias), tmp_path / "file")
        assert found.startswith("model: its numbers do not fit those of file: ")
        assert "bias" in found
