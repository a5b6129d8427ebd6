"""Tasks on Ray: chunks there and back, workers and nodes that die, code that has to be the same.

Imports what `executors` may; `executor` alone imports Ray.
"""
