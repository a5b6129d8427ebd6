"""The figures of a run: prices as functions, the kernel, how engines converge.

Imports `tasks` and the rooms that price.
"""
