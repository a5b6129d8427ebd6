"""Which items travel together: transport only, but fair, bounded and never mixed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from heliostat import Resources
from heliostat.executors.ray.chunks import LARGEST, TARGET_SECONDS, Chunk, ChunkQueue, ChunkSize
from heliostat.worker.work import Work


def work(number: int, function: str = "m:f", **more: object) -> Work:
    return Work((0, number), (), function, str(number), **more)  # type: ignore[arg-type]


@given(st.lists(st.floats(0, 10), min_size=1, max_size=40))
def test_size_grows_at_most_twice_plus_one_and_stays_in_bounds(seconds: list[float]) -> None:
    size = ChunkSize()
    for each in seconds:
        before = size.size
        size.learn(before, each * before)
        assert 1 <= size.size <= min(2 * before + 1, LARGEST)


def test_size_settles_near_the_target() -> None:
    size = ChunkSize()
    for _ in range(30):
        size.learn(size.size, 0.002 * size.size)
    assert 0.5 * TARGET_SECONDS < 0.002 * size.size <= TARGET_SECONDS


def test_a_chunk_holds_items_of_one_function_and_equal_needs() -> None:
    queue = ChunkQueue()
    for _ in range(20):
        for name in ("m:f", "m:g"):
            queue.size_of(name).learn(1, 1e-6)
    order = [
        work(0),
        work(1),
        work(2, "m:g"),
        work(3, resources=Resources(cpus=2)),
        work(4, shared=("ab",)),
        work(5, shared=("ab",)),
        work(6, long=True),
        work(7, long=True),
    ]
    for each in order:
        queue.add(each)
    chunks = []
    while chunk := queue.take(slots=1, alone=True):
        chunks.append([w.key[1] for w in chunk.works])
    assert chunks == [[0, 1], [2], [3], [4, 5], [6], [7]]
    assert len(queue) == 0


def test_items_are_spread_over_the_slots() -> None:
    queue = ChunkQueue()
    for _ in range(20):
        queue.size_of("m:f").learn(1, 1e-6)
    for number in range(8):
        queue.add(work(number))
    first = queue.take(slots=4, alone=True)
    assert first is not None
    assert len(first.works) == 2


def test_a_measurement_waits_until_nothing_else_runs() -> None:
    queue = ChunkQueue()
    queue.add(work(0, observed=True, long=True))
    assert queue.take(slots=2, alone=False) is None
    assert queue.take(slots=2, alone=True) is not None
    queue.put_back([Chunk([work(0, observed=True, long=True)])])
    assert queue.take(slots=2, alone=False) is None


def test_lost_items_leave_first_and_dropped_ones_never() -> None:
    queue = ChunkQueue()
    for number in range(3):
        queue.add(work(number))
    queue.put_back(Chunk([work(10), work(11), work(12)]).halves())
    queue.drop({(0, 10), (0, 1)})
    taken = []
    while chunk := queue.take(slots=1, alone=True):
        taken.append([w.key[1] for w in chunk.works])
    assert taken == [[11, 12], [0], [2]]


@given(st.integers(2, 50))
def test_halves_lose_nothing(count: int) -> None:
    works = [work(i) for i in range(count)]
    halves = Chunk(works).halves()
    assert [w for half in halves for w in half.works] == works
    assert all(half.works for half in halves)


def test_an_item_that_was_lost_alone_rests_before_it_is_taken_again() -> None:
    now = [100.0]
    queue = ChunkQueue(clock=lambda: now[0])
    queue.put_back([Chunk([work(1)])], after=2.0)
    assert (len(queue), queue.rest()) == (1, 2.0)
    assert queue.take(slots=1, alone=True) is None
    queue.add(work(2))
    taken = queue.take(slots=1, alone=True)
    assert taken is not None and taken.works == [work(2)]
    now[0] = 102.0
    taken = queue.take(slots=1, alone=True)
    assert taken is not None and taken.works == [work(1)]
    assert (len(queue), queue.rest()) == (0, 0.0)


def test_an_item_that_rests_can_be_dropped() -> None:
    queue = ChunkQueue()
    queue.put_back([Chunk([work(1)])], after=1e-9)
    queue.put_back([Chunk([work(2)])], after=1e-9)
    queue.drop({work(1).key})
    assert len(queue) == 1


def test_needs_are_those_of_all_items_that_wait() -> None:
    queue = ChunkQueue()
    queue.add(work(1))
    queue.put_back([Chunk([work(2, resources=Resources(gpus=1))])])
    queue.put_back([Chunk([work(3, resources=Resources(cpus=2))])], after=5.0)
    assert queue.needs() == [Resources(gpus=1), Resources(cpus=2), Resources()]
