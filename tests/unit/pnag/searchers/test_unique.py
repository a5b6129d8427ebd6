import numpy as np
import pytest

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.searchers.ensemble import Shares
from heliostat_methods.pnag.searchers.memory import Memory
from heliostat_methods.pnag.searchers.random_search import RandomSearch
from heliostat_methods.pnag.searchers.searcher import Known
from heliostat_methods.pnag.searchers.unique import search


class Stalled:
    """Asks for one architecture and then for nothing."""

    def __init__(self, asked):
        self.asked = asked

    def ask(self, count):
        asked, self.asked = self.asked, self.asked[:0]
        return asked

    def tell(self, known):
        pass


def test_a_stalled_searcher_is_filled_up_at_random_and_it_is_said(tiny, worth, streams):
    one = np.array([[0, 2, -1]], np.int16)
    found = search(Stalled(one), tiny, worth, 6, streams(0)("stalled"))
    assert (len(found.known.archs), found.filled, found.exhausted) == (6, 5, False)
    assert len(np.unique(found.known.archs, axis=0)) == 6


def test_a_space_smaller_than_the_budget_ends_the_search(tiny, worth, streams):
    searcher = RandomSearch().start(tiny, 50, streams(0))
    sizes = []
    found = search(searcher, tiny, worth, 50, streams(0)("stalled"), batch=4,
                   each=lambda known: sizes.append(len(known.archs)))  # fmt: skip
    assert len(found.known.archs) == sum(sizes) == tiny.size
    assert found.exhausted
    assert max(sizes) <= 4


def test_a_searcher_that_repeats_itself_is_refused(tiny, worth, streams):
    with pytest.raises(ConfigError, match="new architectures of tiny, all different"):
        twice = np.array([[0, 2, -1], [0, 2, -1]], np.int16)
        search(Stalled(twice), tiny, worth, 6, streams(0)("stalled"))


@pytest.mark.parametrize(
    ("accuracy", "cost", "told"),
    [([np.nan], [1.0], "accuracy"), ([0.5], [-1.0], "cost"), ([0.5], [1.0, 2.0], "cost")],
)
def test_an_evaluation_that_gives_no_numbers_is_refused(tiny, streams, accuracy, cost, told):
    searcher = RandomSearch().start(tiny, 5, streams(0))
    with pytest.raises(DataError, match=told):
        search(searcher, tiny, lambda archs: (np.array(accuracy), np.array(cost)), 5,
               streams(0)("stalled"), batch=1)  # fmt: skip
    with pytest.raises(ConfigError, match="evaluations"):
        search(searcher, tiny, lambda archs: (archs, archs), 0, streams(0)("stalled"))


def test_memory_takes_equal_networks_for_one(tiny, worth):
    memory = Memory(tiny)
    rows = np.array([[1, 0, 1], [1, 0, 0], [1, 3, 3], [0, 1, 3], [0, 1, -1]])
    fresh = memory.fresh(rows)
    assert fresh.tolist() == [[1, 0, 0], [0, 1, -1]]
    memory.tell(Known(memory.ask(fresh), *worth(fresh)))
    assert memory.places(rows).tolist() == [0, 0, -1, 1, 1]
    assert len(memory.fresh(rows)) == 0


def test_shares_follow_gains_and_leave_everyone_some():
    shares = Shares(3, memory=0.5, least=0.1)
    everyone = np.ones(3, bool)
    assert shares.counts(10, everyone).tolist() == [4, 3, 3]
    shares.take(np.array([1.0, 0.0, 0.0]), np.array([4.0, 3.0, 3.0]))
    assert shares.counts(10, everyone).tolist() == [8, 1, 1]
    assert shares.counts(10, np.array([False, True, True])).tolist() == [0, 5, 5]
