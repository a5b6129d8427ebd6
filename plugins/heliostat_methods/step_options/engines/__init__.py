"""All engines by name: which can price a contract, the call that sends it there, and the gate.

Imports `monte_carlo`, `grids` and every room that they may import.
"""
