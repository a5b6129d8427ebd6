"""Numba functions of several files, cached on disk under a fingerprint of all of them.

numba stamps a stored function with the file of that function alone, so an edit of what it calls in
another file would go unnoticed and old machine code would run. Here an edit of any file of a group
empties the cache of all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from heliostat.contract.instructions import own_level
from heliostat_search.compiled.notice import watch


class NumbaKernels:
    """The modules of a folder whose functions call each other in compiled code.

    Name every module with compiled code, and those whose constants such code uses, one in a folder
    below as ``"folder.module"``: ``fingerprint`` is that of these files as they were when this
    object was made, of this one and of the instruction level.
    """

    def __init__(self, folder: Path, modules: Iterable[str]) -> None:
        self._modules = frozenset(modules)
        digest = hashlib.sha256(Path(__file__).read_bytes() + own_level().encode())
        for name in sorted(self._modules):
            digest.update(
                name.encode() + b"\0" + (folder / f"{name.replace('.', '/')}.py").read_bytes()
            )
        self.fingerprint = digest.hexdigest()

    def dispatcher(
        self, function: Callable[..., Any], signature: str | None = None, **options: Any
    ) -> Any:
        """Return the function compiled by numba: now for a signature, else for its first call.

        Single-threaded unless ``options``, numba's own, say otherwise.
        """
        parts = function.__module__.split(".")
        if not any(".".join(parts[i:]) in self._modules for i in range(len(parts))):
            raise RuntimeError(f"{function.__module__}: add it to the files with compiled code")
        import numba
        from numba.core.typeinfer import register_dispatcher

        watch()

        # Python's division by zero raises and thereby forbids vector code; numpy's gives inf.
        found: Any = numba.njit(cache=True, error_model="numpy", **options)(function)
        found._cache._cache_file._source_stamp = self.fingerprint
        if signature is not None:  # njit would look for stored code before the stamp is set
            with register_dispatcher(found):
                found.compile(signature)
            found.disable_compile()
        return found
