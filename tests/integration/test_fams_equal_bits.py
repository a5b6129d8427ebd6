"""The baselines of FAMS: equal seeds give equal bits in another process."""

from __future__ import annotations

import inspect
import subprocess
import sys


def digests() -> list[str]:
    import hashlib

    import numpy as np
    import torch

    from heliostat_methods.fams.estimators.by_name import ESTIMATORS

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    x = np.linspace(-2, 2, 90).reshape(30, 3) ** 2
    y, groups = np.arange(30) % 3 == 0, np.arange(30) % 2
    found = []
    for name, entry in ESTIMATORS.items():
        known = entry.create().get_params()
        if "hidden" in known:
            short = {"epochs": 2, "batch_size": 8, "rounds": 3}
            usable = {name: value for name, value in short.items() if name in known}
            made = entry.create(hidden=(4,), seed=11, **usable)
            scores = made.fit(x, y, sensitive_features=groups).predict_proba(x)
            found.append(f"{name} {hashlib.sha256(scores.tobytes()).hexdigest()}")
    torch.set_num_threads(before)
    return found


def test_equal_seeds_give_equal_bits_in_another_process() -> None:
    source = f"{inspect.getsource(digests)}\nprint(*digests(), sep=chr(10))"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    here = digests()
    assert len(here) >= 6
    assert done.stdout.splitlines() == here, done.stderr
