import io
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from heliostat.contract.part import Dataset
from heliostat.errors import DataError
from heliostat_methods.parts.cifar import (
    CIFAR10,
    CIFAR100,
    cifar10,
    cifar10_files,
    cifar100,
    cifar100_files,
)
from heliostat_search.splits import split

# The published layout with 20 images a file instead of 10,000 and 50,000.
SMALL10 = replace(CIFAR10, records=dict.fromkeys(CIFAR10.records, 20))
SMALL100 = replace(CIFAR100, records={"train.bin": 200, "test.bin": 100})
NAMES10 = [
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
]


def pixels(images, seed):
    return np.random.default_rng(seed).integers(256, size=(images, 3072)).astype(np.uint8)


def batch10(seed):
    labels = (np.arange(20) % 10).astype(np.uint8)
    return np.column_stack([labels, pixels(20, seed)]).tobytes()


def part100(images, seed):
    fine = (np.arange(images) % 100).astype(np.uint8)
    return np.column_stack([fine // 5, fine, pixels(images, seed)]).tobytes()


def files10():
    files = {name: batch10(seed) for seed, name in enumerate(CIFAR10.records)}
    return {**files, "batches.meta.txt": "\n".join([*NAMES10, "", ""]).encode()}


def files100():
    return {
        "train.bin": part100(200, 0),
        "test.bin": part100(100, 1),
        "fine_label_names.txt": "\n".join(f"fine{k}" for k in range(100)).encode(),
        "coarse_label_names.txt": "\n".join(f"coarse{k}" for k in range(20)).encode(),
    }


def folder(path, files):
    path.mkdir(exist_ok=True, parents=True)
    for name, content in files.items():
        (path / name).write_bytes(content)
    return path


def archive(path, top, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{top}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_the_published_files_hold_60000_images_of_3073_and_3074_bytes():
    assert CIFAR10.record_bytes == 3073
    assert CIFAR100.record_bytes == 3074
    assert list(CIFAR10.records.values()) == [10_000] * 6
    assert dict(CIFAR100.records) == {"train.bin": 50_000, "test.bin": 10_000}


def test_a_folder_of_cifar10_is_read_in_the_order_of_its_batches(tmp_path):
    data = cifar10(folder(tmp_path / "cifar", files10()), SMALL10)
    assert isinstance(data, Dataset)
    assert (data.name, data.task, data.classes) == ("cifar10", "classification", 10)
    assert (data.inputs.shape, data.inputs.dtype) == ((120, 3072), np.float32)
    assert data.image_shape == (3, 32, 32)
    assert data.labels == tuple(NAMES10)
    assert data.targets.tolist() == list(range(10)) * 12
    expected = np.concatenate([pixels(20, seed) for seed in range(6)])
    assert np.allclose(data.inputs, expected / 255, rtol=1e-7)
    assert data.test_rows.tolist() == list(range(100, 120))


def test_a_pixel_lands_in_its_channel_row_and_column(tmp_path):
    files = files10()
    record = bytearray(3073)
    record[0] = 7
    record[1 + 2 * 1024 + 5 * 32 + 9] = 255  # blue, row 5, column 9
    files["data_batch_1.bin"] = bytes(record) + files["data_batch_1.bin"][3073:]
    data = cifar10(folder(tmp_path, files), SMALL10)
    image = data.inputs[0].reshape(data.image_shape)
    assert data.targets[0] == 7
    assert np.argwhere(image).tolist() == [[2, 5, 9]]
    assert image[2, 5, 9] == 1


def test_archive_folder_and_folder_above_give_the_same_data(tmp_path):
    inner = folder(tmp_path / "up" / "cifar-10-batches-bin", files10())
    packed = archive(tmp_path / "c.tar.gz", "cifar-10-batches-bin", files10())
    first, second, third = (cifar10(p, SMALL10) for p in (inner, inner.parent, packed))
    for other in (second, third):
        assert other.inputs.tobytes() == first.inputs.tobytes()
        assert other.labels == first.labels
    assert cifar10_files(packed) == [packed]
    assert cifar10_files(inner.parent) == [
        inner / name for name in (*CIFAR10.records, "batches.meta.txt")
    ]


def test_class_names_may_be_missing(tmp_path):
    files = files10()
    del files["batches.meta.txt"]
    path = folder(tmp_path, files)
    assert cifar10(path, SMALL10).labels == ()
    assert [file.name for file in cifar10_files(path)] == list(CIFAR10.records)


def test_cifar100_has_fine_labels_or_coarse_ones(tmp_path):
    path = folder(tmp_path, files100())
    fine, coarse = (cifar100(path, coarse, SMALL100) for coarse in (False, True))
    assert (fine.name, fine.classes, fine.labels[7]) == ("cifar100", 100, "fine7")
    assert (coarse.name, coarse.classes, coarse.labels[1]) == ("cifar100-coarse", 20, "coarse1")
    assert fine.targets.tolist() == [k % 100 for k in range(300)]
    assert (coarse.targets == fine.targets // 5).all()
    assert np.allclose(fine.inputs[:200], pixels(200, 0) / 255, rtol=1e-7)
    assert fine.test_rows.tolist() == list(range(200, 300))
    assert len(cifar100_files(path)) == 4


def test_the_official_test_set_stays_the_test_part(tmp_path):
    data = cifar10(folder(tmp_path, files10()), SMALL10)
    parts = split(data, np.random.default_rng(0), (0.72, 0.08, 0.2))
    assert parts.test.rows.tolist() == list(range(100, 120))
    assert np.bincount(parts.train.targets).tolist() == [9] * 10
    assert np.bincount(parts.valid.targets).tolist() == [1] * 10


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("data_batch_3.bin", lambda c: c[:-1], r"data_batch_3.bin is truncated: 61,459 bytes, exp"),
        ("data_batch_3.bin", lambda c: c[:-3073], r"is truncated: 58,387 .*\(20 images of 3,073"),
        ("test_batch.bin", lambda c: c + b"\0", r"test_batch.bin is too long: 61,461 bytes"),
        ("test_batch.bin", lambda c: b"", r"test_batch.bin is truncated: 0 bytes"),
        (
            "data_batch_2.bin",
            lambda c: c[:3073] + b"\x0a" + c[3074:],
            r"data_batch_2.bin is damaged: label of image 1 is 10, outside 0..9",
        ),
        ("batches.meta.txt", lambda c: b"cat dog", "batches.meta.txt has 2 class names, expected"),
    ],
)
def test_damaged_files_are_named_with_what_is_wrong(tmp_path, file, change, message):
    files = files10()
    files[file] = change(files[file])
    for path in (folder(tmp_path / "f", files), archive(tmp_path / "a.tgz", "any", files)):
        with pytest.raises(DataError, match=message):
            cifar10(path, SMALL10)


@pytest.mark.parametrize(("column", "message"), [(0, "coarse label of image 0 is 20"), (1, "fine")])
def test_labels_of_cifar100_are_both_checked(tmp_path, column, message):
    files = files100()
    content = bytearray(files["test.bin"])
    content[column] = 20 if column == 0 else 100
    path = folder(tmp_path, {**files, "test.bin": bytes(content)})
    with pytest.raises(DataError, match=f"test.bin is damaged: {message}"):
        cifar100(path, column == 0, SMALL100)


def test_fewer_images_than_published_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"61,460 bytes, expected 30,730,000 \(10,000 images"):
        cifar10(folder(tmp_path, files10()))


@pytest.mark.parametrize("keep", [1, 1000, -1000])
def test_a_truncated_archive_is_refused(tmp_path, keep):
    path = archive(tmp_path / "cifar.tar.gz", "cifar-10-batches-bin", files10())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cifar10: cifar.tar.gz is no complete archive"):
        cifar10(path, SMALL10)


def test_an_archive_of_something_else_is_refused(tmp_path):
    path = archive(tmp_path / "other.tar.gz", "other", {"readme.txt": b"x"})
    with pytest.raises(DataError, match=r"cifar10: no file data_batch_1.bin in .*binary version"):
        cifar10(path, SMALL10)
    packed = archive(tmp_path / "hundred.tar.gz", "cifar-100-binary", files100())
    with pytest.raises(DataError, match=r"no file data_batch_1.bin"):
        cifar10(packed, SMALL10)


class Explosive:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was read",))


@pytest.mark.parametrize("packed", [True, False])
def test_the_python_edition_is_refused_and_never_unpickled(tmp_path, packed):
    import pickle

    trap = pickle.dumps(Explosive())
    ten = dict.fromkeys([f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"], trap)
    hundred = dict.fromkeys(["train", "test", "meta"], trap)
    for load, files, small in ((cifar10, ten, SMALL10), (cifar100, hundred, SMALL100)):
        if packed:
            path = archive(tmp_path / f"{load.__name__}.tar.gz", "python", files)
        else:
            path = folder(tmp_path / load.__name__, files)
        with pytest.raises(DataError, match=r'pickled .* never read; get the "binary version"'):
            load(path, edition=small)


def test_a_missing_file_of_a_folder_is_named(tmp_path):
    files = files10()
    del files["data_batch_4.bin"]
    path = folder(tmp_path, files)
    for use in (cifar10, cifar10_files):
        with pytest.raises(DataError, match=r"cifar10: no file data_batch_4.bin in"):
            use(path)


def test_a_missing_path_says_what_to_get_and_what_is_near(tmp_path):
    archive(tmp_path / "cifar-10-binary.tar.gz", "any", files10())
    with pytest.raises(
        DataError,
        match=r"cifar10: no file or folder .*did you mean '.*cifar-10-binary.tar.gz'.*"
        r"cifar-10-binary.tar.gz, from the CIFAR page of the University of Toronto .*"
        r"data_batch_1.bin, ..., test_batch.bin",
    ):
        cifar10_files(tmp_path / "cifar-10-binry.tar.gz")
