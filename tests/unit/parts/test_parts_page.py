import re
from pathlib import Path
from types import ModuleType

import pytest
import torch

from heliostat.contract.part import Model
from heliostat_methods.parts.plugin import PARTS

PAGE = (Path(__file__).parents[3] / "docs" / "parts.md").read_text()
SIZES = {
    name: int(count.replace(",", ""))
    for name, count in re.findall(r"^\| `(\w+)` \|.*\| ([\d,]+) \|[^|]*\|$", PAGE, re.MULTILINE)
}
MODELS = [spec for spec in PARTS if spec.kind == "model"]
SHAPES = {"linear": (64,), "mlp": (64,), "cnn": (64,), "lenet5": (784,)}


@pytest.mark.parametrize("spec", PARTS, ids=lambda spec: f"{spec.kind}-{spec.name}")
def test_every_part_and_what_can_be_set_stands_on_the_page(spec):
    (row,) = re.findall(rf"^\| `{spec.name}(?::PATH)?` \|.*$", PAGE, re.MULTILINE)
    if not spec.prefix:
        assert all(f"`{name}`" in row for name in spec.config.model_fields)


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.name)
def test_models_have_as_many_parameters_as_the_page_says(spec):
    model = spec.build(spec.config())
    network = model.create(SHAPES.get(spec.name, (3, 32, 32)), 10, torch.Generator())
    assert sum(p.numel() for p in network.parameters()) == SIZES[spec.name]


def test_the_page_s_own_part_works():
    _, code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    plugin = ModuleType("own_parts")
    exec(compile(code, "own_parts", "exec"), plugin.__dict__)
    (spec,) = plugin.heliostat_parts()
    model = spec.build(spec.config(width=5))
    assert isinstance(model, Model)
    before = torch.random.get_rng_state()
    first, second = (model.create((2, 3), 4, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    x = torch.ones(3, 2, 3)
    assert first(x).shape == (3, 4)
    assert torch.equal(first(x), second(x))
