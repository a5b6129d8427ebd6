"""A loss as a file that needs nothing of this package: PyTorch source, LaTeX, JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from typing import Any, Literal

from heliostat_methods.evomal.losses.expression import LossExpression
from heliostat_methods.evomal.losses.operations import source as operation_source
from heliostat_methods.evomal.losses.primitives import EPSILON, LossExpressionError, Opcode
from heliostat_methods.evomal.losses.tree import Task
from heliostat_methods.evomal.report.formulas import training_lines
from heliostat_methods.evomal.report.input_texts import input_lines
from heliostat_methods.evomal.report.label_texts import labels_text, scale_text

Format = Literal["json", "python", "latex", "torch"]

_LINE = 40  # a part longer than this becomes a variable of its own

_TEMPLATES = {
    Opcode.ADD: "{0} + {1}",
    Opcode.SUB: "{0} - {1}",
    Opcode.MUL: "{0} * {1}",
    Opcode.DIV: "{0} / torch.sqrt(1 + {1} ** 2)",
    Opcode.MIN: "torch.minimum({0}, {1})",
    Opcode.MAX: "torch.maximum({0}, {1})",
    Opcode.SIGN: "torch.sign({0})",
    Opcode.SQUARE: "{0} ** 2",
    Opcode.ABS: "torch.abs({0})",
    Opcode.LOG: f"torch.log(torch.clamp(torch.abs({{0}}), min={EPSILON!r}))",
    Opcode.SQRT: f"torch.sqrt(torch.clamp(torch.abs({{0}}), min={EPSILON!r}))",
    Opcode.TANH: "torch.tanh({0})",
    Opcode.LOG_SHIFTED: f"torch.log(torch.abs({{0}}) + {EPSILON!r})",
    Opcode.SQRT_SHIFTED: f"torch.sqrt(torch.abs({{0}}) + {EPSILON!r})",
}
_INFIX = (Opcode.ADD, Opcode.SUB, Opcode.MUL, Opcode.DIV, Opcode.SQUARE)

_WHAT: dict[Task, str] = {
    "classification": "outputs: logits (batch, classes); targets: class indices (batch,).",
    "regression": "outputs: one number a sample; targets: {scale}, standardised.",
}
_ENTRIES: dict[Task, list[str]] = {
    "classification": [
        "if outputs.shape[1] == 1:",
        "    f, y = outputs.sigmoid(), targets.reshape(-1, 1).to(outputs)",
        "else:",
        "    f = outputs.softmax(1)",
        "    y = torch.nn.functional.one_hot(targets, f.shape[1]).to(f)",
    ],
    "regression": ["f, y = outputs, targets.reshape(outputs.shape).to(outputs)"],
}
_MEAN: dict[Task, str] = {
    "classification": "return m.sum(1).mean()",
    "regression": "return m.mean()",
}


def exported(loss: Any, task: Task, form: Format, **facts: Any) -> str:
    """Return the text of a file; ``facts`` (run, fitness, labels, training) are said in each.

    ``json`` is read by ``LossExpression.from_dict`` (its field "loss"), or by
    ``LossNetwork.from_dict``; ``python`` is a function ``loss(outputs, targets)``; ``torch`` is an
    ``nn.Module`` with the weights in ``phi``, so that they can be trained further. Raises
    ``LossExpressionError`` for a loss or a primitive without a form here.
    """
    expression = loss
    if form == "json" and hasattr(loss, "to_dict"):
        account = {"task": task, "loss": loss.to_dict(), **facts}
        return json.dumps(account, indent=2) + "\n"
    if not isinstance(expression, LossExpression):
        raise LossExpressionError("it is not a formula")
    labels = facts.get("labels")
    said = training_lines(facts.get("training"))
    if task == "classification" and (names := labels_text(task, labels)):
        said += textwrap.wrap(names, 88)
    said = [_plain(line) for line in (*said, *input_lines(labels, str(facts.get("run") or "")))]
    if form == "latex":
        return "\n".join([*(f"% {line}" for line in said), expression.to_latex()]) + "\n"
    said = [line.replace("\\", r"\\").replace('"', r"\"") for line in said]
    what = [_WHAT[task].format(scale=scale_text(labels)), *said]
    return (_function if form == "python" else _module)(expression, task, what)


def _plain(line: str) -> str:
    """Return a line of names of data without what would end a comment."""
    return "".join(c if c.isprintable() else " " for c in line)


def _function(expression: LossExpression, task: Task, what: list[str]) -> str:
    head = ["import torch", "", "", "def loss(outputs, targets):"]
    body = _statements(expression, task, lambda i: repr(expression.weights[i]))
    return _text(head, 4, [*_documentation(expression, what), *body])


def _module(expression: LossExpression, task: Task, what: list[str]) -> str:
    head = [
        "import torch",
        "",
        "",
        "class FoundLoss(torch.nn.Module):",
        *(f"    {line}" if line else "" for line in _documentation(expression, what)),
        "",
        "    def __init__(self, trainable=False):",
        "        super().__init__()",
        f"        phi = torch.tensor({list(expression.weights)!r}, dtype=torch.float64)",
        "        self.phi = torch.nn.Parameter(phi, requires_grad=trainable)",
        "",
        "    def forward(self, outputs, targets):",
    ]
    body = _statements(expression, task, lambda i: f"phi[{i}]")
    # in the precision of the outputs, as Heliostat's own module computes
    return _text(head, 8, ["phi = self.phi.to(outputs)", *body])


def _text(head: list[str], indent: int, body: list[str]) -> str:
    return "\n".join([*head, *(" " * indent + line if line else "" for line in body)]) + "\n"


def _documentation(expression: LossExpression, what: list[str]) -> list[str]:
    return [f'"""{expression.formula(6)}', "", *what, '"""']


def _statements(expression: LossExpression, task: Task, weight: Callable[[int], str]) -> list[str]:
    """Return the lines that compute the loss from outputs and targets."""
    arguments = expression.children()
    statements: list[str] = []

    def text(i: int) -> tuple[str, bool]:
        """Return the source of node i, and whether it needs no brackets."""
        row = expression.table[expression.nodes[i]]
        if row.opcode == Opcode.LABEL:
            return "y", True
        if row.opcode == Opcode.OUTPUT:
            return "f", True
        if row.constant is not None:
            return f"torch.full_like(f, {row.constant!r})", True
        infix = row.opcode in _INFIX
        parts = [weighted(k, infix or row.opcode is None) for k in arguments[i]]
        if row.opcode is None:
            for k, part in enumerate(parts):  # used more than once
                statements.append(f"v{i}_{k} = {part}")
            source = operation_source(row, [f"v{i}_{k}" for k in range(len(parts))])
        else:
            source = _TEMPLATES[row.opcode].format(*parts)
        if len(source) <= _LINE or i == 0:
            return source, not infix
        name = f"v{i}"
        statements.append(f"{name} = {source}")
        return name, True

    def weighted(i: int, infix: bool) -> str:
        source, whole = text(i)
        # The module multiplies by every weight; by one it changes no bit, so it is left out here.
        factor = weight(i)
        if factor != "1.0":
            source, whole = f"{factor} * {source if whole else f'({source})'}", False
        return source if whole or not infix else f"({source})"

    root, _ = text(0)
    return [*_ENTRIES[task], *statements, f"m = {root}", _MEAN[task]]
