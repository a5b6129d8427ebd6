import sys

import numpy as np
import pytest

from heliostat.contract.part import Dataset
from heliostat.errors import DataError
from heliostat_methods.parts.fams_hdf5 import fams_hdf5

h5py = pytest.importorskip("h5py")
X = np.random.default_rng(0).standard_normal((12, 768)).astype(np.float32)
RATINGS = np.arange(12) % 5
ARRAYS = {"X": X, "Y": (RATINGS > 3).astype(np.int64), "user": np.arange(12) // 4}


def write(tmp_path, arrays, name="texts.h5"):
    with h5py.File(tmp_path / name, "w") as file:
        for key, values in arrays.items():
            if values is not None:
                file[key] = values
    return tmp_path / name


def test_the_authors_layout_is_read(tmp_path):
    data = fams_hdf5(write(tmp_path, ARRAYS))
    assert isinstance(data, Dataset)
    assert data.inputs.tobytes() == X.tobytes()
    assert data.targets.tolist() == (RATINGS > 3).astype(int).tolist()
    assert data.attributes["user"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert data.columns[767] == "x767"


def test_ratings_become_two_classes_by_a_threshold(tmp_path):
    path = write(tmp_path, ARRAYS | {"Y": RATINGS.astype(np.float32)[:, None]})
    data = fams_hdf5(path, threshold=2.5)
    assert data.targets.tolist() == (RATINGS > 2).astype(int).tolist()
    assert data.labels == ("up to 2.5", "above 2.5")


def test_groups_may_be_texts_or_several_columns(tmp_path):
    matrix = np.arange(24).reshape(12, 2) % 3
    data = fams_hdf5(write(tmp_path, ARRAYS | {"user": ["ä", "b", "c"] * 4, "groups": matrix}))
    assert data.attributes["user"][:3].tolist() == ["ä", "b", "c"]
    assert data.attributes["groups 1"].tolist() == matrix[:, 1].tolist()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": None}, "has no array 'X'"),
        ({"Y": None}, "has no array 'Y'"),
        ({"user": None}, "has neither 'user' nor 'groups'"),
        ({"X": X[:, 0]}, r"X of texts.h5 has shape \(12,\) float32, expected \(rows, features\)"),
        ({"X": np.full((12, 3), np.nan)}, "inputs row 0, column 'x0' is nan"),
        ({"Y": RATINGS}, r"Y of texts.h5 is 2 in row 2, expected 0 or 1; threshold = NUMBER"),
        ({"Y": np.zeros(11)}, r"Y of texts.h5 has shape \(11,\) float64, expected 12 numbers"),
        ({"Y": ["a"] * 12}, r"expected 12 numbers"),
        ({"Y": np.zeros(12)}, "every row has class"),
        ({"user": np.arange(11)}, r"user of texts.h5 has shape \(11,\), expected 12 rows"),
        ({"user": np.array(3)}, r"user of texts.h5 has shape \(\), expected 12 rows"),
        ({"user": np.zeros(12, "c8")}, r"'user' of texts.h5 holds complex64, expected numbers or"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changes, message):
    with pytest.raises(DataError, match=message):
        fams_hdf5(write(tmp_path, ARRAYS | changes))


def test_a_label_that_is_no_number_is_refused(tmp_path):
    path = write(tmp_path, ARRAYS | {"Y": np.array([np.nan, *range(11)])})
    with pytest.raises(DataError, match=r"Y of texts.h5 is nan in row 0, expected a number"):
        fams_hdf5(path, threshold=3)


@pytest.mark.parametrize("keep", [0, 10, 500, 3000])
def test_a_truncated_file_is_refused(tmp_path, keep):
    path = write(tmp_path, ARRAYS)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"texts.h5 is truncated, damaged or no HDF5 file"):
        fams_hdf5(path)


def test_no_other_file_is_read_through_links_or_outside_storage(tmp_path):
    write(tmp_path, ARRAYS, "other.h5")
    for place, link in enumerate((h5py.ExternalLink("other.h5", "X"), h5py.SoftLink("/Y"))):
        path = write(tmp_path, ARRAYS | {"X": link}, f"link{place}.h5")
        with pytest.raises(DataError, match=r"'X' of link.* is no array that lies in the file"):
            fams_hdf5(path)
    path = write(tmp_path, ARRAYS | {"X": None}, "outside.h5")
    with h5py.File(path, "a") as file:
        file.create_dataset("X", (12, 8), "f4", external=[(str(tmp_path / "other.h5"), 0, 384)])
    with pytest.raises(DataError, match=r"'X' of outside.h5 is no array that lies in the file"):
        fams_hdf5(path)
    path = write(tmp_path, ARRAYS | {"X": None}, "virtual.h5")
    with h5py.File(path, "a") as file:
        layout = h5py.VirtualLayout((12, 768), "f4")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "X", (12, 768))
        file.create_virtual_dataset("X", layout)
    with pytest.raises(DataError, match=r"'X' of virtual.h5 is no array that lies in the file"):
        fams_hdf5(path)


def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path):
    path = write(tmp_path, ARRAYS | {"X": None})
    with h5py.File(path, "a") as file:
        file.create_dataset("X", (10**9, 768), "f4", chunks=(1000, 768), compression="gzip")
    with pytest.raises(DataError, match=r"texts.h5 of [\d,]+ bytes unpacks to 3,072,000,000,\d+"):
        fams_hdf5(path)


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match=r"'fams_hdf5' .* pip install 'heliostat\[hdf5\]'"):
        fams_hdf5(tmp_path / "texts.h5")


def test_a_missing_file_gets_the_nearest_name(tmp_path):
    path = write(tmp_path, ARRAYS)
    with pytest.raises(DataError, match=r"no file .*text.h5; did you mean .*texts.h5'\?"):
        fams_hdf5(path.with_name("text.h5"))
