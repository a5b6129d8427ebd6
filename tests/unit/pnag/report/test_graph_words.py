"""Graph networks in words."""

import numpy as np
import pytest

from heliostat_methods.pnag.report.graph_words import graph_words

CORA = "nas_bench_graph(cora)"


def test_nodes_say_what_they_take_up_and_the_ends_are_joined() -> None:
    words = graph_words(CORA, "31478")
    assert words == "nodes: 1 gcn of input, 2 sage of input, 3 fc of 1, 4 skip of 2; joined: 3, 4"


@pytest.mark.parametrize("space, key", [("elastic_conv", "31478"), (CORA, "9"), (CORA, "91478")])
def test_other_texts_have_no_words(space: str, key: str) -> None:
    assert graph_words(space, key) == ""


def test_every_node_and_end_is_named_once() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        nodes, _, ends = graph_words(CORA, "".join(map(str, rng.integers(0, 9, 5)))).partition(";")
        assert [part.split()[-4] for part in f" {nodes}".split(",")] == ["1", "2", "3", "4"]
        taken = {part.split()[-1] for part in nodes.split(",")}
        assert {*ends.removeprefix(" joined: ").split(", ")} == {"1", "2", "3", "4"} - taken
