"""One function in C with intrinsics: every way to run it gives the same bits, and none raises."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import striped_dot
from striped_dot import AVX2, AVX512, SCALAR, declared, example

from heliostat.contract.instructions import portable_variables, variables_to_set
from heliostat.contract.toolchain import MANIFEST, find_compiler
from heliostat.errors import ConfigError
from heliostat.ops import doctor
from heliostat_search.compiled import FALLBACK, NativeLibrary, Variant, compiler, cpu_features
from heliostat_search.compiled.cpu_features import FLAG_OF

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="no C compiler is here")
EXPECTED = declared().load(variant=FALLBACK)["striped_dot"](*example())
NO_SUCH = Variant("quantum", needs=("no_such_feature",))
BROKEN = Variant("broken", flags=("-DBROKEN",))
MAYBE_BROKEN = "#ifdef BROKEN\n#error not today\n#endif\n" + striped_dot.SOURCE.read_text()

CPP = """
#include <array>
#include <numeric>
extern "C" double striped_dot(const double *a, const double *b, std::size_t n) {
    std::array<double, 8> stripes{};
    for (std::size_t i = 0; i < n; i++) stripes[i % 8] += a[i] * b[i];
    return std::accumulate(stripes.begin(), stripes.end(), 0.0);
}
extern "C" int register_bits() { return 64; }
"""


@pytest.fixture(autouse=True)
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that this CPU has may be used, as in a process at the level `native`."""
    for name in portable_variables():
        monkeypatch.delenv(name, raising=False)


def in_another_process(cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "striped_dot", str(cache)], text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns


def libraries(cache: Path) -> list[Path]:
    return sorted(cache.rglob("*.so"))


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count how often the compiler was asked to compile, by a script in its place."""
    real, log = find_compiler(), tmp_path / "compiled.log"
    assert real is not None
    script = tmp_path / "counting-cc"
    script.write_text(f"""#!/bin/sh
[ "$1" = --version ] || echo "$@" >> {log}
exec {" ".join(real.command)} "$@"
""")
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    return lambda: len(log.read_text().splitlines()) if log.exists() else 0


@needs_compiler
@pytest.mark.parametrize(("variant", "bits"), [(AVX512, 512), (AVX2, 256), (SCALAR, 64)])
@pytest.mark.parametrize("n", [0, 7, 8, 1003])
def test_every_variant_gives_the_bits_of_the_fallback(
    tmp_path: Path, variant: Variant, bits: int, n: int
) -> None:
    if variant.name not in declared().runnable:
        pytest.skip(f"this CPU has no {variant.name}")
    kernels = declared().load(variant=variant.name, cache_dir=tmp_path)
    assert kernels.sentence == f"striped dot: {variant.name}, compiled by {find_compiler()}"
    assert kernels["register_bits"]() == bits
    expected = declared().load(variant=FALLBACK)["striped_dot"](*example(n))
    assert kernels["striped_dot"](*example(n)).hex() == expected.hex()


@needs_compiler
def test_the_first_variant_that_this_cpu_can_run_is_taken(tmp_path: Path) -> None:
    library = declared(variants=(NO_SUCH, AVX512, AVX2, SCALAR))
    assert library.load(cache_dir=tmp_path).variant == library.runnable[0]
    assert "quantum" not in library.runnable
    assert len(libraries(tmp_path)) == 1


def test_a_variant_that_this_cpu_cannot_run_gives_the_fallback(tmp_path: Path) -> None:
    kernels = declared(variants=(NO_SUCH, SCALAR)).load(variant="quantum", cache_dir=tmp_path)
    assert kernels.sentence == "striped dot: pure Python, because this CPU has no no_such_feature"
    assert kernels["striped_dot"](*example()) == EXPECTED
    assert list(tmp_path.iterdir()) == []


def test_the_fallback_can_be_asked_for() -> None:
    kernels = declared().load(variant=FALLBACK)
    assert (kernels.variant, kernels.path) == (FALLBACK, None)
    assert kernels.sentence == "striped dot: pure Python, as asked"


@needs_compiler
def test_a_variant_that_does_not_build_gives_way_to_the_next(tmp_path: Path) -> None:
    library = declared(source=MAYBE_BROKEN, language="C", variants=(BROKEN, SCALAR))
    kernels = library.load(cache_dir=tmp_path)
    assert kernels.variant == "scalar"
    assert "scalar, compiled by" in kernels.sentence
    assert "(broken does not run:" in kernels.sentence
    assert "not today" in kernels.sentence
    assert kernels["striped_dot"](*example()) == EXPECTED


@needs_compiler
@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("double striped_dot(", "striped_dot.c:1"),
        ('#include "beside.h"\n', "beside.h"),
        ("int another;\n", "its source has no function striped_dot"),
        ("double missing(void); double striped_dot(void) { return missing(); }", "missing"),
    ],
    ids=["syntax", "header", "function", "symbol"],
)
def test_a_source_that_cannot_be_used_is_told_in_one_sentence(
    tmp_path: Path, source: str, why: str
) -> None:
    (tmp_path / "beside.h").touch()
    library = declared(
        source=source, language="C", variants=(Variant("scalar", flags=("-z", "now")),)
    )
    kernels = library.load(cache_dir=tmp_path / "cache")
    assert kernels.sentence.startswith("striped dot: pure Python, because scalar does not run: ")
    assert why in kernels.sentence
    assert "\n" not in kernels.sentence
    assert kernels["striped_dot"](*example()) == EXPECTED


def test_a_missing_source_gives_the_fallback(tmp_path: Path) -> None:
    kernels = declared(source=tmp_path / "gone.c").load(cache_dir=tmp_path)
    assert kernels.sentence == (
        "striped dot: pure Python, because gone.c cannot be read (No such file or directory)"
    )


def test_no_compiler_on_the_path_gives_the_fallback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    kernels = declared().load(cache_dir=tmp_path / "cache")
    assert kernels.sentence == (
        "striped dot: pure Python, because no C compiler was found (cc, gcc, clang)"
    )
    assert kernels["striped_dot"](*example()) == EXPECTED
    found = doctor.compilers(os.environ)
    assert found.state == "warning"
    assert "no C compiler (cc, gcc, clang)" in found.found
    assert "pure Python" in found.mend


@pytest.mark.parametrize("given", ["no-such-compiler", "'", "/bin/false"])
def test_a_compiler_that_does_not_answer_is_named_and_no_other_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("CC", given)
    kernels = declared().load(cache_dir=tmp_path)
    assert kernels.sentence.endswith(f"no C compiler was found ({given})")


def test_other_systems_run_the_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    kernels = declared().load(cache_dir=tmp_path)
    assert kernels.sentence.endswith("pure Python, because native code is built on Linux only")


@needs_compiler
def test_a_compiler_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "hanging-cc"
    script.write_text('#!/bin/sh\n[ "$1" = --version ] && echo cc 1.0 && exit\nsleep 250 | cat\n')
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    monkeypatch.setattr(compiler, "COMPILE_SECONDS", 0.2)
    kernels = declared(variants=(SCALAR,)).load(cache_dir=tmp_path)
    assert "scalar does not run: hanging-cc 1.0 took more than" in kernels.sentence


@needs_compiler
@pytest.mark.parametrize("name", ["a file", "/proc/heliostat"])
def test_a_cache_that_cannot_be_written_gives_the_fallback(tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").touch()
    kernels = declared(variants=(SCALAR,)).load(cache_dir=tmp_path / name)
    assert kernels.variant == FALLBACK
    assert "cannot be used (" in kernels.sentence
    assert kernels["striped_dot"](*example()) == EXPECTED


@needs_compiler
def test_a_stored_library_is_loaded_and_not_built_again(
    tmp_path: Path, counted: Callable[[], int]
) -> None:
    said = in_another_process(tmp_path / "cache")
    assert said.startswith(EXPECTED.hex())
    (path,) = libraries(tmp_path)
    before = state(path)
    assert in_another_process(tmp_path / "cache") == said
    kernels = declared().load(cache_dir=tmp_path / "cache")
    assert kernels.path == path
    assert (state(path), counted()) == (before, 1)


@needs_compiler
def test_a_cache_that_is_only_read_serves_what_it_holds(tmp_path: Path) -> None:
    declared().load(cache_dir=tmp_path)
    for path in tmp_path.rglob("lock"):
        path.unlink()
        path.mkdir()  # not even the owner of all files could open it for a lock
    assert declared().load(cache_dir=tmp_path).variant == declared().runnable[0]


@needs_compiler
def test_source_flags_features_and_compiler_are_part_of_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def path(**changes: Any) -> Path | None:
        return declared(**{"variants": (SCALAR,), **changes}).load(cache_dir=tmp_path).path

    first = path()
    assert first is not None
    text = striped_dot.SOURCE.read_text()
    assert path(source=text, language="C") == first
    others = [
        path(source=text + "\n", language="C"),
        path(variants=(Variant("scalar", flags=("-DANOTHER",)),)),
    ]
    fma = Variant("scalar", needs=("fma",))
    if "fma" in cpu_features():
        others.append(path(variants=(fma,)))
    real = find_compiler()
    assert real is not None
    monkeypatch.setenv("CC", f"{' '.join(real.command)} -pipe")
    others.append(path())
    assert len({first, *others}) == len(others) + 1
    assert None not in others
    assert len(libraries(tmp_path)) == len(others) + 1


@needs_compiler
@pytest.mark.skipif("avx2" not in cpu_features(), reason="this CPU has no AVX2")
def test_the_instruction_level_decides_and_is_part_of_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, wide = declared(), Variant("any", needs=("avx512f",))
    at_native = library.load(variant="scalar", cache_dir=tmp_path)
    for name, value in variables_to_set().items():
        monkeypatch.setenv(name, value)
    assert library.load(cache_dir=tmp_path).variant == "AVX2"
    assert "AVX-512" not in library.runnable
    assert library.load(variant="scalar", cache_dir=tmp_path).path != at_native.path
    kernels = declared(variants=(wide, SCALAR)).load(variant="any", cache_dir=tmp_path)
    who = "this run's numerics have" if "avx512f" in cpu_features() else "this CPU has"
    assert kernels.sentence == f"striped dot: pure Python, because {who} no avx512f"


@needs_compiler
@pytest.mark.parametrize("damage", ["cut", "garbage", "gone", "no manifest", "other manifest"])
def test_a_damaged_build_is_built_again(tmp_path: Path, damage: str) -> None:
    said = in_another_process(tmp_path)
    (path,) = libraries(tmp_path)
    manifest, whole, before = path.with_name(MANIFEST), path.read_bytes(), state(path)
    if damage in ("no manifest", "other manifest"):
        manifest.unlink()
        if damage == "other manifest":
            manifest.write_text('["nonsense"]')
    else:
        path.unlink()
        if damage != "gone":
            path.write_bytes(whole[:2000] if damage == "cut" else b"no library")
    assert in_another_process(tmp_path) == said
    assert state(path) != before
    assert (
        json.loads(manifest.read_text())["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    )
    assert libraries(tmp_path) == [path]


@needs_compiler
def test_a_whole_file_that_cannot_be_loaded_is_built_again(tmp_path: Path) -> None:
    said = in_another_process(tmp_path)
    (path,) = libraries(tmp_path)
    path.unlink()
    path.write_bytes(b"no library")
    manifest = path.with_name(MANIFEST)
    about = json.loads(manifest.read_text())
    about["sha256"] = hashlib.sha256(b"no library").hexdigest()
    manifest.write_text(json.dumps(about))
    assert in_another_process(tmp_path) == said
    assert path.read_bytes()[:4] == b"\x7fELF"


@needs_compiler
def test_two_processes_that_build_at_once_end_with_one_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, counted: Callable[[], int]
) -> None:
    started = tmp_path / "started"
    started.mkdir()
    # The first to compile waits until the other process has looked for the compiler too.
    script = tmp_path / "waiting-cc"
    script.write_text(f"""#!/bin/sh
if [ "$1" = --version ]; then touch {started}/$$; else
  i=0; while [ $(ls {started} | wc -l) -lt 2 ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done
fi
exec {os.environ["CC"]} "$@"
""")
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    command = [sys.executable, "-m", "striped_dot", str(tmp_path / "cache")]
    both = [subprocess.Popen(command, text=True, stdout=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=200)[0] for process in both]
    assert said[0] == said[1]
    assert said[0].startswith(EXPECTED.hex())
    assert "compiled by" in said[0]
    (path,) = libraries(tmp_path)
    assert sorted(p.name for p in path.parent.iterdir()) == ["build.json", "library.so", "lock"]
    assert counted() == 1


@needs_compiler
def test_threads_that_load_at_once_share_one_build(
    tmp_path: Path, counted: Callable[[], int]
) -> None:
    library, found = declared(), list[Any]()
    begin = threading.Barrier(8)

    def load() -> None:
        begin.wait()
        found.append(library.load(cache_dir=tmp_path))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(kernels is found[0] for kernels in found)
    assert counted() == 1


@needs_compiler
def test_the_cache_folder_is_this_machines_unless_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELIOSTAT_CACHE", str(tmp_path))
    library = declared()
    assert libraries(tmp_path) == []
    assert library.sentence == library.load().sentence
    assert libraries(tmp_path) == [library.load().path]


@pytest.mark.skipif(find_compiler("C++") is None, reason="no C++ compiler is here")
def test_a_source_in_cpp(tmp_path: Path) -> None:
    path = tmp_path / "dot.cpp"
    path.write_text(CPP)
    kernels = declared(source=path, variants=(SCALAR,)).load(cache_dir=tmp_path)
    assert kernels.sentence == f"striped dot: scalar, compiled by {find_compiler('C++')}"
    assert kernels["striped_dot"](*example()) == EXPECTED


@needs_compiler
def test_the_doctor_lists_what_was_built(tmp_path: Path) -> None:
    assert doctor.native_kernels(tmp_path).found == "none was used yet"
    kernels = declared().load(cache_dir=tmp_path)
    declared(name="other dot", variants=(SCALAR,)).load(cache_dir=tmp_path)
    found = doctor.native_kernels(tmp_path)
    assert found.state == "ok"
    assert found.found == (f"other dot: scalar, compiled by {find_compiler()}; {kernels.sentence}")


@pytest.mark.parametrize(
    "flag", ["-ffast-math", "-Ofast", "-march=native", "-ffp-contract=fast", "-mavx2"]
)
def test_flags_that_make_results_differ_are_refused(flag: str) -> None:
    with pytest.raises(ConfigError, match="flags"):
        Variant("quick", flags=(flag,))


def test_a_needed_feature_brings_its_flag() -> None:
    assert FLAG_OF["sse4_2"] == "-msse4.2"
    assert Variant("AVX2", needs=("avx2",), flags=("-mavx2",)).needs == ("avx2",)


def test_declarations_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigError, match="variants"):
        declared(variants=())
    with pytest.raises(ConfigError, match="variants"):
        declared(variants=(SCALAR, Variant("scalar", flags=("-DX",))))
    with pytest.raises(ConfigError, match="variants"):
        declared(variants=(Variant(FALLBACK),))
    with pytest.raises(ConfigError, match="language"):
        NativeLibrary("text", "int one;", {}, (SCALAR,))
    with pytest.raises(ConfigError, match="did you mean 'scalar'"):
        declared().load(variant="scaler")
