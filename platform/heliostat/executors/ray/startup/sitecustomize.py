"""What Python runs first in the processes that Ray starts for itself, where a file is malformed.

Python finds one module of this name, so the one that it would have found runs as well.
"""

import contextlib
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

_HERE = Path(__file__).parent
sys.path[:] = [entry for entry in sys.path if Path(entry) != _HERE]
with contextlib.suppress(ImportError):  # a node's own Python may have no heliostat
    import heliostat  # noqa: F401  reads tolerantly from now on
_spec = PathFinder.find_spec("sitecustomize")
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(module_from_spec(_spec))
