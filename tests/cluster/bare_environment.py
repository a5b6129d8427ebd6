"""Make `.venv/bare`: every library of `.venv` and Ray's job server, but no Heliostat.

The machines of a cluster start from it, so that what runs there is what was sent there.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BARE = ROOT / ".venv" / "bare"


def make() -> None:
    """Make the environment if it is not whole yet."""
    if (BARE / "ready").exists():
        return
    venv.EnvBuilder(symlinks=True, clear=True).create(BARE)
    python = BARE / "bin" / "python"
    libraries = Path(sysconfig.get_path("purelib", vars={"base": str(BARE)}))
    # a folder named in a .pth file is searched, but the .pth files in it are not read: what is
    # installed there in editable form stays unknown
    (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    quiet = ["-q", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, *quiet, "ray[default]"], check=True)
    ray = BARE / "bin" / "ray"
    ray.write_text(f"#!{python}\nfrom ray.scripts.scripts import main\n\nmain()\n")
    ray.chmod(0o755)
    (BARE / "ready").touch()


if __name__ == "__main__":
    make()
