"""The point of n legs whose products are symbols."""

from __future__ import annotations

from heliostat_methods.amplitudes.fields.symbols import SymbolField
from heliostat_methods.amplitudes.kinematics.gram_point import GramPoint


def symbolic_point(n: int) -> GramPoint:
    """Return a point over rational functions of its independent products.

    Symbols k0k1, e0k1, e0e1, ...; k_{n-3}.k_{n-2} and e_{n-1}.k_{n-2} follow from the others. n
    from 3 to 5: five gluons take twenty seconds.
    """
    if not 3 <= n <= 5:
        raise ValueError(f"n: {n}, expected 3 to 5 legs for an expression")
    momenta = [(i, j) for j in range(n - 1) for i in range(j) if (i, j) != (n - 3, n - 2)]
    names = [f"k{i}k{j}" for i, j in momenta]
    names += [f"e{i}k{j}" for i in range(n) for j in range(n - 1)
              if i != j and (i, j) != (n - 1, n - 2)]  # fmt: skip
    names += [f"e{i}e{j}" for j in range(n) for i in range(j)]
    field = SymbolField(names, fractions=True)
    zero = field.zero
    kk = [[zero] * (n - 1) for _ in range(n - 1)]
    rest = zero
    for i, j in momenta:
        kk[i][j] = kk[j][i] = field.symbol[f"k{i}k{j}"]
        rest = rest + kk[i][j]
    kk[n - 3][n - 2] = kk[n - 2][n - 3] = -rest
    ek = [[field.symbol.get(f"e{i}k{j}", zero) for j in range(n - 1)] for i in range(n)]
    total = zero
    for x in ek[n - 1][:-1]:
        total = total + x
    ek[n - 1][n - 2] = -total
    ee = [[field.symbol.get(f"e{min(i, j)}e{max(i, j)}", zero) for j in range(n)] for i in range(n)]
    return GramPoint(kk, ek, ee, field)
