"""All engines by name: which of them can price a contract, and the call that sends it there.

Imports `monte_carlo`, `grids` and every room that they may import.
"""
