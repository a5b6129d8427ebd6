import numpy as np
import pytest

from heliostat.contract import PartRef
from heliostat.contract.part import Dataset
from heliostat.errors import DataError
from heliostat.plugins.registry import registry
from heliostat_methods.parts.image_folder import image_folder, image_folder_files

Image = pytest.importorskip("PIL.Image")


def picture(path, level, size=(8, 6), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, level if mode == "L" else (level, 0, 255)).save(path)


@pytest.fixture
def folder(tmp_path):
    """Three cats, two dogs (one in a folder of its own), and what is no picture."""
    for name, level in (("dog/b.png", 20), ("dog/more/a.PNG", 10), ("cat/2.png", 2)):
        picture(tmp_path / "pets" / name, level)
    for name, level in (("cat/10.png", 10), ("cat/1.bmp", 1)):
        picture(tmp_path / "pets" / name, level)
    (tmp_path / "pets" / "cat" / "notes.txt").write_text("none")
    (tmp_path / "pets" / ".hidden").mkdir()
    return tmp_path / "pets"


def test_folders_are_classes_and_order_follows_names(folder):
    data = image_folder(folder, size=4)
    assert isinstance(data, Dataset)
    assert (data.name, data.classes, data.labels) == ("pets", 2, ("cat", "dog"))
    assert (data.image_shape, data.inputs.shape) == ((3, 4, 4), (5, 48))
    assert data.targets.tolist() == [0, 0, 0, 1, 1]
    levels = data.inputs.reshape(5, 3, 16)[:, 0]
    assert np.array_equal(levels, np.repeat(np.float32([[1], [10], [2], [20], [10]]) / 255, 16, 1))
    assert (data.inputs.reshape(5, 3, 16)[:, 2] == 1).all()
    assert data.note.startswith("5 pictures in 2 classes, 9.6e-07 GB in memory")


def test_every_picture_is_an_input_of_a_run(folder):
    names = [file.relative_to(folder).as_posix() for file in image_folder_files(folder)]
    assert names == ["cat/1.bmp", "cat/10.png", "cat/2.png", "dog/b.png", "dog/more/a.PNG"]


def test_grey_pictures_have_one_channel(folder):
    picture(folder / "cat" / "0.png", 200, mode="L")
    data = image_folder(folder, size=3, channels=1)
    assert data.image_shape == (1, 3, 3)
    assert data.inputs[0] == pytest.approx(200 / 255)


def test_a_square_is_cut_around_the_middle(tmp_path):
    for name in ("a/1.png", "b/1.png"):
        picture(tmp_path / name, 0, mode="L", size=(12, 4))
    wide = np.zeros((4, 12), np.uint8)
    wide[:, 4:8] = 255
    Image.fromarray(wide).save(tmp_path / "a" / "1.png")
    assert (image_folder(tmp_path, size=4, channels=1).inputs[0] == 1).all()


def test_fewer_are_taken_evenly_and_say_so(folder):
    data = image_folder(folder, size=2, most=3)
    assert data.targets.tolist() == [0, 0, 1]
    assert data.note.startswith("3 of 5 pictures in 2 classes")
    assert image_folder(folder, size=2, most=99).targets.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("change", "given", "message"),
    [
        (lambda f: (f / "dog/b.png").write_bytes(b"no"), {}, r"cannot read .*dog/b\.png: Unident"),
        (lambda f: (f / "dog/b.png").write_bytes((f / "dog/b.png").read_bytes()[:50]), {},
         r"cannot read .*dog/b\.png: "),
        (lambda f: Image.new("I;16", (4, 4)).save(f / "dog/b.png"), {},
         r"dog/b\.png has values of more than 8 bits \(mode I;16\)"),
        (lambda f: (f / "owl").mkdir(), {}, r"owl holds no picture \(\.bmp"),
        (lambda f: [f.joinpath("cat").rename(f.parent / "c")], {},
         r"has 1 class folders \(dog\), expected two or more"),
        (lambda f: [picture(f / "eel" / f"{i}.png", i) for i in range(40)], {"most": 2},
         "most = 2 leaves no picture of class 'dog'"),
        (lambda f: None, {"size": 64, "memory": 1e-4},
         "5 pictures of 3 x 64 x 64 need 0.000246 GB, more than memory = 0.0001"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(folder, change, given, message):
    change(folder)
    with pytest.raises(DataError, match=f"image_folder: .*{message}"):
        image_folder(folder, **{"size": 4, **given})


def test_it_is_built_by_name_with_parameters(folder):
    ref = PartRef(f"image_folder:{folder}", {"size": 5, "channels": 1}, "dataset")
    assert registry().build_part("dataset", ref).image_shape == (1, 5, 5)
