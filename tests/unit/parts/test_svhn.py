import numpy as np
import pytest
from scipy.io import savemat

from heliostat.contract.part import Dataset
from heliostat.errors import DataError
from heliostat_methods.parts.svhn import IMAGES, RELEASE, svhn, svhn_files

SMALL = {"train_32x32.mat": 30, "test_32x32.mat": 20}


def content(images, seed):
    pixels = np.random.default_rng(seed).integers(256, size=(32, 32, 3, images)).astype(np.uint8)
    return {"X": pixels, "y": (np.arange(images) % 10 + 1).astype(np.uint8)[:, None]}


def folder(path, **changes):
    for seed, (name, images) in enumerate(SMALL.items()):
        savemat(
            path / name, content(images, seed) | changes.get(name[:-10], {}), do_compression=True
        )
    return path


def test_the_published_files_hold_99289_images():
    assert tuple(IMAGES) == RELEASE.files
    assert sum(IMAGES.values()) == 99_289


def test_the_published_layout_is_read(tmp_path):
    data = svhn(folder(tmp_path), SMALL)
    assert isinstance(data, Dataset)
    assert (data.name, data.classes, data.image_shape) == ("svhn", 10, (3, 32, 32))
    assert (data.inputs.shape, data.inputs.dtype) == ((50, 3072), np.float32)
    first = content(30, 0)["X"]
    images = data.inputs.reshape(-1, 3, 32, 32)
    for image, channel, row, column in ((0, 0, 0, 0), (29, 2, 5, 9), (7, 1, 31, 0)):
        assert images[image, channel, row, column] == np.float32(
            first[row, column, channel, image] / 255
        )
    assert data.test_rows.tolist() == list(range(30, 50))


def test_label_10_is_the_digit_0(tmp_path):
    assert svhn(folder(tmp_path), SMALL).targets[:12].tolist() == [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        0,
        1,
        2,
    ]


def test_a_run_depends_on_both_files(tmp_path):
    assert [path.name for path in svhn_files(folder(tmp_path))] == list(SMALL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros((32, 32, 3, 29), np.uint8)}, r"X of shape \(32, 32, 3, 29\) uint8 and 30"),
        ({"X": np.zeros((30, 32, 32, 3), np.uint8)}, r"expected \(32, 32, 3, 30\) uint8"),
        ({"X": np.zeros((32, 32, 3, 30))}, "float64"),
        ({"y": np.ones((29, 1), np.uint8)}, "and 29 labels, expected .* and 30"),
        ({"y": np.full((30, 1), 11, np.uint8)}, r"label of image 0 is 11, outside 1..10"),
        ({"y": np.arange(30, dtype=np.uint8)[:, None] % 10}, "label of image 0 is 0"),
    ],
)
def test_arrays_of_another_form_are_refused(tmp_path, change, message):
    with pytest.raises(DataError, match=f"svhn: train_32x32.mat .*{message}"):
        svhn(folder(tmp_path, train=change), SMALL)


def test_fewer_images_than_published_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected \(32, 32, 3, 73257\)"):
        svhn(folder(tmp_path))


@pytest.mark.parametrize("keep", [0, 10, 200, 5000, -1])
def test_a_truncated_file_is_refused(tmp_path, keep):
    path = folder(tmp_path) / "test_32x32.mat"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"svhn: test_32x32.mat (is truncated|has )"):
        svhn(tmp_path, SMALL)


def test_a_file_of_other_arrays_is_refused(tmp_path):
    savemat(folder(tmp_path) / "test_32x32.mat", {"y": np.ones((20, 1))})
    with pytest.raises(DataError, match=r"test_32x32.mat has no array 'X'.*Cropped Digits"):
        svhn(tmp_path, SMALL)


def test_paths_that_lead_elsewhere_say_what_to_get(tmp_path):
    with pytest.raises(DataError, match=r"no file train_32x32.mat in .*SVHN page of Stanford"):
        svhn_files(tmp_path)
    file = folder(tmp_path) / "train_32x32.mat"
    with pytest.raises(DataError, match=r"is a file, expected a folder"):
        svhn_files(file)
