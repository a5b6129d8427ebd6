import io
import tarfile

import numpy as np
import pytest

from heliostat.contract.part import Dataset
from heliostat.errors import DataError
from heliostat_methods.parts.california_housing import (
    BLOCKS,
    COLUMNS,
    PUBLISHED,
    california_housing,
    california_housing_files,
)

# The first block of the published file, and its features as scikit-learn documents them.
FIRST = (
    "-122.230000,37.880000,41.000000,880.000000,129.000000,322.000000,126.000000,8.325200,452600"
)
FEATURES = [8.3252, 41.0, 6.98412698, 1.02380952, 322.0, 2.55555556, 37.88, -122.23]
VALUE = 4.526
LINES = [FIRST] + [
    f"-120,35.5,{20 + k},{400 + k},80,200,{50 + k},3.5,{100_000 + k}" for k in range(11)
]
HEADER = ",".join(PUBLISHED)


def data_file(path, lines=LINES):
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_published_file_has_20640_blocks():
    assert BLOCKS == 20_640


def test_features_are_averages_per_household(tmp_path):
    data = california_housing(data_file(tmp_path / "cal_housing.data"), len(LINES))
    assert isinstance(data, Dataset)
    assert (data.name, data.task, data.classes) == ("california_housing", "regression", 1)
    assert data.columns == COLUMNS
    assert data.inputs[0] == pytest.approx(FEATURES, rel=1e-6)
    assert data.targets[0] == pytest.approx(VALUE)
    assert (data.inputs.shape, data.inputs.dtype) == ((12, 8), np.float32)
    assert data.test_rows is None


def test_archive_folder_and_table_give_the_same_data(tmp_path):
    inner = tmp_path / "up" / "CaliforniaHousing"
    inner.mkdir(parents=True)
    plain = data_file(inner / "cal_housing.data")
    packed = tmp_path / "cal_housing.tgz"
    with tarfile.open(packed, "w:gz") as tar:
        member = tarfile.TarInfo("CaliforniaHousing/cal_housing.data")
        member.size = plain.stat().st_size
        tar.addfile(member, io.BytesIO(plain.read_bytes()))
    table = data_file(tmp_path / "housing.csv", [HEADER, *LINES])
    first = california_housing(plain, len(LINES))
    for path in (inner, inner.parent, packed, table):
        other = california_housing(path, len(LINES))
        assert other.inputs.tolist() == first.inputs.tolist()
        assert other.targets.tolist() == first.targets.tolist()
    assert california_housing_files(inner.parent) == [plain]
    assert california_housing_files(packed) == [packed]
    assert california_housing_files(table) == [table]


def test_a_table_may_spell_columns_with_underscores_and_have_others(tmp_path):
    header = (
        "longitude,latitude,housing_median_age,total_rooms,total_bedrooms,"
        "population,households,median_income,median_house_value,ocean_proximity"
    )
    rows = [f"{line},NEAR BAY" for line in LINES]
    data = california_housing(data_file(tmp_path / "housing.csv", [header, *rows]))
    assert data.inputs[0] == pytest.approx(FEATURES, rel=1e-6)


def test_a_table_may_hold_the_features_themselves(tmp_path):
    rows = [",".join(map(str, [*FEATURES, VALUE + i])) for i in range(10)]
    lines = [",".join([*COLUMNS, "MedHouseVal"]), *rows]
    data = california_housing(data_file(tmp_path / "housing.csv", lines))
    assert data.inputs[9] == pytest.approx(FEATURES)
    assert data.targets[9] == pytest.approx(VALUE + 9)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (LINES[:-1], "has 11 lines, expected 12"),
        ([*LINES, FIRST], "has 13 lines, expected 12"),
        ([*LINES[:-1], "1,2,3"], "line 12 has 3 numbers, expected 9"),
        ([*LINES[:-1], FIRST.replace("8.3", "x")], "line 12: could not convert .*x25200"),
        ([*LINES[:-1], FIRST.replace("126.0", "0.0")], "line 12 has no households"),
        ([*LINES[:-1], FIRST.replace("41.000000", "nan")], "line 12 .* no finite number"),
        ([], "has 0 lines"),
    ],
)
def test_a_damaged_file_is_refused_by_line(tmp_path, lines, message):
    path = data_file(tmp_path / "cal_housing.data", lines)
    with pytest.raises(DataError, match=f"california_housing: cal_housing.data .*{message}"):
        california_housing(path, 12)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEADER.replace("households", "homes"), *LINES], "has no column 'households'; expected"),
        ([HEADER, *LINES, LINES[0].replace("129.000000", "")], "line 14, column 'totalBedrooms'"),
        ([HEADER, *LINES, FIRST.replace("126.0", "0.0")], "housing.csv line 14 has no households"),
        (LINES, "must name the columns"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, lines, message):
    with pytest.raises(DataError, match=message):
        california_housing(data_file(tmp_path / "housing.csv", lines))


def test_the_pickled_cache_of_scikit_learn_is_refused(tmp_path):
    path = tmp_path / "cal_housing_py3.pkz"
    path.write_bytes(b"\x80\x04.")
    for given in (path, tmp_path):
        for use in (california_housing, california_housing_files):
            with pytest.raises(DataError, match=r"pickled .* get cal_housing.tgz or cal_housing.d"):
                use(given)


def test_a_truncated_archive_is_refused(tmp_path):
    path = tmp_path / "cal_housing.tgz"
    path.write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(DataError, match=r"cal_housing.tgz is no complete archive"):
        california_housing(path)
