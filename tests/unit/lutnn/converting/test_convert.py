"""Conversion: what becomes of each layer, what stays and why, what is refused."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from heliostat_methods.lutnn.converting import convert
from heliostat_methods.lutnn.converting.convert import (
    convert_lut,
    convertible_layers,
    with_lookups,
)
from heliostat_methods.lutnn.converting.cost import Shape
from heliostat_methods.lutnn.converting.freeze import freeze_lut
from heliostat_methods.lutnn.converting.policy import LutPolicy
from heliostat_methods.lutnn.layers.convolution import LutConv2d
from heliostat_methods.lutnn.layers.linear import LutLinear
from heliostat_methods.lutnn.layers.settings import LutSettings


def reasons(done):
    return {one.name: one.reason for one in done.skipped}


def names(done):
    return [one.name for one in done.converted]


def test_what_becomes_of_each_layer(made):
    done = convert_lut(made.network(), made.always(), made.images(40))
    assert names(done) == ["3", "5.0", "7"]
    assert reasons(done) == {
        "0": "it is the first convolution (keep_first)",
        "4": "it has 2 groups",
        "9": "V = 16 does not divide its 20 features, and pad is False",
        "10": "it is the last layer (keep_last)",
    }
    kinds = [type(m) for m in done.model]
    assert kinds[3] is LutConv2d
    assert kinds[7] is LutLinear
    assert type(done.model[5][0]) is LutConv2d
    assert [kinds[i] for i in (0, 4, 9, 10)] == [nn.Conv2d, nn.Conv2d, nn.Linear, nn.Linear]
    shapes = [tuple(done.model.get_submodule(n).centroids.shape) for n in names(done)]
    assert shapes == [(2, 16, 4), (8, 16, 9), (6, 16, 16)]
    found, skipped = convertible_layers(made.network(), made.always())
    assert found == names(done)
    assert {one.name: one.reason for one in skipped} == reasons(done)


def test_first_and_last_and_padded_ones_may_be_converted_too(made):
    policy = made.always(keep_first=False, keep_last=False, pad=True)
    done = convert_lut(made.network(), policy, made.images(40))
    assert names(done) == ["0", "3", "5.0", "7", "9", "10"]
    assert list(reasons(done)) == ["4"]
    assert done.model[9].padding == 12
    assert done.model(made.images()).shape == (4, 10)


def test_the_first_layer_is_kept_if_it_is_a_convolution(made):
    plain = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 4))
    done = convert_lut(plain, made.always(), made.drawn(40, 16))
    assert names(done) == ["0", "1"]
    (one,) = convert_lut(nn.Linear(16, 4), made.always(), made.drawn(40, 16)).converted
    assert one.name == ""
    assert isinstance(convert_lut(nn.Linear(16, 4), made.always(), made.drawn(40, 16)).model,
                      LutLinear)  # fmt: skip


def test_the_model_that_is_given_stays_bit_for_bit_and_modes_are_restored(made):
    plain = made.network().train()
    plain[1].eval()
    plain[7].eval()
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    modes = [m.training for m in plain.modules()]
    generator = torch.get_rng_state()
    done = convert_lut(plain, made.always(), made.images(40))
    assert [type(m) for m in plain.modules()] == [type(m) for m in made.network().modules()]
    assert all(torch.equal(value, before[name]) for name, value in plain.state_dict().items())
    assert [m.training for m in plain.modules()] == modes
    assert [m.training for m in done.model.modules()] == modes
    for model in (plain, done.model):
        assert not any(m._forward_pre_hooks for m in model.modules())
    for name in ("1.running_mean", "1.num_batches_tracked", "0.weight", "10.bias"):
        assert torch.equal(done.model.state_dict()[name], before[name])
    assert torch.equal(torch.get_rng_state(), generator)


def test_converted_layers_have_the_weights_and_come_near(made):
    plain = made.network().eval()
    done = convert_lut(plain, made.always(clusters=64), made.images(80))
    x = made.images(80)
    for name in names(done):
        layer, dense = done.model.get_submodule(name), plain.get_submodule(name)
        weight = layer.weight.flatten(0, 1).T.reshape(dense.weight.shape)
        assert torch.equal(weight, dense.weight)
        assert (layer.bias is None) == (dense.bias is None)
    worse = convert_lut(plain, made.always(clusters=2), x).model
    with torch.no_grad():
        exact = plain(x)
        errors = [float((m(x) - exact).norm() / exact.norm()) for m in (done.model, worse)]
    assert errors[0] < 0.35
    assert errors[1] > 1.5 * errors[0]


def test_an_equal_seed_gives_equal_bits(made):
    x = made.images(40)
    states = [
        convert_lut(made.network(), made.always(rows=64), x, seed=seed).model.state_dict()
        for seed in (3, 3, 4)
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["3.centroids"], states[2]["3.centroids"])


def test_numbers_of_the_account(made):
    x = made.images(40)
    done = convert_lut(made.network(), made.always(), [x[:16], x[16:]])
    shapes = {one.name: one.shape for one in done.converted}
    assert shapes == {
        "3": Shape(24 * 64, 8, 8, 4, 16),
        "5.0": Shape(24 * 16, 72, 6, 9, 16, image=(24, 8, 8, 8), stride=2, padding=1),
        "7": Shape(24, 96, 20, 16, 16),
    }
    assert [one.kind for one in done.converted] == ["Conv2d", "Conv2d", "Linear"]
    assert all(one.dense_ns == one.lookup_ns == 0 for one in done.converted)
    settings = LutSettings(table_scale="per_output")
    policy = made.always(settings=settings, pad=True)
    (one,) = (o for o in convert_lut(made.network(), policy, x).converted if o.name == "9")
    assert one.shape == Shape(40, 20, 32, 16, 16, per_output=True)
    assert one.shape.codebooks == 2


def test_the_error_is_that_of_outputs_without_bias(made):
    dense, x = nn.Linear(32, 8), made.drawn(200, 32)
    with torch.no_grad():
        dense.bias.fill_(100.0)
    done = convert_lut(nn.Sequential(dense), made.always(keep_last=False), x)
    with torch.no_grad():
        exact = x @ dense.weight.T
        error = float((done.model(x) - dense.bias - exact).norm() / exact.norm())
    assert done.converted[0].relative_error == pytest.approx(error, rel=1e-3)
    assert 0.1 < error < 1
    zero = nn.Linear(32, 8, bias=False)
    with torch.no_grad():
        zero.weight.zero_()
    assert convert_lut(zero, made.always(), x).converted[0].relative_error == 0


def test_the_account_as_text(made):
    done = convert_lut(made.network(), made.always(), made.images(40))
    lines = done.table().splitlines()
    assert lines[0].split() == ["layer", "V", "MACs", "bytes", "vs", "int8", "error"]
    assert [line.split()[0] for line in lines[1:4]] == ["3", "5.0", "7"]
    # 96 -> 20 with V = 16: macs 40*96*20 / (40*(96*16 + 6*20)), bytes 4*96*20 / (6*16*20 + ...)
    assert lines[3].split()[1:5] == ["16", "1.2x", "1.0x", "0.2x"]
    assert lines[4] == "0: stays, it is the first convolution (keep_first)"
    nothing = convert_lut(nn.ReLU(), made.always(), made.drawn(4))
    assert nothing.table() == ""


def test_a_layer_that_stands_twice_stays_one(made):
    shared = nn.Linear(16, 16)
    done = convert_lut(
        nn.Sequential(shared, nn.ReLU(), shared, nn.Linear(16, 2)), made.always(),
        made.drawn(30, 16),
    )  # fmt: skip
    assert names(done) == ["0"]
    assert done.model[0] is done.model[2]
    assert isinstance(done.model[0], LutLinear)


def test_shared_weights_stay(made):
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(20, 16)
            self.middle, self.twin = nn.Linear(16, 16), nn.Linear(16, 16)
            self.free, self.out = nn.Linear(16, 16), nn.Linear(16, 20, bias=False)
            self.twin.weight = self.middle.weight
            self.out.weight = self.embedding.weight

        def forward(self, tokens):
            return self.out(self.free(self.twin(self.middle(self.embedding(tokens)))))

    tokens = torch.arange(40).reshape(4, 10) % 20
    done = convert_lut(Tied(), made.always(keep_last=False), tokens)
    assert names(done) == ["free"]
    assert reasons(done) == dict.fromkeys(
        ("middle", "twin", "out"), "its weight is shared with another module"
    )
    assert done.model.out.weight is done.model.embedding.weight
    assert done.model.twin.weight is done.model.middle.weight


def test_layers_whose_parent_reads_their_weights_stay(made):
    class Attending(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
            self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
            self.free, self.out = nn.Linear(16, 16), nn.Linear(16, 2)

        def forward(self, x):
            x = self.block(x)
            return self.out(self.free(self.attention(x, x, x)[0]))

    x = made.drawn(4, 10, 16)
    plain = Attending()
    done = convert_lut(plain, made.always(), x)
    assert names(done) == ["free"]
    attention = "it is a NonDynamicallyQuantizableLinear, which may compute in another way"
    block = "its TransformerEncoderLayer computes with its weights by itself"
    assert reasons(done) == {
        "block.self_attn.out_proj": attention,
        "block.linear1": block,
        "block.linear2": block,
        "attention.out_proj": attention,
        "out": "it is the last layer (keep_last)",
    }
    assert done.model.eval()(x).shape == (4, 10, 2)
    own = nn.MultiheadAttention(16, 2)
    own.out_proj = nn.Linear(16, 16)
    found, skipped = convertible_layers(nn.ModuleDict({"inner": own}), made.always())
    assert found == []
    assert [one.reason for one in skipped] == [
        "its MultiheadAttention computes with its weights by itself"
    ]


def test_weights_that_are_computed_stay(made):
    class Own(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2

    given = nn.Linear(16, 16)
    del given.weight
    given.weight = torch.eye(16)
    plain = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(16, 16)), given, Own(16, 16), nn.Linear(16, 16),
        nn.Linear(16, 2),
    )  # fmt: skip
    done = convert_lut(plain, made.always(), made.drawn(30, 16))
    assert names(done) == ["3"]
    assert list(reasons(done).values())[:3] == [
        "it is a ParametrizedLinear, which may compute in another way",
        "its weight is computed from other parameters",
        "it is a Own, which may compute in another way",
    ]


def test_layers_and_modules_are_left_out_by_name(made):
    done = convert_lut(made.network(), made.always(keep=("5", "7")), made.images(40))
    assert names(done) == ["3"]
    assert reasons(done)["5.0"] == reasons(done)["7"] == "it is named in keep"
    # "1" names what holds nothing of "10"
    assert (
        reasons(convert_lut(made.network(), made.always(keep=("1",)), made.images(40)))["10"]
        == "it is the last layer (keep_last)"
    )


def test_unknown_names_are_refused_with_the_nearest(made):
    with pytest.raises(ValueError) as error:
        convert_lut(made.network(), made.always(keep=("5.00",)), made.images())
    assert str(error.value) == (
        "keep: '5.00', expected names of modules of the model; did you mean '5.0'?"
    )


def test_what_calibration_does_not_reach_stays(made):
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.unused, self.out = (nn.Linear(16, 16) for _ in range(3))

        def forward(self, x):
            return self.out(self.used(x))

    done = convert_lut(Branches(), made.always(), made.drawn(30, 16))
    assert names(done) == ["used"]
    assert reasons(done)["unused"] == "no input of calibration reached it"


def test_fewer_rows_than_centroids_are_refused(made):
    plain = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 2))
    for init in ("kmeans", "random"):
        with pytest.raises(ValueError) as error:
            convert_lut(plain, made.always(init=init), made.drawn(15, 16))
        start = "calibration: layer 0: inputs: 15 rows, expected at least "
        if init == "random":
            start = "calibration: layer 0: 15 rows, expected at least "
        assert str(error.value).startswith(start)
    with pytest.raises(ValueError, match=r"^calibration: layer the model: inputs: 15 rows"):
        convert_lut(nn.Linear(16, 16), made.always(), made.drawn(15, 16))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_inputs_that_are_not_finite_are_refused_naming_the_layer(made, bad):
    x = made.images(40)
    x[3, 0, 2, 2] = bad
    with pytest.raises(ValueError, match=r"^calibration: inputs of layer 3 are not finite$"):
        convert_lut(made.network(), made.always(), x)


def test_no_batch_is_refused(made):
    with pytest.raises(ValueError, match=r"^calibration: no batch, expected inputs of the model$"):
        convert_lut(made.network(), made.always(), [])


def test_calibration_in_every_form(made):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.out = nn.Linear(16, 16), nn.Linear(16, 2)

        def forward(self, a, b):
            return self.out(self.first(a + b))

    torch.manual_seed(0)
    model, a, b = Two(), made.drawn(40, 16), made.drawn(40, 16, seed=1)
    found = [
        convert_lut(model, made.always(), calibration).model.first.centroids
        for calibration in ([(a, b)], {"a": a, "b": b}, [{"b": b, "a": a}], iter([(a, b)]))
    ]
    assert all(torch.equal(one, found[0]) for one in found)
    one = convert_lut(nn.Sequential(model.first), made.always(keep_last=False), a + b)
    assert torch.equal(one.model[0].centroids, found[0])


def test_only_what_the_cost_model_says_is_faster(made, monkeypatch):
    monkeypatch.setattr(convert, "variant_here", lambda: "AVX2")
    bert = nn.Sequential(nn.Linear(768, 768), nn.ReLU(), nn.Linear(768, 64), nn.Linear(64, 8),
                         nn.Linear(8, 2))  # fmt: skip
    done = convert_lut(bert, LutPolicy(linear=32), made.drawn(128, 768))
    assert "0" in names(done)
    (one,) = (o for o in done.converted if o.name == "0")
    assert one.shape == Shape(128, 768, 768, 32, 16)
    assert one.lookup_ns < 0.5 * one.dense_ns
    assert one.shape.dense_bytes / (one.shape.codebooks * 16 * 768) == 8
    reason = reasons(done)["3"]
    assert reason.startswith("a lookup is not faster: 1")
    assert reason.endswith(" us, by the cost model")
    monkeypatch.setattr(convert, "variant_here", lambda: "scalar")
    assert "0" not in names(convert_lut(bert, LutPolicy(linear=32), made.drawn(128, 768)))
    assert not any(m._forward_pre_hooks for m in done.model.modules())
    assert "3" in names(convert_lut(bert, made.always(linear=32), made.drawn(128, 768)))


def test_only_what_a_probe_says_is_faster(made, monkeypatch):
    plain = nn.Sequential(nn.Linear(32, 64), nn.Linear(64, 32), nn.Linear(32, 4))
    probes = {32: (100e3, 89e3), 64: (100e3, 91e3)}
    monkeypatch.setattr(convert, "probed", lambda shape: probes[shape.features])
    done = convert_lut(plain, LutPolicy(only_faster="probe"), made.drawn(40, 32))
    assert names(done) == ["0"]
    assert (done.converted[0].dense_ns, done.converted[0].lookup_ns) == (100e3, 89e3)
    assert reasons(done)["1"] == ("a lookup is not faster: 91 us beside 100 us, by the probe")


def test_a_probe_measures_layers_and_convolutions(made):
    plain = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 2, 5),
                          nn.Flatten(), nn.Linear(2 * 2 * 2, 4))  # fmt: skip
    done = convert_lut(plain, LutPolicy(only_faster="probe", rows=64), made.images(4))
    for one in done.converted:
        assert one.dense_ns > 0
        assert one.lookup_ns <= 0.9 * one.dense_ns
    both = set(names(done)) | {n for n, why in reasons(done).items() if "by the probe" in why}
    assert both == {"1", "2"}


def test_random_centroids_are_normal_and_settings_reach_the_layers(made):
    settings = LutSettings(temperature=0.5, distance="squared", gradient="hard")
    done = convert_lut(
        made.network(), made.always(init="random", settings=settings), made.images(40)
    )
    layer = done.model[7]
    assert layer.settings is settings
    assert layer.temperature == pytest.approx(0.5)
    assert float(layer.centroids.detach().std()) == pytest.approx(1, abs=0.1)
    assert float(layer.centroids.detach().mean()) == pytest.approx(0, abs=0.1)


def test_models_in_float64_and_float16_are_converted(made):
    for dtype in (torch.float64, torch.bfloat16):
        plain = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 2)).to(dtype)
        done = convert_lut(plain, made.always(), made.drawn(40, 16).to(dtype))
        assert done.model[0].centroids.dtype == dtype
        assert done.model(made.drawn(40, 16).to(dtype)).dtype == dtype


def test_a_second_conversion_leaves_lookups_alone(made):
    x = made.images(40)
    first = convert_lut(made.network(), made.always(keep=("7",)), x)
    second = convert_lut(first.model, made.always(), x)
    assert names(second) == ["7"]
    assert torch.equal(second.model[3].centroids, first.model[3].centroids)


def test_named_layers_of_given_lengths_look_up(made):
    settings = LutSettings(temperature=0.25)
    plain = made.network()
    model = with_lookups(plain, {"3": 8, "5.0": 9, "9": 16}, 4, settings)
    shapes = [tuple(model.get_submodule(n).centroids.shape) for n in ("3", "5.0", "9")]
    assert shapes == [(1, 4, 8), (8, 4, 9), (2, 4, 16)]
    assert model[3].settings is settings
    assert not model[3].ready
    assert type(plain[3]) is nn.Conv2d
    with pytest.raises(ValueError, match=r"^a ReLU, expected a Linear or Conv2d$"):
        with_lookups(plain, {"2": 8}, 4, settings)


def test_the_last_layer_is_kept_when_a_model_is_converted_again(made):
    plain = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    once = convert_lut(plain, made.always(), made.drawn(40, 16)).model
    for model in (once, freeze_lut(once)):
        again = convert_lut(model, made.always(), made.drawn(40, 16))
        assert again.converted == ()
        assert [(one.name, one.reason) for one in again.skipped] == [
            ("2", "it is the last layer (keep_last)")
        ]


def test_inputs_far_from_0_beside_their_spread_are_said(made):
    x = made.drawn(200, 16)
    plain = nn.Sequential(nn.Linear(16, 4), nn.Linear(4, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert_lut(plain, made.always(linear=4), x)
    with pytest.warns(UserWarning, match=r"layer 0: \d+\.\d % of pieces take another centroid"):
        convert_lut(plain, made.always(linear=4), x + 10_000)


def test_calibration_without_a_row_is_refused(made):
    plain = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 2))
    with pytest.raises(ValueError, match="calibration: no layer saw a row"):
        convert_lut(plain, made.always(), made.drawn(5, 16)[:0])
