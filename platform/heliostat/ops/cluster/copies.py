"""Whether a node holds what is here of the files that are sent to it: token, code, constraints."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from heliostat.ops.cluster.file import ClusterFile, here
from heliostat.worker.fingerprint import SUFFIXES

COMPARE_SECONDS = 120
NAMED = 3
"""Files that are named for each place; the others are counted."""
_MADE_NEW = re.compile(r"[<>c.][fdLDS]\+{4,}")
_DELETED = "*deleting"
_NO_FOLDER = 3
"""How rsync ends when the folder that a place lies in is not there."""


@dataclass(frozen=True)
class Copy:
    """One place on a node: what differs from here, what is not there, what is there alone."""

    target: str
    differing: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    absent: bool = False
    """Nothing of it is there: it was not sent yet."""
    error: str = ""

    @property
    def same(self) -> bool:
        """Whether the node holds exactly what is here."""
        return not (self.differing or self.missing or self.extra or self.absent or self.error)

    def said(self) -> str:
        """Return in what it differs, in words."""
        if self.error:
            return f"{self.target} could not be compared: {self.error}"
        parts = [
            f"{what} {_named(names)}"
            for what, names in (
                ("differs in", self.differing),
                ("lacks", self.missing),
                ("has beside it", self.extra),
            )
            if names
        ]
        return f"{self.target} {', '.join(parts)}"


def compare(file: ClusterFile, command: Sequence[str]) -> tuple[Copy, ...]:
    """Compare each place of `file_mounts` by the hashes of its files; `command` logs in to a node.

    rsync does it, with the filters of the cluster file, so what is compared is what `ray up` sends.
    """
    if file.values.get("docker"):
        return ()  # in a container, where ssh does not get
    places = [(target, here(source)) for target, source in file.mounts.items()]
    return tuple(_compared(file, t, source, command) for t, source in places if source.exists())


def _compared(file: ClusterFile, target: str, source: Path, command: Sequence[str]) -> Copy:
    *ssh, _, login = command
    end = "/" if source.is_dir() else ""
    place = f"{str(source).rstrip('/')}{end}", f"{login}:{target.rstrip('/')}{end}"
    # nothing is written: only what would be sent, or would have to be removed, is listed
    listing = ["rsync", "--dry-run", "-rlc", "--delete", "--out-format=%i %n"]
    arguments = [*listing, *_filters(file), "--rsh", shlex.join(ssh), "--", *place]
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, errors="replace", timeout=COMPARE_SECONDS
        )
    except (OSError, ValueError) as error:  # no rsync here; a name that no command can hold
        return Copy(target, error=str(error))
    except subprocess.TimeoutExpired:
        return Copy(target, error=f"no answer in {COMPARE_SECONDS} s")
    if done.returncode == _NO_FOLDER and "denied" not in done.stderr:
        return Copy(target, absent=True)  # rsync may end before its reason arrives
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return Copy(target, error=lines[0] if lines else f"rsync ended {done.returncode}")
    return listed(target, done.stdout, one_file=not end)


def listed(target: str, text: str, *, one_file: bool = False) -> Copy:
    """Return the comparison that rsync's list of changes to a folder or to one file means."""
    changes = [line.split(maxsplit=1) for line in text.splitlines() if len(line.split()) > 1]
    new = [name for what, name in changes if _MADE_NEW.match(what)]
    extra = [name for what, name in changes if what == _DELETED and name.endswith(SUFFIXES)]
    differing = [name for what, name in changes if what[0] in "<>c" and name not in set(new)]
    if "./" in new or (one_file and new):
        return Copy(target, absent=True)
    missing = [name for name in new if not name.endswith("/")]
    return Copy(target, tuple(differing), tuple(missing), tuple(extra))


def _filters(file: ClusterFile) -> Iterator[str]:
    """Yield the options by which `ray up` leaves files out."""
    for key, option, form in (
        ("rsync_exclude", "--exclude", "{}"),
        ("rsync_filter", "--filter", "dir-merge,- {}"),
    ):
        given = file.values.get(key)
        for pattern in given if isinstance(given, list) else []:
            yield from (option, form.format(pattern))


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
