"""Loss expressions as text that is written and read back exactly.

The grammar, read by a hand-written parser (no evaluation of code, bounded length and depth)::

    tree  = [weight "*"] node
    node  = name [ "(" tree { "," tree } ")" ]        weight = a decimal number
"""

import re
from typing import NoReturn

from heliostat_methods.evomal.losses.primitives import LossExpressionError, PrimitiveTable
from heliostat_methods.evomal.losses.tree import MAX_HEIGHT, MAX_NODES, LossTree

MAX_TEXT = 40 * MAX_NODES
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<mark>[(),*]))"
)


def parsed(text: str, table: PrimitiveTable) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Read nodes and weights of one expression; every complaint names the position in ``text``."""
    if not isinstance(text, str):
        raise LossExpressionError(f"expected text, got {type(text).__name__}")
    if len(text) > MAX_TEXT:
        raise LossExpressionError(f"{len(text)} characters; at most {MAX_TEXT}")
    parser = _Parser(text, table)
    parser.tree(0)
    parser.end()
    return tuple(parser.nodes), tuple(parser.weights)


class _Parser:
    def __init__(self, text: str, table: PrimitiveTable) -> None:
        self.text, self.table, self.at = text, table, 0
        self.nodes: list[str] = []
        self.weights: list[float] = []

    def tree(self, depth: int) -> None:
        if depth > MAX_HEIGHT or len(self.nodes) >= MAX_NODES:
            self.refuse(f"too large; at most {MAX_NODES} nodes and height {MAX_HEIGHT}")
        kind, token = self.take()
        weight = 1.0
        if kind == "number" and self.peek() == "*":
            weight = float(token)
            self.take()
            kind, token = self.take()
        if kind == "number":
            token = self.constant(token)
        elif kind != "name":
            self.refuse(f"expected a name or a number, got {token or 'the end'!r}")
        try:
            arity = self.table[token].arity
        except LossExpressionError as error:
            self.refuse(str(error))
        self.nodes.append(token)
        self.weights.append(weight)
        given = 0
        if self.peek() == "(":
            self.take()
            while True:
                self.tree(depth + 1)
                given += 1
                _, mark = self.take()
                if mark == ")":
                    break
                if mark != ",":
                    self.refuse(f"expected ',' or ')', got {mark or 'the end'!r}")
        if given != arity:
            self.refuse(f"{token} takes {arity} argument(s), got {given}")

    def constant(self, token: str) -> str:
        for name in self.table.terminals:
            value = self.table[name].constant
            if value is not None and value == float(token):
                return name
        self.refuse(f"constant {token}: only +1 and -1 exist; write a weight as {token}*tree")

    def take(self) -> tuple[str, str]:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            rest = self.text[self.at :].strip()
            if rest:
                self.refuse(f"unexpected {rest[0]!r}")
            return "end", ""
        self.at = match.end()
        return str(match.lastgroup), match.group(str(match.lastgroup))

    def peek(self) -> str:
        match = _TOKEN.match(self.text, self.at)
        return match.group(str(match.lastgroup)) if match else ""

    def end(self) -> None:
        rest = self.text[self.at :].strip()
        if rest:
            self.refuse(f"unexpected {rest[:20]!r} after the expression")

    def refuse(self, message: str) -> NoReturn:
        raise LossExpressionError(f"at character {self.at}: {message}")


def prefix_text(expression: LossTree) -> str:
    """Return the text that ``parsed`` reads back with every bit of every weight."""
    arguments = expression.children()

    def show(i: int) -> str:
        weight = expression.weights[i]
        factor = "" if weight == 1.0 else f"{weight!r}*"
        inner = ", ".join(show(k) for k in arguments[i])
        name = expression.table[expression.nodes[i]].text if not inner else expression.nodes[i]
        return f"{factor}{name}({inner})" if inner else f"{factor}{name}"

    return show(0)
