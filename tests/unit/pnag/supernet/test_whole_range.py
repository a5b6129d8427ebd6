"""Any small layout and images of any scale: finite logits that depend on no other, or a reason."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.spaces.elastic_conv import ElasticConvSpace
from heliostat_methods.pnag.supernet.choices import SubnetChoices
from heliostat_methods.pnag.supernet.extraction import extract
from heliostat_methods.pnag.supernet.network import Supernet
from heliostat_methods.pnag.supernet.prefixes import Chunks, each_logits
from heliostat_methods.pnag.supernet.recalibration import recalibrate


@st.composite
def spaces(draw: st.DrawFn) -> ElasticConvSpace:
    units = draw(st.integers(1, 3))
    some = st.integers(1, 9)
    return ElasticConvSpace(
        widths=tuple(draw(some) for _ in range(units)),
        strides=tuple(draw(st.integers(1, 2)) for _ in range(units)),
        depths=draw(st.sampled_from([(1,), (2,), (1, 2), (1, 3)])),
        kernels=draw(st.sampled_from([(1,), (3,), (3, 5), (3, 7), (3, 5, 7)])),
        expands=draw(st.sampled_from([(1,), (1, 2), (2, 4), (3, 4, 6)])),
        stem_channels=draw(some),
        stem_stride=draw(st.integers(1, 2)),
        activation=draw(st.sampled_from(["relu", "relu6", "h_swish"])),
        squeeze_excite=draw(st.booleans()),
    )


@settings(max_examples=20, deadline=None)
@given(
    spaces(), st.integers(1, 3), st.integers(1, 17), st.integers(1, 17), st.integers(1, 5),
    st.floats(-12, 12), st.integers(0, 2**31),
)  # fmt: skip
def test_logits_are_finite_and_independent_or_it_is_said_why(
    space: ElasticConvSpace, channels: int, height: int, width: int, count: int, scale: float,
    seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    shape = (channels, height, width)
    images = torch.tensor(rng.standard_normal((2 * count, *shape)) * 10**scale).float()
    try:
        layout = space.layout(shape, 3)
        net = Supernet(layout, space.middle, torch.Generator().manual_seed(seed))
        choices = SubnetChoices(layout, (space.depths,) * len(layout.units))
        subnets = [choices.largest, choices.smallest, choices.draw(rng), choices.draw(rng)]
        found = dict(each_logits(net, subnets, images[:count], images[count:], Chunks(4, 3)))
    except (ConfigError, DataError) as error:
        assert "expected" in str(error) or "take larger batches" in str(error)
        return
    for index, blocks in enumerate(subnets):
        ((_, alone),) = each_logits(net, [blocks], images[:count], images[count:], Chunks(4, 3))
        assert torch.equal(found[index], alone) and bool(torch.isfinite(alone).all())
    statistics = recalibrate(net, subnets[2], images[:count], 4)
    module = extract(net, subnets[2], statistics)
    with torch.no_grad():
        wanted, logits = net(images[count:], subnets[2], statistics), module(images[count:])
    assert bool(torch.isfinite(logits).all())
    # A channel without variance is scaled by 1 / sqrt(1e-5), and rounding with it.
    assert (logits - wanted).abs().max() <= 0.01 * max(1.0, float(wanted.abs().max()))
