"""A loss written as source: it needs PyTorch alone and computes what the module computes."""

import ast
import importlib.util
import json

import pytest
import torch

from heliostat_methods.evomal.commands.exporting import exported
from heliostat_methods.evomal.losses.expression import LossExpression, parse
from heliostat_methods.evomal.losses.primitives import SHIFTED, STANDARD, LossExpressionError

TREES = [
    "square(sub(y, f))",
    "mul(-1, mul(1.02*y, log(0.9*f)))",
    "abs(log(1.25*mul(y, f)))",
    "div(sub(1.2*y, 0.8*f), 1.1*tanh(0.9*sqrt(1.05*f)))",
    "add(max(y, 0.7*f), min(1.3*f, -0.5*1))",
    "mul(sub(-0.3*y, sub(f, add(y, mul(f, -2.5*f)))), sign(sub(y, f)))",
    "sub(" * 30 + "y" + ", 1.01*mul(f, 0.99*f))" * 30,
    "tanh(add(log(-1), mul(y, sqrt(f))))",
]


def imported(text, folder):
    path = folder / "loss.py"
    path.write_text(text, encoding="utf-8")
    tree = ast.parse(text)
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(n) for n in imports] == ["import torch"]
    spec = importlib.util.spec_from_file_location("exported_loss", path)
    module = importlib.util.module_from_spec(spec)
    # not through the loader: two texts of one size in one second share their stored bytecode
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def value_and_gradient(loss, outputs, targets):
    leaf = outputs.clone().requires_grad_()
    value = loss(leaf, targets)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.item(), gradient


def batch(task, classes):
    generator = torch.Generator().manual_seed(1)
    outputs = 2 * torch.randn(6, classes, generator=generator, dtype=torch.float64)
    if task == "regression":
        return outputs, torch.randn(6, generator=generator, dtype=torch.float64)
    return outputs, torch.arange(6) % max(classes, 2)


@pytest.mark.parametrize("task, classes", [("classification", 4), ("classification", 1),
                                           ("regression", 1)])  # fmt: skip
@pytest.mark.parametrize("text", TREES)
def test_source_computes_what_the_module_computes(text, task, classes, tmp_path):
    expression = parse(text)
    outputs, targets = batch(task, classes)
    module = expression.to_torch_module(task)
    module.phi = torch.tensor(expression.weights, dtype=torch.float64)
    value, gradient = value_and_gradient(module, outputs, targets)
    found = imported(exported(expression, task, "python"), tmp_path)
    other = imported(exported(expression, task, "torch"), tmp_path).FoundLoss().double()
    other.phi.data = module.phi
    for loss in (found.loss, other):
        again, slope = value_and_gradient(loss, outputs, targets)
        assert again == pytest.approx(value, rel=1e-12)
        assert torch.allclose(slope, gradient, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("table", [STANDARD, SHIFTED], ids=lambda table: table.name)
def test_every_primitive_of_every_table_can_be_written(table, tmp_path):
    for name in table.operators:
        inner = ("add", "y", "f") if table[name].arity == 1 else ("y", "f")
        expression = LossExpression((name, *inner), table=table)
        outputs, targets = batch("regression", 1)
        found = imported(exported(expression, "regression", "python"), tmp_path).loss
        module = expression.to_torch_module("regression")
        assert found(outputs, targets).item() == module(outputs, targets).item()


def test_a_short_loss_is_ten_lines(tmp_path):
    text = exported(parse("mul(-1, mul(1.02*y, log(0.9*f)))"), "regression", "python")
    body = [line for line in text.splitlines() if line.strip()]
    assert len(body) <= 10
    assert max(map(len, body)) <= 100


def test_weights_of_the_module_can_be_trained(tmp_path):
    module = imported(exported(parse("square(sub(y, 0.9*f))"), "regression", "torch"), tmp_path)
    assert not module.FoundLoss().phi.requires_grad
    loss = module.FoundLoss(trainable=True)
    loss(torch.ones(3, 1), torch.zeros(3)).backward()
    assert loss.phi.grad[3] != 0


def test_json_is_read_back_exactly_and_latex_is_the_formula():
    expression = parse("square(sub(y, 0.123456789012345*f))")
    account = json.loads(exported(expression, "regression", "json", run="r", fitness=0.5))
    assert LossExpression.from_dict(account["loss"]) == expression
    assert (account["task"], account["run"], account["fitness"]) == ("regression", "r", 0.5)
    assert exported(expression, "regression", "latex") == expression.to_latex() + "\n"


def test_a_primitive_without_a_form_is_named():
    from dataclasses import replace

    table = STANDARD.extended("mine", replace(STANDARD["tanh"], name="soft", opcode=None))
    expression = LossExpression(("soft", "sub", "y", "f"), table=table)
    with pytest.raises(LossExpressionError, match="'soft' cannot be written"):
        exported(expression, "regression", "python")


TRAINING = {"optimiser": "SGD", "learning_rate": 0.003, "momentum": 0.9, "nesterov": True,
            "weight_decay": 0.0005, "batch_size": 128, "steps": 240}  # fmt: skip


@pytest.mark.parametrize("form", ["python", "torch", "latex", "json"])
def test_every_export_says_how_it_was_trained_and_the_order_of_classes(form):
    facts = {"training": TRAINING, "labels": {"names": ["malignant", "benign"]}}
    text = exported(parse(TREES[1]), "classification", form, **facts)
    if form == "json":
        assert json.loads(text)["training"] == TRAINING
        assert json.loads(text)["labels"] == facts["labels"]
        return
    assert "trained with SGD: learning rate 0.003, Nesterov momentum 0.9," in text
    assert "batches of 128, 240 steps" in text
    assert "classes 0: malignant, 1: benign" in text


NUMBERS = {"columns": [{"name": "age", "how": "number"},
                       {"name": "built", "how": "number", "fill": 30.5, "indicator": True,
                        "unit": "days since 1970-01-01"}],
           "mean": [48.5, -3.0, 0.25], "deviation": [13.0, 2.0, 0.5]}  # fmt: skip
CATEGORY = {"columns": [{"name": "city", "how": "onehot", "levels": ["bern", "rome"]}],
            "mean": [0.5, 0.5], "deviation": [0.5, 0.5]}  # fmt: skip
PIXELS = {"columns": [], "mean": [4.5], "deviation": [6.0]}


@pytest.mark.parametrize("form", ["python", "torch", "latex"])
@pytest.mark.parametrize(
    "preprocessing, said",
    [
        (NUMBERS, ["inputs of the model: 3, standardised by the training rows:",
                   "  (age - 48.5) / 13",
                   "  (built + 3) / 2  # days since 1970-01-01, 30.5 where it is missing",
                   "  (built (missing) - 0.25) / 0.5  # 1 where it is missing, else 0",
                   "losses export RUN -o loss.json", "csv_inputs(path, preprocessing)"]),
        (CATEGORY, ["inputs of the model: 2, encoded", "city = bern, city = rome",
                    "labels.data.preprocessing"]),
        (PIXELS, ["inputs of the model: images 1 x 8 x 8, each pixel as (x - 4.5) / 6"]),
    ],
)  # fmt: skip
def test_source_names_the_inputs_and_says_how_to_get_them(form, preprocessing, said, tmp_path):
    data = {"preprocessing": preprocessing, "shape": [1, 8, 8]}
    labels = {"mean": 0.0, "deviation": 1.0, "data": data}
    text = exported(parse(TREES[0]), "regression", form, labels=labels, run="RUN")
    in_one = " ".join(text.replace("%", "").split())
    assert all(" ".join(part.split()) in in_one for part in said)
    if form != "latex":
        imported(text, tmp_path)


NASTY = 'a"""\nimport os\\ """b\u2028c\\'


@pytest.mark.parametrize("form", ["python", "torch", "latex"])
def test_names_of_data_end_no_comment(form, tmp_path):
    preprocessing = {"columns": [{"name": NASTY, "how": "number"}],
                     "mean": [0.0], "deviation": [1.0]}  # fmt: skip
    labels = {"names": [NASTY, "b"], "data": {"preprocessing": preprocessing}}
    text = exported(parse(TREES[1]), "classification", form, labels=labels)
    if form == "latex":
        assert all(line.startswith("%") for line in text.splitlines()[:-1])
    else:
        imported(text, tmp_path)


def test_the_inputs_that_an_export_names_are_those_that_the_model_gets():
    from heliostat_methods.evomal.report.input_texts import input_lines
    from heliostat_search.preprocessing import Preprocessing

    rows = {"age": [61.5, 40.0], "built": [1.0, None]}
    expected = Preprocessing.from_plain(NUMBERS).apply(rows)
    formulas = [line.partition("  #")[0].strip()
                for line in input_lines({"data": {"preprocessing": NUMBERS}})[1:4]]  # fmt: skip
    for i, age in enumerate(rows["age"]):
        built = rows["built"][i]
        known = {"(age": f"({age}", "(built (missing)": f"({float(built is None)}",
                 "(built": f"({30.5 if built is None else built}"}  # fmt: skip
        for j, formula in enumerate(formulas):
            name = next(name for name in known if formula.startswith(name))
            assert eval(formula.replace(name, known[name])) == expected[i, j]
