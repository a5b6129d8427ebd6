"""A space all of whose architectures have been trained: accuracy and cost are looked up.

Every decision exists always; several choices may be the same network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heliostat.errors import ConfigError, did_you_mean
from heliostat_methods.pnag.spaces.space import Archs, Decision


@dataclass(frozen=True, eq=False)
class TabularSpace:
    """A table of architectures; follows `SearchSpace` and `KnownSpace`.

    A code is the number whose digits, the first decision's first, are an architecture's places.
    `canonical_codes`: (codes,), -1 where the choices are no architecture. `codes`, `accuracies`,
    `test_accuracies` (in [0, 1]) and `costs`: (architectures,), by rising canonical code. `digits`:
    of each decision the signs that write its choices, one each.
    """

    name: str
    decisions: tuple[Decision, ...]
    quantity: str
    digits: tuple[str, ...]
    canonical_codes: NDArray[np.int64]
    codes: NDArray[np.int64]
    accuracies: NDArray[np.float64]
    test_accuracies: NDArray[np.float64]
    costs: NDArray[np.float64]

    @property
    def size(self) -> int:
        """How many different architectures there are."""
        return len(self.codes)

    def canonical(self, choices: NDArray[Any]) -> Archs:
        """Return the row that stands for each row's network; no architectures come back as is."""
        rows: Archs = np.asarray(choices).astype(np.int16)
        good = self.valid(rows)
        rows[good] = self._rows(self.canonical_codes[self._codes(rows[good])])
        return rows

    def valid(self, choices: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows are architectures, (n,)."""
        rows = np.asarray(choices)
        good: NDArray[np.bool_] = np.all((rows >= 0) & (rows < self._widths), axis=1)
        good[good] = self.canonical_codes[self._codes(rows[good])] >= 0
        return good

    def write(self, arch: NDArray[Any]) -> str:
        """Return the key of an architecture (decisions,), a sign for each decision."""
        row = self.canonical(np.asarray(arch)[None])[0]
        return "".join(signs[int(place)] for signs, place in zip(self.digits, row, strict=True))

    def read(self, text: str) -> Archs:
        """Return the architecture (decisions,) of a key; ConfigError says what is wrong."""
        if len(text) != len(self.decisions):
            raise ConfigError(
                "architecture", text, f"{len(self.decisions)} digits, such as {self._example()!r}"
            )
        pairs = zip(text, self.digits, self.decisions, strict=True)
        row = np.array([[_place(sign, signs, decision) for sign, signs, decision in pairs]])
        if not self.valid(row)[0]:
            raise ConfigError("architecture", text, f"an architecture of {self.name}")
        canonical: Archs = self.canonical(row)[0]
        return canonical

    def encode(self, archs: Archs) -> NDArray[np.float32]:
        """Return one-hot choices, (n, choices of all decisions together)."""
        starts = np.concatenate([[0], np.cumsum(self._widths)])
        encoded = np.zeros((len(archs), starts[-1]), dtype=np.float32)
        encoded[np.arange(len(archs))[:, None], np.asarray(archs) + starts[:-1]] = 1
        return encoded

    def look_up(self, archs: Archs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return accuracy on validation data and cost, (n,) each, of architectures."""
        places = self._places(archs)
        return self.accuracies[places], self.costs[places]

    def test_accuracy(self, archs: Archs) -> NDArray[np.float64]:
        """Return accuracy on test data, (n,), which no search is shown."""
        return self.test_accuracies[self._places(archs)]

    def everything(self) -> Archs:
        """Return all architectures, by rising code."""
        return self._rows(self.codes)

    def _places(self, archs: Archs) -> NDArray[np.intp]:
        bad = np.flatnonzero(~self.valid(archs))
        if len(bad):
            raise ConfigError(
                "architecture", archs[bad[0]].tolist(), f"an architecture of {self.name}"
            )
        return np.searchsorted(self.codes, self.canonical_codes[self._codes(archs)])

    @property
    def _widths(self) -> NDArray[np.int64]:
        return np.array([len(decision.choices) for decision in self.decisions], dtype=np.int64)

    def _codes(self, rows: NDArray[Any]) -> NDArray[np.int64]:
        weights = np.concatenate([np.cumprod(self._widths[:0:-1])[::-1], [1]])
        codes: NDArray[np.int64] = rows.astype(np.int64) @ weights
        return codes

    def _rows(self, codes: NDArray[np.int64]) -> Archs:
        return np.stack(np.unravel_index(codes, tuple(self._widths)), axis=1).astype(np.int16)

    def _example(self) -> str:
        return self.write(self._rows(self.codes[:1])[0])


def _place(sign: str, signs: str, decision: Decision) -> int:
    place = signs.find(sign)
    if place < 0:
        raise ConfigError(decision.name, sign, "a known digit", did_you_mean(sign, signs))
    return place
