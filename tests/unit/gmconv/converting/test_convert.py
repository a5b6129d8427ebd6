"""Conversion: what becomes of each convolution, what stays as it was, what is refused."""

import pytest
import torch
from torch import nn

from heliostat_methods.gmconv import (
    DynamicGMConv2d,
    GMConv1d,
    GMConv2d,
    GMConv3d,
    convert_gmconv,
    fold_gmconv,
)


def model():
    """Return convolutions of several kinds, by names "0" to "4"."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 5, padding=2),
        nn.Conv2d(4, 4, 1),
        nn.BatchNorm2d(4),
        nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1, groups=2, bias=False), nn.ReLU()),
        nn.Conv2d(4, 2, (1, 3), dilation=2, padding="same", padding_mode="reflect"),
    )


def test_a_copy_comes_back_and_the_model_stays():
    plain = model()
    before = {k: v.clone() for k, v in plain.state_dict().items()}
    done = convert_gmconv(plain, sigma_init=2.0, preserve=True)
    assert [type(m) for m in plain] == [type(m) for m in model()]
    assert all(torch.equal(v, before[k]) for k, v in plain.state_dict().items())
    found = [(one.name, one.kind, one.kernel_size, one.sigma_init) for one in done.converted]
    assert found == [
        ("0", "GMConv2d", (5, 5), 2.0),
        ("3.0", "GMConv2d", (3, 3), 2.0),
        ("4", "GMConv2d", (1, 3), 2.0),
    ]
    assert [(one.name, one.reason) for one in done.skipped] == [
        ("1", "its kernel is 1x1, whose mask is the constant 1")
    ]
    assert set(done.model.state_dict()) == set(before) | {"0.sigma", "3.0.sigma", "4.sigma"}


@pytest.mark.parametrize("variant", ["static", "per_channel", "fixed", "dynamic", "mixed"])
def test_a_preserved_model_gives_what_it_gave(variant):
    plain, x = model().eval(), torch.randn(2, 3, 8, 8)
    converted = convert_gmconv(plain, variant, sigma_init=2.0, preserve=True).model
    assert not converted.training
    torch.testing.assert_close(converted(x), plain(x), rtol=1e-4, atol=1e-5)
    changed = convert_gmconv(plain, variant, sigma_init=2.0).model
    assert not torch.allclose(changed(x), plain(x), rtol=1e-3)
    assert torch.equal(changed[0].weight, plain[0].weight)


@pytest.mark.parametrize(
    ("variant", "kinds", "learned"),
    [
        ("static", [GMConv2d] * 3, 3),
        ("per_channel", [GMConv2d] * 3, 4 + 4 + 2),
        ("fixed", [GMConv2d] * 3, 0),
        ("dynamic", [DynamicGMConv2d] * 3, 3 * (3 * 4 + 4 + 4 + 1) + 2 * 4),
        ("mixed", [GMConv2d, DynamicGMConv2d, DynamicGMConv2d], 1 + 2 * (4 * 4 + 4 + 4 + 1)),
    ],
)
def test_each_variant_makes_its_layers_and_parameters(variant, kinds, learned):
    plain = model()
    converted = convert_gmconv(plain, variant).model
    assert [type(converted[0]), type(converted[3][0]), type(converted[4])] == kinds
    extra = sum(p.numel() for p in converted.parameters()) - sum(
        p.numel() for p in plain.parameters()
    )
    assert extra == learned


def test_a_circle_skips_kernels_that_lie_in_it():
    done = convert_gmconv(model(), "circle")
    assert [(one.name, one.sigma_init) for one in done.converted] == [("0", None)]
    reasons = {one.name: one.reason for one in done.skipped}
    assert reasons["3.0"] == "its kernel is 3x3, all of which lies in the circle"


def test_mixed_takes_the_first_layers_as_static():
    done = convert_gmconv(model(), "mixed", first=2)
    assert [one.kind for one in done.converted] == ["GMConv2d", "GMConv2d", "DynamicGMConv2d"]


@pytest.mark.parametrize("variant", ["static", "dynamic"])
def test_converted_layers_keep_what_plain_ones_have(variant):
    seen = []
    plain = nn.Conv2d(4, 6, 3, 2, 1, 2, 2, padding_mode="circular").double().eval()
    plain.weight.requires_grad_(False)
    plain.register_forward_hook(lambda *_: seen.append("after"))
    plain.register_forward_pre_hook(lambda *_: seen.append("before"))
    plain.remark = "kept"
    converted = convert_gmconv(plain, variant).model
    names = ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
    for name in (*names, "groups", "padding_mode", "training", "remark"):
        assert getattr(converted, name) == getattr(plain, name), name
    assert torch.equal(converted.weight, plain.weight)
    assert torch.equal(converted.bias, plain.bias)
    assert not converted.weight.requires_grad
    assert converted.bias.requires_grad
    assert {p.dtype for p in converted.parameters()} == {torch.float64}
    assert converted.weight.device == plain.weight.device
    converted(torch.randn(1, 4, 6, 6).double())
    assert seen == ["before", "after"]
    assert "sigma" not in plain.state_dict()
    assert not plain._non_persistent_buffers_set


def test_other_ranks_are_converted_and_have_no_dynamic_form():
    plain = nn.ModuleDict({"line": nn.Conv1d(1, 1, 3), "room": nn.Conv3d(1, 1, (1, 1, 2))})
    static = convert_gmconv(plain).model
    assert type(static["line"]) is GMConv1d
    assert type(static["room"]) is GMConv3d
    skipped = convert_gmconv(plain, "dynamic").skipped
    assert [one.reason for one in skipped] == [
        "it is a Conv1d, and dynamic layers have two dimensions",
        "it is a Conv3d, and dynamic layers have two dimensions",
    ]


def test_a_layer_that_stands_twice_stays_one():
    shared = nn.Conv2d(2, 2, 3, padding=1)
    done = convert_gmconv(nn.Sequential(shared, nn.ReLU(), shared))
    assert done.model[0] is done.model[2]
    assert isinstance(done.model[0], GMConv2d)
    assert len(done.converted) == 1


def test_layers_are_chosen_and_left_out():
    done = convert_gmconv(
        model(), exclude=["3"], include=lambda name, layer: layer.kernel_size != (1, 3)
    )
    assert [one.name for one in done.converted] == ["0"]
    assert {one.name: one.reason for one in done.skipped} == {
        "1": "its kernel is 1x1, whose mask is the constant 1",
        "3.0": "it is excluded",
        "4": "it is not included",
    }


def test_what_is_computed_in_another_way_is_listed():
    normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 1, 3))
    plain = nn.Sequential(normed, nn.ConvTranspose2d(1, 1, 3), GMConv2d(1, 1, 3))
    done = convert_gmconv(plain)
    assert done.converted == ()
    assert [one.reason for one in done.skipped] == [
        "it is a ParametrizedConv2d, which is computed in another way",
        "it is a ConvTranspose2d, which is computed in another way",
        "it is a GMConv2d already",
    ]
    old = nn.Conv2d(1, 1, 3)
    del old.weight
    old.weight = torch.ones(1, 1, 3, 3)
    (skipped,) = convert_gmconv(old).skipped
    assert (skipped.name, skipped.reason) == ("", "its weight is computed from other parameters")


def test_a_tied_weight_is_not_divided():
    first, second = nn.Conv2d(2, 2, 3), nn.Conv2d(2, 2, 3)
    second.weight = first.weight
    plain = nn.Sequential(first, second)
    assert len(convert_gmconv(plain).converted) == 2
    skipped = convert_gmconv(plain, preserve=True).skipped
    assert {one.reason for one in skipped} == {
        "its weight is shared with another module, which preserve would change"
    }


def test_a_generator_draws_what_predicts_widths():
    plain = model()
    before = torch.get_rng_state()
    first, second = (
        convert_gmconv(plain, "dynamic", generator=torch.Generator().manual_seed(1)).model
        for _ in range(2)
    )
    assert torch.equal(before, torch.get_rng_state())
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_folding_takes_a_preserved_model_back():
    plain = model().eval()
    back = fold_gmconv(convert_gmconv(plain, sigma_init=2.0, preserve=True).model).model
    for one, other in zip(back.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=3e-7, atol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"variant": "statik"},
            "variant must be one of static, per_channel, fixed, dynamic, circle, mixed, got "
            "'statik'; did you mean 'static'?",
        ),
        ({"first": -1}, "first must be a whole number of layers, at least 0, got -1"),
        ({"sigma_init": 0.0}, "sigma_init must be a finite positive number, got 0.0"),
        (
            {"exclude": ["3.00"]},
            "exclude must name modules of the model, got '3.00'; did you mean '3.0'?",
        ),
        (
            {"sigma_init": 0.5, "preserve": True},
            "preserve needs a mask of at least 0.001 at all taps, got 1.13e-07 at 0 (5x5) for "
            "sigma_init 0.5",
        ),
        (
            {"variant": "circle", "preserve": True},
            "preserve needs a mask that is nowhere 0, got mask='circle' at 0",
        ),
    ],
)
def test_what_is_not_so_is_refused(options, message):
    with pytest.raises(ValueError) as error:
        convert_gmconv(model(), **options)
    assert str(error.value) == message
