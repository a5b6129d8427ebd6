"""The journal: key order, digest, large texts, seals, and schemas of the future."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import pytest
from engine_runs import drive
from hypothesis import given
from hypothesis import strategies as st

from heliostat.engine.engine import MOST_UNSAVED
from heliostat.errors import CorruptStore, StoreError
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.database.rows import Row, pack_key, unpack_key
from heliostat.store.journal import Journal
from heliostat.values.outcome import Failure

keys = st.lists(st.integers(0, 2**40), max_size=5).map(tuple)


def opened(folder: Path, *, readonly: bool = False) -> Journal:
    return Journal(folder / "run.db", ArtifactStore(folder / "artifacts"), readonly=readonly)


def row(*key: int, value: str | None = "1", **more: object) -> Row:
    return Row(key, "m:f", "0", (), value, **{"failure": None, **more})  # type: ignore[arg-type]


@given(st.lists(keys, max_size=20))
def test_packed_keys_sort_as_keys_and_come_back(many: list[tuple[int, ...]]) -> None:
    assert sorted(many) == [unpack_key(b) for b in sorted(map(pack_key, many))]


def test_outcomes_come_in_key_order_whatever_the_order_of_commits(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for key in [(10, 0), (2, 1), (2, 0), (1, 0, 3), (0,), (300, 256), (300, 255)]:
        journal.put([row(*key)])
    found = [r.key for r in journal.outcomes(delivered=False)]
    assert found == sorted(found)
    assert len(found) == 7


def test_only_what_the_search_saw_enters_outcomes_and_digest(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.put([row(0, i) for i in range(5)] + [row(1), row(2)])
    journal.save_calls({(0,): 3, (1,): 1})
    assert [r.key for r in journal.outcomes()] == [(0, 0), (0, 1), (0, 2), (1,)]
    before = journal.digest()
    journal.put([row(0, 7), row(5)])
    assert journal.digest() == before


def test_the_digest_is_sha256_over_documented_lines(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    failed = row(1, value=None, failure=Failure("ValueError", "at 0x7f", "Traceback"))
    seen = row(2, observed=True)
    journal.put([seen, failed, Row((0, 3), "m:g", '"é"', ("ab", "cd"), '{"a":1}', None)])
    journal.save_calls({(0,): 4, (1,): 1, (2,): 1})
    # Origin: the help of `heliostat export`; written out by hand.
    lines = (
        '[[0,3],"m:g","\\"\\u00e9\\"",["ab","cd"],"{\\"a\\":1}",null]\n'
        '[[1],"m:f","0",[],null,"ValueError"]\n'
    )
    assert journal.digest() == hashlib.sha256(lines.encode()).hexdigest()


def test_messages_workers_and_times_stay_out_of_the_digest(tmp_path: Path) -> None:
    digests = []
    for name, message, worker in (("a", "0x1", "pid 1"), ("b", "0x2", "pid 2")):
        (tmp_path / name).mkdir()
        journal = opened(tmp_path / name)
        failure = Failure("ValueError", message, message)
        journal.put([row(0, value=None, failure=failure, worker=worker, seconds=len(name))])
        journal.save_calls({(0,): 1})
        digests.append(journal.digest())
    assert digests[0] == digests[1]


@pytest.mark.parametrize("size", [16_384, 16_385, 300_000])
def test_large_texts_live_in_the_artifact_store(tmp_path: Path, size: int) -> None:
    journal = opened(tmp_path)
    text = json.dumps("é" * size)
    held = journal.intern(text)
    assert journal.extern(held) == text
    assert len(held) < 100 or len(text) <= 16_384


def test_a_damaged_blob_is_named_with_both_hashes(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    held = journal.intern(json.dumps("x" * 20_000))
    (blob,) = (p for p in (tmp_path / "artifacts").rglob("*") if p.is_file())
    blob.write_bytes(blob.read_bytes()[:-5] + b'yyyy"')
    with pytest.raises(CorruptStore, match=blob.name):
        journal.extern(held)


def test_storing_content_again_mends_a_damaged_blob(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    sha256 = store.put(b"content")
    store.path(sha256).write_bytes(b"con")  # a power cut before the data reached the disk
    store.put(b"content")
    assert store.get(sha256) == b"content"


def test_a_missing_artifact_and_a_name_that_is_no_hash_are_store_errors(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with pytest.raises(StoreError, match="cannot read"):
        store.get("0" * 64)
    with pytest.raises(StoreError, match="not a SHA-256"):
        store.get("../../etc/passwd")


def test_the_newest_intact_checkpoint_is_used_and_damage_is_recorded(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for step in (1, 2, 3):
        journal.save_checkpoint((), step, 10 * step, json.dumps({"step": step}), {})
    assert next(journal.checkpoints(())).step == 3
    database = sqlite3.connect(tmp_path / "run.db")
    database.execute("update checkpoint set state = replace(state, '3}', '4}') where step = 3")
    database.execute("update checkpoint set state = substr(state, 1, 4) where step = 2")
    database.commit()
    intact = list(journal.checkpoints(()))
    assert [(c.step, c.counter, c.state) for c in intact] == [(1, 10, '{"step": 1}')]
    assert [kind for _, kind, _ in journal.events()] == ["damaged", "damaged"]


def test_large_checkpoints_are_sealed_too(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.save_checkpoint((), 1, 1, json.dumps("small"), {})
    journal.save_checkpoint((), 2, 2, json.dumps("x" * 50_000), {})
    (blob,) = (p for p in (tmp_path / "artifacts").rglob("*") if p.is_file())
    blob.write_bytes(b"nothing")
    assert [c.step for c in journal.checkpoints(())] == [1]


def test_checkpoints_of_scopes_do_not_mix(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.save_checkpoint((1, 0), 5, 2, "1", {})
    journal.save_checkpoint((1, 1), 6, 3, "2", {})
    assert list(journal.checkpoints(())) == []
    assert [c.step for c in journal.checkpoints((1, 1))] == [6]


def test_a_tasks_two_newest_states_are_kept_and_a_damaged_one_is_passed_over(
    tmp_path: Path,
) -> None:
    journal = opened(tmp_path)
    for state in ("1", "2", "3"):
        journal.save_task_state((4,), state)
    journal.save_task_state((5,), "9")
    database = sqlite3.connect(tmp_path / "run.db")
    assert database.execute("select count(*) from task_state").fetchone() == (3,)
    assert journal.task_state((4,)) == "3"
    database.execute("update task_state set state = state || ' ' where id = 3")
    database.commit()
    assert journal.task_state((4,)) == "2"
    assert journal.task_state((6,)) is None


def test_a_journal_of_a_newer_heliostat_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    opened(tmp_path).close()
    database = sqlite3.connect(tmp_path / "run.db")
    database.execute("pragma user_version = 99")
    database.execute("drop table event")
    database.commit()
    for readonly in (True, False):
        with pytest.raises(StoreError, match=r"newer Heliostat \(schema 99"):
            opened(tmp_path, readonly=readonly)
    tables = {name for (name,) in database.execute("select name from sqlite_master")}
    assert "event" not in tables


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "run.db").write_text("this is not a database, " * 100)
    for readonly in (True, False):
        with pytest.raises(StoreError, match=r"run\.db"):
            opened(tmp_path, readonly=readonly)


@pytest.mark.parametrize("name", ["a#b", "100%41", "what?", "two words"])
def test_a_journal_opens_in_folders_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    journal = opened(folder)
    journal.put([row(0)])
    journal.close()
    assert opened(folder, readonly=True).count() == 1


def test_metrics_of_one_step_reported_in_two_calls_are_all_kept(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.add_metrics((), 1, None, None, {"loss": 0.5, "gap": float("nan")}, 0.0)
    journal.add_metrics((), 1, None, None, {"accuracy": 0.9}, 0.0)
    journal.add_metrics((), 1, None, None, {"loss": 0.5}, 0.0)  # a replay
    found = {name: value for _, _, name, value in journal.metrics()}
    assert found.keys() == {"loss", "gap", "accuracy"}
    assert found["gap"] != found["gap"]
    assert len(journal.metrics()) == 3


def test_nothing_that_a_failed_transaction_wrote_remains(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.put([row(1)])
    with pytest.raises(StoreError, match="cannot write"):
        journal.put([row(0), row(1)])
    assert [r.key for r in journal.outcomes(delivered=False)] == [(1,)]


def test_pages_hold_the_outcomes_of_their_call_only(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.put([row(3, i) for i in (0, 1, 2, 255, 256, 700)] + [row(3, 1, 0), row(4, 1)])
    assert sorted(journal.page((3,), 0, 256)) == [0, 1, 2, 255]
    assert sorted(journal.page((3,), 256, 512)) == [256, 700]


def test_deliveries_of_many_calls_are_written_on_the_way_and_seen_row_by_row(
    tmp_path: Path,
) -> None:
    def search(run: Any) -> None:
        for number in range(MOST_UNSAVED + 10):
            run.submit(tasks.square, number)
            run.next()
        journal = Journal(tmp_path / "run.db", ArtifactStore(tmp_path), readonly=True)
        written.append(journal.count_delivered())
        journal.close()

    written: list[int] = []
    done = drive(search, tmp_path)
    assert written == [MOST_UNSAVED]
    assert len(done.rows) == MOST_UNSAVED + 10


def test_outcomes_of_disowned_sub_searches_are_not_seen(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    journal.put([row(0, 0), row(1, 0, 0), row(1, 1), row(2)])
    journal.save_calls({(0,): 1, (1, 0): 1, (1, 1): 1, (2,): 1})
    assert [r.key for r in journal.outcomes()] == [(0, 0), (1, 0, 0), (1, 1), (2,)]
    journal.disown((1,))
    assert [r.key for r in journal.outcomes()] == [(0, 0), (2,)]
    assert journal.count_delivered() == 2
    journal.own((1,))
    assert journal.count_delivered() == 4
