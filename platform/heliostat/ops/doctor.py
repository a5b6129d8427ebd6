"""What of this machine could keep a run from working, or make it slower or less exact.

Each examination answers with one finding: ok, a warning (a run works, but not as well as it could)
or failed (a run would end with an error), and with what to do about it.
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import os
import resource
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from heliostat.contract.cache import default_cache_dir
from heliostat.contract.finding import Finding, State
from heliostat.contract.instructions import (
    LEVEL_VARIABLE,
    NATIVE,
    PORTABLE,
    cpu,
    lacking,
    level_text,
)
from heliostat.contract.toolchain import Language, built, commands, find_compiler
from heliostat.distributions import EntryPointFile, malformed
from heliostat.errors import told
from heliostat.executors.ray.reaching import why_unreachable
from heliostat.executors.ray.shared_memory import MEND, SHARED_MEMORY, too_small
from heliostat.ops.cluster.mounts import TOKEN_HINT, token_path
from heliostat.ops.method_findings import of_methods
from heliostat.plugins.registry import registry
from heliostat.process.guard import contained
from heliostat.store.folder import runs_root
from heliostat.terminal import printable
from heliostat.worker import devices
from heliostat.worker.devices import Gpu
from heliostat.worker.instructions import hold
from heliostat.worker.numerics import THREAD_VARIABLES, environment

NEEDED_PYTHON = (3, 11)
RAY_MINOR = "2.60."
LIBRARIES = ("numpy", "scipy", "numba", "torch", "deap", "sympy", "optuna", "sklearn")
GIB = 1 << 30
FULL_BYTES, SCARCE_BYTES = 100 << 20, GIB
"""Free disk below which a run would fail, and below which it may."""
MEMORY_BYTES = 2 * GIB
SOCKET_FOLDER_LENGTH = 45
"""Ray's sockets lie about 60 characters below its folder; Linux allows 107."""
OPEN_FILES = 1024
CLOCK_SECONDS = 2.0


def examine(shell: Mapping[str, str] | None = None, cgroup: Path | None = None) -> list[Finding]:
    """Return what was found on this machine; `shell` holds the variables as the user set them."""
    shell = os.environ if shell is None else shell
    return [
        _python(),
        *_libraries(),
        distributions(malformed()),
        _ray(),
        cores(cgroup or Path("/sys/fs/cgroup"), os.cpu_count() or 1),
        numerics(hold(), lacking()),
        _threads(shell, hold()),
        gpus(devices.with_memory(), shell),
        _memory(),
        shared_memory(SHARED_MEMORY),
        folder("runs folder", runs_root()),
        folder("cache folder", default_cache_dir()),
        compilers(shell),
        native_kernels(default_cache_dir()),
        folder("temp folder", Path(tempfile.gettempdir())),
        _sockets(shell),
        locks(runs_root()),
        clock(runs_root()),
        _open_files(),
        token(shell, token_path()),
        address(shell),
        *of_methods(registry()),
    ]


def _python() -> Finding:
    fits = sys.version_info >= NEEDED_PYTHON
    return Finding(
        "python", "ok" if fits else "failed", sys.version.split()[0], "use 3.11 or later"
    )


def _libraries() -> Iterator[Finding]:
    versions = environment()["versions"]
    for name in LIBRARIES:
        package = {"sklearn": "scikit-learn"}.get(name, name)
        why = import_fails(name)
        found = str(versions.get(package) or ("missing" if why else "present"))
        told_of = f"{found}: {why}" if why else found
        yield Finding(package, "failed" if why else "ok", told_of, f"pip install {package}")


def import_fails(name: str) -> str:
    """Import a library and return why it cannot be: what is installed may still be broken."""
    try:
        with redirect_stdout(sys.stderr), contained(f"the import of {name}"):
            importlib.import_module(name)
    except Exception as error:
        return told(error)
    return ""


def distributions(malformed: Sequence[EntryPointFile]) -> Finding:
    """Name the files of entry points that are malformed: what they declare is left out."""
    if not malformed:
        return Finding("distributions", "ok", "what is installed can be read")
    found = "; ".join(printable(f"{file.path}: {file.problem}") for file in malformed)
    mend = "what stands there is left out: install these distributions again, or remove them"
    return Finding("distributions", "warning", found, mend)


def _ray() -> Finding:
    mend = "pip install 'ray>=2.60,<2.61'"
    version = environment()["versions"].get("ray")
    if version is None:
        return Finding("ray", "warning", "missing: only --workers serial works", mend)
    if why := import_fails("ray"):
        found = f"{version}: {why}: only --workers serial works"
        return Finding("ray", "warning", found, f"install it again: {mend}")
    fits = str(version).startswith(RAY_MINOR)
    return Finding("ray", "ok" if fits else "warning", str(version), f"tested with 2.60: {mend}")


def allowed_cores(cgroup: Path) -> float | None:
    """Return how many cores' time the control group may use, or None without a limit."""
    try:  # version 2, then version 1
        if (cgroup / "cpu.max").exists():
            quota, period = (cgroup / "cpu.max").read_text().split()
        else:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        return None if quota in ("max", "-1") else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def cores(cgroup: Path, count: int) -> Finding:
    """Compare the cores that the machine has with those that this process may use."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
    limit = allowed_cores(cgroup)
    usable = max(1, int(min(count, affinity, count if limit is None else limit)))
    told = "" if limit is None else f", control group allows {limit:g}"
    told += "" if affinity == count else f", this process may use {affinity}"
    model = f"{cpu()['model']}, {cpu()['vector']}"
    return Finding(
        "cores",
        "ok" if usable == count else "warning",
        f"{count}{told}; {model}",
        f"workers would share {usable} of {count} cores: pass --workers {usable}",
    )


def numerics(level: str, missing: Sequence[str]) -> Finding:
    """Name the instruction level that runs begin at here, unless they say another."""
    found = f"runs begin at {level_text(level)}; --numerics or {LEVEL_VARIABLE} says another"
    if level == PORTABLE:
        return Finding("numerics", "ok", found)
    if not missing:
        return Finding("numerics", "ok", f"{found}, {PORTABLE} for equal bits on other CPUs")
    mend = "equal bits on CPUs of this type alone: use an x86-64 CPU with AVX2 and FMA on Linux"
    return Finding("numerics", "warning", f"{found}; lacks {' and '.join(missing)}", mend)


def _threads(shell: Mapping[str, str], level: str) -> Finding:
    set_there = {name: shell[name] for name in (*THREAD_VARIABLES, "MKL_CBWR") if name in shell}
    said = ", ".join(f"{name}={value}" for name, value in set_there.items()) or "nothing"
    here = os.environ.get("MKL_CBWR", "unset")
    found = f"the shell sets {said}; tasks use one unless they declare more, MKL_CBWR={here}"
    own = level != NATIVE or "STRICT" in set_there.get("MKL_CBWR", "STRICT")
    mend = "other machines may give other last bits: unset MKL_CBWR"
    return Finding("BLAS threads", "ok" if own else "warning", found, mend)


def gpus(there: Sequence[Gpu], shell: Mapping[str, str]) -> Finding:
    """List the GPUs of this machine, and say whether the shell and torch leave any to tasks."""
    name = "GPUs"
    if not there:
        return Finding(name, "ok", "none; tasks use the CPU")
    listed = ", ".join(
        gpu.name + (f" with {gpu.memory / 1e9:.0f} GB" if gpu.memory else "") for gpu in there
    )
    drivers = ", ".join(sorted({gpu.driver for gpu in there if gpu.driver})) or "unknown"
    found = f"{listed}; driver {drivers}"
    shown = devices.visible(shell, there)
    if len(shown) < len(there):
        found += f"; {devices.VISIBLE}={shell[devices.VISIBLE]} leaves {len(shown)}"
    why = devices.torch_refuses() if shown else "none is left to tasks"
    if not why:
        return Finding(name, "ok", found)
    mend = "tasks that need one fail: " + (
        "install torch for CUDA" if shown else f"unset {devices.VISIBLE}"
    )
    return Finding(name, "warning", f"{found}; {why}", mend)


def _memory() -> Finding:
    import psutil

    free = psutil.virtual_memory().available
    state: State = "ok" if free >= MEMORY_BYTES else "warning"
    mend = "workers may be ended for want of memory: close programs or use fewer --workers"
    return Finding("memory", state, f"{free / 1e9:.1f} GB available", mend)


def shared_memory(path: Path) -> Finding:
    """Look at the file system in memory that Ray keeps shared data in."""
    name = "shared memory"
    if not path.exists():
        return Finding(name, "ok", f"no {path}; Ray uses files")
    free = shutil.disk_usage(path).free
    state: State = "failed" if too_small(path) else "ok"
    return Finding(name, state, f"{free / 1e9:.1f} GB free in {path}", MEND.format(path))


def folder(name: str, path: Path) -> Finding:
    """Write a file where the folder is or would be made, and look at the room there."""
    existing = _existing(path)
    try:
        with tempfile.NamedTemporaryFile(dir=existing) as file:
            file.write(b"x" * 4096)
            file.flush()
    except OSError as error:
        mend = "free some space" if error.errno == errno.ENOSPC else "change its permissions"
        return Finding(
            name, "failed", f"{path}: cannot write: {error.strerror}", f"{mend}, or choose another"
        )
    free = shutil.disk_usage(existing).free
    state: State = "failed" if free < FULL_BYTES else "warning" if free < SCARCE_BYTES else "ok"
    return Finding(
        name, state, f"{path}, {free / 1e9:.1f} GB free", "free some space or choose another folder"
    )


def compilers(shell: Mapping[str, str]) -> Finding:
    """Look for the compilers that native kernels of methods are built with when first used."""
    languages: tuple[Language, ...] = ("C", "C++")
    said, missing = [], []
    for language in languages:
        compiler = find_compiler(language, shell)
        if compiler is None:
            missing.append(language)
            said.append(f"no {language} compiler ({', '.join(commands(language, shell))})")
        else:
            said.append(f"{compiler} ({' '.join(compiler.command)})")
    mend = f"kernels in {' and '.join(missing)} run as pure Python, with equal results but slowly: "
    return Finding(
        "compiler",
        "warning" if missing else "ok",
        printable(", ".join(said)),
        f"{mend}install gcc and g++, or clang, or set CC and CXX",
    )


def native_kernels(cache_dir: Path) -> Finding:
    """List the native kernels that methods have built on this machine."""
    return Finding("native kernels", "ok", "; ".join(built(cache_dir)) or "none was used yet")


def _sockets(shell: Mapping[str, str]) -> Finding:
    path = shell.get("RAY_TMPDIR") or "/tmp/ray"
    fits = len(path) <= SOCKET_FOLDER_LENGTH
    mend = "names of sockets would be too long: set RAY_TMPDIR to a shorter path"
    return Finding("ray folder", "ok" if fits else "failed", path, mend)


def locks(path: Path) -> Finding:
    """Try the lock that keeps two drivers from one run; some network disks have none."""
    try:
        with tempfile.TemporaryFile(dir=_existing(path)) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        mend = "choose a runs folder on a disk of this machine"
        return Finding("file locks", "failed", f"{path}: {error.strerror}", mend)
    return Finding("file locks", "ok", f"work in {path}")


def clock(path: Path, now: float | None = None) -> Finding:
    """Compare this machine's clock with that of the disk, which may be another machine's."""
    now = time.time() if now is None else now
    mend = "times and the order of runs would mislead: set the clocks (timedatectl set-ntp true)"
    try:
        with tempfile.NamedTemporaryFile(dir=_existing(path)) as file:
            apart = os.fstat(file.fileno()).st_mtime - now
    except OSError:
        return Finding("clock", "warning", f"nothing to compare with: {path} is not writable", mend)
    state: State = "ok" if abs(apart) <= CLOCK_SECONDS else "warning"
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    return Finding("clock", state, f"{shown}, {abs(apart):.1f} s from that of the disk", mend)


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    state: State = "ok" if soft >= OPEN_FILES or soft < 0 else "warning"
    mend = "many workers need many files: ulimit -n 65536"
    return Finding("open files", state, str(soft), mend)


def token(shell: Mapping[str, str], path: Path) -> Finding:
    """Look for the secret that the nodes of a Ray cluster share."""
    if shell.get("RAY_AUTH_TOKEN"):
        return Finding("ray token", "ok", "in RAY_AUTH_TOKEN")
    if not path.is_file():
        wanted = shell.get("RAY_AUTH_MODE") == "token"
        found = f"{path} is missing" + ("" if wanted else "; only clusters need one")
        return Finding("ray token", "failed" if wanted else "ok", found, TOKEN_HINT)
    private = not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    found = str(path) + ("" if private else ", which others of this machine may read")
    return Finding("ray token", "ok" if private else "warning", found, f"chmod 600 {path}")


def address(shell: Mapping[str, str]) -> Finding:
    """Look whether the cluster that the shell names answers."""
    where = shell.get("RAY_ADDRESS", "")
    if not where:
        return Finding("ray address", "ok", "not set; --address names a cluster")
    why = why_unreachable(where)
    found = f"RAY_ADDRESS={where}" + ("" if why is None else f": {why}")
    mend = "--address auto would fail: start the cluster, or unset RAY_ADDRESS"
    return Finding("ray address", "ok" if why is None else "warning", found, mend)


def _existing(path: Path) -> Path:
    return next(p for p in (path.absolute(), *path.absolute().parents) if p.is_dir())
