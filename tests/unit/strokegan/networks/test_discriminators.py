"""Discriminators: the authors' size with an exact stroke head, and the head round any other."""

import pickle

import pytest
import torch
from torch import nn

from heliostat_methods.strokegan.networks.patch_discriminator import PatchDiscriminator
from heliostat_methods.strokegan.networks.stroke_head import StrokeHead
from heliostat_methods.strokegan.networks.with_strokes import WithStrokes


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_at_128_px_it_has_the_size_of_the_specification() -> None:
    network = PatchDiscriminator(3, 64, image_size=128)
    assert sum(part.numel() for part in network.parameters()) == 6_451_169
    patch, strokes = network(torch.zeros(1, 3, 128, 128))
    assert patch.shape == (1, 1, 14, 14) and strokes.shape == (1, 32)
    assert network.features(torch.zeros(1, 3, 128, 128)).shape == (1, 512, 15, 15)


@pytest.mark.parametrize("side", range(16, 132, 4))
def test_every_multiple_of_four_gets_a_map_and_logits(side: int) -> None:
    patch, strokes = PatchDiscriminator(1, 2, image_size=side)(torch.rand(2, 1, side, side))
    assert patch.shape[:2] == (2, 1) and patch.numel() and strokes.shape == (2, 32)
    assert bool(patch.isfinite().all() and strokes.isfinite().all())


def test_layers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="layers must be from 1 to 2 at image_size 16, got 3"):
        PatchDiscriminator(1, 2, 3, 16)
    with pytest.raises(ValueError, match="got 18; nearest valid: 16 and 20"):
        PatchDiscriminator(1, 2, image_size=18)
    with pytest.raises(ValueError, match="stroke_dim must be at least 0"):
        PatchDiscriminator(1, 2, image_size=16, stroke_dim=-1)
    with pytest.raises(ValueError, match="x must have shape"):
        PatchDiscriminator(1, 2, image_size=16)(torch.zeros(1, 1, 20, 20))


def test_a_head_changes_nothing_of_the_rest() -> None:
    with_head, without = (
        PatchDiscriminator(1, 4, image_size=32, stroke_dim=dim, generator=seeded(1),
                           head_generator=seeded(2))
        for dim in (32, 0)
    )  # fmt: skip
    for name, weight in without.named_parameters():
        assert torch.equal(weight, with_head.get_parameter(name))
    x = torch.rand(2, 1, 32, 32)
    assert torch.equal(with_head(x)[0], without(x)[0])
    assert without(x)[1].shape == (2, 0)


def test_permuted_strokes_permute_the_head_alone() -> None:
    order = torch.randperm(32, generator=seeded())
    plain, permuted = (
        PatchDiscriminator(1, 4, image_size=32, generator=seeded(1)).double() for _ in "ab"
    )
    assert plain.strokes is not None and permuted.strokes is not None
    with torch.no_grad():
        permuted.strokes.convolution.weight.copy_(plain.strokes.convolution.weight[order])
    x = torch.rand(4, 1, 32, 32, dtype=torch.float64)
    codes = torch.randint(2, (4, 32), generator=seeded()).double()
    slopes = []
    for network, labels in ((plain, codes), (permuted, codes[:, order])):
        loss = nn.functional.binary_cross_entropy_with_logits(network(x)[1], labels)
        trunk = [p for n, p in network.named_parameters() if n.startswith("trunk")]
        slopes.append((loss, *torch.autograd.grad(loss, trunk)))
    for left, right in zip(*slopes, strict=True):
        assert torch.allclose(left, right, atol=1e-12)


def test_a_batch_in_one_pass_is_as_its_parts() -> None:
    network = PatchDiscriminator(1, 8, image_size=32, generator=seeded())
    a, b = torch.rand(2, 3, 1, 32, 32) * 2 - 1
    for whole, left, right in zip(network(torch.cat([a, b])), network(a), network(b), strict=True):
        assert torch.allclose(whole, torch.cat([left, right]), atol=1e-5)


def test_a_stroke_head_refuses_other_features() -> None:
    head = StrokeHead(4, 3)
    assert head(torch.zeros(2, 4, 3, 3)).shape == (2, 32)
    with pytest.raises(ValueError, match=r"features must have shape \(N, 4, 3, 3\)"):
        head(torch.zeros(2, 4, 4, 4))
    with pytest.raises(ValueError, match="side must be at least 1, got 0"):
        StrokeHead(4, 0)


class Foreign(nn.Module):
    """Somebody else's discriminator."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(1, 6, 4, 4)
        self.end = nn.Conv2d(6, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.end(torch.relu(self.body(x)))


def test_strokes_go_round_any_discriminator_and_teach_its_trunk() -> None:
    foreign = Foreign()
    network = WithStrokes(foreign, "body", image_size=16, generator=seeded())
    x = torch.rand(3, 1, 16, 16)
    patch, logits = network(x)
    assert torch.equal(patch, foreign(x)) and logits.shape == (3, 32)
    logits.sum().backward()
    assert foreign.body.weight.grad is not None and foreign.end.weight.grad is None
    again = pickle.loads(pickle.dumps(network))
    assert torch.equal(again(x)[1], logits)


def test_a_trunk_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="got 'trunk'; there are: body, end"):
        WithStrokes(Foreign(), image_size=16)
    with pytest.raises(ValueError, match=r"'0' must give features \(N, C, s, s\)"):
        WithStrokes(nn.Sequential(nn.Flatten(), nn.Linear(256, 1)), "0", image_size=16)
