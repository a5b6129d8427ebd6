"""`heliostat show RUN --budget TEXT`: what the method says of a run that fits a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heliostat.contract.commands import print_json
from heliostat.contract.within import Within
from heliostat.errors import ConfigError, HeliostatError, PluginError, told
from heliostat.process.guard import contained
from heliostat.terminal import say

if TYPE_CHECKING:
    from heliostat.contract.method import MethodSpec
    from heliostat.store.view import RunView

OPTION = "--budget"


def show_within(method: MethodSpec, view: RunView, budget: str, as_json: bool) -> None:
    """Print what of a run fits a budget; raises ConfigError where its method answers none."""
    found = _asked(method, view, budget)
    if as_json:
        print_json(
            {
                "run": view.id,
                "method": method.name,
                "budget": budget,
                "feasible": found.feasible,
                "found": dict(found.plain),
            }
        )
        return
    if not found.feasible:
        say(f"nothing in run {view.id} fits the budget {budget}")
    say(*found.text.split("\n"))


def _asked(method: MethodSpec, view: RunView, budget: str) -> Within:
    if method.within is None:
        raise ConfigError(
            OPTION, budget, "a run whose method answers budgets",
            f"method {method.name} answers no budget",
        )  # fmt: skip
    try:
        with contained("within"):
            found = method.within(view, budget)
    except ConfigError as error:
        field = OPTION if error.field == "budget" else error.field
        raise ConfigError(field, error.got, error.expected, error.hint) from None
    except HeliostatError:
        raise
    except Exception as error:  # a stranger's code on a stranger's run
        raise PluginError(f"method {method.name}: within failed: {told(error)}") from error
    if not isinstance(found, Within):
        raise PluginError(
            f"method {method.name}: within returned a {type(found).__name__}, expected a Within"
        )
    return found
