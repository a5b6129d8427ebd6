"""What a process that runs tasks keeps between items: shared data, and what was built of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heliostat.contract.part import PartRef
from heliostat.errors import CorruptStore, MisuseError, key_text
from heliostat.values.canonical import decode, digest, encode
from heliostat.values.names import task_name
from heliostat.worker.unchanged import is_unchanged, mark
from heliostat.worker.work import Work


def _no_parts(kind: str, ref: PartRef) -> Any:
    raise MisuseError(f"ctx.part({kind!r}, ...): tasks here run without plugins")


class ProcessState:
    """The state of one process that runs tasks: its caches and where shared data come from."""

    def __init__(
        self,
        root: int,
        cache_dir: Path,
        checkpoint_seconds: float,
        fetch: Callable[[str], str],
        build_part: Callable[[str, PartRef], Any] = _no_parts,
        keep: int = 16,
    ) -> None:
        self.root = root
        self.cache_dir = cache_dir
        self.checkpoint_seconds = checkpoint_seconds
        self.fetch = fetch
        self.build_part = build_part
        self._keep = keep
        self._values: OrderedDict[str, Any] = OrderedDict()
        self._marks: dict[str, list[Any]] = {}
        self._functions: dict[str, Callable[..., Any]] = {}
        self._built: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def shared_value(self, sha256: str) -> Any:
        """Return the decoded shared data of that hash, fetching them at most once."""
        if sha256 not in self._values:
            text = self.fetch(sha256)
            found = digest(text)
            if found != sha256:
                raise CorruptStore("shared data", sha256, found)
            self._values[sha256] = decode(text)
            self._marks[sha256] = mark(self._values[sha256])
            while len(self._values) > self._keep:
                gone, _ = self._values.popitem(last=False)
                del self._marks[gone]
        self._values.move_to_end(sha256)
        return self._values[sha256]

    def built(self, sha256: str, build: Callable[[Any], Any], value: Any) -> Any:
        """Return the object that `build` makes of shared data, made once in this process.

        `build` is a function at module level: a closure of the same name could be another one.
        """
        at = (sha256, task_name(build))
        if at not in self._built:
            self._built[at] = build(value)
            while len(self._built) > self._keep:
                self._built.popitem(last=False)
        return self._built[at]

    def altered_shared_data(self) -> list[str]:
        """Return the hashes of shared data that a task changed in place; it should be empty."""
        return [sha for sha, value in self._values.items() if digest(encode(value)) != sha]

    def refuse_changes(self, work: Work) -> None:
        """Raise MisuseError when the item changed shared data; the next one gets them anew."""
        for sha256 in work.shared:
            marked = self._marks.get(sha256)
            if marked is None or is_unchanged(self._values[sha256], marked):
                continue
            del self._values[sha256], self._marks[sha256]
            for at in [at for at in self._built if at[0] == sha256]:
                del self._built[at]
            raise MisuseError(
                f"task {work.function} changed shared data in place (item {key_text(work.key)}); "
                "they are read-only, so copy what is to be changed"
            )
