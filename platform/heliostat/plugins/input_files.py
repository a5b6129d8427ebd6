"""The files that a run began with, wherever they lie now: each is known by its hash.

Every place of the program that opens one asks here: start, resume, verify, search and workers.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from heliostat.contract.files import regular_file
from heliostat.errors import DataError, HeliostatError, IdentityChanged, nearest
from heliostat.plugins.whereabouts import FILE, OPTION, Whereabouts, under_its_name
from heliostat.store.folder import RunFolder
from heliostat.store.record import RunRecord

FilesOf = Callable[[str], Sequence[Path]]
"""Which files a part reads for an argument: `PartSpec.inputs`."""


@dataclass(frozen=True)
class _Tried:
    """What was found at a place: the file at fault, the hash that it should have, and has."""

    place: str
    label: str
    reason: str
    was: str = ""
    now: str = ""


class InputFiles:
    """Finds the files of one run; what was found once is not looked at again.

    `trusted`: they were hashed a moment ago, so that their paths will do. `here_alone`: this is a
    worker, whose machine may hold others than the driver's.
    """

    def __init__(
        self,
        hashes: Mapping[str, str],
        where: Whereabouts,
        *,
        trusted: bool = False,
        here_alone: bool = False,
    ) -> None:
        self.where = where
        self.hashes = hashes
        self._trusted = trusted
        self._here_alone = here_alone
        self._found: dict[str, str] = {}
        self._seen: set[str] = set()
        self._hashed: dict[Path, str] = {}

    @classmethod
    def of_run(
        cls,
        about: RunRecord,
        run: RunFolder,
        moved: Sequence[str] = (),
        *,
        here_alone: bool = False,
    ) -> InputFiles:
        """Return what finds the files of a stored run; `moved`: OLD=NEW, as somebody says it."""
        return cls(about.inputs, Whereabouts.of(about, run, moved), here_alone=here_alone)

    def argument(self, what: str, kind: str, files_of: FilesOf, argument: str) -> str:
        """Return where the file or folder that a part names lies now, as it is to be read.

        Raises DataError where it is nowhere or belongs to no input of the run, and IdentityChanged
        where it is another one.
        """
        base = str(self.where.directory / argument) if argument else ""
        if base not in self._found:
            self._found[base] = self._look(what, kind, files_of, base)
        return under_its_name(self._found[base], Path(base).name)

    def check_rest(self) -> None:
        """Look for the recorded files that no part has asked for."""
        for label in self.hashes:
            if label.startswith(FILE) and label not in self._seen:
                path = label.removeprefix(FILE)
                self._look(path, "dataset", lambda place: [Path(place)], path)

    def knows(self, argument: str, files_of: FilesOf) -> bool:
        """Return whether the run began with the file or folder that a part names."""
        if argument:
            base = str(self.where.directory / argument)
            return any(_within(label, base) for label in self.hashes)
        names = {file.name for file in files_of("")}
        return any(Path(label).name in names for label in self.hashes if label.startswith(FILE))

    def seen(self) -> dict[str, str]:
        """Return the inputs that were asked for so far."""
        return {label: self.hashes[label] for label in self.hashes if label in self._seen}

    def add(self, argument: str, files_of: FilesOf) -> dict[str, str]:
        """Return {label: hash} of files that the run did not begin with.

        They are meant from where it began, or else from the present folder.
        """
        base = str(self.where.directory / argument) if argument else ""
        here = str(Path(self.where.here, argument))
        place = here if base and not _there(base) and _there(here) else base
        added = {}
        for file in [file.absolute() for file in files_of(place)]:
            inside = base and file.is_relative_to(place)
            label = Path(base) / file.relative_to(place) if inside else file
            added[f"{FILE}{label}"] = self._hash(file)
        self._found[base] = place
        return added

    def for_workers(self) -> Whereabouts:
        """Return what is known of the places, with what was found here."""
        found = tuple((base, now) for base, now in self._found.items() if base != now)
        return replace(self.where, found=found)

    def _look(self, what: str, kind: str, files_of: FilesOf, base: str) -> str:
        if base and not any(_within(label, base) for label in self.hashes):
            raise DataError(not_begun_with(f"{what}: {base}", "file", kind))
        tried: list[_Tried] = []
        for place in map(str, self.where.places(Path(base))) if base else [""]:
            fault = self._fault(files_of, base, place)
            if fault is None:
                return place
            tried.append(fault)
        raise self._refusal(what, kind, base, tried)

    def _fault(self, files_of: FilesOf, base: str, place: str) -> _Tried | None:
        """Return what is wrong with the files of a place, None if they are the run's."""
        if base and not _there(place):  # a stranger's code is not asked about nothing
            return _Tried(place, f"{FILE}{base}", f"nothing{_near(Path(place))}")
        try:
            files = [file.absolute() for file in files_of(place)]
            return next(self._faults(base, place, files), None)
        except DataError as error:
            if not base:
                raise  # a part that knows itself where its files are says it best
            return _Tried(place, f"{FILE}{base}", str(error))

    def _faults(self, base: str, place: str, files: Sequence[Path]) -> Iterator[_Tried]:
        """Yield what is wrong with the files of a place; note the inputs that are right."""
        seen = []
        for file in files:
            label = self._label(base, place, file)
            if label is None:
                yield _Tried(place, f"{FILE}{file}", f"{file} is no file that the run began with")
                continue
            seen.append(label)
            was = self.hashes[label]
            if self._trusted and label == f"{FILE}{file}":
                continue
            now = self._hash(file)
            if now != was:
                yield _Tried(place, label, f"SHA-256 {now[:12]} and not {was[:12]}", was, now)
        self._seen.update(seen)

    def _label(self, base: str, place: str, file: Path) -> str | None:
        """Return the input that a file is, if it is one: by its place below what the part names."""
        label = f"{FILE}{file}"
        if base and file == Path(place):
            label = f"{FILE}{base}"
        elif base and file.is_relative_to(place):
            label = f"{FILE}{Path(base) / file.relative_to(place)}"
        elif label not in self.hashes:  # where the part itself keeps it, on another machine
            named = [one for one in self.hashes if Path(one).name == file.name]
            same = [one for one in named if self.hashes[one] == self._hash(file)]
            return next(iter(same or named), None)
        return label if label in self.hashes else None

    def _hash(self, file: Path) -> str:
        if file not in self._hashed:
            self._hashed[file] = file_hash(file)
        return self._hashed[file]

    def _refusal(self, what: str, kind: str, base: str, tried: Sequence[_Tried]) -> HeliostatError:
        other = next((one for one in tried if one.now), None)
        if other is not None and self._here_alone:
            return DataError(
                f"{other.label.removeprefix(FILE)} is not the file that the run began with "
                f"({other.reason}); bring the same one to every node, or restore it"
            )
        if other is not None:
            hint = "restore the file or start a new run"
            label = other.label
            if other.place != base:
                label += f" ({other.place})"
                hint += f", or say where it is with: {OPTION} {shlex.quote(f'{base}=NEW')}"
            return IdentityChanged(label, other.was[:12], other.now[:12], hint)
        first = tried[0]
        if first.place == base and first.label != f"{FILE}{base}":
            return DataError(not_begun_with(f"{what}: {first.label[len(FILE) :]}", "file", kind))
        looked = "\n".join(f"  {one.place}: {one.reason}" for one in tried)
        return DataError(
            f"{what}: the run began with {base}, which is not here; looked at\n{looked}\n"
            f"say where it is with: {OPTION} {shlex.quote(f'{base}=NEW')}"
        )


def _within(label: str, base: str) -> bool:
    return label == f"{FILE}{base}" or label.startswith(f"{FILE}{base.rstrip('/')}/")


def not_begun_with(what: str, sort: str, kind: str) -> str:
    """Return the refusal of what a run that was begun does not know."""
    return (
        f"{what} is no {sort} that this run began with; name it in a field of the configuration "
        f"that is annotated PartKind({kind!r})"
    )


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; raises DataError naming the nearest file that is there."""
    try:
        with regular_file(path).open("rb") as file:  # piece by piece: a file may be large
            return hashlib.file_digest(file, "sha256").hexdigest()
    except ValueError as error:  # a NUL in it
        raise DataError(f"cannot read {str(path)!r}: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}{_near(path)}") from error


def _near(path: Path) -> str:
    close = nearest(path.name, sorted(p.name for p in path.parent.glob("*")))
    return f"; did you mean {path.parent / close}?" if close and close != path.name else ""


def _there(place: str) -> bool:
    try:
        return Path(place).exists()
    except (OSError, ValueError):  # too long for a path, or a NUL in it
        return False
