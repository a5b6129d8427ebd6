"""What a search may rely on, shown with an engine that runs everything in this process."""

from __future__ import annotations

import itertools
import math
import threading
from pathlib import Path
from typing import Any

import heliostat_test_tasks as tasks
import numpy as np
import pytest
from engine_runs import drive
from heliostat_test_methods import METHODS, EverythingConfig
from scrambled_executors import Killed, MortalExecutor, ScrambledExecutor

from heliostat import Resources, Shared, TaskError
from heliostat.engine.listener import Silent
from heliostat.errors import (
    EncodingError,
    Interrupted,
    MisuseError,
    ReplayMismatch,
    ResourceError,
    TooManyFailures,
)
from heliostat.store.artifacts import ArtifactStore
from heliostat.store.journal import Journal
from heliostat.values import streams


def everything(run: Any) -> Any:
    return METHODS["everything"].search(EverythingConfig(), run)


def test_map_returns_outcomes_in_item_order_under_path_keys(tmp_path: Path) -> None:
    done = drive(lambda run: [run.map(tasks.square, [3, 1, 2]) for _ in range(2)], tmp_path)
    assert [[o.value for o in outs] for outs in done.result] == [[9, 1, 4]] * 2
    assert [o.key for outs in done.result for o in outs] == [
        (call, i) for call in range(2) for i in range(3)
    ]


def test_a_task_draws_from_the_stream_of_its_key(tmp_path: Path) -> None:
    done = drive(lambda run: run.map(tasks.draw, range(3)), tmp_path, root=7)
    expected = [streams.stream(7, "task", 0, i).random() for i in range(3)]
    assert [o.value for o in done.result] == expected


def test_a_named_stream_is_the_same_in_every_task_of_a_search(tmp_path: Path) -> None:
    done = drive(lambda run: run.map(tasks.draw_by_name, [5, 5, 6]), tmp_path, root=7)
    values = [o.value for o in done.result]
    assert values[0] == values[1] == streams.stream(7, "batches", 5).random() != values[2]


def test_a_failing_item_is_an_outcome_and_unwrapping_it_names_the_task(tmp_path: Path) -> None:
    done = drive(lambda run: run.map(tasks.fail_on_odd, range(4)), tmp_path)
    assert [o.ok for o in done.result] == [True, False, True, False]
    assert done.result[1].failure.kind == "ValueError"
    assert done.result[1].failure.message == done.result[1].failure.traceback == ""
    failed = [row.failure for row in done.rows if row.failure is not None]
    assert "fail_on_odd" in failed[0].traceback
    with pytest.raises(TaskError, match=r"task 0\.3 failed \(ValueError\)$"):
        done.result[3].unwrap()


@pytest.mark.parametrize(("count", "gives_up"), [(7, False), (8, True)])
def test_a_map_gives_up_when_eight_or_more_items_all_fail(
    tmp_path: Path, count: int, gives_up: bool
) -> None:
    def search(run: Any) -> Any:
        return run.map(tasks.always_fails, range(count))

    if not gives_up:
        assert not any(o.ok for o in drive(search, tmp_path).result)
        return
    with pytest.raises(TooManyFailures, match=r"all 8 tasks of call 0 .*RuntimeError"):
        drive(search, tmp_path)


def test_an_empty_map_returns_nothing(tmp_path: Path) -> None:
    done = drive(lambda run: (run.map(tasks.square, []), run.gather()), tmp_path)
    assert done.result == ([], [])


def test_an_infinite_stream_is_read_lazily(tmp_path: Path) -> None:
    read = 0

    def items() -> Any:
        nonlocal read
        while True:
            yield read
            read += 1

    def search(run: Any) -> Any:
        return [o.value for o, _ in zip(run.stream(tasks.square, items()), range(20), strict=False)]

    for window in (1, 7, 50):
        read = 0
        folder = tmp_path / str(window)
        done = drive(search, folder, executor=lambda s, w=window: ScrambledExecutor(s, 1, w))
        assert done.result[:20] == [i * i for i in range(20)]
        assert read < 20 + 4 * window + 64 + 1


def test_what_a_left_stream_read_ahead_is_not_in_the_digest(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        kept = []
        for outcome in run.stream(tasks.draw, itertools.count()):
            kept.append(outcome.value)
            if len(kept) == 9:
                break
        return kept, [o.value for o in run.map(tasks.draw, range(3))]

    plain = drive(search, tmp_path / "serial")
    wide = drive(search, tmp_path / "wide", executor=lambda s: ScrambledExecutor(s, 3, 40))
    assert (wide.result, wide.digest) == (plain.result, plain.digest)
    assert len(wide.rows) == 12
    assert len(wide.stored) >= len(wide.rows)


def test_a_left_stream_may_be_resumed_with_what_was_read_ahead(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        return sum(
            o.value for o, _ in zip(run.stream(tasks.draw, range(99)), range(5), strict=False)
        )

    first = drive(search, tmp_path, executor=lambda s: ScrambledExecutor(s, 3, 40))
    second = drive(search, tmp_path)
    assert (second.result, second.digest, second.evaluated) == (first.result, first.digest, 0)


def test_two_streams_may_be_read_side_by_side(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        a, b = run.stream(tasks.draw, range(6)), run.stream(tasks.draw, range(6))
        return [(x.value, y.value) for x, y in zip(a, b, strict=True)]

    first = drive(search, tmp_path / "a")
    second = drive(search, tmp_path / "b", executor=lambda s: ScrambledExecutor(s, 5))
    assert (first.result, first.digest) == (second.result, second.digest)


def test_an_outcome_is_committed_before_the_search_sees_it(tmp_path: Path) -> None:
    def committed() -> set[Any]:
        journal = Journal(tmp_path / "run.db", ArtifactStore(tmp_path / "artifacts"), readonly=True)
        keys = {row.key for row in journal.outcomes(delivered=False)}
        journal.close()
        return keys

    def search(run: Any) -> int:
        for outcome in run.stream(tasks.square, range(5)):
            assert outcome.key in committed()
        assert run.call(tasks.square, 2).key in committed()
        run.submit(tasks.square, 3)
        assert run.next().key in committed()
        assert {(3, 0), (3, 1)} <= {*(o.key for o in run.map(tasks.square, [1, 2]))} & committed()
        return 1

    assert drive(search, tmp_path).result == 1


def test_live_and_replayed_values_are_of_equal_types(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        value = run.call(tasks.vector, 4).unwrap()
        item_kinds = [o.value for o in run.map(tasks.seen_type, [(1, 2), [1], np.float32(1), "s"])]
        return value.flags.writeable, type(value).__name__, item_kinds

    first = drive(search, tmp_path)
    assert first.result == (False, "ndarray", ["tuple", "list", "float32", "str"])
    assert drive(search, tmp_path).result == first.result


def test_a_resumed_search_evaluates_nothing_again(tmp_path: Path) -> None:
    first = drive(everything, tmp_path)
    second = drive(everything, tmp_path)
    assert second.digest == first.digest
    assert second.evaluated == 0
    assert second.replayed >= len(first.rows)
    assert _text(second.result) == _text(first.result)


@pytest.mark.parametrize("lives", range(1, 80, 7))
def test_a_driver_that_died_anywhere_resumes_to_the_same_digest(tmp_path: Path, lives: int) -> None:
    whole = drive(everything, tmp_path / "whole")
    folder = tmp_path / "killed"
    with pytest.raises(Killed):
        drive(everything, folder, executor=lambda s: MortalExecutor(s, lives, lives))
    resumed = drive(everything, folder)
    assert resumed.digest == whole.digest
    assert _text(resumed.result) == _text(whole.result)
    assert resumed.evaluated + resumed.replayed >= len(whole.rows)


def _text(value: Any) -> str:
    from heliostat.values.canonical import encode

    return encode(value)


def test_observations_are_journaled_and_replayed_but_not_in_the_digest(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        pid = run.observe(tasks.whoami, 0).value
        return pid, run.map(tasks.square, [2])[0].key

    first = drive(search, tmp_path)
    assert [row.observed for row in first.rows] == [True, False]
    again = drive(search, tmp_path, executor=lambda s: MortalExecutor(s, 0, 0))
    assert again.result == first.result

    def without(run: Any) -> Any:
        run.call(tasks.square, 0)
        return run.map(tasks.square, [2])

    assert drive(without, tmp_path / "without").digest != first.digest


def test_shared_data_are_named_by_content_and_stored_once(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        handles = [run.share({"x": np.arange(3.0)}) for _ in range(3)]
        values = [o.value for o in run.map(tasks.total, range(3), shared=handles[0])]
        return handles, values

    done = drive(search, tmp_path)
    assert len(set(done.result[0])) == 1
    assert done.result[1] == [3.0, 4.0, 5.0]
    assert len([p for p in (tmp_path / "artifacts").rglob("*") if p.is_file()]) == 1


def test_several_shared_values_need_a_handle_that_was_declared(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        a, b = run.share({"x": [1.0]}), run.share({"x": [2.0]})
        one = run.map(tasks.total, [0], shared=[a, b])[0]
        other = run.map(tasks.total_of, [b], shared=[a, b])[0]
        undeclared = run.map(tasks.total_of, [b], shared=a)[0]
        none = run.map(tasks.total, [0])[0]
        return [o.failure.kind if o.failure else o.value for o in (one, other, undeclared, none)]

    misuse = "heliostat.errors.MisuseError"
    assert drive(search, tmp_path).result == [misuse, 2.0, misuse, misuse]


def test_cached_objects_need_declared_data_in_every_call(tmp_path: Path) -> None:
    """Otherwise an item succeeds on a worker that happens to hold the object already."""

    def search(run: Any) -> Any:
        data = run.share({"x": [1.0, 2.0]})
        declared = run.map(tasks.cached_sum, [data], shared=data)[0]
        undeclared = run.map(tasks.cached_sum, [data])[0]
        return declared.value, undeclared.ok

    assert drive(search, tmp_path).result == (3.0, False)


def test_what_is_cached_may_not_depend_on_the_item(tmp_path: Path) -> None:
    """A closure would give each item what the first item of its worker built."""

    def search(run: Any) -> Any:
        data = run.share({"x": [1.0]})
        return [o.value for o in run.map(tasks.cached_with_closure, range(3), shared=data)]

    assert drive(search, tmp_path).result in ([1.0, 2.0, 3.0], [None] * 3)


def test_report_reaches_the_listener_and_the_journal(tmp_path: Path) -> None:
    heard = []

    class Ear(Silent):
        def on_report(self, scope: Any, step: Any, of: Any, count: Any, metrics: Any) -> None:
            heard.append((scope, step, of, count, metrics))

    def search(run: Any) -> None:
        run.report(2, of=5, count=30, loss=np.float32(0.5), gap=math.nan)
        run.gather(lambda sub: sub.report(1, loss=2))

    drive(search, tmp_path, listener=Ear())
    assert heard[0][:4] == ((), 2, 5, 30)
    assert heard[0][4]["loss"] == 0.5
    assert heard[1] == ((0, 0), 1, None, None, {"loss": 2.0})
    journal = Journal(tmp_path / "run.db", ArtifactStore(tmp_path / "a"), readonly=True)
    assert [(s, t, n) for s, t, n, _ in journal.metrics()] == [
        ((), 2, "loss"),
        ((), 2, "gap"),
        ((0, 0), 1, "loss"),
    ]


def test_products_are_kept_by_content(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        return run.save("raw", b"\0\1"), run.save("table", {"a": (1, 2)}, kind="loss")

    raw, table = drive(search, tmp_path).result
    store = ArtifactStore(tmp_path / "artifacts")
    assert store.get(raw.sha256) == b"\0\1"
    assert store.get(table.sha256) == b'{"a":{"$tuple":[1,2]}}'


def rounds(run: Any, upto: int = 6) -> Any:
    step, state = run.restore((0, (0.0, "fresh")))
    for number in range(step, upto):
        total = state[0] + sum(o.value for o in run.map(tasks.draw, range(5)))
        state = (total, f"after {number}")
        run.checkpoint(number + 1, state)
    return state


def test_a_resume_starts_from_the_newest_checkpoint(tmp_path: Path) -> None:
    whole = drive(rounds, tmp_path / "whole")
    with pytest.raises(Killed):
        drive(rounds, tmp_path / "k", executor=lambda s: MortalExecutor(s, 1, 17))
    seen = []

    def search(run: Any) -> Any:
        seen.append(run.restore((0, (0.0, "fresh"))))
        return _continued(run, seen[0])

    resumed = drive(search, tmp_path / "k")
    assert seen[0][0] == 3
    assert seen[0][1][1] == "after 2"
    assert (resumed.result, resumed.digest) == (whole.result, whole.digest)
    assert resumed.replayed >= 15


def _continued(run: Any, found: Any) -> Any:
    class Given:
        def __getattr__(self, name: str) -> Any:
            return (lambda default: found) if name == "restore" else getattr(run, name)

    return rounds(Given())


def test_restore_applies_load_to_what_was_stored_only(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        step, state = run.restore((0, "default"), load=lambda stored: f"loaded {stored}")
        run.map(tasks.square, [step])
        run.checkpoint(step + 1, f"state {step}")
        return state

    assert drive(search, tmp_path).result == "default"
    assert drive(search, tmp_path).result == "loaded state 0"


def test_a_checkpoint_before_the_first_outcome_is_not_forgotten(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        step, state = run.restore((0, None))
        if step == 0:
            run.checkpoint(1, "prepared")
            raise Killed
        return state

    with pytest.raises(Killed):
        drive(search, tmp_path)
    assert drive(search, tmp_path).result == "prepared"


def test_a_long_first_task_goes_on_from_its_checkpoint_after_the_driver_died(
    tmp_path: Path,
) -> None:
    from heliostat.worker.work import TaskState

    class DiesWithIt(MortalExecutor):
        def wait(self, timeout: float, on_state: Any) -> Any:
            def second(state: TaskState) -> None:
                on_state(state)
                if len((tmp_path / "epochs.txt").read_text().split()) == 2:
                    raise Killed

            return super().wait(timeout, second)

    def search(run: Any) -> Any:
        return run.call(tasks.train, (str(tmp_path), 5, -1)).unwrap()

    (tmp_path / "epochs.txt").write_text("")
    with pytest.raises(Killed):
        drive(search, tmp_path / "run", executor=lambda s: DiesWithIt(s, 1, 99))
    resumed = drive(search, tmp_path / "run")
    assert (tmp_path / "epochs.txt").read_text().split() == ["0", "1", "2", "3", "4"]
    weight = 1.0
    for epoch in range(5):
        weight = 0.9 * weight + streams.stream(0, "epoch", epoch).random()
    assert resumed.result == [5, weight]


def test_virtual_time_begins_anew_at_a_checkpoint_so_that_a_resume_orders_alike(
    tmp_path: Path,
) -> None:
    """0.1 + 0.1 and 0.2 tie at time 0, not at time 5: the order may not depend on the past."""

    def search(run: Any) -> Any:
        step, order = run.restore((0, []))
        order = list(order)
        for number in range(step, 2):
            for cost in (5.0,) if number == 0 else (0.1, 0.2, 0.1):
                run.submit(tasks.draw, cost, cost=cost)
            while run.outstanding:
                order.append(run.next().key)
            run.checkpoint(number + 1, order)
        return order

    whole = drive(search, tmp_path / "whole", lookahead=2)
    with pytest.raises(Killed):
        drive(search, tmp_path / "k", lookahead=2, executor=lambda s: MortalExecutor(s, 1, 1))
    assert drive(search, tmp_path / "k", lookahead=2).result == whole.result


# What is refused


def raises_in(search: Any, folder: Path, kind: type[BaseException], match: str) -> None:
    with pytest.raises(kind, match=match):
        drive(search, folder)


@pytest.mark.parametrize("verb", ["map", "stream", "submit", "call", "observe"])
@pytest.mark.parametrize(
    "function",
    [lambda item, ctx: item, tasks.Holder().method, len.__call__],
    ids=["lambda", "method", "no name"],
)
def test_a_task_that_no_process_could_find_is_refused(
    tmp_path: Path, verb: str, function: Any
) -> None:
    items = [1] if verb in ("map", "stream") else 1
    with pytest.raises(MisuseError, match="module level"):
        drive(lambda run: getattr(run, verb)(function, items), tmp_path)


def test_another_thread_is_refused(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def search(run: Any) -> None:
        opened = run.stream(tasks.square, range(5))
        next(opened)
        uses = [
            lambda: run.map(tasks.square, [1]),
            lambda: run.call(tasks.square, 1),
            lambda: run.share({}),
            lambda: run.report(1, x=1),
            lambda: run.checkpoint(1, 1),
            lambda: run.save("x", 1),
            lambda: run.gather(lambda sub: 1),
            lambda: next(opened),
        ]

        def attempt() -> None:
            for use in uses:
                try:
                    use()
                    errors.append(AssertionError(f"use {uses.index(use)} was not refused"))
                except BaseException as error:
                    errors.append(error)

        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()

    drive(search, tmp_path)
    assert [e for e in errors if not isinstance(e, MisuseError)] == []
    assert len(errors) == 8


def test_the_outer_search_is_refused_inside_a_sub_search(tmp_path: Path) -> None:
    raises_in(
        lambda run: run.gather(lambda sub: run.map(tasks.square, [1])),
        tmp_path,
        MisuseError,
        "another thread",
    )


def test_misuse_is_named(tmp_path: Path) -> None:
    def restore_late(run: Any) -> None:
        run.map(tasks.square, [1])
        run.restore((0, None))

    def checkpoint_in_stream(run: Any) -> None:
        for _ in run.stream(tasks.square, range(3)):
            run.checkpoint(1, 0)

    def checkpoint_outstanding(run: Any) -> None:
        run.submit(tasks.square, 1)
        run.checkpoint(1, 0)

    cases = {
        "nothing outstanding": lambda run: run.next(),
        "comes before any other use": restore_late,
        "inside a stream": checkpoint_in_stream,
        "1 outcomes outstanding": checkpoint_outstanding,
        "takes handles made by": lambda run: run.map(tasks.total, [1], shared={"x": 1}),
        "needs a name": lambda run: run.rng(),
        "positive finite number": lambda run: run.submit(tasks.square, 1, cost=math.nan),
    }
    for number, (match, search) in enumerate(cases.items()):
        raises_in(search, tmp_path / str(number), MisuseError, match)


def test_a_checkpoint_between_opening_a_stream_and_reading_it_is_refused(tmp_path: Path) -> None:
    def search(run: Any) -> Any:
        opened = run.stream(tasks.square, range(3))
        run.checkpoint(1, 0)
        return [o.value for o in opened]

    raises_in(search, tmp_path, MisuseError, "stream")


def test_values_without_canonical_text_are_refused_where_they_cross(tmp_path: Path) -> None:
    raises_in(lambda run: run.map(tasks.square, [{1}]), tmp_path / "i", EncodingError, "set")
    raises_in(lambda run: run.checkpoint(1, {"f": len}), tmp_path / "c", EncodingError, "'f'")
    raises_in(lambda run: run.share(object()), tmp_path / "s", EncodingError, "object")
    raises_in(lambda run: run.save("x", {2}), tmp_path / "p", EncodingError, "set")
    done = drive(lambda run: run.map(tasks.gives_a_set, [1]), tmp_path / "v")
    assert done.result[0].failure.kind == "heliostat.errors.EncodingError"


def test_resources_that_this_machine_lacks_are_refused(tmp_path: Path) -> None:
    for needs, shown in ((Resources(cpus=9999), "cpus=9999"), (Resources(gpus=1), "gpus=1")):
        raises_in(
            lambda run, needs=needs: run.call(tasks.square, 1, resources=needs),
            tmp_path / shown,
            ResourceError,
            f"wanted .*{shown}.*available",
        )


def test_a_failing_task_of_any_kind_is_an_outcome(tmp_path: Path) -> None:
    """Also one that raises no Exception: another language's panic, a cancelled coroutine."""
    done = drive(lambda run: run.map(tasks.panics, range(3)), tmp_path)
    assert [o.failure.kind if o.failure else o.value for o in done.result] == [
        0,
        "heliostat_test_tasks.Panic",
        2,
    ]


def test_interruption_passes_through_a_search_that_catches_exceptions(tmp_path: Path) -> None:
    class Stops(ScrambledExecutor):
        def wait(self, timeout: float, on_state: Any) -> Any:
            raise Interrupted("the run was asked to stop")

    def search(run: Any) -> Any:
        while True:
            try:
                run.map(tasks.square, [1])
            except Exception:
                continue

    with pytest.raises(Interrupted):
        drive(search, tmp_path, executor=lambda s: Stops(s, 1))


@pytest.mark.parametrize(
    ("what", "first", "second", "at"),
    [
        (
            "item",
            lambda r: r.map(tasks.square, [1, 2]),
            lambda r: r.map(tasks.square, [1, 5]),
            "0.1",
        ),
        ("function", lambda r: r.call(tasks.square, 1), lambda r: r.call(tasks.draw, 1), "0"),
        (
            "shared data",
            lambda r: r.map(tasks.total, [1], shared=r.share({"x": [1.0]})),
            lambda r: r.map(tasks.total, [1], shared=r.share({"x": [2.0]})),
            "0.0",
        ),
    ],
)
def test_a_replay_that_asks_for_something_else_names_key_and_both_sides(
    tmp_path: Path, what: str, first: Any, second: Any, at: str
) -> None:
    drive(first, tmp_path)
    with pytest.raises(ReplayMismatch) as caught:
        drive(second, tmp_path)
    message = str(caught.value)
    assert f"another {what} at {at}:" in message
    if what == "item":
        assert "journal has 2, the search asks 5" in message
    if what == "function":
        assert "tasks:square" in message
        assert "tasks:draw" in message


def test_a_handle_is_a_value_that_travels_in_items(tmp_path: Path) -> None:
    done = drive(
        lambda run: run.map(tasks.seen_type, [run.share([1]), Shared("ab" * 32)]), tmp_path
    )
    assert [o.value for o in done.result] == ["Shared", "Shared"]
