"""One command that turns a source into a shared library, the same arithmetic for every CPU.

The flags leave additions and products as they are written: no "fast" mathematics and no product
fused with a sum unless the source asks for it. So scalar code and vector code that adds in the same
order give the same bits. Nothing depends on the CPU that compiles (no -march=native).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from heliostat.contract.toolchain import Compiler, Language
from heliostat.errors import ConfigError
from heliostat.terminal import printable
from heliostat_search.compiled.cpu_features import FLAG_OF, feature_flags

COMPILE_SECONDS = 300.0
"""After which a compiler is taken to hang."""
LONGEST_REASON = 200
_STANDARD = {"C": "-std=c11", "C++": "-std=c++17"}
_SUFFIX = {"C": ".c", "C++": ".cpp"}
_REFUSED = (
    "-Ofast", "-ffast-math", "-ffp-contract", "-funsafe-math-optimizations", "-fassociative-math",
    "-freciprocal-math", "-ffinite-math-only", "-fno-signed-zeros", "-fcx-limited-range",
    "-fexcess-precision=fast", "-ffp-model", "-march=native", "-mcpu=native", "-mtune=native",
)  # fmt: skip


class NotBuilt(Exception):
    """A library could not be built or loaded; the message is part of a sentence."""


def check_flags(flags: Sequence[str], needs: Sequence[str]) -> None:
    """Refuse flags that change arithmetic, or that use what the variant does not say it needs."""
    features = {flag: feature for feature, flag in FLAG_OF.items()}
    for flag in flags:
        if flag.startswith(_REFUSED):
            raise ConfigError(
                "flags", flag, "flags that leave results alike on every CPU and with every variant"
            )
        if flag in features and features[flag] not in needs:
            hint = f"name {features[flag]!r} in needs, which gives the flag"
            raise ConfigError("flags", flag, "no flag for a feature of the CPU", hint)


def all_flags(language: Language, flags: Sequence[str], needs: Sequence[str]) -> tuple[str, ...]:
    """Return what stands after the source's name; a library (-lz) has to come after it."""
    fixed = (_STANDARD[language], "-O3", "-fPIC", "-shared", "-ffp-contract=off")
    return (*fixed, *feature_flags(needs), *flags, "-lm")


def compile_in(
    folder: Path, name: str, source: bytes, language: Language, flags: Sequence[str],
    compiler: Compiler, output: str,
) -> None:  # fmt: skip
    """Write the source into an empty folder and compile it there, to the file ``output``.

    The source has to be complete: what it includes beside the system's headers is not found there,
    as its text would not be part of what a stored library is known by.
    """
    file = name + _SUFFIX[language]
    (folder / file).write_bytes(source)
    with subprocess.Popen(
        [*compiler.command, file, *flags, "-o", output],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C", "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C ends the run in good order; the build goes on until then
    ) as process:
        try:
            _, said = process.communicate(timeout=COMPILE_SECONDS)
        except subprocess.TimeoutExpired:
            raise NotBuilt(f"{compiler} took more than {COMPILE_SECONDS:.0f} s") from None
        finally:
            if process.returncode is None:  # its children would keep it waiting
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise NotBuilt(f"{compiler} refused it ({_first_error(said, process.returncode)})")


def _first_error(said: bytes, code: int) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    found = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")
    return printable(found.strip())[:LONGEST_REASON] or f"exit code {code}"
