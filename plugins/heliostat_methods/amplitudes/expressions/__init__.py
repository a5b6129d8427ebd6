"""Amplitudes as expressions of SymPy, and as LaTeX."""
