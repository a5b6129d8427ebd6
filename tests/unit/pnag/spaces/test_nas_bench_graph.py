import pickle
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from heliostat.errors import ConfigError, DataError
from heliostat_methods.pnag.spaces.graph_isomorphism import canonical_codes
from heliostat_methods.pnag.spaces.moves import (
    distinct,
    mutate,
    neighbours,
    row_keys,
    sample,
    sample_distinct,
)
from heliostat_methods.pnag.spaces.nas_bench_graph import nas_bench_graph, read_table
from heliostat_methods.pnag.spaces.restricted_unpickler import read_numbers
from heliostat_methods.pnag.spaces.space import KnownSpace, SearchSpace
from heliostat_methods.pnag.spaces.tabular import TabularSpace


def package() -> Path:
    spec = find_spec("nas_bench_graph")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("needs nas-bench-graph")
    return Path(next(iter(spec.submodule_search_locations)))


@pytest.fixture(scope="module")
def cora() -> TabularSpace:
    package()
    return nas_bench_graph("cora")


def raw_choices(operations: int = 9) -> np.ndarray:
    widths = (9, *(operations,) * 4)
    return np.stack(np.unravel_index(np.arange(np.prod(widths)), widths), axis=1)


def test_it_follows_the_protocols(cora: TabularSpace) -> None:
    assert isinstance(cora, SearchSpace)
    assert isinstance(cora, KnownSpace)
    assert cora.quantity == "latency"


def test_59049_choices_are_26206_networks_and_9_are_none(cora: TabularSpace) -> None:
    raw = raw_choices()
    valid = cora.valid(raw)
    assert cora.size == 26_206
    assert len(distinct(cora.canonical(raw[valid]))) == 26_206
    assert raw[~valid, 1:].tolist() == [[8, 8, 8, 8]] * 9
    assert np.array_equal(cora.canonical(raw[~valid]), raw[~valid])


def test_equal_networks_are_those_that_the_package_hashes_alike(cora: TabularSpace) -> None:
    from nas_bench_graph.architecture import Arch, gnn_list, link_list

    raw = raw_choices()
    raw = raw[cora.valid(raw)]
    theirs = [
        Arch([*link_list[link]], [gnn_list[op] for op in ops]).valid_hash() for link, *ops in raw
    ]
    ours = cora.canonical(raw).astype(np.int64) @ 10 ** np.arange(4, -1, -1)
    assert ours.tolist() == theirs


def test_canonical_is_idempotent_and_everything_is_canonical(cora: TabularSpace) -> None:
    all_of_them = cora.everything()
    assert np.array_equal(cora.canonical(all_of_them), all_of_them)


def test_the_best_network_of_cora_at_a_budget(cora: TabularSpace) -> None:
    archs = cora.everything()
    accuracy, latency = cora.look_up(archs)
    feasible = np.flatnonzero(latency <= 0.002380451)
    best = feasible[np.argmax(accuracy[feasible])]
    assert len(feasible) == 2_622
    assert cora.write(archs[best]) == "32627"
    assert (accuracy[best], latency[best]) == pytest.approx((0.811333, 0.001872301), abs=1e-6)


def test_accuracy_on_test_data_is_kept_apart(cora: TabularSpace) -> None:
    link_gat = cora.read("00000")[None]
    assert cora.look_up(link_gat)[0] == pytest.approx([0.7733333333])
    assert cora.test_accuracy(link_gat) == pytest.approx([0.797])


def test_a_networks_choices_may_be_any_that_are_it(cora: TabularSpace) -> None:
    renamed = np.array([[0, 3, 1, 0, 2], [0, 0, 1, 2, 3]])
    accuracy, latency = cora.look_up(cora.canonical(renamed))
    assert accuracy[0] == accuracy[1]
    assert latency[0] == latency[1]


def test_proteins_has_five_operations_and_2021_networks() -> None:
    package()
    space = nas_bench_graph("proteins")
    raw = raw_choices(5)
    assert space.size == len(distinct(space.canonical(raw[space.valid(raw)]))) == 2_021
    assert space.write(space.read("01457")) == "01457"


def test_text_reads_back_and_encodings_are_one_hot(cora: TabularSpace) -> None:
    archs = cora.everything()[::97]
    assert all(np.array_equal(cora.read(cora.write(arch)), arch) for arch in archs)
    encoded = cora.encode(archs)
    assert encoded.shape == (len(archs), 45)
    assert np.all(encoded.sum(axis=1) == 5)
    assert len(np.unique(encoded, axis=0)) == len(archs)


def test_the_tables_may_come_from_a_wheel_or_a_folder(tmp_path: Path, cora: TabularSpace) -> None:
    table = package() / "light" / "cora.bench"
    wheel = tmp_path / "nas_bench_graph-1.4.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(table, "nas_bench_graph/light/cora.bench")
    for path in (wheel, table.parent, table.parent.parent, table.parent.parent.parent):
        assert np.array_equal(nas_bench_graph("cora", str(path)).costs, cora.costs)
    with pytest.raises(ConfigError, match=r"path = .*a wheel with .*light/arxiv\.bench"):
        nas_bench_graph("arxiv", str(wheel))


def test_moves_stay_inside_the_table(cora: TabularSpace) -> None:
    rng = np.random.default_rng(0)
    archs = sample_distinct(cora, 200, rng)
    for moved in (sample(cora, 50, rng), mutate(cora, archs, 0.9, rng), neighbours(cora, archs[0])):
        assert np.all(cora.valid(moved))
        assert np.array_equal(cora.canonical(moved), moved)


def test_a_space_is_used_up_to_its_last_network(cora: TabularSpace) -> None:
    rng = np.random.default_rng(1)
    everything = cora.everything()
    known = set(row_keys(everything[:-3]))
    left = sample_distinct(cora, 10, rng, known)
    assert sorted(map(cora.write, left)) == sorted(map(cora.write, everything[-3:]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1234", r"architecture = '1234': expected 5 digits, such as '00000'"),
        ("12x45", r"op2 = 'x': expected a known digit; valid choices: 0, 1, .*8"),
        ("98888", r"link = '9': expected a known digit"),
        ("38888", r"architecture = '38888': expected an architecture of nas_bench_graph\(cora\)"),
    ],
)
def test_bad_text_is_named(cora: TabularSpace, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        cora.read(text)


def test_no_architecture_has_no_accuracy(cora: TabularSpace) -> None:
    for bad in ([0, 8, 8, 8, 8], [0, 9, 0, 0, 0], [0, -1, 0, 0, 0]):
        with pytest.raises(ConfigError, match=r"architecture = .*expected an architecture of"):
            cora.look_up(np.array([[0, 0, 0, 0, 0], bad], dtype=np.int16))


def test_an_unknown_graph_and_an_unknown_path_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"dataset = 'citeser'.*did you mean 'citeseer'"):
        nas_bench_graph("citeser")
    with pytest.raises(ConfigError, match=r"path = .*nowhere.*wheel or folder"):
        nas_bench_graph("cora", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match=r"a folder with cora\.bench, light/cora\.bench"):
        nas_bench_graph("cora", str(tmp_path))


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(Evil()), r"a file is not read: it names builtins\.print, which is never"),
        (pickle.dumps(np.float32(1)), r"a number of kind 'f4'; only 64-bit floats"),
        (pickle.dumps(np.zeros(2)), r"it names numpy.*, which is never loaded"),
        (b"\x80\x03}q\x00(K", r"a file is no readable pickle"),
        (b"", r"a file is no readable pickle \(EOFError\)"),
    ],
)
def test_a_pickle_runs_nothing(
    content: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=message):
        read_numbers(content, "a file")
    assert capsys.readouterr().out == ""


def test_numpy_floats_are_read_to_the_last_bit() -> None:
    values = {"a": [np.float64(0.1), 0.1, 3], "b": np.float64(-1e300)}
    assert read_numbers(pickle.dumps(values), "a file") == {"a": [0.1, 0.1, 3], "b": -1e300}


def test_a_table_of_something_else_is_refused() -> None:
    codes = canonical_codes(5)
    keys = [
        int("".join(map(str, [link, *np.array([1, 4, 5, 7, 8])[ops]])))
        for link, *ops in np.stack(
            np.unravel_index(np.unique(codes[codes >= 0]), (9, 5, 5, 5, 5)), axis=1
        )
    ]
    row = {"valid_perf": 0.5, "perf": 0.5, "latency": 0.1}
    for wrong, message in (
        ({"valid_perf": 0.5, "perf": 0.5}, r"a file lacks what is known of .* 'latency'"),
        (row | {"perf": "good"}, r"a file lacks what is known of .*'good'"),
        (row | {"perf": float("nan")}, r"a file holds accuracies that are not between 0 and 1"),
        (row | {"valid_perf": 73.0}, r"a file holds accuracies that are not between 0 and 1"),
        (row | {"latency": 0.0}, r"a file holds latencies that are not above 0"),
    ):
        table = dict.fromkeys(keys, row) | {keys[3]: wrong}
        with pytest.raises(DataError, match=message):
            read_table(pickle.dumps(table), "proteins", "a file")
    with pytest.raises(DataError, match=r"a file holds no table of 2,021 architectures"):
        read_table(pickle.dumps({1: row}), "proteins", "a file")
