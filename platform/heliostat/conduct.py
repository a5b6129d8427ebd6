"""What a search may not do, told with the method's name and the place in its run.

The scope refuses what it sees at once. Here is what only shows at the end: an interruption that
the search kept to itself, and a result that cannot be stored.
"""

from __future__ import annotations

from typing import Any

from heliostat.encoding import encode
from heliostat.engine import Engine
from heliostat.errors import EncodingError, Interrupted, MisuseError
from heliostat.methods import MethodSpec

SWALLOWED = (
    "the search caught the interruption; catch Exception instead of BaseException, so that a run "
    "can be stopped"
)


def conducted(method: MethodSpec, config: Any, engine: Engine) -> str:
    """Run a method's search and return its encoded result; misuse is told with its place."""
    try:
        result = method.search(config, engine.main_scope())
    except Interrupted:
        raise
    except BaseException as error:
        if engine.told_to_stop:
            engine.warn(SWALLOWED)
            raise Interrupted("the run was asked to stop") from error
        if isinstance(error, MisuseError | EncodingError):
            place = getattr(error, "place", engine.place())  # of the sub-search that it came from
            raise type(error)(f"{place}: {error}") from error
        raise
    if engine.told_to_stop:
        engine.warn(SWALLOWED)
        raise Interrupted("the run was asked to stop")
    try:
        return encode(result)
    except EncodingError as error:
        raise EncodingError(f"{engine.title}, its result: {error}") from error
