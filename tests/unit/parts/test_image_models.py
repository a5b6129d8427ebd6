from itertools import pairwise

import pytest
import torch

from heliostat.contract.part import Model
from heliostat.errors import ConfigError
from heliostat_methods.parts.models import (
    AlexNet,
    AllCnnC,
    Cnn,
    PreResNet,
    PyramidNet,
    ResNet18,
    SqueezeNet,
    Vgg16,
    WideResNet,
)

COLOUR = (3, 32, 32)


def conv(channels, filters, size=3, bias=0):
    return channels * filters * size**2 + bias * filters


def norm(channels):
    return 2 * channels


def dense(fan_in, fan_out):
    return fan_in * fan_out + fan_out


def basic_blocks(stages):
    """Two convolutions a block; 1 x 1 where `stages` of (from, to, blocks) change the width."""
    return sum(
        conv(before, after) + (2 * n - 1) * conv(after, after) + conv(before, after, 1) * project
        for before, after, n, project in stages
    )


def pre_activated(n, k):
    # Zagoruyko and Komodakis 2016, table 1: widths 16, 16k, 32k, 64k, n blocks each; BatchNorm
    # before each convolution of a block and before the pooling; no biases.
    widths = (16, 16 * k, 32 * k, 64 * k)
    steps = list(pairwise(widths))
    norms = sum(norm(a) + (2 * n - 1) * norm(b) for a, b in steps) + norm(64 * k)
    blocks = basic_blocks([(a, b, n, a != b) for a, b in steps])
    return conv(3, 16) + blocks + norms + dense(64 * k, 10)


def pyramid(n, alpha):
    # Han et al. 2017, equation 3: width 16 + k alpha / N of block k of N = 3n, rounded.
    widths = [16] + [round(16 + k * alpha / (3 * n)) for k in range(1, 3 * n + 1)]
    blocks = sum(conv(a, b) + conv(b, b) + norm(a) + 2 * norm(b) for a, b in pairwise(widths))
    return conv(3, 16) + norm(16) + blocks + norm(widths[-1]) + dense(16 + alpha, 10)


VGG_D = (3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6)
VGG_PAIRS = list(pairwise(VGG_D))

COUNTS = [
    # Springenberg et al. 2015, table 1, C, to 10 classes: 1.37 M.
    (
        AllCnnC(),
        COLOUR,
        conv(3, 96, bias=1)
        + 2 * conv(96, 96, bias=1)
        + conv(96, 192, bias=1)
        + 3 * conv(192, 192, bias=1)
        + conv(192, 192, 1, bias=1)
        + conv(192, 10, 1, bias=1),
        1.37e6,
    ),
    # Krizhevsky et al.'s layers at 3 x 3; 32 -> 16 -> 8 -> 4 -> 2 pixels before the dense ones.
    (
        AlexNet(),
        COLOUR,
        sum(conv(a, b, bias=1) for a, b in [(3, 64), (64, 192), (192, 384), (384, 256)])
        + conv(256, 256, bias=1)
        + dense(256 * 2 * 2, 4096)
        + dense(4096, 4096)
        + dense(4096, 10),
        23.27e6,
    ),
    # Simonyan and Zisserman 2015, table 1, D with BatchNorm and one dense layer: 14.73 M.
    (
        Vgg16(),
        COLOUR,
        sum(conv(a, b, bias=1) + norm(b) for a, b in VGG_PAIRS) + dense(512, 10),
        14.73e6,
    ),
    # He et al. 2016a, table 1, 18 layers, first layer of 3 x 3: 11.17 M.
    (
        ResNet18(),
        COLOUR,
        conv(3, 64)
        + basic_blocks([(64, 64, 2, 0), (64, 128, 2, 1), (128, 256, 2, 1), (256, 512, 2, 1)])
        + norm(64)
        + sum(4 * norm(c) for c in (64, 128, 256, 512))
        + sum(norm(c) for c in (128, 256, 512))
        + dense(512, 10),
        11.17e6,
    ),
    # He et al. 2016b, table 2, depth 110: 1.7 M.
    (PreResNet(110), COLOUR, pre_activated(18, 1), 1.73e6),
    (PreResNet(20), COLOUR, pre_activated(3, 1), 0.27e6),
    # Zagoruyko and Komodakis 2016, table 4: 36.5 M and 11.0 M.
    (WideResNet(28, 10), COLOUR, pre_activated(4, 10), 36.5e6),
    (WideResNet(16, 8), COLOUR, pre_activated(2, 8), 10.96e6),
    # Iandola et al. 2016, table 1: 1,248,424 for 1000 classes with a first layer of 7 x 7; plus
    # BatchNorm for 96 filters and for squeezed and expanded channels of the fire modules.
    (
        SqueezeNet(),
        COLOUR,
        1_248_424
        - (conv(3, 96, 7) - conv(3, 96))
        - (conv(512, 1000, 1, bias=1) - conv(512, 10, 1, bias=1))
        + norm(96)
        + sum(2 * norm(s) + 2 * norm(8 * s) for s in (16, 32, 48, 64)),
        0.735e6,
    ),
    # Han et al. 2017, table 4: 1.7 M for alpha 48, 3.8 M for alpha 84 (cut, not rounded).
    (PyramidNet(110, 48), COLOUR, pyramid(18, 48), 1.7e6),
    (PyramidNet(110, 84), COLOUR, pyramid(18, 84), 3.8e6),
    # By hand.
    (Cnn(), (1, 8, 8), 72 + 16 + 1152 + 32 + 650, 1922),
    (Cnn(), (1, 28, 28), 72 + 16 + 1152 + 32 + 7850, 9122),
    (Cnn((4,), batch_norm=False), (3, 9, 9), 27 * 4 + 4 + 4 * 4 * 4 * 10 + 10, 762),
]

SMALL = [
    (Cnn(dropout=0.25), (1, 8, 8)),
    (Cnn((4, 8, 8), batch_norm=False), (28, 28)),
    (AllCnnC(), COLOUR),
    (AlexNet(), COLOUR),
    (Vgg16(), COLOUR),
    (ResNet18(), COLOUR),
    (PreResNet(20), COLOUR),
    (WideResNet(10, 2, dropout=0.3), COLOUR),
    (SqueezeNet(), COLOUR),
    (PyramidNet(20, 12), COLOUR),
]


def made(model, shape, outputs=10, seed=0):
    return model.create(shape, outputs, torch.Generator().manual_seed(seed))


def images(shape, count=2):
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(5))


def case_name(value):
    return type(value).__name__ if isinstance(value, Model) else None


@pytest.mark.parametrize(("model", "shape", "count", "published"), COUNTS, ids=case_name)
def test_networks_have_the_published_number_of_parameters(model, shape, count, published):
    parameters = list(made(model, shape).parameters())
    assert sum(p.numel() for p in parameters) == count
    assert count == pytest.approx(published, rel=0.05)
    assert all(p.requires_grad and p.dtype == torch.float32 for p in parameters)


@pytest.mark.parametrize(("model", "shape"), SMALL, ids=case_name)
def test_logits_are_the_same_for_flat_and_shaped_images(model, shape):
    assert isinstance(model, Model)
    assert model.widths(shape, 10) is None
    x = images(shape)
    flat = x.flatten(1)
    shaped, flattened = made(model, shape, 7).eval(), made(model, flat.shape[1:], 7).eval()
    with torch.no_grad():
        assert shaped(x).shape == (2, 7)
        assert torch.equal(shaped(x), flattened(flat))


@pytest.mark.parametrize(("model", "shape"), SMALL, ids=case_name)
def test_all_randomness_comes_from_the_generator(model, shape):
    before = torch.random.get_rng_state()
    first, second, third = made(model, shape), made(model, shape), made(model, shape, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    for a, b, c in zip(first.parameters(), second.parameters(), third.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.ndim == 1 or not torch.equal(a, c)


@pytest.mark.parametrize(("model", "shape"), SMALL, ids=case_name)
def test_weights_are_xavier_uniform_and_normalisations_the_identity(model, shape):
    for module in made(model, shape).modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert not module.bias.any()
        elif isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            weight = module.weight.detach()
            bound = (6 / (weight[0, 0].numel() * sum(weight.shape[:2]))) ** 0.5
            assert weight.abs().max() <= bound
            assert float(weight.std()) == pytest.approx(bound / 3**0.5, rel=0.2)
            assert module.bias is None or not module.bias.any()


@pytest.mark.parametrize(("model", "shape"), SMALL, ids=case_name)
def test_one_training_step_reaches_every_parameter_and_lowers_the_loss(model, shape):
    network, x, y = made(model, shape).train(), images(shape), torch.tensor([3, 8])
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4)

    def loss():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(2)  # both passes drop the same units
            return torch.nn.functional.cross_entropy(network(x), y)

    before = loss()
    before.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
    assert all(p.grad.any() for p in network.parameters() if p.ndim > 1)
    optimizer.step()
    assert loss() < before


@pytest.mark.parametrize(("model", "shape"), SMALL, ids=case_name)
def test_samples_do_not_mix_when_a_network_is_evaluated(model, shape):
    network, x = made(model, shape).eval(), images(shape, 3)
    with torch.no_grad():
        assert torch.allclose(network(x)[1:], network(x[1:]), rtol=1e-4, atol=1e-5)


def test_dropout_acts_while_training_only():
    network, x = made(Cnn(dropout=0.5), (1, 8, 8)), images((1, 8, 8), 4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        assert not torch.equal(network(x), network(x))
        assert torch.equal(network.eval()(x), network(x))


def test_a_pre_activated_block_without_weights_passes_its_input_on():
    block = made(PreResNet(20), COLOUR)[4]
    with torch.no_grad():
        for parameter in block.body.parameters():
            parameter.zero_()
    x = torch.randn(2, 16, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(x), x)


def test_a_padded_shortcut_averages_and_adds_channels_of_zeros():
    from heliostat_methods.parts.blocks import PaddedShortcut

    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    out = PaddedShortcut(2, 2)(x)
    # The windows at the border hold what is left of the image.
    assert out[0, 0].tolist() == [[2, 3.5], [6.5, 8]]
    assert out.shape == (1, 3, 2, 2)
    assert not out[:, 1:].any()


@pytest.mark.parametrize(
    ("model", "shape", "message"),
    [
        (Vgg16(), (1, 28, 28), r"vgg16.*at least 32 x 32.*cifar10:PATH.*\(1, 28, 28\); cnn takes"),
        (AlexNet(), (64,), r"alexnet.*at least 16 x 16.*\(64,\); cnn takes smaller"),
        (AllCnnC(), (1, 8, 8), "allcnn_c.*at least 9 x 9"),
        (ResNet18(), (3, 32, 7), "resnet18.*at least 8 x 8"),
        (PreResNet(20), (10,), "preresnet.*at least 8 x 8"),
        (WideResNet(10, 1), (2, 3, 32, 32), "wide_resnet"),
        (SqueezeNet(), (7, 7), "squeezenet"),
        (PyramidNet(20), (), "pyramidnet"),
        (Cnn((4, 4, 4, 4)), (1, 8, 8), "cnn.*at least 16 x 16"),
    ],
)
def test_samples_that_do_not_fit_are_refused_by_shape(model, shape, message):
    with pytest.raises(ConfigError, match=message):
        made(model, shape)


@pytest.mark.parametrize(("model", "shape"), SMALL, ids=case_name)
def test_no_outputs_are_refused(model, shape):
    with pytest.raises(ConfigError, match="outputs = 0"):
        made(model, shape, 0)


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (lambda: PreResNet(21), r"depth = 21: expected 6n \+ 2 layers.* such as 20"),
        (lambda: PyramidNet(3), r"depth = 3: expected 6n \+ 2 layers.* such as 8"),
        (lambda: WideResNet(30), r"depth = 30: expected 6n \+ 4 layers.* such as 28"),
        (lambda: WideResNet(-2), r"such as 10"),
        (lambda: PreResNet(6002), r"such as 1202"),
    ],
)
def test_depths_that_make_no_whole_blocks_name_the_nearest_that_does(create, message):
    with pytest.raises(ConfigError, match=message):
        create()
