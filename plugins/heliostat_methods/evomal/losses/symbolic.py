"""Loss expressions in SymPy, and simplification that cannot hang."""

import json
import os
import subprocess
import sys
from typing import Any

from heliostat_methods.evomal.losses.primitives import Opcode
from heliostat_methods.evomal.losses.sympy_tree import from_tree, to_tree
from heliostat_methods.evomal.losses.tree import LossTree

# Runs in a process of its own: simplification can stay inside one call of C code for minutes, where
# neither a signal nor another thread can stop it. A process can be killed from any thread.
_CHILD = (
    "import json, sys, sympy;"
    "from heliostat_methods.evomal.losses.sympy_tree import from_tree, to_tree;"
    "tree = to_tree(sympy.simplify(from_tree(json.load(sys.stdin))));"
    "json.dump(tree, sys.stdout)"
)


def to_sympy(expression: LossTree, digits: int | None = None) -> Any:
    """Return the exact form (clamps included) over real ``y`` and ``f``; weights as Floats."""
    import sympy

    symbols = {
        Opcode.LABEL: sympy.Symbol("y", real=True),
        Opcode.OUTPUT: sympy.Symbol("f", real=True),
    }
    arguments = expression.children()

    def build(i: int) -> Any:
        row = expression.table[expression.nodes[i]]
        if row.constant is not None:
            return sympy.Integer(int(row.constant))
        if row.opcode in symbols:
            return symbols[row.opcode]
        return row.sympy(*(weight(k) * build(k) for k in arguments[i]))

    def weight(i: int) -> Any:
        value = expression.weights[i]
        if value == int(value):
            return sympy.Integer(int(value))
        return sympy.Float(value, digits) if digits else sympy.Float(value)

    return build(0)


def simplified(expression: LossTree, time_limit: float, digits: int | None = None) -> Any:
    """Return the simplified form, or the raw one when ``time_limit`` seconds are not enough."""
    raw = to_sympy(expression, digits)
    if time_limit <= 0:
        return raw
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD],
            input=json.dumps(to_tree(raw)),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=time_limit,
            check=True,
        )
        return from_tree(json.loads(done.stdout))
    except (subprocess.SubprocessError, ValueError):  # too slow, or a form that no tree holds
        return raw
