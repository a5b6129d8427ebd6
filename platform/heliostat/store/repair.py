"""Looking through a run before it is resumed: what is damaged or missing is taken out, and told.

An outcome is evaluated anew. What the search said of itself (calls, metrics, products, shared data)
it says again, from its beginning if need be: then no checkpoint may skip that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from heliostat.errors import CorruptStore
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.database.sealed import SealedDatabase
from heliostat.store.record import RunRecord

COUNTED = ("metric", "product")
"""Tables whose rows enter no digest: a finished run records how many there are."""
_BESIDE = ("checkpoint", "task_state", "event")
"""Tables whose rows no later row counts on."""
_BEGIN_ANEW = "the search begins anew, with the outcomes that are there"


def counts(database: SealedDatabase) -> dict[str, int]:
    """Return how many rows the tables have that no digest covers."""
    return {name: database.total(f"select count(*) as total from {name}") for name in COUNTED}


def lacking(database: SealedDatabase, record: RunRecord) -> CorruptStore | None:
    """Return the error for a table of a finished run that has not the rows that it ended with."""
    found = counts(database)
    for name, count in record.rows.items() if record.digest is not None else ():
        if found.get(name) != count:
            where = f"{database.path}: table {name}"
            return CorruptStore(where, f"{count} rows", str(found.get(name)))
    return None


def repair(
    database: SealedDatabase, artifacts: ArtifactStore, record: RunRecord, digest_now: str | None
) -> list[str]:
    """Take out what is not as written and return what there is to say of it.

    `digest_now`: that of the rows of a finished run, if they can be read. Raises CorruptStore for a
    file that SQLite cannot read.
    """
    bad = list(database.damaged())
    told = [f"{error}; it is made anew" for _, _, error in bad]
    anew = any(table not in _BESIDE for table, _, _ in bad)
    if not bad:
        gone = str(lacking(database, record) or "")
        if not gone and digest_now != record.digest and record.digest is not None:
            gone = f"{database.path}: rows of a finished run are missing"
        if not gone:
            gone = _missing_shared(artifacts, database)
        if gone:
            anew = True
            told.append(f"{gone}; {_BEGIN_ANEW}")
    if told:

        def write() -> None:
            for table, seal, _ in bad:
                database.delete(table, "seal is ?", [(seal,)])
            if anew:
                database.delete("checkpoint", "1", [()])

        database.write(write)
    return told


def _missing_shared(artifacts: ArtifactStore, database: SealedDatabase) -> str:
    """Return which shared data of the outcomes are gone; empty if none."""
    for sha256 in _shared(row[3] for row in database.rows("outcome")):
        if not artifacts.path(sha256).is_file():
            return f"{artifacts.path(sha256)} is gone: data that outcomes share"
    return ""


def _shared(columns: Iterable[str]) -> list[str]:
    """Return the hashes in a column of lists of them, each once."""
    texts = dict.fromkeys(text for text in columns if text != "[]")
    return list(dict.fromkeys(sha256 for text in texts for sha256 in json.loads(text)))
