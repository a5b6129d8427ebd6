"""The record of a run and the schema of its database: whole or not at all, and nobody else's."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliostat.errors import CorruptStore, StoreError
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.database.schema import SCHEMA, TABLES
from heliostat.store.folder import RunFolder
from heliostat.store.journal import Journal
from heliostat.store.record import RunRecord, UsedPlugin, record_in
from heliostat.store.view import RunView

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def opened(folder: Path, **more: Any) -> Journal:
    return Journal(folder / "run.db", ArtifactStore(folder / "artifacts"), **more)


@given(st.dictionaries(st.text(), values, max_size=4), st.integers(0, 2**200), st.text())
def test_a_record_comes_back_as_it_was_written(config: Any, seed: int, command: str) -> None:
    used = UsedPlugin("theirs", "their-plugin", "1.2")
    record = RunRecord("count", config, seed=seed, command=command, plugins=(used,), labels=("x",))
    assert record_in(Path("run.db"), record.text()) == record


def test_a_surrogate_in_a_record_is_kept(tmp_path: Path) -> None:
    record = RunRecord("count", {"path": "\udcff"}, directory="/\udcff")  # a name of odd bytes
    opened(tmp_path, record=record).close()
    assert opened(tmp_path).record == record


def test_a_change_leaves_the_other_fields_and_is_seen_by_others(tmp_path: Path) -> None:
    journal = opened(tmp_path, record=RunRecord("count", {"n": 1}, seed=3))
    other = opened(tmp_path, readonly=True)
    assert other.record.state == "running"
    journal.change(state="failed", error="it broke")
    assert other.record == RunRecord("count", {"n": 1}, seed=3, state="failed", error="it broke")


def test_a_journal_begins_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        opened(tmp_path, record=RunRecord("count", {"n": object()}))
    with pytest.raises(StoreError, match="is empty: its run did not begin"):
        opened(tmp_path, readonly=True)
    assert opened(tmp_path, record=RunRecord("count", {})).record.method == "count"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"config": {}}', "record, method is damaged: expected a value, found nothing"),
        ('{"method": "m", "config": {}, "seed": -1}', "record, seed is damaged"),
        ('{"method": "m", "config": {}, "lookahead": 0}', "record, lookahead"),
        ('{"method": "m", "config": {}, "environment": {"cpu": 1}}', "expected an object as cpu"),
        ('{"method": "m", "config": {}, "packages": ["a.b"]}', "expected the name of a package"),
        ('{"method": "m", "config": {}, "plugins": [{}]}', "record, plugins.0.name"),
        ("[1]", "table run, record is damaged"),
        ("{", "expected a JSON object, found '{'"),
    ],
)
def test_the_first_field_at_fault_is_named(text: str, place: str) -> None:
    with pytest.raises(CorruptStore) as caught:
        record_in(Path("run.db"), text)
    assert place in str(caught.value)


def schema_1(folder: Path, environment: str) -> None:
    """Leave what the schema before this one kept of a run."""
    with closing(sqlite3.connect(folder / "run.db")) as database, database:
        database.execute("create table meta (name text primary key, value text not null)")
        rows = [("schema", "1"), ("method", "count"), ("environment", environment)]
        database.executemany("insert into meta values (?, ?)", rows)


@pytest.mark.parametrize(
    ("environment", "version"),
    [('{"versions": {"heliostat": "0.1.0"}}', " 0.1.0"), ("[]", ""), ("{", "")],
)
def test_a_run_of_the_schema_before_is_refused_with_what_to_do(
    tmp_path: Path, environment: str, version: str
) -> None:
    schema_1(tmp_path, environment)
    before = (tmp_path / "run.db").read_bytes()
    for open_it in (
        lambda: opened(tmp_path),
        lambda: opened(tmp_path, readonly=True),
        lambda: RunView(RunFolder(tmp_path)),
    ):
        with pytest.raises(StoreError) as caught:
            open_it()
        said = f"written by an earlier Heliostat{version} (schema 1, this one reads schemas 2 to 3)"
        assert said in str(caught.value)
        assert f"heliostat run {tmp_path / 'config.toml'}" in str(caught.value)
    assert (tmp_path / "run.db").read_bytes() == before


def test_all_tables_are_strict_and_refuse_a_value_of_another_type(tmp_path: Path) -> None:
    assert all(text.startswith("CREATE INDEX") or ") strict" in text for text in TABLES)
    opened(tmp_path, record=RunRecord("count", {})).close()
    with closing(sqlite3.connect(tmp_path / "run.db")) as database:
        assert database.execute("pragma user_version").fetchone() == (SCHEMA,)
        for statement in (
            "update run set record = x'00'",
            "insert into call values ('a', 1, x'00')",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                database.execute(statement)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("create table more (x)", "table more"),
        ("create view v as select 1", "view v"),
        ("create trigger t after insert on run begin select 1; end", "trigger t"),
        ("create index i on event (time)", "index i"),
        ("drop table event", "expected TABLE event, found no such table"),
        ("alter table event add column more text", "table event"),
    ],
)
def test_a_database_of_other_tables_is_refused(tmp_path: Path, statement: str, said: str) -> None:
    opened(tmp_path, record=RunRecord("count", {})).close()
    with closing(sqlite3.connect(tmp_path / "run.db")) as database, database:
        database.execute(statement)
    for readonly in (True, False):
        with pytest.raises(CorruptStore) as caught:
            opened(tmp_path, readonly=readonly)
        assert said in str(caught.value)


def test_a_sqlite_without_strict_tables_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(StoreError, match=r"runs need 3\.37 or newer"):
        opened(tmp_path)
