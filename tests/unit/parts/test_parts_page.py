import json
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from heliostat.contract.part import Model
from heliostat.errors import DataError
from heliostat_methods.evomal.losses.primitive_parts import heliostat_parts
from heliostat_methods.parts.csv_table import csv_dataset
from heliostat_methods.parts.plugin import PARTS
from heliostat_search.splits import split

PAGE = (Path(__file__).parents[3] / "docs" / "parts.md").read_text()
SIZES = {
    name: int(count.replace(",", ""))
    for name, count in re.findall(r"^\| `(\w+)` \|.*\| ([\d,]+) \|[^|]*\|$", PAGE, re.MULTILINE)
}
PRIMITIVES = list(heliostat_parts())
MODELS = [spec for spec in PARTS if spec.kind == "model"]
SHAPES = {"linear": (64,), "mlp": (64,), "cnn": (64,), "lenet5": (784,)}


@pytest.mark.parametrize("spec", [*PARTS, *PRIMITIVES], ids=lambda spec: f"{spec.kind}-{spec.name}")
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
    *_, code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
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


def flats(rows, first=0):
    """Return the lines of the page's example table."""
    cities = ("baku", "bern", "doha", "kyiv", "lima", "oslo", "riga", "rome", "suva")
    lines = [";size;built;lift;city;rent;note;land;price"]
    for i in range(first, first + rows):
        size, place = 30 + (i * 37 % 120) + i % 4 / 4, i * 7 % 9
        price = "" if i in (5, 99) else f"{size / 2 + 10 * place + i % 5 / 4:.2f}"
        rent = "NA" if i % 25 == 3 else f"{20 * size:.2f}"
        lines.append(
            f"{i};{size:.2f};{1950 + i % 70}-03-0{i % 9 + 1};{'yes' if i % 3 else 'no'};"
            f"{cities[place]};{rent};text {i};CH;{price}".replace(".", ",")
        )
    return lines


def test_the_page_s_table_is_told_as_the_page_tells_it(tmp_path):
    path = tmp_path / "flats.csv"
    path.write_text("\n".join(flats(300)))
    data = csv_dataset(path)
    (told,) = re.findall(r"^csv:flats.csv: (.*)$", PAGE, re.MULTILINE)
    assert data.note == told


def test_the_page_s_new_rows_are_the_inputs_of_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = flats(300)
    Path("flats.csv").write_text("\n".join(lines))
    parts = split(csv_dataset(Path("flats.csv")), np.random.default_rng(0))
    kept = {"labels": {"data": {"preprocessing": parts.preprocessing.plain()}}}
    Path("loss.json").write_text(json.dumps(kept))
    # One row alone, without the target: a lift that all have is still yes or no.
    header, *body = [line.rpartition(";")[0] for line in lines]
    body = [line for i, line in enumerate(body) if i not in (5, 99)]
    code = next(c for c in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "kept" in c)
    for k in range(12):
        Path("new.csv").write_text("\n".join([header, body[parts.test.rows[k]]]))
        names = {}
        exec(compile(code, "page", "exec"), names)
        assert names["inputs"] == pytest.approx(parts.test.inputs[k : k + 1], rel=1e-5, abs=1e-5)
    Path("new.csv").write_text("size;lift\n1;yes")
    with pytest.raises(DataError, match="no column 'built'"):
        exec(compile(code, "page", "exec"), {})
    Path("new.csv").write_text("\n".join([header, body[0].replace("no", "maybe")]))
    with pytest.raises(DataError, match="'lift' holds 'maybe', neither yes nor no"):
        exec(compile(code, "page", "exec"), {})
    Path("new.csv").write_text("\n".join([header, body[0].replace("1950-03-01", "old")]))
    with pytest.raises(DataError, match="'built' holds 'old'; the run took it for days since"):
        exec(compile(code, "page", "exec"), {})
