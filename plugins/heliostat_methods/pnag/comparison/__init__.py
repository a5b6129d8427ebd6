"""Searchers compared at equal unique evaluations: seeds, verdicts, the outcome as a typed value."""
