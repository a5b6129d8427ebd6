"""What a search may not do, told with the method's name and the place in its run.

The scope refuses what it sees at once. Here is what only shows at the end: an interruption that
the search kept to itself or made up, and a result that cannot be stored.
"""

from __future__ import annotations

from typing import Any

from heliostat.contract.method import MethodSpec
from heliostat.engine.engine import Engine
from heliostat.engine.search_run import main_run
from heliostat.engine.stopping import SWALLOWED
from heliostat.errors import EncodingError, Interrupted, MisuseError, PluginError, told
from heliostat.values.canonical import encode


def conducted(method: MethodSpec, config: Any, engine: Engine) -> str:
    """Run a method's search and return its encoded result; misuse is told with its place.

    Raises PluginError for SystemExit and the like: a run that ended by them did not finish.
    """
    try:
        with engine.lost.threads_watched():
            main = main_run(engine)
            result = method.search(config, main)
            main.end()
    except BaseException as error:
        if isinstance(error, Interrupted) and engine.stopping:
            raise
        if engine.told_to_stop:
            engine.warn(SWALLOWED)
            raise engine.why_it_stops() from error
        if isinstance(error, MisuseError | EncodingError):
            place = getattr(error, "place", engine.place())  # of the sub-search that it came from
            raise type(error)(f"{place}: {error}") from error
        if not isinstance(error, Exception):
            what = f"the search raised {told(error)}; a search ends by returning its result"
            raise PluginError(f"{engine.place()}: {what}") from error
        explained = engine.explained(error)
        if explained is not error:
            raise explained from error
        raise
    if engine.told_to_stop:
        engine.warn(SWALLOWED)
        raise engine.why_it_stops()
    try:
        return encode(result)
    except EncodingError as error:
        raise EncodingError(f"{engine.title}, its result: {error}") from error
