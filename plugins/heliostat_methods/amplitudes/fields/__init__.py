"""Numbers to compute with: rationals, residues, floats, polynomials; each behind one protocol."""
